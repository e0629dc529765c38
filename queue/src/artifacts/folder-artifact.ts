/**
 * @module folder-artifact
 * A folder as an artifact: a list of its files with their hashes, each file an artifact of its own. A model, or the keys of its circuits.
 */
import { checked } from '@attensor/core/files';
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { ArtifactStore, Hash } from './artifact-store.js';

export const hashSchema = z.string().regex(/^[0-9a-f]{64}$/, 'not a SHA-256');

/** Below the folder, wherever that is. */
const pathSchema = z
  .string()
  .regex(/^[^/\\\0]+(\/[^/\\\0]+)*$/, 'not a relative path')
  .refine((path) => !path.split('/').some((part) => part === '.' || part === '..'), {
    message: 'leaves the folder',
  });

const folderSchema = z.strictObject({
  format: z.literal('attensor-folder'),
  version: z.literal(1),
  files: z.array(
    z.strictObject({
      path: pathSchema,
      hash: hashSchema,
      bytes: z.number().int().nonnegative(),
    }),
  ),
});
export type FolderList = z.infer<typeof folderSchema>;

const MAX_LIST_BYTES = 2 ** 28;
const PRIVATE_DIR = 0o700;

/** @param paths relative to `dir`, with slashes @throws NOT_FOUND, WRITE_FAILED, UNREACHABLE */
export async function putFolder(store: ArtifactStore, dir: string, paths: string[]): Promise<Hash> {
  const files: FolderList['files'] = [];
  for (const path of [...paths].sort())
    files.push({ path, ...(await store.putFile(join(dir, path))) });
  const list: FolderList = { format: 'attensor-folder', version: 1, files };
  return store.put(Buffer.from(JSON.stringify(list)));
}

/** @throws NOT_FOUND, BAD_ARTIFACT, UNREACHABLE */
export async function readFolderList(store: ArtifactStore, hash: Hash): Promise<FolderList> {
  const text = Buffer.from(await store.get(hash, MAX_LIST_BYTES)).toString();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  return checked(value, {
    schema: folderSchema,
    code: 'BAD_ARTIFACT',
    where: hash,
    hint: 'The job names something else than a folder',
  });
}

/**
 * The folder on this machine: fetched once, whole or not at all. Several processes may ask for it at a time.
 *
 * @param cache where folders are kept, by hash
 * @returns its path
 * @throws NOT_FOUND, BAD_ARTIFACT, WRITE_FAILED, UNREACHABLE
 */
export async function fetchFolder(
  store: ArtifactStore,
  hash: Hash,
  cache: string,
): Promise<string> {
  const dir = join(cache, hash);
  if (await exists(dir)) return dir;
  const { files } = await readFolderList(store, hash);
  await mkdir(cache, { recursive: true, mode: PRIVATE_DIR });
  const temporary = await mkdtemp(join(cache, '.fetching-'));
  try {
    await fetchFiles(store, files, temporary);
    // another process may have been faster
    await rename(temporary, dir).catch(async (error: unknown) => {
      if (!(await exists(dir))) throw error;
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return dir;
}

/** The folder's files that are not yet in `dir`, into it. @throws as `fetchFolder` */
export async function fetchInto(store: ArtifactStore, hash: Hash, dir: string): Promise<void> {
  const { files } = await readFolderList(store, hash);
  const missing: FolderList['files'] = [];
  for (const file of files) if (!(await exists(join(dir, file.path)))) missing.push(file);
  await fetchFiles(store, missing, dir);
}

async function fetchFiles(
  store: ArtifactStore,
  files: FolderList['files'],
  dir: string,
): Promise<void> {
  for (const { path, hash } of files) {
    const target = join(dir, path);
    await mkdir(dirname(target), { recursive: true, mode: PRIVATE_DIR });
    await store.getFile(hash, target);
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
