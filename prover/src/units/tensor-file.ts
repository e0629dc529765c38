/** Integer tensors in safetensors files. */
import { AttensorError } from '@attensor/inference';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { IntTensor, Tensors } from './tensors.js';

const MAX_HEADER = 2 ** 20;
const DTYPES: Record<string, { bytes: number; read: (view: DataView, at: number) => bigint }> = {
  I64: { bytes: 8, read: (v, at) => v.getBigInt64(at, true) },
  I32: { bytes: 4, read: (v, at) => BigInt(v.getInt32(at, true)) },
  I16: { bytes: 2, read: (v, at) => BigInt(v.getInt16(at, true)) },
  U16: { bytes: 2, read: (v, at) => BigInt(v.getUint16(at, true)) },
};
const size = z.number().int().nonnegative();
const header = z.record(
  z.string(),
  z.union([
    z.object({ dtype: z.string(), shape: z.array(size), data_offsets: z.tuple([size, size]) }),
    z.record(z.string(), z.string()),
  ]),
);

/** @throws NOT_FOUND, BAD_SAFETENSORS, BAD_DTYPE */
export async function readTensors(path: string): Promise<Tensors> {
  const bad = (what: string, expected?: string, got?: string): AttensorError =>
    new AttensorError({ code: 'BAD_SAFETENSORS', what, where: path, expected, got });
  const bytes = await readFile(path).catch((cause: Error) => {
    throw new AttensorError({
      code: 'NOT_FOUND',
      what: 'the tensor file cannot be read',
      where: path,
      got: cause.message,
    });
  });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 8) throw bad('the file is cut', 'at least 8 bytes', String(bytes.length));
  const length = view.getBigUint64(0, true);
  if (length > BigInt(Math.min(MAX_HEADER, bytes.length - 8)))
    throw bad('the header is longer than the file, or than any real one', undefined, `${length}`);
  const base = 8 + Number(length);
  let parsed: z.infer<typeof header>;
  try {
    parsed = header.parse(JSON.parse(bytes.toString('utf8', 8, base)));
  } catch {
    throw bad('the header is no tensor list');
  }
  const out: Tensors = {};
  for (const [name, entry] of Object.entries(parsed)) {
    if (name === '__metadata__' || !('data_offsets' in entry)) continue;
    const { dtype, shape, data_offsets } = entry as {
      dtype: string;
      shape: number[];
      data_offsets: [number, number];
    };
    const type = Object.hasOwn(DTYPES, dtype) ? DTYPES[dtype] : undefined;
    if (!type)
      throw new AttensorError({
        code: 'BAD_DTYPE',
        what: 'a tensor does not hold integers of a known kind',
        where: `${path}: ${name}`,
        expected: Object.keys(DTYPES).join(', '),
        got: dtype,
      });
    const count = shape.reduce((a, b) => a * b, 1);
    const [start, end] = data_offsets;
    if (end - start !== count * type.bytes || start < 0 || base + end > bytes.length)
      throw bad(
        `tensor '${name}' does not fit its range`,
        `${count * type.bytes} bytes in the file`,
      );
    const data = new BigInt64Array(count);
    for (let i = 0; i < count; i++) data[i] = type.read(view, base + start + i * type.bytes);
    out[name] = { dims: shape, data };
  }
  return out;
}

/** As 64-bit integers. */
export function tensorFile(tensors: Record<string, IntTensor>): Uint8Array {
  let offset = 0;
  const entries = Object.entries(tensors).map(([name, { dims, data }]) => {
    const data_offsets = [offset, (offset += 8 * data.length)];
    return [name, { dtype: 'I64', shape: dims, data_offsets }];
  });
  const text = JSON.stringify(Object.fromEntries(entries));
  const head = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8), 'utf8');
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(head.length));
  const bodies = Object.values(tensors).map(({ data }) =>
    Buffer.from(data.buffer, data.byteOffset, data.byteLength),
  );
  return Buffer.concat([length, head, ...bodies]);
}
