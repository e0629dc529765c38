/** The contract on o1js's embedded chain: real proofs, no node. */
import {
  AttestationContract,
  Commitment,
  InferenceProof,
  readAttestations,
  readContract,
  Statement,
} from '@attensor/contracts';
import type { ProofFile } from '@attensor/prover';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AccountUpdate, Cache, Field, Mina, type PublicKey, VerificationKey } from 'o1js';

export { deploy, attest, readLatest, type Deployed };

interface Deployed {
  address: PublicKey;
  payer: Mina.TestPublicKey;
}

/** A fresh chain with the contract on it, under a fresh key. */
async function deploy(
  roots: { modelRoot: string; vocabularyRoot: string; verifierKeyHash: string },
  cacheDir: string,
): Promise<Deployed> {
  const chain = await Mina.LocalBlockchain({ proofsEnabled: true });
  Mina.setActiveInstance(chain);
  const [payer] = chain.testAccounts;
  const owner = Mina.TestPublicKey.random();
  const keys = join(cacheDir, 'keys');
  await mkdir(keys, { recursive: true });
  await AttestationContract.compile({ cache: Cache.FileSystem(keys) });

  const commitment = new Commitment({
    modelRoot: Field(roots.modelRoot),
    vocabularyRoot: Field(roots.vocabularyRoot),
    verifierKeyHash: Field(roots.verifierKeyHash),
  });
  const transaction = await Mina.transaction(payer, async () => {
    AccountUpdate.fundNewAccount(payer);
    await new AttestationContract(owner).deploy({ commitment });
  });
  await transaction.prove();
  await (await transaction.sign([payer.key, owner.key]).send()).wait();
  return { address: owner, payer };
}

/** @returns the hash of the transaction */
async function attest({ address, payer }: Deployed, file: ProofFile): Promise<string> {
  const proof = (await InferenceProof.fromJSON(file.proof)) as InferenceProof;
  const { data, hash } = file.verificationKey;
  const key = new VerificationKey({ data, hash: Field(hash) });
  const transaction = await Mina.transaction(payer, async () => {
    await new AttestationContract(address).attest(proof, key);
  });
  await transaction.prove();
  const included = await (await transaction.sign([payer.key]).send()).wait();
  return included.hash;
}

/** The latest attestation, checked against the contract's state, and what it was checked against. */
async function readLatest(address: PublicKey) {
  const { commitment } = await readContract(address);
  const attestation = (await readAttestations(address)).at(-1);
  if (attestation === undefined)
    throw Error(`readLatest: nothing attested at ${address.toBase58()}`);
  const { index, blockHeight, statement } = attestation;
  return {
    index,
    blockHeight,
    statement: Statement.toJSON(statement),
    commitment: Commitment.toJSON(commitment),
  };
}
