/** The contract on o1js's embedded chain: real proofs, no node. */
import { compileContract } from '@attensor/chain/plans';
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
import { withKnownKeys } from '@attensor/contracts/keys';
import { keyCache } from '@attensor/core/o1js';
import type { ProofFile } from '@attensor/prover';
import { AccountUpdate, Field, Mina, VerificationKey } from 'o1js';

export type Roots = Record<'modelRoot' | 'vocabularyRoot' | 'verifierKeyHash', string>;

/** An attestation as it is read back, and the commitment of the contract that it was read from. */
export type Latest = Awaited<ReturnType<LocalChain['readLatest']>>;

/** A fresh chain, and one contract under a fresh key. */
export class LocalChain {
  private readonly address = Mina.TestPublicKey.random();

  private constructor(
    private readonly payer: Mina.TestPublicKey,
    private readonly settler: Settler,
  ) {}

  /** Compiles the contract and the settlement program, or loads their keys; the chain is o1js's active one. */
  static async start(cacheDir: string): Promise<LocalChain> {
    await compileContract(cacheDir);
    const settler = new Settler({ cache: withKnownKeys(keyCache(cacheDir)) });
    await settler.compile();
    const chain = await Mina.LocalBlockchain({ proofsEnabled: true });
    Mina.setActiveInstance(chain);
    return new LocalChain(chain.testAccounts[0], settler);
  }

  /** @returns the contract's address */
  async deploy(roots: Roots): Promise<string> {
    const commitment = new Commitment({
      modelRoot: Field(roots.modelRoot),
      vocabularyRoot: Field(roots.vocabularyRoot),
      verifierKeyHash: Field(roots.verifierKeyHash),
    });
    await this.send([this.address], async () => {
      AccountUpdate.fundNewAccount(this.payer);
      await new AttestationContract(this.address).deploy({ commitment });
    });
    return this.address.toBase58();
  }

  /** @returns the hash of the transaction */
  async attest(file: Pick<ProofFile, 'proof' | 'verificationKey'>): Promise<string> {
    const proof = (await InferenceProof.fromJSON(file.proof)) as InferenceProof;
    const { data, hash } = file.verificationKey;
    const key = new VerificationKey({ data, hash: Field(hash) });
    return await this.send([], () => new AttestationContract(this.address).attest(proof, key));
  }

  /** Takes what was submitted into the record. @returns the hash of the transaction */
  async settle(): Promise<string> {
    const settlement = await this.settler.prove(await readHistory(this.address));
    if (settlement === undefined)
      throw Error(`settle: nothing is pending at ${this.address.toBase58()}`);
    const { proof, verificationKey } = settlement;
    return await this.send([], () =>
      new AttestationContract(this.address).settle(proof, verificationKey),
    );
  }

  /** The latest attestation, checked against the contract's state, and what it was checked against. */
  async readLatest() {
    const commitment = await readCommitment(this.address);
    const latest = (await readAttestations(this.address)).at(-1);
    if (latest === undefined)
      throw Error(`readLatest: nothing attested at ${this.address.toBase58()}`);
    const { index, blockHeight, settled, attestation } = latest;
    return {
      index,
      blockHeight,
      settled,
      statement: Statement.toJSON(attestation.statement),
      commitment: Commitment.toJSON(commitment),
    };
  }

  private async send(signers: Mina.TestPublicKey[], run: () => Promise<void>): Promise<string> {
    const transaction = await Mina.transaction(this.payer, run);
    await transaction.prove();
    const keys = [this.payer, ...signers].map(({ key }) => key);
    const included = await (await transaction.sign(keys).send()).wait();
    return included.hash;
  }
}
