/** Modules inside o1js that its package does not export. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { AttensorError } from '../errors.js';

/**
 * Loads a module by its place in o1js's build for Node.
 *
 * @param path below `dist/node`
 * @throws Error when this version of o1js has no such module
 */
export async function internalModule<T>(path: string): Promise<T> {
  const root = dirname(createRequire(import.meta.url).resolve('o1js'));
  return (await import(pathToFileURL(join(root, path)).href)) as T;
}

/** What to throw where a module is not what it is taken for. @param what is missing */
export const unsupportedO1js = (what: string): AttensorError =>
  new AttensorError({
    code: 'UNSUPPORTED_O1JS',
    what,
    hint: 'install the version of o1js that core/package.json names',
  });
