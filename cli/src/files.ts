/** Files that users name. */
import { access, constants, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { AttensorError } from '@attensor/core';

export { readTextFile, requireWritable, writeFileWhole };

/** @throws AttensorError when the file can't be read or is larger than what it is supposed to be. */
async function readTextFile(path: string, maxBytes: number, hint?: string): Promise<string> {
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

/** Finds out before the work, not after it. @throws AttensorError */
async function requireWritable(path: string): Promise<void> {
  const folder = dirname(resolve(path));
  await access(folder, constants.W_OK).catch(() => {
    throw new AttensorError({
      code: 'NOT_FOUND',
      what: 'the folder of the output file does not exist or is not writable',
      where: folder,
    });
  });
}

/** A reader sees the old file or the new one, never a part. */
async function writeFileWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, text);
  await rename(temporary, path);
}
