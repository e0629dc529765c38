/** Did the model really say that? */
import {
  Attestation,
  type CommitmentLike,
  inputHash,
  isDeep,
  outputHash,
  readSettledIn,
  requireGenuine,
} from '@attensor/contracts';
import type { PublicKey } from 'o1js';

/**
 * What the chain knows of a prompt and an answer. Over a network, call `connect` first.
 *
 * @param expected the model that this dApp trusts, from its commitment.json; and on a chain without proofs the contract's key
 * @param minDepth blocks on top of the answer's own, and of its settlement's, so that the chain will not take them back
 * @throws NOT_GENUINE if the account is not the attestation contract of that model
 */
export async function checkAnswer(
  address: PublicKey,
  expected: { commitment: CommitmentLike; contractKeyHash?: { toString(): string } },
  promptIds: number[],
  answerIds: number[],
  minDepth = 0,
): Promise<'settled' | 'pending' | 'unknown'> {
  const { reading } = await requireGenuine(address, expected);
  const { contract, history, attestations } = reading;

  const { commitment } = contract;
  const claimed = Attestation.of(commitment, inputHash(promptIds), outputHash(answerIds));
  const first = history.find(claimed);
  if (first === undefined || !isDeep(attestations[first.index], minDepth)) return 'unknown';
  if (!first.settled) return 'pending';
  const settled = await readSettledIn(address, reading, { only: first.index });
  return isDeep(settled.get(first.index), minDepth) ? 'settled' : 'pending';
}
