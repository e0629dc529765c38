/** Hashes by GKR: true ones pass, and whatever a prover bends is objected to. */
import { describe, expect, it } from '@jest/globals';
import { engine, type FpVec } from '@attensor/native';
import { mod } from '../protocol/field.js';
import { nextEval } from '../protocol/polynomials.js';
import { CONSTANTS, MATRIX } from '../protocol/poseidon.js';
import { Tape } from '../protocol/tape.js';
import { ProverOnly } from '../protocol/prover-only.js';
import { objections, traceOfValues } from '../testing/mini.js';
import { Builder, dim, fromTrace } from './builder.js';
import { RowHashes } from './row-hashes.js';

const ROWS = 4;
const WIDTH = 11;
const PADDED = 16;
const STEPS = PADDED / 2;

/** All states of sponges over rows, starting every step from `start` of the one before. */
function sponge(
  rows: bigint[][],
  start: (state: bigint[], row: number, step: number) => bigint[] = (s) => s,
  afterRound: (state: bigint[], round: number, row: number, step: number) => bigint[] = (s) => s,
): bigint[][] {
  const out = Array.from({ length: 168 }, () => new Array<bigint>(rows.length * STEPS).fill(0n));
  rows.forEach((row, t) => {
    let s = [0n, 0n, 0n];
    for (let step = 0; step < STEPS; step++) {
      s = start(s, t, step);
      s = [mod(s[0] + (row[2 * step] ?? 0n)), mod(s[1] + (row[2 * step + 1] ?? 0n)), s[2]];
      for (let k = 0; k <= 55; k++) {
        s.forEach((v, e) => (out[3 * k + e][t * STEPS + step] = v));
        if (k === 55) break;
        const power = s.map((x) => mod(x ** 7n));
        s = MATRIX.map((m, i) => mod(m.reduce((sum, c, j) => sum + c * power[j], CONSTANTS[k][i])));
        s = afterRound(s, k, t, step);
      }
    }
  });
  return out;
}

const ROW_VALUES = Array.from({ length: ROWS }, (_, t) =>
  Array.from({ length: WIDTH }, (_, i) => mod(BigInt(t * 1000 + i * 37) - 1500n)),
);

interface Bend {
  states?: bigint[][];
  /** given to the script instead of what the witness holds */
  layers?: bigint[][];
  hashes?: (hashes: bigint[]) => bigint[];
  change?: (vector: FpVec, at: (name: string, index: number) => number) => void;
}

async function check(bend: Bend = {}): Promise<string[]> {
  const builder = new Builder();
  const dims = [dim('t', ROWS), dim('i', WIDTH)];
  const x = builder.free('x', dims, fromTrace('x'));
  const rows = new RowHashes(builder, 'h', x, dims[1]);
  const states = bend.states ?? sponge(ROW_VALUES);
  const vectors = states.map((s) => engine.fromBigints(s));
  const layers = (bend.layers ?? states).map((s) => engine.fromBigints(s));
  const true_ = ROW_VALUES.map((row) => engine.hash(row));
  const data = ROW_VALUES.flat().map((v) => (v > 1n << 60n ? v - mod(-1n) - 1n : v));
  return objections(builder, {
    trace: traceOfValues({ x: { dims: [ROWS, WIDTH], data } }),
    prepare: async (witness) => rows.fill(witness, vectors),
    change: bend.change,
    script: async (scope) => {
      const hashes = await scope.session.send(ROWS, 'hashes', () =>
        (bend.hashes ?? ((h) => h))(true_),
      );
      await rows.script(scope, hashes, ProverOnly.of(layers));
    },
  });
}

describe('hashes by GKR', () => {
  it('accept true hashes', async () => {
    expect(await check()).toEqual([]);
  });
  it('are those of the engine', async () => {
    const flat = engine.alloc(ROWS * PADDED);
    ROW_VALUES.forEach((row, t) => flat.axpy(t * PADDED, 1n, engine.fromBigints(row)));
    const states = await engine.spongeStates(flat, ROWS);
    expect(states.map((s) => s.toBigints())).toEqual(sponge(ROW_VALUES));
  });

  it('object to a wrong hash', async () => {
    for (const row of [0, ROWS - 1]) {
      const wrong = (h: bigint[]): bigint[] => h.map((v, t) => (t === row ? mod(v + 1n) : v));
      expect(await check({ hashes: wrong })).toContain('claims');
    }
  });
  it('object to another row under the same hash', async () => {
    for (const index of [0, 1, 10])
      expect(
        await check({
          change: (v, at) => {
            const i = at('x', 2 * PADDED + index);
            v.set(i, mod(v.get(i) + 1n));
          },
        }),
      ).toContain('claims');
  });
  it('object to values in the padding of a row, whether its hash covers them or not', async () => {
    for (const index of [WIDTH + 1, WIDTH + 2, PADDED - 1])
      expect(await check({ change: (v, at) => v.set(at('x', PADDED + index), 5n) })).toContain(
        'claims',
      );
    expect(await check({ change: (v, at) => v.set(at('x', PADDED + WIDTH), 5n) })).toContain(
      'claims',
    );
  });

  it('object to a round that is not computed, in every layer and segment', async () => {
    for (const round of [0, 10, 11, 32, 43, 54]) {
      const bent = sponge(ROW_VALUES, undefined, (s, k, t, step) =>
        k === round && t === 1 && step === 2 ? [s[0], mod(s[1] + 1n), s[2]] : s,
      );
      // the bent run's own hashes, so that only the round is wrong
      const last = Math.ceil(WIDTH / 2) - 1;
      const hashes = (): bigint[] => ROW_VALUES.map((_, t) => bent[165][t * STEPS + last]);
      const objected = await check({ states: bent, hashes });
      expect([round, objected.length > 0]).toEqual([round, true]);
    }
  });
  it('object to a step that does not start where the one before ended', async () => {
    for (const e of [0, 1, 2]) {
      const bent = sponge(ROW_VALUES, (s, t, step) =>
        t === 2 && step === 3 ? s.map((v, k) => (k === e ? mod(v + 7n) : v)) : s,
      );
      const last = Math.ceil(WIDTH / 2) - 1;
      const hashes = (): bigint[] => ROW_VALUES.map((_, t) => bent[165][t * STEPS + last]);
      expect((await check({ states: bent, hashes })).length).toBeGreaterThan(0);
    }
  });
  it('object to a first step that does not start from zero', async () => {
    for (const e of [0, 2]) {
      const bent = sponge(ROW_VALUES, (s, t, step) =>
        t === 0 && step === 0 ? s.map((v, k) => (k === e ? 9n : v)) : s,
      );
      const last = Math.ceil(WIDTH / 2) - 1;
      const hashes = (): bigint[] => ROW_VALUES.map((_, t) => bent[165][t * STEPS + last]);
      expect((await check({ states: bent, hashes })).length).toBeGreaterThan(0);
    }
  });
  it('object to layers that are not those of the committed states', async () => {
    const other = sponge(ROW_VALUES.map((row) => row.map((v) => mod(v + 1n))));
    expect(await check({ layers: other })).not.toEqual([]);
  });
});

describe('nextEval', () => {
  it('is one where a = b + 1, else zero', () => {
    const tape = new Tape((s) => s);
    const bits = (v: number) => [2, 1, 0].map((k) => tape.constant(BigInt((v >> k) & 1)));
    for (let a = 0; a < 8; a++)
      for (let b = 0; b < 8; b++)
        expect(tape.value(nextEval(tape, bits(a), bits(b)))).toBe(a === b + 1 ? 1n : 0n);
  });
});
