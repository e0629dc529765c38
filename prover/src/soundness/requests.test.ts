/**
 * Cheats of a prover of several requests in one proof: what one request has is taken for another's. Each names all the checks that
 * stop it.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { batchInputHash, batchOutputHash, inputHash, outputHash } from '@attensor/contracts';
import { present } from '@attensor/core';
import { ropeTables } from '@attensor/inference';
import type { Field } from 'o1js';
import { failures } from '../testing/cheat.js';
import { bentTrace, honestRun, type Honest, type Tamper } from '../testing/honest.js';
import { hashesOf } from '../units/statements.js';

const T = 4;
const [HEADS, NOPE, ROPE, V] = [2, 8, 8, 8];

let h: Honest;
beforeAll(async () => {
  // The first fills its positions: nothing separates its last token from the second's first. The second has padding.
  const prompts = [[510, 73], [510], [510, 110], [510, 73]];
  h = await honestRun({ capacity: T, prompts });
});
afterAll(() => h.dispose());

/** Of the honest run bent by `tamper`, which sees the results so far. */
async function stopped(
  tamper: (name: string, data: BigInt64Array, seen: Map<string, BigInt64Array>) => void,
): Promise<string> {
  const seen = new Map<string, BigInt64Array>();
  const bend: Tamper = (name, data) => {
    tamper(name, data, seen);
    seen.set(name, data);
  };
  const trace = await bentTrace(h.model, h.ids, bend, h.requests.length);
  return (await failures(h, { trace })).join(', ');
}

const of = (seen: Map<string, BigInt64Array>, name: string): BigInt64Array =>
  present(seen.get(`layers.0.${name}`), name);

/** sum_i a(from + i) b(to + i) */
const inner = (a: BigInt64Array, from: number, b: BigInt64Array, to: number, n: number): bigint => {
  let sum = 0n;
  for (let i = 0; i < n; i++) sum += a[from + i] * b[to + i];
  return sum;
};

it('honest requests of several lengths pass', async () => {
  const lengths = h.requests.map(({ promptIds, outputIds }) => [
    promptIds.length,
    outputIds.length,
  ]);
  expect(lengths).toEqual([
    [2, 2],
    [1, 1],
    [2, 1],
    [2, 1],
  ]);
  expect(await failures(h, {})).toEqual([]);
});

describe('what a request sees', () => {
  /** a query of request 1 */
  const [r, t, head] = [1, 1, 1];
  const row = r * T + t;

  it('the score of another request’s key', async () => {
    const scoreOf = (seen: Map<string, BigInt64Array>, key: number): bigint =>
      inner(
        of(seen, 'wq_b1.y'),
        (row * HEADS + head) * NOPE,
        of(seen, 'wkv_b1.y'),
        (key * HEADS + head) * NOPE,
        NOPE,
      ) +
      inner(
        of(seen, 'rope_q.y'),
        (row * HEADS + head) * ROPE,
        of(seen, 'rope_k.y'),
        key * ROPE,
        ROPE,
      );
    const bend =
      (request: number) =>
      (name: string, data: BigInt64Array, seen: Map<string, BigInt64Array>) => {
        if (name === 'layers.0.mul1.acc')
          data[((r * HEADS + head) * T + t) * T + t] = scoreOf(seen, request * T + t);
      };
    expect(await stopped(bend(r))).toBe('');
    expect(await stopped(bend(0))).toBe('attention');
    expect(await stopped(bend(2))).toBe('attention');
  });

  it('the value of another request’s token', async () => {
    const bend =
      (request: number) =>
      (name: string, data: BigInt64Array, seen: Map<string, BigInt64Array>) => {
        if (name !== 'layers.0.mul2.acc' && name !== 'layers.0.mul2.y') return;
        const [p, v] = [of(seen, 'softmax.p'), of(seen, 'wkv_b2.y')];
        let sum = 0n;
        for (let s = 0; s <= t; s++)
          sum +=
            p[((r * HEADS + head) * T + t) * T + s] * v[((request * T + s) * HEADS + head) * V];
        data[(row * HEADS + head) * V] = name === 'layers.0.mul2.acc' ? sum : sum >> 16n;
      };
    expect(await stopped(bend(r))).toBe('');
    expect(await stopped(bend(0))).toBe('attention');
  });

  it('a later token of its own, at positions that are earlier among all rows', async () => {
    const bend = (name: string, data: BigInt64Array): void => {
      if (name === 'layers.0.softmax.p') data[((r * HEADS + head) * T + t) * T + t + 1] = 100n;
    };
    expect(await stopped(bend)).toBe('Softmax, attention');
  });

  it('its tokens at the positions of all rows', async () => {
    const turned =
      (start: number) => (name: string, data: BigInt64Array, seen: Map<string, BigInt64Array>) => {
        if (name !== 'layers.0.rope_k.y') return;
        const x = of(seen, 'wkv_a2.y');
        const { cos, sin } = ropeTables(h.model.config, ROPE, 4 * T);
        for (let j = 0; j < ROPE / 2; j++) {
          const [a, b] = [x[row * ROPE + 2 * j], x[row * ROPE + 2 * j + 1]];
          const at = ((start + t) * ROPE) / 2 + j;
          const [c, s] = [BigInt(cos[at]), BigInt(sin[at])];
          data[row * ROPE + 2 * j] = (a * c - b * s) >> 16n;
          data[row * ROPE + 2 * j + 1] = (a * s + b * c) >> 16n;
        }
      };
    expect(await stopped(turned(0))).toBe('');
    expect(await stopped(turned(r * T))).toBe('RoPE');
  });
});

describe('what the statement says', () => {
  const inputs = (): Field[] => h.requests.map(({ promptIds }) => inputHash(promptIds));
  const outputs = (): Field[] => h.requests.map(({ outputIds }) => outputHash(outputIds));
  const swapped = <X>([a, b, ...rest]: X[]): X[] => [b, a, ...rest];
  const stating = (input: Field, output: Field): Promise<string[]> =>
    failures(h, {
      statement: [...h.statement.slice(0, 2), input.toBigInt(), output.toBigInt()],
    });
  const batch = (of: Field[], by: Field[]): Promise<string[]> =>
    stating(batchInputHash(of), batchOutputHash(by));

  it('the requests in their order', async () => {
    expect(await batch(inputs(), outputs())).toEqual([]);
    expect(await batch(swapped(inputs()), swapped(outputs()))).toEqual(['batch']);
  });
  it('an output crossed with another request’s', async () => {
    expect(await batch(inputs(), swapped(outputs()))).toEqual(['batch']);
    expect(await batch(swapped(inputs()), outputs())).toEqual(['batch']);
  });
  it('a request left out, repeated, or put in', async () => {
    const [a, b, c] = inputs();
    for (const list of [inputs().slice(1), [a, b, c], [a, a, b, c], [...inputs(), a]])
      expect(await batch(list, outputs())).toEqual(['batch']);
    const [x, y, z] = outputs();
    for (const list of [outputs().slice(1), [x, y, z], [x, x, y, z], [...outputs(), x]])
      expect(await batch(inputs(), list)).toEqual(['batch']);
  });
  it('one request alone', async () => {
    expect(await stating(inputs()[0], outputs()[0])).toEqual(['batch']);
  });
  it('inputs as outputs', async () => {
    expect(await stating(batchOutputHash(inputs()), batchInputHash(outputs()))).toEqual(['batch']);
  });
});

describe('tokens', () => {
  it('exchanged between two requests, with all that is computed from them', async () => {
    const [first, second, ...rest] = h.requests;
    const requests = [second, first, ...rest];
    const ids = h.unit.ids(requests);
    const forged = { trace: await bentTrace(h.model, ids, undefined, 4), until: undefined };
    const { input, output } = hashesOf(requests);
    const witness = { tokens: requests, ids };
    const honest = [...h.statement.slice(0, 2), input, output];
    // the witness still requires the successors of the requests in their order
    expect(await failures(h, { ...forged, witness, statement: honest })).toEqual(['argmax']);
    expect(await failures(h, { ...forged, witness })).toEqual(['argmax', 'batch']);
  });
  it('another last token of the second request', async () => {
    const requests = h.requests.map((request, k) =>
      k === 1 ? { ...request, outputIds: [(request.outputIds[0] + 1) % 512] } : request,
    );
    const ids = h.unit.ids(requests);
    const { input, output } = hashesOf(requests);
    const noticed = await failures(h, {
      trace: await bentTrace(h.model, ids, undefined, 4),
      statement: [...h.statement.slice(0, 2), input, output],
      witness: { tokens: requests, ids },
    });
    expect(noticed).toEqual(['argmax']);
  });
});
