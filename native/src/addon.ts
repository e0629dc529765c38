/**
 * @module addon
 * Loads the compiled addon. Both halves of the package (engine, model) take their native functions from here.
 */
import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = fileURLToPath(new URL('../build/Release/attensor_native.node', import.meta.url));

/** kInterface of addon.cc. */
const INTERFACE = 2;

function load(): Record<string, unknown> {
  if (!existsSync(path)) {
    throw Object.assign(
      new Error(
        `addon: ${path} is missing. Run \`npm run build:native\` (needs a C++20 compiler, make and Python 3).`,
      ),
      { code: 'ADDON_MISSING' },
    );
  }
  const loaded = createRequire(import.meta.url)(path) as Record<string, unknown>;
  if (loaded.interface !== INTERFACE) {
    throw Object.assign(
      new Error(
        `addon: ${path} was built from another revision. Run \`npm run build:native\` again.`,
      ),
      { code: 'ADDON_STALE' },
    );
  }
  return loaded;
}

/** Everything the C++ side exports, untyped; engine and model cast their own part. */
export const addon = load();
