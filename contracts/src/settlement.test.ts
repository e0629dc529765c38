/**
 * What `settle` and the ledger demand of each other. Proofs are off; what a settlement proof states follows from
 * settlement/circuits.test.ts.
 */
import './testing/native-backend.js';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { AccountUpdate, Field, Mina, VerificationKey } from 'o1js';
import { Attestation } from './attestation.js';
import { MARKER, RECORD_VERSION } from './actions.js';
import { Commitment } from './commitment.js';
import { readContract } from './account.js';
import { readHistory } from './read.js';
import { SettlementProof } from './settlement/program.js';
import { Settler } from './settlement/settler.js';
import { RecordState, Settlement } from './settlement/statement.js';
import { answering, LocalContract, unproved } from './testing/local-contract.js';

const UNKNOWN_STATE = 'Account_action_state_precondition_unsatisfied';

let local: LocalContract;

/** A contract with answers 1, 2 and 3 in its queue. */
async function queued(): Promise<void> {
  local = await LocalContract.start(await VerificationKey.dummy(), false);
  await local.deploy();
  for (const answer of [1, 2, 3]) await local.submit(answering(answer));
}

type Arguments = Awaited<ReturnType<LocalContract['settlement']>>;

const settle = ({ proof, verificationKey }: Arguments) =>
  local.send(() => local.contract.settle(proof, verificationKey));

/** The same arguments with another statement. */
async function stating(given: Arguments, change: (statement: Settlement) => Settlement) {
  const statement = change(given.proof.publicInput);
  return { ...given, proof: await SettlementProof.dummy(statement, undefined, 1) };
}

it('a contract is initialized once', async () => {
  await queued();
  const { contract, commitment, owner, address } = local;
  const again = local.send(() => contract.initialize(commitment, owner), address);
  await expect(again).rejects.toThrow("Cannot update field 'permissions'");
  expect(await readContract(address)).toMatchObject({ recordVersion: RECORD_VERSION });
});

describe('settle rejects', () => {
  let honest: Arguments;
  beforeAll(async () => {
    await queued();
    honest = await local.settlement();
  });

  it('a proof of another program', async () => {
    const verificationKey = await VerificationKey.dummy();
    await expect(settle({ ...honest, verificationKey })).rejects.toThrow(
      'not that of the settlement program',
    );
  });

  it.each(['root', 'count', 'actions'] as const)('a record with another %s', async (field) => {
    const other = await stating(honest, (statement) => {
      const before = new RecordState({ ...statement.before, [field]: Field(7) });
      return new Settlement({ ...statement, before });
    });
    await expect(settle(other)).rejects.toThrow('others have settled since');
  });

  it('an action state that the ledger does not vouch for', async () => {
    const other = await stating(
      honest,
      (statement) => new Settlement({ ...statement, reached: Field(7) }),
    );
    await expect(settle(other)).rejects.toThrow(UNKNOWN_STATE);
    expect(await readContract(local.address)).toMatchObject({ count: 0 });
  });
});

describe('settle', () => {
  it('takes what eight submitters sent in one block, repeats included', async () => {
    local = await LocalContract.start(await VerificationKey.dummy(), false);
    await local.deploy();
    const answers = Array.from({ length: 8 }, (_, i) => i % 3);
    // each made before any of the others was sent
    const built: Awaited<ReturnType<typeof local.build>>[] = [];
    for (const [i, answer] of answers.entries()) {
      const proof = await unproved(answering(answer));
      const attest = () => local.contract.attest(proof, local.key);
      built.push(await local.build(attest, local.chain.testAccounts[2 + i]));
    }
    for (const transaction of built) await transaction.send();
    const history = await readHistory(local.address);
    expect(history.attestations.map(({ first }) => first)).toEqual(answers);

    const { commitment } = await readContract(local.address);
    await local.settle();
    const state = await readContract(local.address);
    expect(state.count).toBe(8);
    expect(Commitment.toJSON(state.commitment)).toEqual(Commitment.toJSON(commitment));
    expect(state.settledActions.toBigInt()).toBe(state.actionState.toBigInt());
    expect((await readHistory(local.address)).pending).toEqual([]);
  });

  it('takes a part of the queue from its front, then the rest, and nothing twice', async () => {
    await queued();
    const part = await local.settlement(1);
    await settle(part);
    expect(await readContract(local.address)).toMatchObject({ count: 1 });
    await expect(settle(part)).rejects.toThrow('others have settled since');
    await local.settle();
    const state = await readContract(local.address);
    expect(state.count).toBe(3);
    expect(state.settledActions.toBigInt()).toBe(state.actionState.toBigInt());
  });

  it('by two at once: one is refused, and settles the rest with what it proved', async () => {
    await queued();
    const steps: string[] = [];
    const second = new Settler({ proofsEnabled: false, onStep: (step) => steps.push(step) });
    const history = await readHistory(local.address);
    const whole = await second.prove(history);
    // the first one saw two submissions only
    await settle(await local.settlement(2));
    await expect(settle(whole as Arguments)).rejects.toThrow('others have settled since');

    const rest = await second.prove(await readHistory(local.address));
    await settle(rest as Arguments);
    expect(await readContract(local.address)).toMatchObject({ count: 3 });
    expect(steps).toEqual([
      'submissions 0 to 2',
      'the queue up to submission 2',
      'submissions 2 to 2',
      'the queue up to submission 2',
    ]);
  });
});

describe('where submissions come in six slots in a row', () => {
  it('a settle that was built before no longer holds, and its proof goes on', async () => {
    await queued();
    const steps: string[] = [];
    const settler = new Settler({ proofsEnabled: false, onStep: (step) => steps.push(step) });
    const early = (await settler.prove(await readHistory(local.address))) as Arguments;
    // sent later, so from an account that does nothing in between
    const before = await local.build(
      () => local.contract.settle(early.proof, early.verificationKey),
      local.chain.testAccounts[2],
    );
    for (let slot = 0; slot < 6; slot++) {
      local.chain.incrementGlobalSlot(1);
      await local.submit(answering(10 + slot));
    }
    await expect(before.send()).rejects.toThrow(UNKNOWN_STATE);

    const again = (await settler.prove(await readHistory(local.address), 3)) as Arguments;
    expect(steps).toEqual([
      'submissions 0 to 2',
      'the queue up to submission 2',
      'the queue up to submission 8',
    ]);
    await settle(again);
    expect(await readContract(local.address)).toMatchObject({ count: 3 });
    await local.settle();
    expect(await readContract(local.address)).toMatchObject({ count: 9 });
  });
});

describe('what an account queued before it had the code', () => {
  const made = (answer: number): Attestation =>
    new Attestation({ statement: answering(answer), verifierKeyHash: local.key.hash });

  /** An account that dispatches these by signature, and then becomes the contract. */
  async function prepared(...actions: Field[][]) {
    local = await LocalContract.start(await VerificationKey.dummy(), false);
    await local.send(() => {
      AccountUpdate.fundNewAccount(local.payer).send({ to: local.address, amount: 1 });
      return Promise.resolve();
    });
    for (const action of actions) {
      local.chain.incrementGlobalSlot(1);
      await local.send(() => {
        const update = AccountUpdate.createSigned(local.address);
        update.body.actions = AccountUpdate.Actions.pushEvent(update.body.actions, action);
        return Promise.resolve();
      }, local.address);
    }
    local.chain.incrementGlobalSlot(1);
    await local.send(async () => {
      const { commitment, owner } = local;
      await local.contract.deploy({ commitment, owner });
    }, local.address);
    await local.submit(answering(2));
  }

  it.each([
    ['an attestation', false],
    ['a marker and an attestation', true],
  ])('is never settled: %s', async (_, marked) => {
    local = await LocalContract.start(await VerificationKey.dummy(), false);
    const forged = Attestation.toFields(made(1));
    await prepared(...(marked ? [MARKER] : []), forged);
    await expect(readHistory(local.address)).rejects.toMatchObject({ code: 'NOT_GENUINE' });
    expect(Mina.getAccount(local.address).zkapp?.provedState.toBoolean()).toBe(true);
  });
});
