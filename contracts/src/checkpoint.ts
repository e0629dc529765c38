/**
 * What a reader keeps, so that the next read asks for what came since: and what is left of a contract's history where archives began
 * anew after a hard fork. A checkpoint is never believed: its actions are hashed again, and count only as far as they lead to what the
 * ledger holds.
 */
import { AttensorError } from '@attensor/core';
import { z } from 'zod';
import { linkUpdates, type LinkedUpdate } from './queue-walk.js';

const FORMAT = 'attensor-checkpoint';
export const CHECKPOINT_VERSION = 1;

const field = z.string().regex(/^\d{1,78}$/, 'a number in decimal');
const count = z.number().int().nonnegative();
const checkpointSchema = z.object({
  format: z.literal(FORMAT),
  version: z.literal(CHECKPOINT_VERSION),
  address: z.string().regex(/^B62[1-9A-HJ-NP-Za-km-z]{52}$/),
  /** Of the node's last block when it was made. */
  blockHeight: count.optional(),
  /** After all updates. */
  actionState: field,
  updates: z.array(
    z.object({
      actions: z.array(z.array(field)).min(1),
      blockHeight: count.optional(),
      transactionHash: z.string().max(100).optional(),
      time: z.number().optional(),
      slot: count.optional(),
    }),
  ),
});

/** JSON. Everything but the actions is what an archive told. */
export type Checkpoint = z.infer<typeof checkpointSchema>;

/** Where checkpoints are kept: a file, IndexedDB, a database. */
export interface CheckpointStore {
  /** @returns what was saved, unchecked, or nothing */
  load(address: string): Promise<unknown>;
  save(checkpoint: Checkpoint): Promise<void>;
}

export function makeCheckpoint(
  address: string,
  blockHeight: number | undefined,
  updates: readonly LinkedUpdate[],
): Checkpoint {
  return {
    format: FORMAT,
    version: CHECKPOINT_VERSION,
    address,
    blockHeight,
    actionState: updates.at(-1)?.actionState ?? '0',
    updates: updates.map(({ actionState: _, ...update }) => update),
  };
}

/**
 * The updates of a checkpoint, hashed again.
 *
 * @throws BAD_FILE if it is none, is damaged, or is of another contract; UNSUPPORTED_VERSION
 */
export function openCheckpoint(value: unknown, address: string): LinkedUpdate[] {
  const { version, format } = (value ?? {}) as { version?: unknown; format?: unknown };
  if (format === FORMAT && version !== CHECKPOINT_VERSION) {
    throw new AttensorError({
      code: 'UNSUPPORTED_VERSION',
      what: 'the checkpoint has another version',
      where: address,
      expected: String(CHECKPOINT_VERSION),
      got: String(version),
      hint: 'Read the history from an archive, or use the program that made the checkpoint',
    });
  }
  const parsed = checkpointSchema.safeParse(value);
  if (!parsed.success) {
    const [{ path, message }] = parsed.error.issues;
    throw damaged(address, `field ${path.map(String).join('.') || '(root)'}: ${message}`);
  }
  const checkpoint = parsed.data;
  if (checkpoint.address !== address)
    throw damaged(address, `a checkpoint of ${checkpoint.address}`);
  const updates = linkUpdates(checkpoint.updates);
  const state = updates.at(-1)?.actionState ?? '0';
  if (state !== checkpoint.actionState)
    throw damaged(address, `actions that lead to ${state}, not to ${checkpoint.actionState}`);
  return updates;
}

function damaged(address: string, got: string): AttensorError {
  return new AttensorError({
    code: 'BAD_FILE',
    what: 'this is not a checkpoint of the contract, or it is damaged',
    where: address,
    expected: 'what `attensor attestations export` writes',
    got,
    hint: 'Remove it: the history is then read from an archive',
  });
}
