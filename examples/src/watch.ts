/** A list that grows as the model's answers are proved. */
import { outputHash, subscribeAttestations } from '@attensor/contracts';
import type { PublicKey } from 'o1js';

/**
 * Names the answers that are attested from now on, until `signal` is aborted.
 *
 * @param known answers by name: the chain holds hashes, a dApp has to know what they are of
 * @param show told of every new one
 */
export async function watch(
  address: PublicKey,
  known: Record<string, number[]>,
  show: (line: string) => void,
  options: { signal: AbortSignal; intervalMs?: number },
): Promise<void> {
  const names = new Map(
    Object.entries(known).map(([name, ids]) => [outputHash(ids).toBigInt(), name]),
  );
  for await (const { index, attestation } of subscribeAttestations(address, {
    from: 0,
    ...options,
  })) {
    const name = names.get(attestation.statement.outputHash.toBigInt());
    show(`${index}: ${name ?? 'an answer unknown to us'}`);
  }
}
