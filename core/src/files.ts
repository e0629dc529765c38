/** Files that users name and files that programs keep, and the folder of the latter. */
import { randomBytes } from 'node:crypto';
import { access, chmod, constants, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { z } from 'zod';
import { AttensorError, type ErrorCode } from './errors.js';

/** Mode of files that hold secrets: for their owner only. */
export const PRIVATE_FILE = 0o600;

/** Proving keys, reference strings, unfinished proofs and transactions. */
export function defaultCacheDir(): string {
  return process.env.ATTENSOR_CACHE ?? join(homedir(), '.cache', 'attensor');
}

/** @throws AttensorError NOT_FOUND, or BAD_FILE when it is larger than such a file can be */
export async function readTextFile(path: string, maxBytes: number, hint?: string): Promise<string> {
  const size = await stat(path).then(
    (info) => (info.isFile() ? info.size : undefined),
    () => undefined,
  );
  if (size === undefined) {
    throw new AttensorError({
      code: 'NOT_FOUND',
      what: 'the file does not exist',
      where: resolve(path),
      hint,
    });
  }
  if (size > maxBytes) {
    throw new AttensorError({
      code: 'BAD_FILE',
      what: 'the file is too large',
      where: resolve(path),
      expected: `at most ${maxBytes} bytes`,
      got: `${size} bytes`,
    });
  }
  return await readFile(path, 'utf8');
}

export interface JsonFile<T> {
  path: string;
  schema: z.ZodType<T>;
  /** Of the error when the file is not what the schema says. */
  code: ErrorCode;
  /** What to do about it. */
  hint: string;
  maxBytes?: number;
}

const MAX_JSON_BYTES = 2 ** 28;

/** @throws AttensorError NOT_FOUND, or `code` with the field that is not as it should be */
export async function readJson<T>(file: JsonFile<T>): Promise<T> {
  const { path, schema, code, hint, maxBytes = MAX_JSON_BYTES } = file;
  const text = await readTextFile(path, maxBytes, hint);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // a parser's message may quote the file, which may hold a private key
    const got = 'a syntax error';
    throw new AttensorError({ code, what: 'the file is not JSON', where: path, got, hint });
  }
  return checked(value, { where: path, schema, code, hint });
}

/** @throws AttensorError with the field that is not as the schema says */
export function checked<T>(
  value: unknown,
  { schema, code, hint, where }: Omit<JsonFile<T>, 'path'> & { where: string },
): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new AttensorError({
    code,
    what: `field '${issue.path.map(String).join('.') || '(root)'}' is not valid: ${issue.message}`,
    where,
    hint,
  });
}

/** The error of a file that cannot be read. */
export function notFound(path: string, hint: string, cause?: unknown): AttensorError {
  const reason = (cause as NodeJS.ErrnoException | undefined)?.code;
  return new AttensorError({
    code: 'NOT_FOUND',
    what: 'the file cannot be read',
    where: path,
    got: reason,
    hint,
    cause,
  });
}

/** Finds out before the work, not after it. @throws AttensorError NOT_FOUND */
export async function requireWritable(path: string): Promise<void> {
  const folder = dirname(resolve(path));
  await access(folder, constants.W_OK).catch(() => {
    throw new AttensorError({
      code: 'NOT_FOUND',
      what: 'the folder of the output file does not exist or is not writable',
      where: folder,
    });
  });
}

/** The error of a file or folder that cannot be written. */
const writeFailed = (path: string, cause: unknown): AttensorError =>
  new AttensorError({
    code: 'WRITE_FAILED',
    what: 'the file cannot be written',
    where: resolve(path),
    got: (cause as NodeJS.ErrnoException).code ?? String(cause),
    hint: 'free some space on the disk, or make the folder writable, and run the command again',
    cause,
  });

/** @param work writes `path`, and nothing else fails in it. @throws AttensorError WRITE_FAILED */
export async function writing<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw writeFailed(path, cause);
  }
}

/** A file that is written whole. */
export interface WholeFile {
  path: string;
  data: string | Uint8Array;
  /** Default 0644. */
  mode?: number;
}

/**
 * A reader sees the old file or the new one, never a part; and so does whoever looks after a loss of power.
 *
 * @throws AttensorError WRITE_FAILED; then the old file is there as it was
 */
export function writeAtomic(path: string, data: string | Uint8Array, mode?: number): Promise<void> {
  return writeTogether([{ path, data, mode }]);
}

/**
 * As `writeAtomic`, of files that belong together: none is replaced before all are on the disk.
 *
 * @throws AttensorError WRITE_FAILED; then all old files are there as they were
 */
export async function writeTogether(files: WholeFile[]): Promise<void> {
  const together = new FilesTogether();
  try {
    for (const file of files) await together.add(file);
    await together.replace();
  } catch (error) {
    await together.discard();
    throw error;
  }
}

/** Files that belong together, written as they are made and replaced when all are there. */
export class FilesTogether {
  private readonly written: { path: string; temporary: string }[] = [];

  /** @throws AttensorError WRITE_FAILED */
  async add({ path, data, mode = 0o644 }: WholeFile): Promise<void> {
    // a name that nobody can know, and a file that is not there: nobody can have put a link in its place
    const temporary = `${path}.${randomBytes(8).toString('hex')}.tmp`;
    this.written.push({ path, temporary });
    const write = writeFile(temporary, data, { mode, flush: true, flag: 'wx' });
    await writing(path, write);
    await writing(path, chmod(temporary, mode));
  }

  /** @throws AttensorError WRITE_FAILED */
  async replace(): Promise<void> {
    for (const { path, temporary } of this.written) await writing(path, rename(temporary, path));
  }

  /** Removes what was not replaced, as far as that is possible: whoever calls has an error to tell already. */
  async discard(): Promise<void> {
    for (const { temporary } of this.written)
      await rm(temporary, { force: true }).catch(() => undefined);
  }
}
