/** The contract on o1js's embedded ledger, for tests. */
import { present } from '@attensor/core';
import { AccountUpdate, Field, Mina, type VerificationKey } from 'o1js';
import { AttestationContract } from '../attestation-contract.js';
import { Commitment } from '../commitment.js';
import { outputHash } from '../hashes.js';
import { COMPLETE, InferenceProof } from '../inference-proof.js';
import { readHistory } from '../read.js';
import { Settler } from '../settlement/settler.js';
import { Statement } from '../statement.js';
import { contractKeys } from './keys.js';
import { statementOf } from './stand-in-program.js';

export const ROOTS = { modelRoot: 11, vocabularyRoot: 22 };

/** The statement that the test's model answers the test's prompt with these tokens. */
export function answering(...tokenIds: number[]): Statement {
  return new Statement({ ...statementOf(ROOTS), outputHash: outputHash(tokenIds) });
}

/** No proof at all: where proofs are off, or for checks that fail before one is looked at. */
export async function unproved(statement: Statement): Promise<InferenceProof> {
  return await InferenceProof.dummy(statement, COMPLETE, 1);
}

type Built = Awaited<ReturnType<LocalContract['build']>>;

/** A transaction in which `key` signs for nothing: its place has the payer's signature. */
export function withoutSignatureOf(key: Mina.TestPublicKey, transaction: Built): Built {
  const copy = Mina.Transaction.fromJSON(transaction.toJSON());
  const { feePayer, accountUpdates } = copy.transaction;
  const [update] = accountUpdates.filter(
    ({ publicKey, body }) =>
      publicKey.equals(key).toBoolean() && body.authorizationKind.isSigned.toBoolean(),
  );
  update.authorization = { signature: feePayer.authorization };
  return copy;
}

export class LocalContract {
  /** The account's own key. */
  readonly address = Mina.TestPublicKey.random();
  readonly contract = new AttestationContract(this.address);
  readonly settler: Settler;

  private constructor(
    readonly chain: Awaited<ReturnType<typeof Mina.LocalBlockchain>>,
    /** Of the inference program. */
    readonly key: VerificationKey,
    readonly commitment: Commitment,
  ) {
    this.settler = new Settler({ cache: contractKeys(), proofsEnabled: chain.proofsEnabled });
  }

  /** A fresh ledger, active; the contract is not on it yet. */
  static async start(key: VerificationKey, proofsEnabled: boolean): Promise<LocalContract> {
    const chain = await Mina.LocalBlockchain({ proofsEnabled });
    Mina.setActiveInstance(chain);
    const commitment = new Commitment({
      modelRoot: Field(ROOTS.modelRoot),
      vocabularyRoot: Field(ROOTS.vocabularyRoot),
      verifierKeyHash: key.hash,
    });
    return new LocalContract(chain, key, commitment);
  }

  /** Pays for everything unless told otherwise. */
  get payer(): Mina.TestPublicKey {
    return this.chain.testAccounts[0];
  }

  get owner(): Mina.TestPublicKey {
    return this.chain.testAccounts[1];
  }

  async deploy(): Promise<void> {
    await this.send(async () => {
      AccountUpdate.fundNewAccount(this.payer);
      await this.contract.deploy({ commitment: this.commitment, owner: this.owner });
    }, this.address);
  }

  /** Builds, proves and signs a transaction. */
  async build(run: () => Promise<void>, payer = this.payer, ...signers: Mina.TestPublicKey[]) {
    const transaction = await Mina.transaction(payer, run);
    await transaction.prove();
    return transaction.sign([payer, ...signers].map(({ key }) => key));
  }

  /** The whole way of a transaction. */
  async send(run: () => Promise<void>, ...signers: Mina.TestPublicKey[]) {
    return await (await this.build(run, this.payer, ...signers)).send();
  }

  /** Submits a statement without a proof: where proofs are off. */
  async submit(statement: Statement): Promise<void> {
    const proof = await unproved(statement);
    await this.send(() => this.contract.attest(proof, this.key));
  }

  /** Settles all that is pending. */
  async settle(): Promise<void> {
    const { proof, verificationKey } = await this.settlement();
    await this.send(() => this.contract.settle(proof, verificationKey));
  }

  /** Arguments of `settle`. @param to submissions before this position are taken */
  async settlement(to?: number) {
    return present(await this.settler.prove(await readHistory(this.address), to), 'a settlement');
  }
}
