/** How many blocks lie on top of what is found. */
import { isEmbedded } from './account.js';

/** What is on a chain without blocks cannot be taken back; where only the depth is unknown, it does not count. */
export function isDeep(found: { depth?: number } | undefined, minDepth: number): boolean {
  if (minDepth === 0) return true;
  return found?.depth === undefined ? isEmbedded() : found.depth >= minDepth;
}
