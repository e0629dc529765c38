/** Did the model really say that? */
import { Attestation, inputHash, outputHash, readContract, readHistory } from '@attensor/contracts';
import type { PublicKey } from 'o1js';

/**
 * What the chain knows of a prompt and an answer.
 *
 * @param contractKeyHash of the code that this dApp trusts: `AttestationContract.compile()` gives it
 * @param graphql of a node; not needed on a chain in this process
 */
export async function checkAnswer(
  address: PublicKey,
  contractKeyHash: bigint,
  promptIds: number[],
  answerIds: number[],
  graphql?: string,
): Promise<'settled' | 'pending' | 'unknown'> {
  const account = await readContract(address, { graphql });
  const { commitment, contractKeyHash: found, provedState, locked } = account;
  if (found.toBigInt() !== contractKeyHash || !provedState || !locked)
    throw Error(`checkAnswer: the account ${address.toBase58()} is not the contract we trust`);

  const claimed = Attestation.of(commitment, inputHash(promptIds), outputHash(answerIds));
  const attestation = (await readHistory(address)).find(claimed);
  if (attestation === undefined) return 'unknown';
  return attestation.settled ? 'settled' : 'pending';
}
