/** Multilinear polynomials the verifier evaluates itself. Points are most significant variable first. */
import type { Tape, Wire } from './tape.js';

/** eq(a, b) = prod (a b + (1-a)(1-b)) */
export function eqEval(tape: Tape, a: Wire[], b: Wire[]): Wire {
  if (a.length !== b.length) throw new RangeError('eqEval: points of different lengths');
  return tape.product(a.map((x, i) => eqFactor(tape, x, b[i])));
}

export function eqFactor(tape: Tape, x: Wire, y: Wire): Wire {
  return tape.linear(
    [
      [tape.mul(x, y), 2n],
      [x, -1n],
      [y, -1n],
    ],
    1n,
  );
}

/** eq(point, b) for every b. */
export function eqTable(tape: Tape, point: Wire[]): Wire[] {
  let table = [tape.constant(1n)];
  for (const r of point) {
    table = table.flatMap((x) => {
      const y = tape.mul(x, r);
      return [tape.sub(x, y), y];
    });
  }
  return table;
}

/** eq(bits of value, point) for a known integer of point.length bits. */
export function eqInteger(tape: Tape, value: number, point: Wire[]): Wire {
  return tape.product(
    point.map((r, i) => ((value >> (point.length - 1 - i)) & 1 ? r : tape.linear([[r, -1n]], 1n))),
  );
}

/** The extension of b -> x^b: prod (1 - r_j + r_j x^(2^j)), j counted from the last variable. */
export function powEval(tape: Tape, x: Wire, point: Wire[]): Wire {
  let result = tape.constant(1n);
  let base = x;
  for (let j = point.length - 1; j >= 0; j--) {
    const factor = tape.linear(
      [
        [tape.mul(point[j], base), 1n],
        [point[j], -1n],
      ],
      1n,
    );
    result = tape.mul(result, factor);
    if (j > 0) base = tape.mul(base, base);
  }
  return result;
}

/** The extension of b -> b (most significant first). */
export function identityEval(tape: Tape, point: Wire[]): Wire {
  return tape.linear(point.map((r, i): [Wire, bigint] => [r, 1n << BigInt(point.length - 1 - i)]));
}

/** The extension of (a, b) -> [a = b + 1] for equally long a, b. */
export function nextEval(tape: Tape, a: Wire[], b: Wire[]): Wire {
  // From the lowest bit up: the bits that carry (b 1, a 0), then the first that does not (b 0, a 1), then equal ones.
  let carry = tape.constant(1n);
  let done = tape.constant(0n);
  for (let i = a.length - 1; i >= 0; i--) {
    const ab = tape.mul(a[i], b[i]);
    done = tape.add(
      tape.mul(done, eqFactor(tape, a[i], b[i])),
      tape.mul(carry, tape.sub(a[i], ab)),
    );
    carry = tape.mul(carry, tape.sub(b[i], ab));
  }
  return done;
}

/** The extension of (a, b) -> [b <= a] for equally long a, b. */
export function lessOrEqualEval(tape: Tape, a: Wire[], b: Wire[]): Wire {
  // Least significant bit first: le' = a(1-b) + eq(a,b) le
  let le = tape.constant(1n);
  for (let i = a.length - 1; i >= 0; i--) {
    const ab = tape.mul(a[i], b[i]);
    const greater = tape.sub(a[i], ab);
    le = tape.add(greater, tape.mul(eqFactor(tape, a[i], b[i]), le));
  }
  return le;
}

/** The extension of b -> [b < limit], limit an integer in 0 .. 2^point.length. */
export function belowEval(tape: Tape, limit: number, point: Wire[]): Wire {
  return tape.sum(
    alignedBlocks(limit, point.length).map(({ offset, log }) =>
      eqInteger(tape, offset >> log, point.slice(0, point.length - log)),
    ),
  );
}

/** [0, limit) as aligned power-of-two blocks, largest first. */
export function alignedBlocks(limit: number, log: number): { offset: number; log: number }[] {
  const out: { offset: number; log: number }[] = [];
  let offset = 0;
  for (let k = log; k >= 0; k--) {
    if ((limit - offset) >>> k) {
      out.push({ offset, log: k });
      offset += 2 ** k;
    }
  }
  return out;
}

/** Value at r of the polynomial with coefficients c0.. (lowest first). */
export function horner(tape: Tape, coefs: Wire[], r: Wire): Wire {
  return coefs.reduceRight((acc, c) => tape.add(tape.mul(acc, r), c));
}
