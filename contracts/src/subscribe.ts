/** New attestations as they come. */
import type { PublicKey } from 'o1js';
import { readContract } from './account.js';
import { isDeep } from './depth.js';
import { type FoundAttestation, readAll, type Reading, type ReadOptions } from './read.js';

/** Options of `subscribeAttestations`. */
export interface SubscribeOptions extends ReadOptions {
  /** Ends the iteration, also while it waits. */
  signal?: AbortSignal;
  /** Between two looks at the account. */
  intervalMs?: number;
  /** Position of the first submission to report; those after the call if not given. */
  from?: number;
  /** Report a submission only with so many blocks on top of its own. */
  minDepth?: number;
  /** Told of a failed read, which is then tried again; without it, a failed read ends the iteration. */
  onError?: (error: unknown) => void;
  /** Told, before what takes their place is reported, which reported submissions the chain took back. */
  onReorganisation?: (vanished: readonly FoundAttestation[]) => void;
}

/**
 * Submissions, each when it is seen first.
 *
 * Looks at the account; asks the archive only when the action state changed. Where the chain takes
 * back blocks, what takes the place of reported submissions is reported too: `index` tells which. An archive that is some blocks
 * late is waited for.
 *
 * @throws as `readAll`, unless `onError` is given
 */
export async function* subscribeAttestations(
  address: PublicKey,
  options: SubscribeOptions = {},
): AsyncGenerator<FoundAttestation, void, undefined> {
  const { signal, intervalMs = 10_000, onError } = options;
  const feed = new Feed(address, options);
  while (!signal?.aborted) {
    let fresh: readonly FoundAttestation[] = [];
    try {
      fresh = await feed.next();
    } catch (error) {
      if (signal?.aborted) return;
      if (onError === undefined) throw error;
      onError(error);
    }
    for (const each of fresh) {
      if (signal?.aborted) return;
      yield each;
    }
    await pause(intervalMs, signal);
  }
}

class Feed {
  private reading: Reading | undefined;
  /** Reported so far, or passed over because they were there before. */
  private seen: FoundAttestation[] | undefined;

  constructor(
    private readonly address: PublicKey,
    private readonly options: SubscribeOptions,
  ) {}

  /** What is to be reported now. */
  async next(): Promise<readonly FoundAttestation[]> {
    const { minDepth = 0, from } = this.options;
    if (!(await this.changed())) return [];
    // a checkpoint is for the first read only: later ones go on from the one before
    const since = this.reading;
    this.reading = await readAll(this.address, { ...this.options, since });
    const deep = this.reading.attestations.filter((each) => isDeep(each, minDepth));
    this.seen ??= deep.slice(0, from ?? deep.length);
    // of a late archive, the rest is not gone but not there yet
    if (this.reading.behind && isPrefix(deep, this.seen)) return [];
    const kept = commonLength(this.seen, this.reading.attestations);
    const vanished = this.seen.slice(kept);
    this.seen = [...this.seen.slice(0, kept), ...deep.slice(kept)];
    if (vanished.length > 0) this.options.onReorganisation?.(vanished);
    return deep.slice(kept);
  }

  /** Where depth counts, a block more changes something too. */
  private async changed(): Promise<boolean> {
    const { reading } = this;
    if (reading === undefined) return true;
    const { actionState, blockHeight } = await readContract(this.address, this.options);
    const same = actionState.toBigInt() === reading.history.state.actionState.toBigInt();
    return (
      !same || ((this.options.minDepth ?? 0) > 0 && blockHeight !== reading.contract.blockHeight)
    );
  }
}

const stateAfter = ({ actionState }: FoundAttestation) => actionState.toBigInt();

function commonLength(a: readonly FoundAttestation[], b: readonly FoundAttestation[]): number {
  const different = a.findIndex(
    (each, i) => i >= b.length || stateAfter(each) !== stateAfter(b[i]),
  );
  return different === -1 ? a.length : different;
}

const isPrefix = (a: readonly FoundAttestation[], of: readonly FoundAttestation[]): boolean =>
  a.length <= of.length && commonLength(a, of) === a.length;

/** Ends early, without an error, when the signal is aborted. */
async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) return;
  await new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end);
  });
}
