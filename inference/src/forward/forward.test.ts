import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { EngineName } from '../engine.js';
import { readReference } from '../eval.js';
import { generate } from '../generate.js';
import { Model } from '../model.js';
import { checkpointDir, failure, random, withModel } from '../testing/fixtures.js';
import { gemm } from '../architecture/nodes.js';
import { referenceEngine } from '../engine.js';
import { traceNodes } from './alone.js';
import { forward, traceForward, type ForwardLog, type Trace } from './forward.js';
import { KvCache } from './kv-cache.js';

const pick = random(11);
const tokens = (n: number): number[] => Array.from({ length: n }, () => pick(0, 511));

function get(trace: Trace, name: string): BigInt64Array {
  return (trace.get(name) as { data: BigInt64Array }).data;
}

describe('forward pass', () => {
  test.each(['nano', 'tiny', 'tiny-fp8'] as const)(
    'native and reference traces of %s agree',
    async (name) => {
      await withModel(name, async (model) => {
        const ids = tokens(24);
        const native = await traceForward(model, ids, { engine: 'native' });
        const reference = await traceForward(model, ids, { engine: 'reference' });
        expect([...native.keys()]).toEqual([...reference.keys()]);
        for (const [key, { dims, data }] of reference) {
          expect(native.get(key)?.dims).toEqual(dims);
          expect(data.length).toBe(dims.reduce((a, b) => a * b, 1));
          expect(data.every((v, i) => v === get(native, key)[i])).toBe(true);
        }
      });
    },
  );

  test('large matrices by some of their rows at a time', async () => {
    await withModel('nano', async (model) => {
      const ids = tokens(9);
      const whole = await traceForward(model, ids);
      const pieces = new Set<number>();
      const small = await Model.open(model.dir, { pieceSize: 100 });
      const read = small.read.bind(small);
      small.read = async (name, range, into) => {
        if (!name.includes('routed')) pieces.add(range.to - range.from);
        return read(name, range, into);
      };
      for (const engine of ['native', 'reference'] as const) {
        const trace = await traceForward(small, ids, { engine });
        expect([...trace.keys()]).toEqual([...whole.keys()]);
        for (const [name, { data }] of whole)
          expect([name, get(trace, name)]).toEqual([name, data]);
      }
      expect(Math.max(...pieces)).toBeLessThanOrEqual(100);
      expect(pieces.size).toBeGreaterThan(1);
    });
  });

  test('of experts, those that are selected are read', async () => {
    await withModel('nano', async (model) => {
      const ids = tokens(1);
      const whole = await traceForward(model, ids);
      const selected = new Set(get(whole, 'layers.1.slots.expert'));
      expect(selected.size).toBeLessThan(model.config.experts);
      for (let expert = 0; expert < model.config.experts; expert++)
        if (!selected.has(BigInt(expert)))
          await rm(join(model.dir, 'weights', `layer-1.expert-${expert}.bin`));
      const trace = await traceForward(await Model.open(model.dir), ids);
      expect(get(trace, 'next')).toEqual(get(whole, 'next'));
      const [one] = selected;
      await rm(join(model.dir, 'weights', `layer-1.expert-${one}.bin`));
      const without = traceForward(await Model.open(model.dir), ids);
      expect(await failure(without)).toMatchObject({ code: 'NOT_FOUND' });
    });
  });

  // Digests of all values, from an implementation of docs/integer-semantics.md that shares no code with this one.
  test.each([
    ['tiny', 'b47c9c05678dc4632842fd22d93155c6f0e15f2de80b8e14f378e4baea7ef8c9'],
    ['nano', 'b7427e411c2347ff44f3ebe205537a696a9943e897c9f4a294f4c6e29dcf502d'],
  ] as const)('the trace of %s is the one on record', async (name, digest) => {
    await withModel(name, async (model) => {
      const { prompts } = await readReference(join(checkpointDir(name), 'reference.json'));
      const { prompt_ids, continuation_ids } = prompts[4];
      const trace = await traceForward(model, [...prompt_ids, ...continuation_ids].slice(0, 20));
      const hash = createHash('sha256');
      for (const key of [...trace.keys()].sort()) {
        const data = get(trace, key);
        hash.update(key).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      }
      expect(hash.digest('hex')).toBe(digest);
    });
  });

  test('the trace obeys the relations of the semantics', async () => {
    await withModel('tiny', async (model) => {
      const T = 12;
      const trace = await traceForward(model, tokens(T), { engine: 'reference' });
      const wo = await model.tensor('layers.1.wo');
      const context = get(trace, 'layers.1.mul2.y');
      const acc = get(trace, 'layers.1.wo.acc');
      const S = get(trace, 'layers.2.ffn_norm.S');
      const inv = get(trace, 'layers.2.ffn_norm.inv');
      for (let t = 0; t < T; t++) {
        let sum = 0n;
        for (let i = 0; i < 64; i++) sum += context[t * 64 + i] * BigInt(wo[5 * 64 + i]);
        expect(acc[t * 64 + 5]).toBe(sum);
        const bound = 64n << 64n;
        const e = S[t] + 274878n;
        expect(inv[t] ** 2n * e <= bound && (inv[t] + 1n) ** 2n * e > bound).toBe(true);
      }
      const [mid, out, shared, weighted] = [
        'x_mid',
        'x_out',
        'shared.w2.y',
        'routed.weighted.y',
      ].map((n) => get(trace, `layers.2.${n}`));
      for (let t = 0; t < T; t++) {
        for (let i = 0; i < 64; i++) {
          const routed = weighted[(2 * t + 0) * 64 + i] + weighted[(2 * t + 1) * 64 + i];
          expect(out[t * 64 + i]).toBe(mid[t * 64 + i] + shared[t * 64 + i] + routed);
        }
      }
      const p = get(trace, 'layers.0.softmax.p');
      const c = get(trace, 'layers.0.softmax.c');
      for (let t = 0; t < T; t++) {
        for (let s = t + 1; s < T; s++) {
          expect([p[t * T + s], c[t * T + s]]).toEqual([0n, 65535n]);
        }
      }
    });
  });

  test.each<EngineName>(['native', 'reference'])(
    'teacher-forced equals incremental bit for bit, %s engine',
    async (engine) => {
      await withModel('tiny', async (model) => {
        const ids = tokens(20);
        const whole = await traceForward(model, ids, { engine });
        const V = model.config.vocabSize;
        for (const prefix of [1, 7]) {
          const cache = new KvCache();
          const parts = [ids.slice(0, prefix), ...ids.slice(prefix).map((id) => [id])];
          let at = 0;
          for (const part of parts) {
            const { logits, next } = await forward(model, part, cache, { engine });
            const expected = get(whole, 'head.acc').subarray(at * V, (at + part.length) * V);
            expect(logits.every((v, i) => v === expected[i])).toBe(true);
            expect(next.map(BigInt)).toEqual([
              ...get(whole, 'next').subarray(at, at + part.length),
            ]);
            at += part.length;
          }
        }
      });
    },
  );

  test.each<EngineName>(['native', 'reference'])(
    'several sequences in one pass are as many passes, bit for bit, %s engine',
    async (engine) => {
      await withModel('nano', async (model) => {
        const [T, sequences] = [6, 3];
        const ids = tokens(sequences * T);
        const together = await traceForward(model, ids, { engine, sequences });
        for (let r = 0; r < sequences; r++) {
          const alone = await traceForward(model, ids.slice(r * T, (r + 1) * T), { engine });
          expect([...together.keys()]).toEqual([...alone.keys()]);
          for (const [name, { dims, data }] of alone) {
            const all = get(together, name);
            expect([name, all.length]).toEqual([name, sequences * data.length]);
            expect([name, all.subarray(r * data.length, (r + 1) * data.length)]).toEqual([
              name,
              data,
            ]);
            const rows = dims[0] === T && together.get(name)?.dims.length === dims.length;
            expect([name, together.get(name)?.dims]).toEqual([
              name,
              rows ? [sequences * T, ...dims.slice(1)] : [sequences, ...dims],
            ]);
          }
        }
      });
    },
  );

  test('an overflow in one of several sequences says in which', async () => {
    const data = new BigInt64Array(4 * 2);
    data[3 * 2] = 1n << 30n;
    const run = (sequences: number): Promise<unknown> => {
      const input = { name: 'x', dims: [4, 2], data, sequences };
      const node = gemm('y', 'x', [1], [2], { tensor: '' });
      const weights = (): Int32Array => new Int32Array(2).fill(1 << 30);
      return failure(traceNodes(referenceEngine, [node], weights, input));
    };
    expect(await run(1)).toMatchObject({
      code: 'OVERFLOW',
      where: expect.stringContaining('y, position 3,'),
    });
    expect(await run(2)).toMatchObject({
      where: expect.stringContaining('y, request 2, position 1,'),
    });
  });

  test('sequences of several lengths are refused', async () => {
    await withModel('nano', async (model) => {
      const failed = await failure(traceForward(model, tokens(7), { sequences: 2 }));
      expect(failed).toMatchObject({ code: 'BAD_ARGUMENT' });
    });
  });

  test('a longer sequence leaves earlier positions as they are', async () => {
    await withModel('nano', async (model) => {
      const ids = tokens(9);
      const long = await traceForward(model, ids);
      const short = await traceForward(model, ids.slice(0, 4));
      for (const name of ['layers.0.x_out', 'layers.1.x_out', 'final_norm.y', 'head.acc', 'next']) {
        const part = get(short, name);
        expect(get(long, name).subarray(0, part.length)).toEqual(part);
      }
    });
  });

  test('logs a record per layer', async () => {
    await withModel('nano', async (model) => {
      const records: ForwardLog[] = [];
      await traceForward(model, tokens(3), { log: (record) => records.push(record) });
      expect(records.map(({ event, layer, kind }) => [event, layer, kind])).toEqual([
        ['layer', 0, 'dense'],
        ['layer', 1, 'moe'],
        ['head', undefined, undefined],
      ]);
      expect(JSON.parse(JSON.stringify(records[0]))).toMatchObject({ start: 0, positions: 3 });
    });
  });

  test('clear errors', async () => {
    await withModel('nano', async (model) => {
      const run = (ids: number[]): Promise<unknown> => failure(traceForward(model, ids));
      expect(await run([])).toMatchObject({ code: 'EMPTY_PROMPT' });
      for (const id of [512, -1, 0.5, NaN]) {
        expect(await run([3, id])).toMatchObject({
          code: 'BAD_TOKENS',
          where: 'forward pass, position 1',
        });
      }
      expect(await run(Array<number>(257).fill(1))).toMatchObject({ code: 'TOO_LONG' });
      const signal = AbortSignal.abort();
      expect(await failure(traceForward(model, [1], { signal }))).toMatchObject({
        code: 'CANCELLED',
      });
    });
  });
});

describe('generate', () => {
  test('feeds back its own tokens and reports each', async () => {
    await withModel('nano', async (model) => {
      const seen: [number, number][] = [];
      const prompt = [510, 1, 2];
      const output = await generate(model, prompt, 6, {
        onToken: (token, i) => seen.push([token, i]),
      });
      expect(seen).toEqual(output.map((token, i) => [token, i]));
      const trace = await traceForward(model, [...prompt, ...output]);
      expect([...get(trace, 'next').subarray(2, 8)].map(Number)).toEqual(output);
      expect(await generate(model, prompt, 6, { engine: 'reference' })).toEqual(output);
    });
  });

  test('stops when cancelled, and at the limits', async () => {
    await withModel('nano', async (model) => {
      const controller = new AbortController();
      const run = generate(model, [510], 50, {
        signal: controller.signal,
        onToken: (_, i) => i === 2 && controller.abort(),
      });
      expect(await failure(run)).toMatchObject({ code: 'CANCELLED' });
      expect(await failure(generate(model, [510], 300))).toMatchObject({ code: 'TOO_LONG' });
      expect(await failure(generate(model, [510], 0))).toMatchObject({ code: 'BAD_ARGUMENT' });
      expect(await failure(generate(model, [], 3))).toMatchObject({ code: 'EMPTY_PROMPT' });
    });
  });
});
