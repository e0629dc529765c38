/**
 * Weights on disk. A part's integers stand in chunks, each of the narrowest type that holds its values, little-endian; a record for each
 * chunk follows them: one byte with the type's width, and the SHA-256 of the chunk. So any range is read and checked by itself.
 */
import { AttensorError } from '@attensor/core';
import { notFound, writing } from '@attensor/core/files';
import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { endianness } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

/** Integers of a chunk; a part's last chunk may have fewer. */
export const CHUNK = 2 ** 18;
/** Bytes that are read at a time, where chunks are no larger. */
const RUN = 2 ** 22;
const DIGEST = 32;
const RECORD = 1 + DIGEST;

const HINT = 'Restore the file, or import the checkpoint again';

export const storedPartSchema = z.strictObject({
  /** Name inside the weights folder. */
  file: z.string().regex(/^[\w-][\w.-]*$/, 'a plain file name'),
  /** Where the part begins in the file, and its length, chunks and records: bytes. */
  offset: z.number().int().nonnegative(),
  bytes: z.number().int().positive(),
  /** of the records */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

export type StoredPart = z.infer<typeof storedPartSchema>;

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

const TYPES = { 1: Int8Array, 2: Int16Array, 4: Int32Array } as const;
type Width = keyof typeof TYPES;

function narrowest(values: Int32Array): Width {
  let low = 0;
  let high = 0;
  for (const v of values) {
    if (v < low) low = v;
    else if (v > high) high = v;
  }
  if (low >= -(2 ** 7) && high < 2 ** 7) return 1;
  return low >= -(2 ** 15) && high < 2 ** 15 ? 2 : 4;
}

/** Between the machine's order and the file's, in place. */
function littleEndian(bytes: Buffer, width: Width): void {
  if (endianness() === 'LE' || width === 1) return;
  if (width === 2) bytes.swap16();
  else bytes.swap32();
}

/** Writes parts to the ends of files; keeps the last file open. */
export class WeightWriter {
  private readonly sizes = new Map<string, number>();
  private readonly chunk = new Int32Array(CHUNK);
  private current: { file: string; handle: FileHandle } | undefined;

  constructor(private readonly dir: string) {}

  /**
   * @param pieces the part's integers in their order
   * @throws WRITE_FAILED
   */
  async write(file: string, pieces: AsyncIterable<Int32Array>): Promise<StoredPart> {
    const offset = this.sizes.get(file) ?? 0;
    const records: Buffer[] = [];
    const { chunk } = this;
    let filled = 0;
    const flush = async (): Promise<void> => {
      const values = chunk.subarray(0, filled);
      const width = narrowest(values);
      const bytes = Buffer.from(new TYPES[width](values).buffer);
      littleEndian(bytes, width);
      records.push(Buffer.from([width]), sha256(bytes));
      await this.append(file, bytes);
      filled = 0;
    };
    for await (const piece of pieces) {
      for (let from = 0; from < piece.length;) {
        const count = Math.min(CHUNK - filled, piece.length - from);
        chunk.set(piece.subarray(from, from + count), filled);
        filled += count;
        from += count;
        if (filled === CHUNK) await flush();
      }
    }
    if (filled > 0) await flush();
    const table = Buffer.concat(records);
    await this.append(file, table);
    const bytes = (this.sizes.get(file) ?? 0) - offset;
    return { file, offset, bytes, sha256: sha256(table).toString('hex') };
  }

  private async append(file: string, bytes: Uint8Array): Promise<void> {
    const path = join(this.dir, file);
    if (this.current?.file !== file) {
      await this.close();
      this.current = { file, handle: await writing(path, open(path, 'a')) };
    }
    await writing(path, this.current.handle.appendFile(bytes));
    this.sizes.set(file, (this.sizes.get(file) ?? 0) + bytes.length);
  }

  async close(): Promise<void> {
    const { current } = this;
    this.current = undefined;
    if (current) await writing(join(this.dir, current.file), current.handle.close());
  }
}

interface Chunks {
  widths: Width[];
  /** Where each begins in the part, and the end of the last: bytes. */
  starts: number[];
  digests: Buffer[];
}

/** A part on disk. What is read is checked against its hash, every time. */
export class PartReader {
  private chunks: Promise<Chunks> | undefined;
  private readonly path: string;

  /**
   * @param dir of weight files
   * @param length integers
   * @param name of the tensor, for messages
   */
  constructor(
    dir: string,
    private readonly part: StoredPart,
    readonly length: number,
    private readonly name: string,
  ) {
    this.path = join(dir, part.file);
  }

  /**
   * Fills `into` with the integers from `from` on.
   *
   * @throws NOT_FOUND, MODEL_CORRUPT
   */
  async read(from: number, into: Int32Array): Promise<void> {
    if (into.length === 0) return;
    const handle = await open(this.path, 'r').catch((cause: unknown) => {
      throw notFound(this.path, HINT, cause);
    });
    try {
      this.chunks ??= this.readChunks(handle);
      const { widths, starts, digests } = await this.chunks.catch((error: unknown) => {
        this.chunks = undefined; // the file may be restored
        throw error;
      });
      const to = from + into.length;
      const end = Math.ceil(to / CHUNK);
      for (let first = Math.floor(from / CHUNK); first < end;) {
        let next = first + 1;
        while (next < end && starts[next + 1] - starts[first] <= RUN) next++;
        const bytes = await this.bytes(handle, starts[first], starts[next] - starts[first]);
        for (; first < next; first++) {
          const begin = starts[first] - starts[next] + bytes.length;
          const chunk = bytes.subarray(begin, begin + starts[first + 1] - starts[first]);
          if (!sha256(chunk).equals(digests[first]))
            throw this.corrupt(
              'the weights are not those imported',
              digests[first].toString('hex'),
              sha256(chunk).toString('hex'),
            );
          const low = Math.max(from, first * CHUNK);
          const high = Math.min(to, (first + 1) * CHUNK);
          const width = widths[first];
          littleEndian(chunk, width);
          const at = chunk.byteOffset + width * (low - first * CHUNK);
          into.set(new TYPES[width](chunk.buffer, at, high - low), low - from);
        }
      }
    } finally {
      await handle.close();
    }
  }

  private async readChunks(handle: FileHandle): Promise<Chunks> {
    const { length, part } = this;
    const count = Math.ceil(length / CHUNK);
    const size = count * RECORD;
    const table = await this.bytes(handle, Math.max(0, part.bytes - size), size);
    const got = sha256(table).toString('hex');
    if (got !== part.sha256)
      throw this.corrupt('the hashes of the weights are not those imported', part.sha256, got);
    const starts = [0];
    const widths: Width[] = [];
    const digests: Buffer[] = [];
    for (let k = 0; k < count; k++) {
      const record = table.subarray(k * RECORD, (k + 1) * RECORD);
      const width = record[0] as Width;
      widths.push(width);
      digests.push(record.subarray(1));
      starts.push(starts[k] + width * Math.min(CHUNK, length - k * CHUNK));
    }
    const bytes = starts[count] + size;
    if (bytes !== part.bytes)
      throw this.corrupt('the part has another length', String(bytes), String(part.bytes));
    return { starts, widths, digests };
  }

  private async bytes(
    handle: FileHandle,
    at: number,
    length: number,
  ): Promise<Buffer<ArrayBuffer>> {
    const bytes = Buffer.from(new ArrayBuffer(length));
    const position = this.part.offset + at;
    for (let done = 0; done < length;) {
      const { bytesRead } = await handle.read(bytes, done, length - done, position + done);
      if (bytesRead === 0)
        throw this.corrupt(
          'the file is truncated',
          `${this.part.offset + this.part.bytes} bytes`,
          `${position + done}`,
        );
      done += bytesRead;
    }
    return bytes;
  }

  private corrupt(what: string, expected: string, got: string): AttensorError {
    const where = `${this.path}, tensor '${this.name}'`;
    return new AttensorError({ code: 'MODEL_CORRUPT', what, where, expected, got, hint: HINT });
  }
}
