/**
 * How many bytes of a log were acknowledged, on disk. Two records are written in turn, so that a crash
 * in the middle of a write leaves the other one; neither ever grows, so that a full disk does not hinder
 * it.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

/** A hash of 16 digits, a space, a number of 16 digits, a line break. */
const RECORD_BYTES = 34;
const DIGITS = 16;

export class AcknowledgedLength {
  private constructor(
    readonly path: string,
    private readonly file: FileHandle,
    /** Nothing if it was never written. */
    public length: number | undefined,
    /** It was written, and can't be read. */
    readonly damaged: boolean,
    private next: 0 | 1,
  ) {}

  static async open(path: string): Promise<AcknowledgedLength> {
    const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    const text = (await file.readFile()).toString('latin1');
    const records = [0, 1].map((i) => parse(text.slice(i * RECORD_BYTES, (i + 1) * RECORD_BYTES)));
    const [first = -1, second = -1] = records;
    const length = Math.max(first, second);
    // what an interrupted first write leaves of a new file says nothing
    const damaged = length < 0 && text.length >= RECORD_BYTES;
    return new AcknowledgedLength(
      path,
      file,
      length < 0 ? undefined : length,
      damaged,
      first > second ? 1 : 0,
    );
  }

  /** Returns once it is on disk. */
  async write(length: number): Promise<void> {
    const digits = String(length).padStart(DIGITS, '0');
    const record = Buffer.from(`${hash(digits)} ${digits}\n`);
    // of a log that was cut back, the other record would promise more
    const both = this.length === undefined || length < this.length;
    if (both) await writeAt(this.file, Buffer.concat([record, record]), 0);
    else await writeAt(this.file, record, this.next * RECORD_BYTES);
    await this.file.datasync();
    this.length = length;
    this.next = this.next === 0 ? 1 : 0;
  }

  async close(): Promise<void> {
    await this.file.close();
  }
}

function hash(digits: string): string {
  return createHash('sha256').update(digits).digest('hex').slice(0, DIGITS);
}

function parse(record: string): number | undefined {
  const digits = record.slice(DIGITS + 1, -1);
  return /^\d{16}$/.test(digits) && record === `${hash(digits)} ${digits}\n`
    ? Number(digits)
    : undefined;
}

/** All of the bytes, at this place. */
export async function writeAt(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
