/** Argmax of each row, ties to the lower index. */
import { expectLength, type Site } from './site.js';

export function argmax(acc: BigInt64Array, rows: number, width: number, at: Site): BigInt64Array {
  expectLength(at, 'the logits', acc.length, rows, width);
  const out = new BigInt64Array(rows);
  for (let t = 0; t < rows; t++) {
    let best = 0;
    for (let v = 1; v < width; v++) if (acc[t * width + v] > acc[t * width + best]) best = v;
    out[t] = BigInt(best);
  }
  return out;
}
