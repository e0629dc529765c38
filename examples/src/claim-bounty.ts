/** A payment that waits for an answer. */
import { Attestation, attestationWitness } from '@attensor/contracts';
import { AccountUpdate, Mina, type PublicKey } from 'o1js';
import { Bounty, type BountyTerms } from './bounty.js';

/** The transaction that opens a bounty; to be signed by payer, bounty account and funder. */
export async function offerBounty(payer: PublicKey, bounty: PublicKey, terms: BountyTerms) {
  const transaction = await Mina.transaction(payer, async () => {
    AccountUpdate.fundNewAccount(payer);
    await new Bounty(bounty).deploy({ terms });
  });
  await transaction.prove();
  return transaction;
}

/** The transaction that claims it; to be signed by the payer, whoever that is. */
export async function claimBounty(payer: PublicKey, bounty: PublicKey, terms: BountyTerms) {
  const { oracle, commitment, inputHash, outputHash } = terms;
  const attestation = Attestation.of(commitment, inputHash, outputHash);
  // NOT_SETTLED where there is no such answer in the record
  const witness = await attestationWitness(oracle, attestation);
  const transaction = await Mina.transaction(payer, async () => {
    await new Bounty(bounty).claim(terms, witness);
  });
  await transaction.prove();
  return transaction;
}
