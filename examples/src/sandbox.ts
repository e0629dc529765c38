/**
 * Something to try the examples on: a chain in this process, with an attestation contract and a model
 * that answers the prompt [1, 2, 3] with [4, 5]. A small program stands for the inference circuits.
 */
import {
  AttestationContract,
  Commitment,
  COMPLETE,
  InferenceProof,
  inputHash,
  outputHash,
  readHistory,
  Settler,
  Statement,
} from '@attensor/contracts';
import { standIn } from '@attensor/contracts/testing';
import { AccountUpdate, Field, Mina, setBackend, VerificationKey } from 'o1js';

setBackend('native');

export const PROMPT = [1, 2, 3];
export const ANSWER = [4, 5];

export class Sandbox {
  readonly address = Mina.TestPublicKey.random();
  readonly contract = new AttestationContract(this.address);
  private readonly settler: Settler;

  private constructor(
    readonly chain: Awaited<ReturnType<typeof Mina.LocalBlockchain>>,
    private readonly key: VerificationKey,
    readonly commitment: Commitment,
  ) {
    this.settler = new Settler({ proofsEnabled: chain.proofsEnabled });
  }

  /** @param options.proofs make proofs, as a network needs them; without, it takes seconds */
  static async start({ proofs = false } = {}): Promise<Sandbox> {
    const chain = await Mina.LocalBlockchain({ proofsEnabled: proofs });
    Mina.setActiveInstance(chain);
    const key = proofs ? (await standIn.compile()).verificationKey : await VerificationKey.dummy();
    if (proofs) await AttestationContract.compile();
    const commitment = new Commitment({
      modelRoot: Field(11),
      vocabularyRoot: Field(22),
      verifierKeyHash: key.hash,
    });
    const sandbox = new Sandbox(chain, key, commitment);
    await sandbox.send(async () => {
      AccountUpdate.fundNewAccount(sandbox.payer);
      await sandbox.contract.deploy({ commitment, owner: sandbox.payer });
    }, sandbox.address);
    return sandbox;
  }

  get payer(): Mina.TestPublicKey {
    return this.chain.testAccounts[0];
  }

  /** Submits that the model gives this answer to the prompt. */
  async attest(answer = ANSWER, { modelRoot, vocabularyRoot } = this.commitment): Promise<void> {
    const statement = new Statement({
      modelRoot,
      vocabularyRoot,
      inputHash: inputHash(PROMPT),
      outputHash: outputHash(answer),
    });
    const proof = this.chain.proofsEnabled
      ? InferenceProof.fromProof((await standIn.whole(statement)).proof)
      : await InferenceProof.dummy(statement, COMPLETE, 1);
    await this.send(() => this.contract.attest(proof, this.key));
  }

  /** Takes all submissions into the record. */
  async settle(): Promise<void> {
    const settlement = await this.settler.prove(await readHistory(this.address));
    if (settlement === undefined) return;
    const { proof, verificationKey } = settlement;
    await this.send(() => this.contract.settle(proof, verificationKey));
  }

  async send(run: () => Promise<void>, ...signers: Mina.TestPublicKey[]): Promise<void> {
    const transaction = await Mina.transaction(this.payer, run);
    await transaction.prove();
    const keys = [this.payer, ...signers].map(({ key }) => key);
    await (await transaction.sign(keys).send()).wait();
  }
}
