import './testing/native-backend.js';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { AccountUpdate, Field, Mina, VerificationKey } from 'o1js';
import { AttestationContract } from './attestation-contract.js';
import { Commitment } from './commitment.js';
import { COMPLETE, InferenceProof } from './inference-proof.js';
import { readAttestations } from './read.js';
import { statementOf } from './testing/stand-in-program.js';

const ROOTS = { modelRoot: 11, vocabularyRoot: 22 };

// proofs are off: what is tested is the reading
describe('readAttestations', () => {
  const owner = Mina.TestPublicKey.random();
  let chain: Awaited<ReturnType<typeof Mina.LocalBlockchain>>;

  type Events = { events: { data: string[] }[] }[];

  /** Reads while the archive answers something else. */
  async function readWith(answer: (events: Events) => Events) {
    const fetchEvents: typeof chain.fetchEvents = async (...args) =>
      answer([...(await chain.fetchEvents(...args))] as Events);
    Mina.setActiveInstance({ ...chain, fetchEvents });
    return await readAttestations(owner).finally(() => Mina.setActiveInstance(chain));
  }

  beforeAll(async () => {
    chain = await Mina.LocalBlockchain({ proofsEnabled: false });
    Mina.setActiveInstance(chain);
    const [payer] = chain.testAccounts;
    const key = await VerificationKey.dummy();
    const contract = new AttestationContract(owner);
    const submit = async (run: () => Promise<void>) => {
      const transaction = await Mina.transaction(payer, run);
      await transaction.prove();
      await transaction.sign([payer.key, owner.key]).send();
    };

    await submit(async () => {
      AccountUpdate.fundNewAccount(payer);
      const roots = statementOf(ROOTS);
      await contract.deploy({
        commitment: new Commitment({ ...roots, verifierKeyHash: key.hash }),
      });
    });
    for (const answer of [7, 8, 9]) {
      const statement = { ...statementOf(ROOTS), outputHash: Field(answer) };
      const proof = await InferenceProof.dummy(statement, COMPLETE, 1);
      await submit(() => contract.attest(proof, key));
    }
  });

  it('returns all, oldest first, however the archive orders them', async () => {
    for (const order of [(events: Events) => events, (events: Events) => events.reverse()]) {
      const recorded = await readWith(order);
      expect(recorded.map(({ index }) => index)).toEqual([0, 1, 2]);
      expect(recorded.map(({ statement }) => Number(statement.outputHash))).toEqual([7, 8, 9]);
    }
  });

  it('ignores an event of a fork', async () => {
    const recorded = await readWith((events) => [...events.map(edited), ...events]);
    expect(recorded.map(({ statement }) => Number(statement.outputHash))).toEqual([7, 8, 9]);
  });

  it('rejects a list with an event missing or edited', async () => {
    await expect(readWith(() => [])).rejects.toThrow('attestation 2 of 3');
    await expect(readWith((events) => events.slice(0, 2))).rejects.toThrow('no event that matches');
    await expect(readWith((events) => events.map(edited))).rejects.toThrow('attestation 2 of 3');
  });

  /** Another output: field 4 of the statement, after the event's type and the index. */
  function edited(entry: Events[number]): Events[number] {
    const events = entry.events.map(({ data, ...rest }) => ({
      ...rest,
      data: data.map((field, i) => (i === 5 ? '1234' : field)),
    }));
    return { ...entry, events };
  }
});
