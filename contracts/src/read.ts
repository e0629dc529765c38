/**
 * Reading attestations from outside circuits: a dApp's page, a script, a test.
 *
 * Works on whatever Mina instance is active; over a network best after `connect`. Submissions come from an archive and are checked
 * against the account before they are returned, so an archive can withhold an answer, but it can't
 * invent, leave out or reorder submissions. Events, which anyone may put beside the contract's own, are read only for the
 * blocks of settlements: see `settlement-blocks.ts`.
 */
import { AttensorError, shownUrl } from '@attensor/core';
import { Field, Mina, type PublicKey } from 'o1js';
import {
  type ContractState,
  isEmbedded,
  readContract,
  type ReadContractOptions,
} from './account.js';
import { type BlockWindow, fetchQueueBlocks, type QueueAnswer } from './archive.js';
import { type Attestation, type AttestationWitness } from './attestation.js';
import {
  type Checkpoint,
  type CheckpointStore,
  makeCheckpoint,
  openCheckpoint,
} from './checkpoint.js';
import { type Commitment } from './commitment.js';
import { activeConnection, endpointList, type Endpoints } from './endpoints.js';
import type { Endpoint } from './graphql.js';
import { AttestationHistory, type RecordedAttestation } from './history.js';
import { isDeep } from './depth.js';
import { attestationsOf } from './queue.js';
import { type LinkedUpdate, type Queue, type QueueSource, walkQueue } from './queue-walk.js';
import { readSettledIn } from './settlement-blocks.js';

/** Options of everything that reads submissions. */
export interface ReadOptions extends ReadContractOptions {
  /** GraphQL of archives, where `connect` has not been told any. */
  archive?: Endpoints;
  /** Blocks that are asked for at once; halved where an archive refuses so many, or cuts its answers short. 10,000 if not given. */
  blockRange?: number;
  /** How long one archive may take for all its answers, in milliseconds, before the next one is asked; ten minutes if not given. */
  patienceMs?: number;
  /** An earlier result: only what came since is asked for, and little is hashed again. */
  since?: Reading;
  /** An exported checkpoint. It is checked, never believed. */
  checkpoint?: unknown;
  /** Where a checkpoint is looked for, and where the new one is put. */
  checkpoints?: CheckpointStore;
  signal?: AbortSignal;
}

/** A submission, and where it was made as the archive tells: that part is not checked. */
export interface FoundAttestation extends RecordedAttestation {
  transactionHash?: string;
  blockHeight?: number;
  /** Blocks on top of its own; 0 in the last one. Undefined where its block is not known. */
  depth?: number;
}

/** Everything that one look at the chain gives. */
export interface Reading {
  contract: ContractState;
  history: AttestationHistory;
  attestations: readonly FoundAttestation[];
  /** True if the archive has not seen the last submissions yet; then `history` ends before them. */
  behind: boolean;
  /** Blocks of the archive's answers that could not be read, or whose actions do not make their state. */
  skipped: number;
  /** Updates that were known before, from `since` or a checkpoint. */
  known: number;
  /** Blocks that one question to the archive may span, as far as that was tried. */
  blockRange: number;
  /** Why a checkpoint was not used or not kept: the reading is as good without it. */
  checkpointProblem?: unknown;
  /** To be kept, exported, or given to the next call. */
  checkpoint: () => Checkpoint;
  /** For the next call. */
  updates: readonly LinkedUpdate[];
}

/**
 * The contract, all submissions and the record, checked against the account.
 *
 * @throws NO_CONTRACT, NODE_UNAVAILABLE, BAD_ANSWER, ARCHIVE_UNAVAILABLE, ARCHIVE_MISMATCH
 */
export async function readAll(address: PublicKey, options: ReadOptions = {}): Promise<Reading> {
  const { since, checkpoints = activeConnection()?.checkpoints } = options;
  const name = address.toBase58();
  // the account first: what is submitted in between is at the end of the archive's list
  const contract = await readContract(address, options);
  const start =
    since === undefined
      ? await loadCheckpoint(name, options.checkpoint, checkpoints)
      : { known: since.updates, isKept: true };
  const { queue, attestations, history } = await firstQueue(
    address,
    contract,
    start.known,
    options,
  );
  const { updates, behind, skipped } = queue;
  const checkpoint = () => makeCheckpoint(name, contract.blockHeight, updates);
  let checkpointProblem = start.problem;
  if (start.known.length > 0 && queue.known === 0 && since === undefined)
    checkpointProblem = unused(name, start.known.length);
  const isSame = queue.known === updates.length && start.known.length === updates.length;
  if (checkpoints !== undefined && !(isSame && start.isKept)) {
    await checkpoints.save(checkpoint()).catch((error: unknown) => {
      checkpointProblem ??= error;
    });
  }
  const found = locate(history, attestations.length, queue, contract.blockHeight);
  return {
    contract,
    history,
    attestations: found,
    behind,
    skipped,
    known: queue.known,
    blockRange: queue.blockRange,
    checkpointProblem,
    checkpoint,
    updates,
  };
}

/** Nothing of a checkpoint is fatal: without it, the history is read from its beginning. */
async function loadCheckpoint(
  address: string,
  checkpoint: unknown,
  checkpoints: CheckpointStore | undefined,
): Promise<{ known: readonly LinkedUpdate[]; isKept: boolean; problem?: unknown }> {
  // one that is given is not where the store is
  const isKept = checkpoint === undefined;
  try {
    const saved = checkpoint ?? (await checkpoints?.load(address));
    if (saved === undefined || saved === null) return { known: [], isKept };
    return { known: openCheckpoint(saved, address), isKept };
  } catch (problem) {
    return { known: [], isKept, problem };
  }
}

function unused(address: string, count: number): AttensorError {
  return new AttensorError({
    code: 'BAD_FILE',
    what: "the checkpoint's actions do not lead to what the ledger holds; the history was read from its beginning",
    where: address,
    got: `${count} updates of another chain`,
    hint: 'Remove it, and do not trust whoever made it',
  });
}

/** From the first archive that has all of it and knows where, else from the one that has seen most. */
async function firstQueue(
  address: PublicKey,
  contract: ContractState,
  known: readonly LinkedUpdate[],
  options: ReadOptions,
) {
  const states = contract.actionStates.map(String);
  const { since, blockRange = since?.blockRange } = options;
  const errors: unknown[] = [];
  let late: Awaited<ReturnType<typeof check>> | undefined;
  const check = async (source: QueueSource) => {
    const queue = await walkQueue(source, { states, known, blockRange });
    const attestations = decode(queue, address);
    const actionState = queue.behind
      ? Field(queue.updates[queue.updates.length - 1].actionState)
      : contract.actionState;
    const state = { ...contract, actionState };
    return {
      queue,
      attestations,
      history: AttestationHistory.replay(state, attestations, since?.history),
    };
  };
  for (const source of sources(address, contract, options)) {
    try {
      const checked = await check(source);
      const { behind, unconfirmed } = checked.queue;
      if (!behind && unconfirmed.size === 0) return checked;
      if (late === undefined || isBetter(checked.queue, late.queue)) late = checked;
    } catch (error) {
      options.signal?.throwIfAborted();
      if (error instanceof AttensorError && error.code === 'NOT_GENUINE') throw error;
      errors.push(error);
    }
  }
  if (late === undefined) throw errors[0];
  return late;
}

function isBetter(a: Queue, b: Queue): boolean {
  if (a.updates.length !== b.updates.length) return a.updates.length > b.updates.length;
  return a.unconfirmed.size < b.unconfirmed.size;
}

const PATIENCE_MS = 10 * 60_000;

function* sources(
  address: PublicKey,
  { blockHeight: height }: ContractState,
  { archive, signal, patienceMs = PATIENCE_MS }: ReadOptions,
): Generator<QueueSource> {
  const archives = archive === undefined ? activeConnection()?.archives : endpointList(archive);
  if (archives !== undefined && height !== undefined) {
    for (const each of archives) yield archiveSource(each, address, height, { signal, patienceMs });
  } else {
    yield {
      name: address.toBase58(),
      height: isEmbedded() ? undefined : height,
      fetch: (range) => fetchFromInstance(address, range),
    };
  }
}

function archiveSource(
  archive: Endpoint,
  address: PublicKey,
  height: number,
  { signal, patienceMs }: { signal?: AbortSignal; patienceMs: number },
): QueueSource {
  const name = shownUrl(archive.url);
  // one that answers each question late must not keep a reader from the next one
  const patience = AbortSignal.timeout(patienceMs);
  const either = signal === undefined ? patience : AbortSignal.any([signal, patience]);
  const fetch: QueueSource['fetch'] = async (range = { from: 1, to: height + 1 }) => {
    try {
      return await fetchQueueBlocks(archive, address.toBase58(), range, { signal: either });
    } catch (error) {
      signal?.throwIfAborted();
      if (patience.aborted) throw unavailable(name, `not done in ${patienceMs / 1000} s`, error);
      if (!(error instanceof AttensorError) || error.code !== 'NODE_UNAVAILABLE') throw error;
      throw unavailable(name, error.got ?? error.what, error);
    }
  };
  return { name, height, fetch };
}

function unavailable(where: string, got: string, cause: unknown): AttensorError {
  return new AttensorError({
    code: 'ARCHIVE_UNAVAILABLE',
    what: 'the archive did not return the submitted attestations',
    where,
    got,
    hint: 'Try again, or name another archive',
    cause,
  });
}

/** Through o1js, which tells no blocks: on a chain in this process, or where only `Mina.Network` knows the archive. */
async function fetchFromInstance(address: PublicKey, range?: BlockWindow): Promise<QueueAnswer> {
  const failed = (cause: unknown, got: string) => unavailable(address.toBase58(), got, cause);
  const updates = await Mina.fetchActions(
    address,
    undefined,
    undefined,
    range?.from,
    range?.to,
  ).catch((cause: unknown) => {
    throw failed(cause, cause instanceof Error ? cause.message : String(cause));
  });
  if ('error' in updates) throw failed(updates.error, updates.error.statusText);
  const blocks = updates.map(({ actions, hash }, i) => ({
    updates: [{ actions }],
    guess: updates.at(i - 1)?.hash,
    after: hash,
  }));
  return { blocks, skipped: 0 };
}

function decode(queue: Queue, address: PublicKey): Attestation[] {
  try {
    return attestationsOf(
      queue.updates.flatMap(({ actions }) => actions),
      address.toBase58(),
    );
  } catch (error) {
    throw error instanceof AttensorError ? foreignQueue(address, error) : error;
  }
}

/** The archive is not to blame: the ledger's action state has been reached with exactly these actions. */
function foreignQueue(address: PublicKey, cause: AttensorError): AttensorError {
  const { expected, got } = cause;
  return new AttensorError({
    code: 'NOT_GENUINE',
    what: "the account's actions are not those of an attestation contract",
    where: address.toBase58(),
    expected,
    got,
    hint: 'Check the address, and the version of this program',
    cause,
  });
}

/** Where each submission was made: every attestation is one action, after those that opened the queue. */
function locate(
  { attestations }: AttestationHistory,
  submitted: number,
  { updates, unconfirmed }: Queue,
  height: number | undefined,
): FoundAttestation[] {
  const places = updates.flatMap((update) => update.actions.map(() => update));
  const opening = places.length - submitted;
  return attestations.map((each) => {
    const { transactionHash, blockHeight: told, actionState } = places[each.index + opening];
    const blockHeight = unconfirmed.has(actionState) ? undefined : told;
    const depth =
      height === undefined || blockHeight === undefined ? undefined : height - blockHeight;
    return { ...each, transactionHash, blockHeight, depth };
  });
}

/** The commitment that submissions are checked against now. Same warning as `readContract`. */
export async function readCommitment(address: PublicKey): Promise<Commitment> {
  return (await readContract(address)).commitment;
}

/**
 * All submissions and the record: what `Settler` and `requireAttested` take is made from it.
 *
 * @throws as `readAll`
 */
export async function readHistory(
  address: PublicKey,
  options: ReadOptions = {},
): Promise<AttestationHistory> {
  return (await readAll(address, options)).history;
}

/**
 * All submissions, oldest first, checked to be exactly those that the account commits to.
 *
 * @throws as `readAll`
 */
export async function readAttestations(
  address: PublicKey,
  options: ReadOptions = {},
): Promise<readonly FoundAttestation[]> {
  return (await readAll(address, options)).attestations;
}

/**
 * Is the attestation in the record, so that contracts can rely on it?
 *
 * @throws as `readAll`
 */
export async function isSettled(
  address: PublicKey,
  attestation: Attestation,
  {
    minDepth = 0,
    ...options
  }: ReadOptions & {
    /** Blocks on top of the one in which it went into the record, as archives tell. */
    minDepth?: number;
  } = {},
): Promise<boolean> {
  const reading = await readAll(address, options);
  const found = reading.history.find(attestation);
  if (!found?.settled || minDepth === 0) return found?.settled ?? false;
  const { index } = found;
  const settled = await readSettledIn(address, reading, { ...options, only: index });
  return isDeep(settled.get(index), minDepth);
}

/** Argument of `requireAttested`; valid until the next `settle`. @throws NOT_SETTLED, as `readAll` */
export async function attestationWitness(
  address: PublicKey,
  attestation: Attestation,
  options: ReadOptions = {},
): Promise<AttestationWitness> {
  return (await readHistory(address, options)).witness(attestation);
}
