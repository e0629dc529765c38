/**
 * What was read of a contract before, in this browser, so that only newer blocks are asked for. It is never believed: the whole list
 * is replayed against the account again, and one that does not fit is forgotten.
 */
import { createStore, del, get, set } from 'idb-keyval';
import { z } from 'zod';
import type { Source } from '../link.js';
import { submissionSchema, type Submission } from './submissions.js';

const checkpointSchema = z.strictObject({
  format: z.literal('attensor-submissions'),
  version: z.literal(1),
  /** all blocks below this height were read */
  height: z.number().int().nonnegative(),
  submissions: z.array(submissionSchema),
});
export type Checkpoint = z.infer<typeof checkpointSchema>;

/** Blocks nearer to the last one may still be replaced. */
const FINAL_DEPTH = 290;

/** Where checkpoints are kept, by name. */
export interface CheckpointStore {
  get(name: string): Promise<unknown>;
  set(name: string, value: unknown): Promise<void>;
  delete(name: string): Promise<void>;
}

/** The browser's database. */
export function browserStore(): CheckpointStore {
  const store = createStore('attensor', 'checkpoints');
  return {
    get: (name) => get(name, store),
    set: (name, value) => set(name, value, store),
    delete: (name) => del(name, store),
  };
}

/** Links may name any nodes: what those tell is not kept. */
const nameOf = ({ foreign, network, address }: Source): string | undefined =>
  foreign ? undefined : `${network} ${address}`;

/** A damaged one, or a database that does not work, is none. */
export async function loadCheckpoint(
  store: CheckpointStore,
  source: Source,
): Promise<Checkpoint | undefined> {
  const name = nameOf(source);
  if (name === undefined) return undefined;
  const value = await store.get(name).catch(() => undefined);
  return checkpointSchema.safeParse(value).data;
}

/** @param tip height of the block at which they were all found in the account */
export async function saveCheckpoint(
  store: CheckpointStore,
  source: Source,
  submissions: readonly Submission[],
  tip: number,
): Promise<void> {
  const name = nameOf(source);
  const height = tip - FINAL_DEPTH;
  if (name === undefined || height <= 0) return;
  const checkpoint: Checkpoint = {
    format: 'attensor-submissions',
    version: 1,
    height,
    submissions: submissions.filter((each) => each.height < height),
  };
  // a full disk or a private window: then all of it is read again
  await store.set(name, checkpoint).catch(() => undefined);
}

export async function forgetCheckpoint(store: CheckpointStore, source: Source): Promise<void> {
  const name = nameOf(source);
  if (name !== undefined) await store.delete(name).catch(() => undefined);
}
