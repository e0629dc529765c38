/** A vector in parts against the same vector as a whole. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { present } from '@attensor/core';
import { engine, type FpVec } from '@attensor/native';
import { mod, P } from '../protocol/field.js';
import { inMemory, type Integers } from './integers.js';
import { CommittedPart, LongSumcheck, LongVector, SinglePart } from './long-vector.js';
import { TREES } from '../hashing/trees.js';
import { LOG_LEAF } from './parameters.js';

const PART_LOG = 10;
const PART = 2 ** PART_LOG;
/** The last part is not full. */
const END = 2 * PART + 700;
const WHOLE = 4 * PART;

const ints = Int32Array.from({ length: END }, (_, i) =>
  i % 97 === 0 ? -(2 ** 31) : i % 89 === 0 ? 2 ** 31 - 1 : ((i * 7919) % 4001) - 2000,
);
/** Lengths of what was read. */
const read: number[] = [];
const long = new LongVector(
  engine,
  {
    length: END,
    read(from, into) {
      expect(from + into.length).toBeLessThanOrEqual(END);
      read.push(into.length);
      return Promise.resolve(inMemory(ints).read(from, into));
    },
  },
  PART_LOG,
);
afterEach(() => {
  expect(Math.max(0, ...read)).toBeLessThanOrEqual(PART);
  read.length = 0;
});
const whole = engine.alloc(WHOLE);
whole.setInts(0, ints);
const x = 0x1234567890abcdef1234567890abcdefn;

describe('a vector in parts', () => {
  it('has the entries of the whole', async () => {
    expect(long.parts).toBe(3);
    for (const [offset, length] of [
      [0, 5],
      [PART - 2, 4],
      [END - 3, 10],
      [2 * PART, PART],
      [3 * PART, 7],
    ])
      expect((await long.slice(offset, length)).toBigints()).toEqual(
        whole.slice(offset, length).toBigints(),
      );
    expect(await long.evalPow(x)).toBe(await engine.evalPow(whole, x));
  });

  it('adds up its parts', async () => {
    const weights = [3n, P - 1n, x];
    const sum = engine.linear(
      [0, 1, 2].map((k) => whole.slice(k * PART, PART)),
      weights,
      0n,
    );
    expect((await long.combine(weights)).toBigints()).toEqual(sum.toBigints());
  });

  it('is summed over its axes, also across parts', async () => {
    const table = (log: number): FpVec =>
      engine.eqTable(Array.from({ length: log }, (_, i) => mod(x * BigInt(i + 3))));
    const axes = [
      // rows summed: 4 parts of 16 rows, and one row to a part
      [
        64,
        [
          { size: 16, stride: 1 },
          { size: 64, stride: 32, weights: table(6) },
        ],
      ],
      [
        0,
        [
          { size: PART, stride: 1 },
          { size: 4, stride: PART, weights: table(2) },
        ],
      ],
      // free axes across parts
      [
        0,
        [
          { size: PART, stride: 2 },
          { size: 2, stride: 2 * PART, weights: table(1) },
        ],
      ],
      // free axes across parts, the widest not first
      [
        3,
        [
          { size: 4, stride: 8 },
          { size: 3, stride: PART },
          { size: 2, stride: 0 },
          { size: 8, stride: 1, weights: table(3) },
        ],
      ],
      // every axis wider than a part
      [
        1,
        [
          { size: 2, stride: PART + 1 },
          { size: 2, stride: PART + 7, weights: table(1) },
          { size: 2, stride: PART - 1, weights: table(1) },
        ],
      ],
      // behind the end
      [
        3 * PART,
        [
          { size: 4, stride: 1 },
          { size: 2, stride: 16, weights: table(1) },
        ],
      ],
      // within a part, columns summed
      [
        PART,
        [
          { size: 32, stride: 32 },
          { size: 32, stride: 1, weights: table(5) },
        ],
      ],
    ] as const;
    for (const [offset, of] of axes) {
      const some = [...of];
      const expected = await engine.contract(whole, offset, some);
      expect((await long.contract(offset, some)).toBigints()).toEqual(expected.toBigints());
    }
    const tooLong = [{ size: 4 * PART, stride: 1 }];
    await expect(long.contract(0, tooLong)).rejects.toThrow(RangeError);
  });

  it('does one thing at a time', async () => {
    const parts = await Promise.all([0, 1, 2, 0].map((k) => long.part(k)));
    const expected = [0, 1, 2, 0].map((k) => whole.slice(k * PART, PART).toBigints());
    expect(parts.map((part) => part.toBigints())).toEqual(expected);
  });

  it('goes on after something could not be read', async () => {
    let broken = true;
    const source: Integers = {
      length: END,
      read(from, into) {
        if (broken) throw new Error('no such file');
        return inMemory(ints).read(from, into);
      },
    };
    const vector = new LongVector(engine, source, PART_LOG);
    await expect(vector.part(0)).rejects.toThrow('no such file');
    await expect(vector.combine([1n, 2n, 3n])).rejects.toThrow('no such file');
    broken = false;
    expect(await vector.evalPow(x)).toBe(await long.evalPow(x));
  });

  it('opens leaves that it computes', async () => {
    for (let k = 0; k < long.parts; k++) {
      const part = await CommittedPart.commit(long, k, { logInvRate: 2 });
      const width = k === 2 ? 11 : 2 ** LOG_LEAF;
      const stored = await TREES.commit(engine, await long.part(k), PART_LOG, width, {
        logInvRate: 2,
      });
      expect(part.cap).toEqual(stored.cap);
      const indexes = [0, 1, 77, 255, 77];
      await part.prepare(indexes);
      for (const index of indexes) expect(part.open(index)).toEqual(stored.open(index));
      expect(() => part.open(8)).toThrow('not prepared');
      expect(await part.serializeTree()).toEqual(await stored.serializeTree());
      await expect(part.prepare(indexes, AbortSignal.abort())).rejects.toMatchObject({
        code: 'CANCELLED',
      });
    }
  });

  it('goes through a sumcheck like the whole', async () => {
    const weights = engine.eqTable(Array.from({ length: 12 }, (_, i) => mod(x ** BigInt(i + 1))));
    const short = engine.fromInts(Int32Array.from({ length: PART }, (_, i) => i - 300));
    const shortWhole = engine.alloc(WHOLE);
    shortWhole.axpy(0, 1n, short);
    const others = engine.linear([weights], [x], 5n);
    const expression = {
      columns: 4,
      constants: [],
      ops: [
        [2, 0, 1],
        [2, 2, 3],
        [0, 4, 5],
      ] as [0 | 1 | 2, number, number][],
      degree: 2,
    };
    const scaled = (w: FpVec) => (scale: bigint[]) =>
      Promise.resolve(
        engine.linear(
          scale.map((_, k) => w.slice(k * PART, PART)),
          scale,
          0n,
        ),
      );
    const plain = engine.sumcheck([shortWhole, others, whole, weights], expression);
    let bound: (FpVec | undefined)[] = [];
    const parted = await LongSumcheck.start(
      engine,
      [
        { f: new SinglePart(engine, short), w: scaled(others) },
        { f: long, w: scaled(weights) },
      ],
      expression,
      2,
      (f) => (bound = f),
    );
    const challenges: bigint[] = [];
    for (let i = 0; i < 12; i++) {
      expect(await parted.round()).toEqual(await plain.round());
      const r = mod(x * x * BigInt(i + 1));
      await plain.bind(r);
      await parted.bind(r);
      challenges.push(r);
    }
    expect(parted.finals()).toEqual(plain.finals());
    // what is left of a vector: its parts under the first challenges
    expect(bound[0]).toBeUndefined();
    const value = await engine.evalMle(present(bound[1]), challenges.slice(2));
    expect(value).toBe(await engine.evalMle(whole, challenges));
    parted.dispose();
  });
});
