/** From a signed transaction to a block: sends it, once and for all, and waits. */
import { AttensorError } from '@attensor/core';
import { explainFailure } from './failures.js';
import { ALL_BLOCKS, pause, type Network, type Standing } from './network.js';
import type { TransactionFile } from './transaction-file.js';

export interface Delivered {
  hash: string;
  /** Absent when it was not waited for. */
  block?: number;
  /** Blocks on top of that one, when it was seen last. */
  depth?: number;
}

/** Who is told what goes on. */
export interface Reporter {
  log(line: string): void;
  /** Progress of one piece of work, which ends with `close`. */
  progress(title: string): {
    /** @param fraction 0 to 1 */
    update(fraction: number, stage: string): void;
    close(): void;
  };
}

/** A daemon remembers no more. */
export const MAX_CONFIRMATIONS = ALL_BLOCKS - 1;

interface DeliverOptions {
  wait: boolean;
  /** Blocks on top of the transaction's own that are waited for. */
  confirmations?: number;
  output: Reporter;
  signal?: AbortSignal;
}

type Sealed = TransactionFile & { hash: string };

/** Blocks looked at while waiting: more than come between two looks. */
const RECENT_BLOCKS = 20;
/** Looks per slot, and their bounds. */
const LOOKS_PER_SLOT = 10;
const MIN_INTERVAL_MS = 200;
const MAX_INTERVAL_MS = 15_000;
/** A transaction that is in none of as many slots is not going to be in one soon. */
const PATIENCE_SLOTS = 60;
const MIN_PATIENCE_MS = 60_000;

/**
 * Sending the same transaction again is harmless: it has one hash and one nonce.
 *
 * @throws AttensorError TRANSACTION_FAILED, REJECTED, NONCE_USED, NOT_INCLUDED, UNREACHABLE
 */
export async function deliver(
  network: Network,
  file: Sealed,
  options: DeliverOptions,
): Promise<Delivered> {
  const { hash } = file;
  let standing = await network.standing(hash);
  if (standing.state === 'unknown') {
    await requireUnusedNonce(network, file);
    standing = await send(network, file);
  }
  if (standing.state === 'included') {
    const delivered = included(hash, standing);
    if (!options.wait || standing.depth >= (options.confirmations ?? 0)) return delivered;
  }
  if (!options.wait) return { hash };
  return await wait(network, file, options);
}

async function send(network: Network, file: Sealed): Promise<Standing> {
  try {
    await network.send(file);
    return { state: 'pending' };
  } catch (error) {
    if (!(error instanceof AttensorError) || error.code !== 'REJECTED') throw error;
    // a request that seemed lost may have arrived: then this is the refusal of a second copy
    const standing = await network.standing(file.hash);
    if (standing.state !== 'unknown') return standing;
    throw error;
  }
}

async function requireUnusedNonce(network: Network, file: Sealed): Promise<void> {
  const [publicKey, nonce] = payerOf(file);
  const payer = await network.payer(publicKey);
  if (payer === undefined || payer.includedNonce <= nonce) return;
  // it may have come into a block between two looks; then sending it once more is harmless
  if ((await network.standing(file.hash)).state !== 'unknown') return;
  const faster = await replaced(network, file);
  throw new AttensorError({
    code: 'NONCE_USED',
    what:
      faster === undefined
        ? 'another transaction of the fee payer used the nonce; this one can never be included in a block'
        : `transaction ${faster}, which an earlier run sent with a smaller fee, is in a block instead of this one`,
    where: publicKey,
    expected: `nonce ${nonce}`,
    got: `${payer.includedNonce} is the next one`,
    hint:
      faster === undefined
        ? 'check whether it did what you wanted; if not, run the command again to make a new transaction'
        : 'it did what this one was to do, unless it failed there: run the command again to see',
  });
}

/** The hash of a transaction with a smaller fee, sent before this one, that is in a block instead. */
async function replaced(network: Network, { replaces = [] }: Sealed): Promise<string | undefined> {
  for (const hash of replaces) {
    if ((await network.standing(hash)).state === 'included') return hash;
  }
  return undefined;
}

function payerOf(file: TransactionFile): [publicKey: string, nonce: number] {
  if (file.kind !== 'zkapp') return [file.command.from, Number(file.command.nonce)];
  const { publicKey, nonce } = file.command.feePayer.body;
  return [publicKey, Number(nonce)];
}

async function wait(
  network: Network,
  file: Sealed,
  { confirmations = 0, output, signal }: DeliverOptions,
): Promise<Delivered> {
  const { hash } = file;
  const slot = await network.slotLength();
  const interval = Math.min(MAX_INTERVAL_MS, Math.max(MIN_INTERVAL_MS, slot / LOOKS_PER_SLOT));
  const patience = Math.max(MIN_PATIENCE_MS, slot * PATIENCE_SLOTS);
  const blocks = Math.min(ALL_BLOCKS, RECENT_BLOCKS + confirmations);
  let start = performance.now();
  /** The block it was seen in last. */
  let seen: number | undefined;
  const bar = output.progress('wait');
  try {
    for (;;) {
      const standing = await network.standing(hash, blocks);
      if (standing.state === 'included') {
        const delivered = included(hash, standing);
        if (standing.depth >= confirmations) return delivered;
        if (seen !== undefined && seen !== standing.block)
          output.log(`the chain moved the transaction from block ${seen} to ${standing.block}`);
        seen = standing.block;
        bar.update(
          standing.depth / confirmations,
          `in block ${seen}, ${standing.depth} of ${confirmations} blocks on top`,
        );
        await pause(interval, signal);
        continue;
      }
      if (seen !== undefined) {
        output.log(`the chain took back block ${seen}, which had the transaction`);
        seen = undefined;
        start = performance.now();
      }
      const waited = performance.now() - start;
      if (waited > patience) throw notIncluded(hash, standing, waited);
      // dropped from the pool, or the daemon was started anew
      if (standing.state === 'unknown') {
        await requireUnusedNonce(network, file);
        await send(network, file);
      }
      const stage = standing.state === 'pending' ? 'in the pool' : 'sent again';
      bar.update(Math.min(0.95, waited / patience), `${stage}, transaction ${hash}`);
      await pause(interval, signal);
    }
  } finally {
    bar.close();
  }
}

function notIncluded(hash: string, standing: Standing, waited: number): AttensorError {
  return new AttensorError({
    code: 'NOT_INCLUDED',
    what: 'the transaction is not in a block yet',
    where: hash,
    got: `${standing.state} after ${Math.round(waited / 1000)} s`,
    hint: 'run the same command again: it continues waiting and sends nothing new',
  });
}

function included(hash: string, standing: Extract<Standing, { state: 'included' }>): Delivered {
  const { block, depth, failure } = standing;
  if (failure === undefined) return { hash, block, depth };
  throw new AttensorError({
    code: 'TRANSACTION_FAILED',
    what: `the transaction is in block ${block} and failed; only its fee was taken`,
    where: hash,
    got: explainFailure(failure),
    hint: 'run the command again: it builds a new transaction on the current state',
  });
}
