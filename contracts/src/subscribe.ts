/** New attestations as they come. */
import type { PublicKey } from 'o1js';
import type { AttestationHistory, RecordedAttestation } from './history.js';
import { readContract, readHistory } from './read.js';

/** Options of `subscribeAttestations`. */
export interface SubscribeOptions {
  /** Ends the iteration, also while it waits. */
  signal?: AbortSignal;
  /** Between two looks at the account. */
  intervalMs?: number;
  /** Position of the first submission to report; those after the call if not given. */
  from?: number;
  /** Told of a failed read, which is then tried again; without it, a failed read ends the iteration. */
  onError?: (error: unknown) => void;
}

/**
 * Submissions, each when it is seen first.
 *
 * Looks at the account; asks the archive only when the action state changed. Where the chain takes
 * back blocks, what takes the place of reported submissions is reported too: `index` tells which.
 *
 * @throws as `readHistory`, unless `onError` is given
 */
export async function* subscribeAttestations(
  address: PublicKey,
  { signal, intervalMs = 10_000, from, onError }: SubscribeOptions = {},
): AsyncGenerator<RecordedAttestation, void, undefined> {
  /** Action states after the submissions reported so far. */
  let seen: bigint[] | undefined;
  let known: AttestationHistory | undefined;
  while (!signal?.aborted) {
    let fresh: readonly RecordedAttestation[] = [];
    try {
      const actionState = (await readContract(address)).actionState.toBigInt();
      if (actionState !== known?.state.actionState.toBigInt()) {
        known = await readHistory(address, { known });
        const { attestations } = known;
        const states = attestations.map((each) => each.actionState.toBigInt());
        seen ??= states.slice(0, from ?? states.length);
        const replaced = seen.findIndex((state, i) => state !== states[i]);
        fresh = attestations.slice(replaced === -1 ? seen.length : replaced);
        seen = states;
      }
    } catch (error) {
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
