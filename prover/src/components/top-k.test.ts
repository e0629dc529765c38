import { describe, expect, it } from '@jest/globals';
import { Sumcheck } from '../protocol/sumcheck.js';
import { objections, traceOfValues } from '../testing/mini.js';
import { Builder, dim, fromTrace } from './builder.js';
import { TopK } from './top-k.js';

const [t, e] = [dim('t', 2), dim('e', 8)];
const K = 3;

interface Row {
  values: bigint[];
  selected: number[];
  among?: number[];
}

/** What is objected to a selection; two rows, the first honest. */
async function select(
  row: Row,
  change?: Parameters<typeof objections>[1]['change'],
): Promise<string[]> {
  const first: Row = { values: [8n, 7n, 6n, 5n, 4n, 3n, 2n, 1n], selected: [0, 1, 2] };
  const rows = [first, row];
  const builder = new Builder();
  const bit = (pick: (r: Row) => number[]): bigint[] =>
    rows.flatMap((r) => Array.from({ length: 8 }, (_, k) => (pick(r).includes(k) ? 1n : 0n)));
  const all = [0, 1, 2, 3, 4, 5, 6, 7];
  const value = builder.free('value', [t, e], fromTrace('value'));
  const among = builder.free('among', [t, e], fromTrace('among'));
  const top = new TopK(builder, {
    name: 'top',
    rows: [t],
    candidates: [e],
    k: K,
    cells: 2,
    selector: fromTrace('selected'),
    values: fromTrace('value'),
    among: fromTrace('among'),
  });
  const trace = traceOfValues({
    value: { dims: [2, 8], data: rows.flatMap((r) => r.values) },
    selected: { dims: [2, 8], data: bit((r) => r.selected) },
    among: { dims: [2, 8], data: bit((r) => r.among ?? all) },
  });
  return objections(builder, {
    trace,
    change,
    script: async (scope) => {
      const sum = new Sumcheck(scope, [t, e], 'top-k');
      top.constrain(sum, scope, sum.tensor(value), sum.tensor(among));
      await sum.run();
    },
  });
}

const VALUES = [40n, -7n, 90n, 12n, 90n, 3n, 41n, 12n];

describe('top-k', () => {
  it('accepts the k largest', async () => {
    expect(await select({ values: VALUES, selected: [2, 4, 6] })).toEqual([]);
  });
  it('accepts negative values, and ties by the lower index', async () => {
    const negative = VALUES.map((v) => v - (1n << 24n));
    expect(await select({ values: negative, selected: [2, 4, 6] })).toEqual([]);
    expect(await select({ values: new Array<bigint>(8).fill(-5n), selected: [0, 1, 2] })).toEqual(
      [],
    );
    expect(await select({ values: [1n, 9n, 1n, 9n, 1n, 1n, 1n, 1n], selected: [0, 1, 3] })).toEqual(
      [],
    );
  });
  it('rejects ties by a higher index', async () => {
    expect(await select({ values: new Array<bigint>(8).fill(-5n), selected: [0, 1, 3] })).toEqual([
      'top-k',
    ]);
    expect(await select({ values: [1n, 9n, 1n, 9n, 1n, 1n, 1n, 1n], selected: [1, 3, 4] })).toEqual(
      ['top-k'],
    );
  });
  it('rejects a lower key, fewer and more', async () => {
    expect(await select({ values: VALUES, selected: [2, 4, 0] })).toEqual(['top-k']);
    expect(await select({ values: VALUES, selected: [2, 4] })).toEqual(['top-k']);
    expect(await select({ values: VALUES, selected: [2, 4, 6, 0] })).toEqual(['top-k']);
  });
  it('rejects a lower key with the difference as a negative field element', async () => {
    const forged = await select({ values: VALUES, selected: [2, 4, 0] }, (v, at) => {
      // candidate 6 is larger than the threshold (candidate 0): its difference is -(key_6 - key_0) - 1
      const gap = (41n - 40n) * 8n - 6n;
      v.set(at('top.d.0', 14), 65536n - gap - 1n);
      v.set(
        at('top.d.1', 14),
        0x40000000000000000000000000000000224698fc094cf91b992d30ed00000001n - 1n,
      );
    });
    expect(forged).toEqual(['range']);
  });
  it('rejects a candidate that counts twice', async () => {
    // s = 2 at the best, 1 at the next: the sum is 3, and all differences fit
    const forged = await select({ values: VALUES, selected: [2, 4] }, (v, at) => {
      const key = (k: number): bigint => VALUES[k] * 8n + BigInt(7 - k);
      v.set(at('top.s', 8 + 2), 2n);
      v.set(at('top.d.0', 8 + 2), 3n * (key(2) - key(4)) + 1n);
    });
    expect(forged).toEqual(['top-k']);
  });
  it('selects among the candidates that are left', async () => {
    const among = [0, 1, 3, 5, 6];
    expect(await select({ values: VALUES, selected: [6, 0, 3], among })).toEqual([]);
    expect(await select({ values: VALUES, selected: [2, 4, 6], among })).toEqual(['top-k']);
    expect(await select({ values: VALUES, selected: [6, 0, 5], among })).toEqual(['top-k']);
  });
});
