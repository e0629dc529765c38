import { describe, expect, test } from '@jest/globals';
import { Core, Field, Poseidon } from 'o1js';
import { engine } from './prover.js';
import { mod, p, Random } from './testing.js';

const random = new Random(2);
const hash = (values: bigint[]) => Poseidon.hash(values.map(Field)).toBigInt();

describe('Poseidon', () => {
  test('the permutation is the one of Poseidon.update', () => {
    for (let i = 0; i < 20; i++) {
      const [a, b, c, x, y] =
        i === 0 ? [0n, 0n, 0n, 0n, 0n] : i === 1 ? Array(5).fill(p - 1n) : random.fields(5);
      const expected = Poseidon.update([Field(a), Field(b), Field(c)], [Field(x), Field(y)]).map(
        (f) => f.toBigInt(),
      );
      expect(engine.permute([mod(a + x), mod(b + y), c])).toEqual(expected);
    }
  });

  test('roundStates obey the parameters from round to round, and end in the permutation', () => {
    const { mds, roundConstants } = Core.Constants.poseidonParamsKimchiFp;
    const [matrix, constants] = [mds, roundConstants].map((m) => m.map((row) => row.map(BigInt)));
    for (const start of [[0n, 0n, 0n], Array<bigint>(3).fill(p - 1n), random.fields(3)]) {
      const [a, b, c] = start;
      const states = engine.roundStates([a, b, c]);
      expect(states).toHaveLength(165);
      let before: bigint[] = start;
      for (let round = 0; round < 55; round++) {
        const after = states.slice(3 * round, 3 * round + 3);
        const powers = before.map((x) => mod(x ** 7n));
        const expected = matrix.map((row, i) =>
          mod(row.reduce((sum, m, j) => sum + m * powers[j], constants[round][i])),
        );
        expect(after).toEqual(expected);
        before = after;
      }
      expect(before).toEqual(engine.permute([a, b, c]));
    }
    expect(() => engine.roundStates([1n, 2n] as never)).toThrow(
      'roundStates: state: expected 3 elements, got 2',
    );
  });

  test('hash of every length', () => {
    for (let n = 0; n < 20; n++) {
      const values = random.fields(n);
      expect(engine.hash(values)).toBe(hash(values));
    }
  });

  test('hashRows hashes signed rows', async () => {
    for (const rowLength of [1, 3, 8]) {
      const values = Int32Array.from(
        { length: rowLength * 70 },
        () => random.int(2 ** 32) - 2 ** 31,
      );
      const rows = await engine.hashRows(values, rowLength);
      expect(rows.length).toBe(70);
      for (const r of [0, 1, 63, 64, 69]) {
        const row = values.slice(r * rowLength, (r + 1) * rowLength);
        expect(rows.get(r)).toBe(hash([...row].map((v) => mod(BigInt(v)))));
      }
    }
    expect((await engine.hashRows(new Int32Array(0), 4)).length).toBe(0);
    await expect(engine.hashRows(new Int32Array(7), 2)).rejects.toMatchObject({
      code: 'OUT_OF_RANGE',
    });
    await expect(engine.hashRows(new Int32Array(4), 0)).rejects.toThrow('rowLength');
  });

  test('merkleLayers', async () => {
    const leaves = random.fields(16);
    const layers = await engine.merkleLayers(engine.fromBigints(leaves));
    expect(layers.map((l) => l.length)).toEqual([16, 8, 4, 2, 1]);
    let expected = leaves;
    for (const layer of layers) {
      expect(layer.toBigints()).toEqual(expected);
      const below = expected;
      if (below.length > 1)
        expected = below.flatMap((x, i) => (i % 2 ? [] : [hash([x, below[i + 1]])]));
    }
    await expect(engine.merkleLayers(engine.alloc(3))).rejects.toThrow('power of two');
  });

  test('grind finds the smallest nonce', async () => {
    const state = random.fields(3) as [bigint, bigint, bigint];
    const works = (nonce: bigint) =>
      engine.permute([mod(state[0] + nonce), state[1], state[2]])[0] % 32n === 0n;
    const nonce = await engine.grind(state, 5);
    expect(works(nonce)).toBe(true);
    for (let i = 0n; i < nonce; i++) expect(works(i)).toBe(false);
    expect(await engine.grind(state, 0)).toBe(0n);
    engine.setThreads(1);
    expect(await engine.grind(state, 5)).toBe(nonce);
    engine.setThreads(3);
    expect(await engine.grind(state, 5)).toBe(nonce);
  });

  test('grind stops at the signal', async () => {
    const controller = new AbortController();
    const running = engine.grind([1n, 2n, 3n], 60, controller.signal);
    setTimeout(() => controller.abort(), 20);
    await expect(running).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(engine.grind([1n, 2n, 3n], 60, controller.signal)).rejects.toMatchObject({
      code: 'CANCELLED',
    });
  });

  test('states of sponges end in the hashes, and obey the parameters', async () => {
    const [rows, steps] = [3, 4];
    const values = random.fields(2 * rows * steps);
    const states = (await engine.spongeStates(engine.fromBigints(values), rows)).map((v) =>
      v.toBigints(),
    );
    const { mds, roundConstants } = Core.Constants.poseidonParamsKimchiFp;
    const [matrix, constants] = [mds, roundConstants].map((m) => m.map((row) => row.map(BigInt)));
    expect([states.length, constants.length]).toEqual([168, 55]);
    for (let row = 0; row < rows; row++) {
      const own = values.slice(2 * steps * row, 2 * steps * (row + 1));
      for (let step = 0; step < steps; step++)
        expect(states[165][row * steps + step]).toBe(hash(own.slice(0, 2 * (step + 1))));
    }
    for (const k of [0, 20, 54])
      for (let i = 0; i < 3; i++)
        for (const at of [0, 7, 11]) {
          const sum = [0, 1, 2].reduce(
            (s, j) => s + matrix[i][j] * mod(states[3 * k + j][at] ** 7n),
            constants[k][i],
          );
          expect(states[3 * (k + 1) + i][at]).toBe(mod(sum));
        }
    await expect(engine.spongeStates(engine.alloc(6), 2)).rejects.toThrow('spongeStates: values');
  });
});
