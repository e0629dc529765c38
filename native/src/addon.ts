/**
 * @module addon
 * Loads the compiled addon when one of its functions is first used, so that whoever imports the package for its types, or to
 * verify, needs none. Both halves of the package (engine, model) take their native functions from here.
 */
import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const PATH = fileURLToPath(new URL('../build/Release/attensor_native.node', import.meta.url));

/** kInterface of addon.cc. */
const INTERFACE = 8;

/** What the C++ side exports, untyped; engine and model cast their own part. */
interface Addon {
  interface: number;
  engine: object;
  model: object;
}

let loaded: Addon | undefined;

/**
 * Loads the addon unless it is loaded already.
 * @throws code `ADDON_MISSING` if it is not built, or `ATTENSOR_ADDON=none` asks for none; `ADDON_STALE` if another revision built it
 */
export function loadAddon(): Addon {
  if (loaded) return loaded;
  if (process.env.ATTENSOR_ADDON === 'none')
    throw failure('ADDON_MISSING', 'ATTENSOR_ADDON=none asks for no native code');
  if (!existsSync(PATH))
    throw failure(
      'ADDON_MISSING',
      `${PATH} is missing. Run \`npm run build:native\` (needs a C++20 compiler, make and Python 3).`,
    );
  const addon = createRequire(import.meta.url)(PATH) as Addon;
  if (addon.interface !== INTERFACE)
    throw failure(
      'ADDON_STALE',
      `${PATH} was built from another revision. Run \`npm run build:native\` again.`,
    );
  return (loaded = addon);
}

const failure = (code: string, message: string): Error =>
  Object.assign(new Error(`addon: ${message}`), { code });

/** Whether the addon can be loaded. */
export function hasAddon(): boolean {
  try {
    loadAddon();
    return true;
  } catch {
    return false;
  }
}

/** A half of the addon, which is loaded when the first function is looked up. */
export const half = <T extends object>(name: 'engine' | 'model'): T =>
  new Proxy({} as T, { get: (_, key): unknown => Reflect.get(loadAddon()[name], key) });
