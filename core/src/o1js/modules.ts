/** Modules inside o1js that its package does not export. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

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
