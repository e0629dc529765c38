import { describe, expect, test } from '@jest/globals';
import type { Expression } from './engine.js';
import { engine } from './prover.js';
import * as twin from './testing.js';
import { Random } from './testing.js';

const random = new Random(4);

const product: Expression = { columns: 2, constants: [], ops: [[2, 0, 1]], degree: 2 };
// (a b c - 5 a) + (c - b) * (c - b), with a shared difference
const mixed: Expression = {
  columns: 3,
  constants: [5n],
  ops: [
    [2, 0, 1],
    [2, 4, 2],
    [2, 0, 3],
    [1, 5, 6],
    [1, 2, 1],
    [2, 8, 8],
    [0, 7, 9],
  ],
  degree: 3,
};
// a - (b - (a b)), an unused operation in between
const signs: Expression = {
  columns: 2,
  constants: [1n, 2n],
  ops: [
    [2, 0, 1],
    [0, 2, 3],
    [1, 1, 4],
    [1, 0, 6],
  ],
  degree: 2,
};
// the last register is also an operand nowhere else; one column only
const single: Expression = { columns: 1, constants: [3n], ops: [[1, 0, 1]], degree: 1 };
// more evaluations than the degree needs
const generous: Expression = { ...product, degree: 4 };

async function check(expression: Expression, variables: number) {
  let columns = Array.from({ length: expression.columns }, () => random.fields(1 << variables));
  const vecs = columns.map((c) => engine.fromBigints(c));
  const prover = engine.sumcheck(vecs, expression);
  for (const v of vecs) v.set(0, 99n); // columns are copied
  for (let j = 0; j < variables; j++) {
    const expected = [];
    for (let x = 0; x <= expression.degree; x++)
      if (x !== 1) expected.push(twin.sumAt(expression, columns, BigInt(x)));
    expect(await prover.round()).toEqual(expected);
    const r = random.field();
    await prover.bind(r);
    columns = columns.map((c) => twin.fold(c, r));
  }
  expect(prover.finals()).toEqual(columns.map((c) => c[0]));
  await expect(prover.round()).rejects.toMatchObject({ code: 'WRONG_STATE' });
  await expect(prover.bind(1n)).rejects.toMatchObject({ code: 'WRONG_STATE' });
  prover.dispose();
  expect(() => prover.finals()).toThrow(expect.objectContaining({ code: 'DISPOSED' }));
}

describe('sumcheck', () => {
  test.each([
    ['product', product],
    ['mixed', mixed],
    ['signs', signs],
    ['single', single],
    ['generous', generous],
  ])('%s', async (_, expression) => {
    for (const variables of [0, 1, 4, 6]) await check(expression, variables);
  });

  test('many threads, many blocks', async () => {
    engine.setThreads(4);
    await check(mixed, 12);
  });

  test('one call at a time', async () => {
    const v = engine.alloc(1 << 14);
    const prover = engine.sumcheck([v, v], product);
    const first = prover.round();
    await expect(prover.round()).rejects.toMatchObject({ code: 'BUSY' });
    expect(await first).toEqual([0n, 0n]);
    expect(() => prover.finals()).toThrow('expected every variable bound, got 14 left');
  });

  test('rejects malformed expressions and columns', () => {
    const v = engine.alloc(4);
    const rejects = (columns: (typeof v)[], expression: Partial<Expression>, message: string) =>
      expect(() => engine.sumcheck(columns, { ...product, ...expression })).toThrow(message);
    rejects([v], {}, 'sumcheck: expression.columns: expected the number of columns 1, got 2');
    rejects([v, engine.alloc(8)], {}, 'sumcheck: columns[1]: expected length 4, got 8');
    rejects([engine.alloc(3), engine.alloc(3)], {}, 'power of two');
    rejects([], {}, 'expected at least one vector');
    rejects(
      [v, v],
      { ops: [[2, 0, 2]] },
      'sumcheck: expression.ops[0][2]: expected an integer from 0 to 1, got 2',
    );
    rejects([v, v], { ops: [[3 as 2, 0, 1]] }, 'expression.ops[0][0]');
    rejects([v, v], { ops: [] }, 'at least one operation');
    rejects([v, v], { degree: 1 }, 'expected at least the degree of the operations, 2, got 1');
  });
});
