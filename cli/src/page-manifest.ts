/** Which files of a page's folder the command made, so that it replaces those and deletes no other. */
import { lstat, readdir, writeFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { z } from 'zod';
import { AttensorError } from '@attensor/core';
import { readJson } from '@attensor/core/files';

const NAME = 'attensor-files.json';
/** Named in an error. */
const MOST_SHOWN = 3;

const manifestSchema = z.object({
  format: z.literal('attensor-page-files'),
  version: z.literal(1),
  /** Paths with slashes, relative to the folder. */
  files: z.array(z.string()),
});

/** Lists the files of a new page in it. */
export async function writeManifest(folder: string): Promise<void> {
  const files = [...(await filesIn(folder)), NAME].sort();
  const manifest = { format: 'attensor-page-files', version: 1, files };
  await writeFile(join(folder, NAME), `${JSON.stringify(manifest, null, 2)}\n`, { flag: 'wx' });
}

/**
 * Lets a new page take the place of an old one, and of nothing else.
 *
 * @throws AttensorError OUTPUT_EXISTS
 */
export async function requireFree(out: string, force: boolean): Promise<void> {
  const info = await lstat(out).catch(() => undefined);
  if (info === undefined) return;
  const exists = (what: string, hint: string, got?: string) =>
    new AttensorError({ code: 'OUTPUT_EXISTS', what, where: out, got, hint });
  const listed = info.isDirectory() ? await readManifest(out) : undefined;
  if (listed === undefined) {
    throw exists(
      'it exists, and this command did not make it',
      'name another folder, or delete it yourself',
    );
  }
  const strange = (await filesIn(out)).filter((file) => !listed.has(file));
  if (strange.length > 0) {
    const more = strange.length > MOST_SHOWN ? `, and ${strange.length - MOST_SHOWN} more` : '';
    throw exists(
      'the folder of the page has files that this command did not make',
      'move them, or name another folder',
      `${strange.slice(0, MOST_SHOWN).join(', ')}${more}`,
    );
  }
  if (!force) throw exists('a page is already there', '--force replaces it');
}

async function readManifest(folder: string): Promise<Set<string> | undefined> {
  try {
    const path = join(folder, NAME);
    const hint = 'delete the folder yourself';
    const { files } = await readJson({ path, schema: manifestSchema, code: 'BAD_FILE', hint });
    return new Set(files);
  } catch {
    return undefined;
  }
}

/** Files and links, relative to the folder. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'));
}
