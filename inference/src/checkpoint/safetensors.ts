/** Safetensors checkpoints, single file or shards with an index; tensors are read by offset, in parts. */
import { open, stat, type FileHandle } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { AttensorError } from '@attensor/core';
import { decode, DTYPES, isDtype, type Dtype } from './dtypes.js';
import { notFound, readJson } from '@attensor/core/files';

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
const MAX_HEADER = 100 * 2 ** 20;
const HINT = 'Download the checkpoint again; the file is damaged or not a safetensors file';

export interface StoredTensor {
  name: string;
  dtype: Dtype;
  shape: number[];
  path: string;
  /** Absolute byte range in the file. */
  start: number;
  end: number;
}

const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(z.number().int().nonnegative()),
  data_offsets: z.tuple([z.number().int().nonnegative(), z.number().int().nonnegative()]),
});

const indexSchema = z.object({
  metadata: z.object({ total_size: z.number().optional() }).loose().optional(),
  weight_map: z.record(z.string(), z.string()),
});

export class SafetensorsReader {
  private readonly handles = new Map<string, FileHandle>();

  private constructor(readonly tensors: ReadonlyMap<string, StoredTensor>) {}

  /** Reads and checks all headers of the checkpoint in `dir`. */
  static async open(dir: string): Promise<SafetensorsReader> {
    const tensors = new Map<string, StoredTensor>();
    if (await exists(join(dir, INDEX))) {
      const path = join(dir, INDEX);
      const index = await readJson({
        path,
        schema: indexSchema,
        code: 'BAD_SAFETENSORS',
        hint: HINT,
      });
      for (const shard of new Set(Object.values(index.weight_map))) {
        if (basename(shard) !== shard) {
          throw bad('a shard lies outside the checkpoint folder', path, 'a plain file name', shard);
        }
        for (const tensor of await readHeader(join(dir, shard))) {
          if (index.weight_map[tensor.name] !== shard) {
            const got = `'${tensor.name}' in ${shard}`;
            throw bad(
              'index and shard disagree',
              path,
              index.weight_map[tensor.name] ?? 'no entry',
              got,
            );
          }
          tensors.set(tensor.name, tensor);
        }
      }
      for (const [name, shard] of Object.entries(index.weight_map)) {
        if (!tensors.has(name)) throw bad(`tensor '${name}' is not in its shard`, join(dir, shard));
      }
    } else {
      for (const tensor of await readHeader(join(dir, SINGLE))) tensors.set(tensor.name, tensor);
    }
    return new SafetensorsReader(tensors);
  }

  /** Elements first .. first + n - 1 of a tensor, row-major. */
  async read(tensor: StoredTensor, first: number, n: number): Promise<Float64Array> {
    const size = DTYPES[tensor.dtype].bytes;
    const bytes = new Uint8Array(n * size);
    let handle = this.handles.get(tensor.path);
    if (!handle) this.handles.set(tensor.path, (handle = await open(tensor.path, 'r')));
    await readFully(handle, bytes, tensor.start + first * size, tensor.path);
    return decode(tensor.dtype, bytes);
  }

  async close(): Promise<void> {
    await Promise.all([...this.handles.values()].map((handle) => handle.close()));
    this.handles.clear();
  }
}

async function readHeader(path: string): Promise<StoredTensor[]> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (cause) {
    throw notFound(path, `A checkpoint folder holds ${SINGLE}, or ${INDEX} and its shards`, cause);
  }
  try {
    const { size } = await handle.stat();
    if (size < 8) throw bad('the file is truncated', path, 'at least 8 bytes', `${size}`);
    const prefix = new Uint8Array(8);
    await readFully(handle, prefix, 0, path);
    const length = new DataView(prefix.buffer).getBigUint64(0, true);
    if (length > BigInt(Math.min(size - 8, MAX_HEADER))) {
      const expected = `at most ${Math.min(size - 8, MAX_HEADER)} bytes`;
      throw bad(
        'the header is longer than the file or than any real header',
        path,
        expected,
        `${length}`,
      );
    }
    const header = new Uint8Array(Number(length));
    await readFully(handle, header, 8, path);
    return parseHeader(header, 8 + header.length, size, path);
  } finally {
    await handle.close();
  }
}

function parseHeader(header: Uint8Array, base: number, size: number, path: string): StoredTensor[] {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(header));
  } catch (cause) {
    throw bad(
      'the header is not JSON',
      path,
      undefined,
      cause instanceof Error ? cause.message : '',
    );
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw bad('the header is not an object', path);
  }
  const tensors: StoredTensor[] = [];
  for (const [name, value] of Object.entries(json)) {
    if (name === '__metadata__') continue;
    const parsed = entrySchema.safeParse(value);
    const where = `${path}, tensor '${name}'`;
    if (!parsed.success)
      throw bad(`the entry is not valid: ${parsed.error.issues[0].message}`, where);
    const { dtype, shape, data_offsets } = parsed.data;
    if (!isDtype(dtype)) {
      throw new AttensorError({
        code: 'BAD_DTYPE',
        what: 'the number format is not supported',
        where,
        expected: Object.keys(DTYPES).join(', '),
        got: dtype,
        hint: 'Convert the checkpoint to one of these formats',
      });
    }
    const [begin, end] = data_offsets;
    const bytes = shape.reduce((a, b) => a * b, 1) * DTYPES[dtype].bytes;
    if (begin > end || base + end > size) {
      throw bad(
        'the data lies outside the file',
        where,
        `offsets within ${size - base}`,
        `${begin}..${end}`,
      );
    }
    if (end - begin !== bytes) {
      throw bad('offsets and shape disagree', where, `${bytes} bytes`, `${end - begin}`);
    }
    tensors.push({ name, dtype, shape, path, start: base + begin, end: base + end });
  }
  tensors.sort((a, b) => a.start - b.start || a.end - b.end);
  let at = base;
  for (const tensor of tensors) {
    if (tensor.start !== at) {
      const what = tensor.start < at ? 'two tensors overlap' : 'there is a hole before the tensor';
      throw bad(
        what,
        `${path}, tensor '${tensor.name}'`,
        `offset ${at - base}`,
        `${tensor.start - base}`,
      );
    }
    at = tensor.end;
  }
  if (at !== size) throw bad('bytes follow the last tensor', path, `${at} bytes`, `${size}`);
  return tensors;
}

async function readFully(
  handle: FileHandle,
  into: Uint8Array,
  position: number,
  path: string,
): Promise<void> {
  let done = 0;
  while (done < into.length) {
    const { bytesRead } = await handle.read(into, done, into.length - done, position + done);
    if (bytesRead === 0) {
      throw bad(
        'the file ended early',
        path,
        `${position + into.length} bytes`,
        `${position + done}`,
      );
    }
    done += bytesRead;
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function bad(what: string, where: string, expected?: string, got?: string): AttensorError {
  return new AttensorError({ code: 'BAD_SAFETENSORS', what, where, expected, got, hint: HINT });
}
