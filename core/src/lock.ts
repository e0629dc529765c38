/** A lock on a file that the operating system takes back from a process that ends, however it ends. */
import { type FileHandle, open } from 'node:fs/promises';
import { tryLock, unlock } from 'fs-native-extensions';
import { AttensorError } from './errors.js';

/**
 * The file stays: removing it would let one process lock the old file and another a new one.
 *
 * @param what uses the folder, in words
 * @returns what gives the lock back
 * @throws AttensorError DATA_DIR_IN_USE
 */
export async function lock(path: string, what: string): Promise<() => Promise<void>> {
  const file = await open(path, 'a+', 0o600);
  if (!tryLock(file.fd)) {
    const owner = (await file.readFile('utf8').finally(() => file.close())).trim();
    throw new AttensorError({
      code: 'DATA_DIR_IN_USE',
      what: `another ${what} uses this folder`,
      where: path,
      got: /^\d+$/.test(owner) ? `process ${owner}` : undefined,
      hint: 'stop it, or give another --data folder',
    });
  }
  await note(file).catch(() => undefined);
  return async () => {
    unlock(file.fd);
    await file.close();
  };
}

/** For whoever finds the folder locked. */
async function note(file: FileHandle): Promise<void> {
  await file.truncate();
  await file.writeFile(`${process.pid}\n`);
}
