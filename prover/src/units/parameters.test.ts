import { describe, expect, it } from '@jest/globals';
import type { Integers } from '../commitment/integers.js';
import { Builder, dim, padded, type Dim } from '../components/builder.js';
import { parameterIntegers } from './parameters.js';

const SHAPES: Dim[][] = [
  [dim('a', 8)],
  [dim('a', 5)],
  [dim('a', 4), dim('b', 8)],
  [dim('a', 3), dim('b', 8)],
  [dim('a', 4), dim('b', 7)],
  [dim('a', 3), dim('b', 5), dim('c', 4)],
  [dim('a', 5), dim('b', 1), dim('c', 3)],
  // blocks that are padded by themselves
  [dim('a', 6, 2), dim('b', 4)],
  [dim('a', 4), dim('b', 9, 3)],
  [dim('a', 12, 4), dim('b', 10, 2)],
];

/** Weights whose entries tell where they are; counts what is read. */
function weights(builder: Builder): { weight(name: string): Integers; read: number[] } {
  const read: number[] = [];
  const lengths = new Map(
    builder.parameterFills.map(({ source, dims }) => [
      source as string,
      dims.reduce((n, d) => n * d.size, 1),
    ]),
  );
  const weight = (name: string): Integers => {
    const length = lengths.get(name) ?? 0;
    return {
      length,
      read(from, into) {
        read.push(into.length);
        expect(from + into.length).toBeLessThanOrEqual(length);
        for (let i = 0; i < into.length; i++) into[i] = 1000 * Number(name) + from + i + 1;
      },
    };
  };
  return { weight, read };
}

describe('the integers of parameters', () => {
  const builder = new Builder();
  SHAPES.forEach((dims, k) => builder.parameter(String(k + 1), dims));
  const table = Array.from({ length: 6 }, (_, i) => -i);
  let computed = 0;
  builder.parameter(
    () => {
      computed++;
      return table;
    },
    [dim('a', 6)],
    'table',
  );
  builder.parameters.seal();
  const { end } = builder.parameters;
  const expected = new Int32Array(end);
  for (const { block, dims, source } of builder.parameterFills)
    padded(dims, (at, i) => {
      if (i >= 0)
        expected[block.offset + at] =
          typeof source === 'string' ? 1000 * Number(source) + i + 1 : table[i];
    });

  it('are those of the padded blocks, from and to anywhere', async () => {
    const { weight, read } = weights(builder);
    const integers = parameterIntegers({ builder, weight: (_: unknown, name) => weight(name) }, 0);
    expect(integers.length).toBe(end);
    for (const count of [1, 2, 3, 7, 16, 31, 100, end])
      for (let from = 0; from + count <= end; from += Math.max(1, count >> 1)) {
        const into = new Int32Array(count).fill(99);
        read.length = 0;
        await integers.read(from, into);
        expect([from, ...into]).toEqual([from, ...expected.subarray(from, from + count)]);
        // no more is read than is asked for
        expect(read.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(count);
      }
    expect(computed).toBe(1);
  });

  it('refuse a weight of another size', () => {
    const weight = (): Integers => ({ length: 7, read: () => undefined });
    expect(() => parameterIntegers({ builder, weight }, 0)).toThrow(
      expect.objectContaining({ code: 'BAD_MODEL', where: '1', expected: '8', got: '7' }),
    );
  });
});
