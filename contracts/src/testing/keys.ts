import { keyCache } from '@attensor/core/o1js';
import type { Cache } from 'o1js';

/** By the name and hash of its circuit, each verification key that was compiled with a cache of `contractKeys`. */
export const compiledKeys = new Map<string, string>();

/** Where tests keep the contract's keys: where the commands do, so that a run of all tests compiles them once. */
export function contractKeys(): Cache {
  const cache = keyCache();
  const noted = (uniqueId: string, kind: string, bytes: Uint8Array | undefined) => {
    if (bytes !== undefined && kind.endsWith('-vk'))
      compiledKeys.set(uniqueId, new TextDecoder().decode(bytes));
  };
  return {
    ...cache,
    read(header) {
      const bytes = cache.read(header);
      noted(header.uniqueId, header.kind, bytes);
      return bytes;
    },
    write(header, bytes) {
      noted(header.uniqueId, header.kind, bytes);
      cache.write(header, bytes);
    },
  };
}
