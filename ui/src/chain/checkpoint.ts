/**
 * What was read of a contract before, in this browser, so that only newer blocks are asked for. It is never believed: the whole list
 * is hashed again and must lead to the account.
 */
import { makeCheckpoint, openCheckpoint, type LinkedUpdate } from '@attensor/contracts';
import { createStore, del, get, set } from 'idb-keyval';
import type { Source } from '../link.js';

/** Where checkpoints are kept, by name. */
export interface Store {
  get(name: string): Promise<unknown>;
  set(name: string, value: unknown): Promise<void>;
  delete(name: string): Promise<void>;
}

/** The browser's database. */
export function browserStore(): Store {
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

/** What was read before: for the worker's life all of it, and longer what the site's networks told. */
export class Memory {
  private readonly linked = new Map<string, readonly LinkedUpdate[]>();

  /** A database that fails, is full or is forbidden keeps nothing and hinders nothing. */
  constructor(private readonly store: Store) {}

  /** Hashed anew if it comes from the database; none if there is none, or if it is damaged. */
  async load(source: Source): Promise<readonly LinkedUpdate[] | undefined> {
    const read = this.linked.get(idOf(source));
    const name = nameOf(source);
    if (read !== undefined || name === undefined) return read;
    const value = await this.store.get(name).catch(() => undefined);
    if (value === undefined) return undefined;
    try {
      return openCheckpoint(value, source.address);
    } catch {
      await this.forget(source);
      return undefined;
    }
  }

  /** @param height of the block at which they led to the account */
  async save(source: Source, height: number, updates: readonly LinkedUpdate[]): Promise<void> {
    this.linked.set(idOf(source), updates);
    const name = nameOf(source);
    const checkpoint = makeCheckpoint(source.address, height, updates);
    if (name !== undefined) await this.store.set(name, checkpoint).catch(() => undefined);
  }

  async forget(source: Source): Promise<void> {
    this.linked.delete(idOf(source));
    const name = nameOf(source);
    if (name !== undefined) await this.store.delete(name).catch(() => undefined);
  }
}

const idOf = ({ nodes, archive, address }: Source): string =>
  [...nodes, archive, address].join(' ');
