/** Checkpoints of contracts' histories, one file each. */
import type { Checkpoint, CheckpointStore } from '@attensor/contracts';
import { readTextFile, writeAtomic } from '@attensor/core/files';
import { createHash } from 'node:crypto';
import { mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Two million attestations. */
export const MAX_CHECKPOINT_BYTES = 2 ** 30;

/**
 * @param folder made when the first one is kept
 * @param network tells apart networks that have a contract at the same address
 */
export function checkpointFiles(folder: string, network: string): CheckpointStore {
  const path = (address: string) => {
    const of = createHash('sha256').update(network).digest('hex').slice(0, 8);
    return join(folder, `${address}-${of}.json`);
  };
  return {
    async load(address) {
      const file = path(address);
      if ((await stat(file).catch(() => undefined)) === undefined) return undefined;
      return await readCheckpoint(file);
    },
    save: (checkpoint) => writeCheckpoint(path(checkpoint.address), checkpoint),
  };
}

/** @returns its JSON, unchecked @throws SyntaxError, AttensorError NOT_FOUND, BAD_FILE */
export async function readCheckpoint(path: string): Promise<unknown> {
  const value: unknown = JSON.parse(await readTextFile(path, MAX_CHECKPOINT_BYTES));
  return value;
}

/** Whoever is interrupted here leaves the old file. */
export async function writeCheckpoint(path: string, checkpoint: Checkpoint): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeAtomic(path, `${JSON.stringify(checkpoint)}\n`);
}
