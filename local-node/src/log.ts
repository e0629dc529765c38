/**
 * An append-only file of JSON entries, one a line, each behind the hash of its text. An entry that
 * `append` has returned from survives the loss of the process and of the machine's power.
 *
 * A second file says how much of the first was acknowledged. It tells a line that a crash left
 * incomplete, which nobody was told of, from one that was damaged later.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AttensorError } from '@attensor/core';
import { AcknowledgedLength, writeAt } from './acknowledged.js';

const HASH_LENGTH = 16;
const NEWLINE = 0x0a;

export interface OpenedLog {
  log: Log;
  entries: unknown[];
  /** Bytes cut off the end: of an entry that was not acknowledged, or with `acceptLoss` of any. */
  cut: number;
  /** Where the log is kept as it was, if acknowledged bytes were cut off. */
  copy?: string;
}

export class Log {
  private constructor(
    private readonly file: FileHandle,
    private readonly acknowledged: AcknowledgedLength,
    private length: number,
  ) {}

  /**
   * Opens a log and reads what it holds. What a crash left of an entry that was not acknowledged is cut
   * off.
   *
   * @param options.acceptLoss goes on without what is damaged or missing, after keeping a copy
   * @throws AttensorError BAD_DATA_DIR when what was acknowledged is damaged or missing
   */
  static async open(path: string, { acceptLoss = false } = {}): Promise<OpenedLog> {
    const acknowledged = await AcknowledgedLength.open(`${path}.acknowledged`);
    let file: FileHandle | undefined;
    try {
      file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
      const bytes = await file.readFile();
      const { entries, whole } = entriesOf(bytes);
      // a log of a version that kept no account of it counts as acknowledged
      const promised = acknowledged.length ?? bytes.length;
      const lost = whole < promised || (acknowledged.damaged && bytes.length > 0);
      if (lost && !acceptLoss) {
        throw damaged({ path, line: entries.length + 1, whole, bytes, acknowledged });
      }
      const copy = lost ? `${path}.${Date.now()}.damaged` : undefined;
      if (copy !== undefined) await copyFile(path, copy, constants.COPYFILE_EXCL);
      const cut = bytes.length - whole;
      if (cut > 0) {
        await file.truncate(whole);
        await file.sync();
      }
      await acknowledged.write(whole);
      await syncFolder(dirname(path));
      return { log: new Log(file, acknowledged, whole), entries, cut, copy };
    } catch (error) {
      await file?.close();
      await acknowledged.close();
      throw error;
    }
  }

  /**
   * Returns once the entry is on disk.
   *
   * @throws AttensorError LOG_WRITE_FAILED; `usable` tells whether the log is as before
   */
  async append(entry: object): Promise<void> {
    const json = JSON.stringify(entry);
    const line = Buffer.from(`${hash(json)} ${json}\n`);
    try {
      await writeAt(this.file, line, this.length);
      await this.file.datasync();
    } catch (error) {
      throw new LogWriteError(error, await this.restore());
    }
    const length = this.length + line.length;
    await this.acknowledged.write(length).catch((error: unknown) => {
      // either length may be on disk now: the log can't be cut back to the old one
      throw new LogWriteError(error, false);
    });
    this.length = length;
  }

  async close(): Promise<void> {
    await this.file.close();
    await this.acknowledged.close();
  }

  /** @returns whether nothing is left of a line that could not be written */
  private async restore(): Promise<boolean> {
    try {
      await this.file.truncate(this.length);
      await this.file.datasync();
      return true;
    } catch {
      return false;
    }
  }
}

export class LogWriteError extends AttensorError {
  constructor(
    cause: unknown,
    /** False: nobody knows what is on disk. */
    readonly usable: boolean,
  ) {
    super({
      code: 'LOG_WRITE_FAILED',
      what: usable
        ? 'the transaction log could not be written, so the request was not carried out'
        : 'the transaction log could not be written, and the node accepts nothing more',
      got: cause instanceof Error ? cause.message : String(cause),
      hint: usable
        ? 'free some space on the disk and try again'
        : 'free some space on the disk and start the node again; everything acknowledged is kept',
      cause,
    });
  }
}

/** So that files made in it are found again. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** @returns the entries up to the first line that is damaged or not complete, and their bytes */
function entriesOf(bytes: Buffer): { entries: unknown[]; whole: number } {
  const entries: unknown[] = [];
  let whole = 0;
  for (;;) {
    const end = bytes.indexOf(NEWLINE, whole);
    const entry = end < 0 ? undefined : parse(bytes.toString('utf8', whole, end));
    if (entry === undefined) return { entries, whole };
    entries.push(entry.value);
    whole = end + 1;
  }
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, HASH_LENGTH);
}

function parse(line: string): { value: unknown } | undefined {
  const json = line.slice(HASH_LENGTH + 1);
  if (hash(json) !== line.slice(0, HASH_LENGTH)) return undefined;
  try {
    return { value: JSON.parse(json) };
  } catch {
    return undefined;
  }
}

function damaged(found: {
  path: string;
  line: number;
  whole: number;
  bytes: Buffer;
  acknowledged: AcknowledgedLength;
}): AttensorError {
  const { path, line, whole, bytes, acknowledged } = found;
  const common = {
    code: 'BAD_DATA_DIR' as const,
    hint: 'restore the folder from a backup, start with an empty --data folder, or go on without what is lost with --accept-loss',
  };
  if (acknowledged.damaged) {
    return new AttensorError({
      ...common,
      what: 'the account of how much of the transaction log was acknowledged is damaged',
      where: acknowledged.path,
    });
  }
  if (bytes.length === whole) {
    return new AttensorError({
      ...common,
      what: 'the end of the transaction log is missing, although it was acknowledged',
      where: path,
      expected: `at least ${acknowledged.length} bytes`,
      got: `${bytes.length} bytes`,
    });
  }
  return new AttensorError({
    ...common,
    what: 'a line of the transaction log is damaged',
    where: `${path}:${line}`,
    expected: 'the hash of the line, a space, the line',
  });
}
