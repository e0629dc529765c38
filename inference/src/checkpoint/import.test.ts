import { readdirSync, symlinkSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { present } from '@attensor/core';
import { Model } from '../model.js';
import {
  checkpointDir,
  f32,
  failure,
  random,
  readSafetensors,
  safetensors,
  withTempDir,
  writeNano,
  type NanoEdits,
  type RawTensor,
  type RawTensors,
} from '../testing/fixtures.js';
import { openTokenizer } from '../tokenizer-files.js';
import { importCheckpoint } from './import.js';

/** Imports an altered nano checkpoint. */
async function importNano(dir: string, edits: NanoEdits): Promise<Model> {
  await writeNano(join(dir, 'hf'), edits);
  await importCheckpoint(join(dir, 'hf'), join(dir, 'model'));
  return Model.open(join(dir, 'model'));
}

const EMBED = 'model.embed_tokens.weight';
const NORM = 'model.norm.weight';

describe('import', () => {
  test('splits and orders the tensors as the semantics say', async () => {
    await withTempDir(async (dir) => {
      const source = await readSafetensors(join(checkpointDir('nano'), 'model.safetensors'));
      const model = await importNano(dir, {});
      const bf16 = (name: string): number[] => {
        const { bytes } = source.get(name) as { bytes: Uint8Array };
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
        const float = new DataView(new ArrayBuffer(4));
        return Array.from({ length: bytes.length / 2 }, (_, i) => {
          float.setUint32(0, view.getUint16(2 * i, true) << 16);
          return halfEven(float.getFloat32(0) * 65536);
        });
      };
      // nano: 2 heads, nope = rope = v = 8, ranks 16, hidden 16
      const q = bf16('model.layers.0.self_attn.q_b_proj.weight');
      const b2 = await model.tensor('layers.0.wq_b2');
      expect(model.shape('layers.0.wq_b2')).toEqual([2, 8, 16]);
      expect([...b2.subarray(0, 128)]).toEqual(q.slice(8 * 16, 16 * 16));
      expect([...b2.subarray(128)]).toEqual(q.slice(24 * 16, 32 * 16));
      const kva = bf16('model.layers.1.self_attn.kv_a_proj_with_mqa.weight');
      expect([...(await model.tensor('layers.1.wkv_a1'))]).toEqual(kva.slice(0, 16 * 16));
      expect([...(await model.tensor('layers.1.wkv_a2'))]).toEqual(kva.slice(16 * 16));
      const kvb = bf16('model.layers.1.self_attn.kv_b_proj.weight');
      expect([...(await model.tensor('layers.1.wkv_b2')).subarray(0, 128)]).toEqual(
        kvb.slice(8 * 16, 16 * 16),
      );
      const experts = await model.tensor('layers.1.routed.w2');
      const third = bf16('model.layers.1.mlp.experts.3.down_proj.weight');
      expect(model.shape('layers.1.routed.w2')).toEqual([4, 16, 16]);
      expect([...experts.subarray(3 * 256)]).toEqual(third);
      expect([...(await model.expert('layers.1.routed.w2', 3))]).toEqual(third);
    });
  });

  test('F8 blocks: every block by its own scale, partial blocks at the edges', async () => {
    await withTempDir(async (dir) => {
      const pick = random(3);
      const codes = Uint8Array.from({ length: 32 * 16 }, () => pick(0, 0x7e) | (pick(0, 1) << 7));
      const scales = Array.from({ length: 11 * 3 }, (_, i) => (i + 1) / 64);
      const name = 'model.layers.0.mlp.gate_proj.weight';
      const model = await importNano(dir, {
        config: (c) =>
          (c.quantization_config = { quant_method: 'fp8', fmt: 'e4m3', weight_block_size: [3, 7] }),
        tensors: (tensors) => {
          tensors.set(name, { dtype: 'F8_E4M3', shape: [32, 16], bytes: codes });
          tensors.set(`${name}_scale_inv`, f32([11, 3], scales));
        },
      });
      const weights = await model.tensor('layers.0.w1');
      const value = (code: number): number => {
        const magnitude = code & 127;
        const e = magnitude >> 3;
        const m = magnitude & 7;
        const v = e === 0 ? (m / 8) * 2 ** -6 : (1 + m / 8) * 2 ** (e - 7);
        return code >> 7 ? -v : v;
      };
      codes.forEach((code, i) => {
        const scale = scales[Math.floor(Math.floor(i / 16) / 3) * 3 + Math.floor((i % 16) / 7)];
        expect(Math.abs(weights[i] - value(code) * scale * 65536)).toBeLessThanOrEqual(0.5);
      });
    });
  });

  test('F32 and F16 weights; layers of multi-token prediction and buffers are left out', async () => {
    await withTempDir(async (dir) => {
      const model = await importNano(dir, {
        config: (c) => (c.num_nextn_predict_layers = 1),
        tensors: (tensors) => {
          const bytes = new Uint8Array(Uint16Array.from({ length: 16 }, () => 0x3c00).buffer);
          tensors.set(NORM, { dtype: 'F16', shape: [16], bytes });
          tensors.set('model.layers.2.eh_proj.weight', f32([1], [1]));
          tensors.set('model.layers.0.self_attn.rotary_emb.inv_freq', f32([4], [1, 1, 1, 1]));
        },
      });
      expect([...(await model.tensor('final_norm.g'))]).toEqual(Array<number>(16).fill(65536));
    });
  });

  test('refuses to overwrite, unless told to', async () => {
    await withTempDir(async (dir) => {
      const out = join(dir, 'model');
      await mkdir(out);
      expect(await failure(importCheckpoint(checkpointDir('nano'), out))).toMatchObject({
        code: 'OUTPUT_EXISTS',
      });
      await importCheckpoint(checkpointDir('nano'), out, { force: true });
      expect((await Model.open(out)).config.layers).toBe(2);
    });
  });

  test('a full disk leaves nothing, and what was to be replaced', async () => {
    await withTempDir(async (dir) => {
      const out = join(dir, 'model');
      await importCheckpoint(checkpointDir('nano'), out);
      await writeFile(join(out, 'secret.json'), 'a salt');
      let path = '';
      const work = importCheckpoint(checkpointDir('nano'), out, {
        force: true,
        onProgress({ done }) {
          const [folder] = readdirSync(dir).filter((name) => name.startsWith('.model.import-'));
          path = join(dir, folder, 'weights', 'layer-1.expert-2.bin');
          if (done === 5) symlinkSync('/dev/full', path);
        },
      });
      expect(await failure(work)).toMatchObject({
        code: 'WRITE_FAILED',
        where: path,
        got: 'ENOSPC',
        hint: expect.stringContaining('free some space'),
      });
      expect(await readdir(dir)).toEqual(['model']);
      expect(await readFile(join(out, 'secret.json'), 'utf8')).toBe('a salt');
      expect((await Model.open(out)).config.layers).toBe(2);
    });
  });

  test('a shard that is truncated is named, before anything is written', async () => {
    await withTempDir(async (dir) => {
      const hf = join(dir, 'hf');
      await writeNano(hf);
      const all = await readSafetensors(join(hf, 'model.safetensors'));
      const names = [...all.keys()];
      const shards = [names.slice(0, 10), names.slice(10)];
      const weight_map: Record<string, string> = {};
      for (const [k, own] of shards.entries()) {
        const tensors = new Map(own.map((name) => [name, all.get(name) as RawTensor]));
        const file = safetensors(tensors);
        await writeFile(join(hf, `shard-${k}.safetensors`), file.subarray(0, file.length - k));
        for (const name of own) weight_map[name] = `shard-${k}.safetensors`;
      }
      const index = JSON.stringify({ metadata: {}, weight_map });
      await writeFile(join(hf, 'model.safetensors.index.json'), index);
      expect(await failure(importCheckpoint(hf, join(dir, 'model')))).toMatchObject({
        code: 'BAD_SAFETENSORS',
        where: expect.stringContaining('shard-1.safetensors'),
        expected: expect.stringContaining('offsets within'),
        hint: expect.stringContaining('Download the checkpoint again'),
      });
      expect(await readdir(dir)).toEqual(['hf']);
    });
  });

  test('an interrupted import leaves nothing', async () => {
    await withTempDir(async (dir) => {
      const controller = new AbortController();
      const work = importCheckpoint(checkpointDir('nano'), join(dir, 'model'), {
        signal: controller.signal,
        onProgress: ({ done }) => done === 5 && controller.abort(),
      });
      expect(await failure(work)).toMatchObject({ code: 'CANCELLED' });
      expect(await readdir(dir)).toEqual([]);
    });
  });
});

describe('bad weights', () => {
  const cases: [string, string, NanoEdits][] = [
    ['a missing tensor', 'MISSING_TENSOR', { tensors: (t) => t.delete(NORM) }],
    ['an extra tensor', 'EXTRA_TENSOR', { tensors: (t) => t.set('model.extra', f32([1], [1])) }],
    [
      'a wrong shape',
      'BAD_SHAPE',
      { tensors: (t) => t.set(NORM, f32([15], Array<number>(15).fill(1))) },
    ],
    [
      'a transposed shape',
      'BAD_SHAPE',
      { tensors: (t) => ((t.get(EMBED) as { shape: number[] }).shape = [16, 512]) },
    ],
    [
      'NaN',
      'NON_FINITE_WEIGHT',
      { tensors: (t) => t.set(NORM, f32([16], Array<number>(16).fill(NaN))) },
    ],
    [
      'infinity',
      'NON_FINITE_WEIGHT',
      { tensors: (t) => t.set(NORM, f32([16], Array<number>(16).fill(Infinity))) },
    ],
    [
      'a weight beyond int32',
      'WEIGHT_RANGE',
      { tensors: (t) => t.set(NORM, f32([16], Array<number>(16).fill(4e4))) },
    ],
    [
      'an F8 NaN code',
      'NON_FINITE_WEIGHT',
      {
        config: fp8,
        tensors: (t) => setF8(t, new Uint8Array(32 * 16).fill(0x7f), f32([1, 1], [1])),
      },
    ],
    [
      'F8 without a scale',
      'MISSING_TENSOR',
      { config: fp8, tensors: (t) => setF8(t, new Uint8Array(512)) },
    ],
    [
      'F8 with a wrong scale shape',
      'BAD_SHAPE',
      { config: fp8, tensors: (t) => setF8(t, new Uint8Array(512), f32([2, 1], [1, 1])) },
    ],
    [
      'F8 without a block size',
      'BAD_CONFIG',
      { tensors: (t) => setF8(t, new Uint8Array(512), f32([1, 1], [1])) },
    ],
    [
      'a scale that nothing uses',
      'EXTRA_TENSOR',
      { tensors: (t) => t.set(`${NORM}_scale_inv`, f32([1], [1])) },
    ],
    [
      'an unknown number format',
      'BAD_DTYPE',
      { tensors: (t) => ((t.get(NORM) as { dtype: string }).dtype = 'I64') },
    ],
    ['a truncated file', 'BAD_SAFETENSORS', { file: (f) => f.subarray(0, f.length - 1) }],
    ['an oversized file', 'BAD_SAFETENSORS', { file: (f) => Buffer.concat([f, Buffer.alloc(8)]) }],
    ['an empty file', 'BAD_SAFETENSORS', { file: () => new Uint8Array(0) }],
    ['a truncated header', 'BAD_SAFETENSORS', { file: (f) => f.subarray(0, 100) }],
    [
      'a header length beyond the file',
      'BAD_SAFETENSORS',
      { file: (f) => withHeaderLength(f, 2n ** 60n) },
    ],
    [
      'a header length one short',
      'BAD_SAFETENSORS',
      { file: (f) => withHeaderLength(f, f64(f) - 1n) },
    ],
    ['a header that is not JSON', 'BAD_SAFETENSORS', { file: (f) => f.fill(0x7b, 8, 20) }],
    ['overlapping tensors', 'BAD_SAFETENSORS', { header: (h) => shift(h, -32) }],
    ['a hole between tensors', 'BAD_SAFETENSORS', { header: (h) => shift(h, 32) }],
    ['offsets out of bounds', 'BAD_SAFETENSORS', { header: (h) => shift(h, 1e9) }],
    ['negative offsets', 'BAD_SAFETENSORS', { header: (h) => shift(h, -1e9) }],
    [
      'offsets that disagree with the shape',
      'BAD_SAFETENSORS',
      { header: (h) => (h[NORM].data_offsets[1] -= 2) },
    ],
  ];

  test.each(cases)('%s', async (_, code, edits) => {
    await withTempDir(async (dir) => {
      await writeNano(join(dir, 'hf'), edits);
      const error = await failure(importCheckpoint(join(dir, 'hf'), join(dir, 'model')));
      expect(error).toMatchObject({ code });
      expect(await readdir(dir)).toEqual(['hf']);
    });
  });
});

describe('shards', () => {
  /** Nano in two files with an index. */
  async function writeShards(
    dir: string,
    edit: (index: Record<string, string>) => void,
  ): Promise<void> {
    await writeNano(dir);
    const tensors = await readSafetensors(join(dir, 'model.safetensors'));
    await rm(join(dir, 'model.safetensors'));
    const names = [...tensors.keys()];
    const weightMap: Record<string, string> = {};
    for (const [file, part] of [
      ['a.safetensors', names.slice(0, 20)],
      ['b.safetensors', names.slice(20)],
    ] as const) {
      const subset: RawTensors = new Map([...tensors].filter(([name]) => part.includes(name)));
      await writeFile(join(dir, file), safetensors(subset));
      for (const name of part) weightMap[name] = file;
    }
    edit(weightMap);
    await writeFile(
      join(dir, 'model.safetensors.index.json'),
      JSON.stringify({ weight_map: weightMap }),
    );
  }

  test('give the same model as a single file', async () => {
    await withTempDir(async (dir) => {
      await writeShards(join(dir, 'hf'), () => {});
      await importCheckpoint(join(dir, 'hf'), join(dir, 'sharded'));
      await importCheckpoint(checkpointDir('nano'), join(dir, 'single'));
      const json = (name: string): Promise<string> =>
        readFile(join(dir, name, 'model.json'), 'utf8');
      expect(await json('sharded')).toBe(await json('single'));
    });
  });

  test.each<[string, string, (index: Record<string, string>) => void]>([
    [
      'a missing shard',
      'NOT_FOUND',
      (m) => names(m, 'b').forEach((name) => (m[name] = 'c.safetensors')),
    ],
    ['a shard outside the folder', 'BAD_SAFETENSORS', (m) => (m[NORM] = '../c.safetensors')],
    ['a tensor in another shard', 'BAD_SAFETENSORS', (m) => (m[NORM] = 'a.safetensors')],
    ['a tensor in no shard', 'BAD_SAFETENSORS', (m) => (m['model.other'] = 'a.safetensors')],
    [
      'a tensor missing from the index',
      'BAD_SAFETENSORS',
      (m) => void Reflect.deleteProperty(m, NORM),
    ],
  ])('%s', async (_, code, edit) => {
    await withTempDir(async (dir) => {
      await writeShards(join(dir, 'hf'), edit);
      const error = await failure(importCheckpoint(join(dir, 'hf'), join(dir, 'model')));
      expect(error).toMatchObject({ code });
    });
  });
});

describe('config.json', () => {
  test.each<[string, unknown, string]>([
    ['architectures', ['LlamaForCausalLM'], 'UNSUPPORTED_CONFIG'],
    ['rope_scaling', { type: 'yarn', factor: 40 }, 'UNSUPPORTED_CONFIG'],
    ['rope_interleave', false, 'UNSUPPORTED_CONFIG'],
    ['hidden_act', 'gelu', 'UNSUPPORTED_CONFIG'],
    ['attention_bias', true, 'UNSUPPORTED_CONFIG'],
    ['scoring_func', 'softmax', 'UNSUPPORTED_CONFIG'],
    ['topk_method', 'hash', 'UNSUPPORTED_CONFIG'],
    ['moe_layer_freq', 0.5, 'UNSUPPORTED_CONFIG'],
    ['head_dim', 16, 'UNSUPPORTED_CONFIG'],
    ['swiglu_limit', 7, 'UNSUPPORTED_CONFIG'],
    ['num_key_value_heads', 1, 'UNSUPPORTED_CONFIG'],
    [
      'quantization_config',
      { quant_method: 'awq', weight_block_size: [128, 128] },
      'UNSUPPORTED_CONFIG',
    ],
    ['hidden_size', 'sixteen', 'BAD_CONFIG'],
    ['vocab_size', -1, 'BAD_CONFIG'],
    ['kv_lora_rank', undefined, 'BAD_CONFIG'],
    ['n_group', 3, 'BAD_CONFIG'],
    ['n_group', 4, 'BAD_CONFIG'],
    ['topk_group', 5, 'BAD_CONFIG'],
    ['num_experts_per_tok', 3, 'BAD_CONFIG'],
    ['qk_rope_head_dim', 7, 'BAD_CONFIG'],
    ['rms_norm_eps', 0, 'BAD_CONFIG'],
    ['rms_norm_eps', 1e-11, 'BAD_CONFIG'],
    ['rope_theta', 0.5, 'BAD_CONFIG'],
    ['routed_scaling_factor', 40000, 'BAD_CONFIG'],
    ['bos_token_id', 512, 'BAD_CONFIG'],
    ['first_k_dense_replace', 3, 'BAD_CONFIG'],
  ])('%s = %j', async (field, value, code) => {
    await withTempDir(async (dir) => {
      await writeNano(join(dir, 'hf'), { config: (c) => (c[field] = value) });
      const error = await failure(importCheckpoint(join(dir, 'hf'), join(dir, 'model')));
      expect(error).toMatchObject({ code });
    });
  });

  test('a checkpoint without tokenizer.json makes a model of token ids', async () => {
    await withTempDir(async (dir) => {
      await writeNano(join(dir, 'hf'));
      await rm(join(dir, 'hf', 'tokenizer.json'));
      await rm(join(dir, 'hf', 'tokenizer_config.json'));
      const { tokenizer } = await importCheckpoint(join(dir, 'hf'), join(dir, 'model'));
      expect(tokenizer).toBe(false);
      const { config } = await Model.open(join(dir, 'model'));
      expect(await failure(openTokenizer(join(dir, 'model'), config))).toMatchObject({
        code: 'NOT_FOUND',
      });
    });
  });

  test('a head beside tied embeddings has their values', async () => {
    await withTempDir(async (dir) => {
      const tie = (config: Record<string, unknown>) => void (config.tie_word_embeddings = true);
      const attempt = async (name: string, change?: (bytes: Uint8Array) => void) => {
        await writeNano(join(dir, name), {
          config: tie,
          tensors(tensors) {
            const { bytes, ...rest } = present(tensors.get('model.embed_tokens.weight'), 'rows');
            const own = bytes.slice();
            change?.(own);
            tensors.set('lm_head.weight', { ...rest, bytes: own });
          },
        });
        return importCheckpoint(join(dir, name), join(dir, `${name}-model`));
      };
      await attempt('same');
      expect(
        await failure(attempt('other', (bytes) => (bytes[bytes.length - 2] ^= 1))),
      ).toMatchObject({ code: 'BAD_CONFIG', what: expect.stringContaining('lm_head.weight') });
    });
  });

  test('missing files', async () => {
    await withTempDir(async (dir) => {
      const attempt = (): Promise<unknown> =>
        failure(importCheckpoint(join(dir, 'hf'), join(dir, 'model')));
      expect(await attempt()).toMatchObject({ code: 'NOT_FOUND' });
      await writeNano(join(dir, 'hf'));
      await rm(join(dir, 'hf', 'tokenizer_config.json'));
      expect(await attempt()).toMatchObject({ code: 'NOT_FOUND' });
      await rm(join(dir, 'hf', 'model.safetensors'));
      expect(await attempt()).toMatchObject({ code: 'NOT_FOUND' });
      await writeFile(join(dir, 'hf', 'config.json'), '{');
      expect(await attempt()).toMatchObject({ code: 'BAD_CONFIG' });
    });
  });
});

function halfEven(v: number): number {
  const rounded = Math.round(v);
  return rounded - v === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** Tensors of shard a or b. */
function names(index: Record<string, string>, shard: string): string[] {
  return Object.keys(index).filter((name) => index[name] === `${shard}.safetensors`);
}

function fp8(config: Record<string, unknown>): void {
  config.quantization_config = { quant_method: 'fp8', fmt: 'e4m3', weight_block_size: [128, 128] };
}

function setF8(tensors: RawTensors, bytes: Uint8Array, scale?: ReturnType<typeof f32>): void {
  const name = 'model.layers.0.mlp.gate_proj.weight';
  tensors.set(name, { dtype: 'F8_E4M3', shape: [32, 16], bytes });
  if (scale) tensors.set(`${name}_scale_inv`, scale);
}

function f64(file: Uint8Array): bigint {
  return Buffer.from(file).readBigUInt64LE(0);
}

function withHeaderLength(file: Uint8Array, length: bigint): Uint8Array {
  const copy = Buffer.from(file);
  copy.writeBigUInt64LE(length, 0);
  return copy;
}

function shift(header: Record<string, { data_offsets: number[] }>, by: number): void {
  const entry = header[NORM];
  entry.data_offsets = entry.data_offsets.map((at) => at + by);
}
