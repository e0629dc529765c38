/** The contract on o1js's embedded chain: real proofs, no node. */
import {
  AttestationContract,
  Commitment,
  InferenceProof,
  readAttestations,
  readCommitment,
  readHistory,
  Settler,
  Statement,
} from '@attensor/contracts';
import { keyCache } from '@attensor/core/o1js';
import type { ProofFile } from '@attensor/prover';
import { AccountUpdate, Field, Mina, type PublicKey, VerificationKey } from 'o1js';

export interface Deployed {
  address: PublicKey;
  payer: Mina.TestPublicKey;
}

/** A fresh chain with the contract on it, under a fresh key. */
export async function deploy(
  roots: { modelRoot: string; vocabularyRoot: string; verifierKeyHash: string },
  cacheDir: string,
): Promise<Deployed> {
  const chain = await Mina.LocalBlockchain({ proofsEnabled: true });
  Mina.setActiveInstance(chain);
  const [payer] = chain.testAccounts;
  const address = Mina.TestPublicKey.random();
  await AttestationContract.compile({ cache: keyCache(cacheDir) });

  const commitment = new Commitment({
    modelRoot: Field(roots.modelRoot),
    vocabularyRoot: Field(roots.vocabularyRoot),
    verifierKeyHash: Field(roots.verifierKeyHash),
  });
  await send(payer, [address], async () => {
    AccountUpdate.fundNewAccount(payer);
    await new AttestationContract(address).deploy({ commitment });
  });
  return { address, payer };
}

/** @returns the hash of the transaction */
export async function attest({ address, payer }: Deployed, file: ProofFile): Promise<string> {
  const proof = (await InferenceProof.fromJSON(file.proof)) as InferenceProof;
  const { data, hash } = file.verificationKey;
  const key = new VerificationKey({ data, hash: Field(hash) });
  return await send(payer, [], () => new AttestationContract(address).attest(proof, key));
}

/** Takes what was submitted into the record. @returns the hash of the transaction */
export async function settle({ address, payer }: Deployed, cacheDir: string): Promise<string> {
  const settler = new Settler({ cache: keyCache(cacheDir) });
  const settlement = await settler.prove(await readHistory(address));
  if (settlement === undefined) throw Error(`settle: nothing is pending at ${address.toBase58()}`);
  const { proof, verificationKey } = settlement;
  return await send(payer, [], () =>
    new AttestationContract(address).settle(proof, verificationKey),
  );
}

/** The latest attestation, checked against the contract's state, and what it was checked against. */
export async function readLatest(address: PublicKey) {
  const commitment = await readCommitment(address);
  const latest = (await readAttestations(address)).at(-1);
  if (latest === undefined) throw Error(`readLatest: nothing attested at ${address.toBase58()}`);
  const { index, blockHeight, settled, attestation } = latest;
  return {
    index,
    blockHeight,
    settled,
    statement: Statement.toJSON(attestation.statement),
    commitment: Commitment.toJSON(commitment),
  };
}

async function send(
  payer: Mina.TestPublicKey,
  signers: Mina.TestPublicKey[],
  run: () => Promise<void>,
): Promise<string> {
  const transaction = await Mina.transaction(payer, run);
  await transaction.prove();
  const keys = [payer, ...signers].map(({ key }) => key);
  const included = await (await transaction.sign(keys).send()).wait();
  return included.hash;
}
