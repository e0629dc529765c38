import './testing/native-backend.js';
import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  AccountUpdate,
  Field,
  Mina,
  method,
  PublicKey,
  SmartContract,
  State,
  state,
  VerificationKey,
} from 'o1js';
import { AttestationContract } from './attestation-contract.js';
import { Commitment } from './commitment.js';
import { COMPLETE, InferenceProof } from './inference-proof.js';
import type { Statement } from './statement.js';
import { statementOf } from './testing/stand-in-program.js';

const ROOTS = { modelRoot: 11, vocabularyRoot: 22 };

/** A dApp's contract that acts on what a model answered. */
class Consumer extends SmartContract {
  @state(Field) answer = State<Field>();

  @method async adopt(oracle: PublicKey) {
    const statement: Statement = await new AttestationContract(oracle).latest();
    statement.modelRoot.assertEquals(Field(ROOTS.modelRoot), 'adopt: not the model we trust');
    this.answer.set(statement.outputHash);
  }
}

// proofs are off: what is tested is how the two contracts' account updates fit together
describe('another contract', () => {
  let payer: Mina.TestPublicKey;
  const oracle = Mina.TestPublicKey.random();
  const consumer = new Consumer(Mina.TestPublicKey.random());

  async function submit(run: () => Promise<void>, ...signers: Mina.TestPublicKey[]) {
    const transaction = await Mina.transaction(payer, run);
    await transaction.prove();
    await transaction.sign([payer.key, ...signers.map(({ key }) => key)]).send();
  }

  beforeAll(async () => {
    const chain = await Mina.LocalBlockchain({ proofsEnabled: false });
    Mina.setActiveInstance(chain);
    [payer] = chain.testAccounts;
    const key = await VerificationKey.dummy();
    const commitment = new Commitment({
      modelRoot: Field(ROOTS.modelRoot),
      vocabularyRoot: Field(ROOTS.vocabularyRoot),
      verifierKeyHash: key.hash,
    });
    await submit(
      async () => {
        AccountUpdate.fundNewAccount(payer, 2);
        await new AttestationContract(oracle).deploy({ commitment });
        await consumer.deploy();
      },
      oracle,
      consumer.address as Mina.TestPublicKey,
    );
  });

  it('can not read a statement before there is one', async () => {
    await expect(submit(() => consumer.adopt(oracle))).rejects.toThrow('nothing has been attested');
  });

  it('acts on the latest one', async () => {
    const statement = statementOf(ROOTS);
    const proof = await InferenceProof.dummy(statement, COMPLETE, 1);
    const key = await VerificationKey.dummy();
    await submit(() => new AttestationContract(oracle).attest(proof, key));
    await submit(() => consumer.adopt(oracle));
    expect(consumer.answer.get().toBigInt()).toBe(statement.outputHash.toBigInt());
  });
});
