import { present } from '@attensor/core';
import './testing/native-backend.js';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Bool, Field, VerificationKey } from 'o1js';
import { actionsHash, PinPath, SETTLE_PATH, SettlePath } from './actions.js';
import { Attestation, AttestationMap } from './attestation.js';
import { Commitment } from './commitment.js';
import { type AttestationHistory } from './history.js';
import { readContract } from './account.js';
import { readHistory } from './read.js';
import { BATCH, Settlement } from './settlement.js';
import { answering, LocalContract, unproved } from './testing/local-contract.js';

// proofs are off: what is tested is what the circuits and the ledger demand of each other
const UNKNOWN_STATE = 'Account_action_state_precondition_unsatisfied';

let local: LocalContract;

/** A contract with answers 1, 2 and 3 in its queue. */
async function queued(): Promise<AttestationHistory> {
  local = await LocalContract.start(await VerificationKey.dummy(), false);
  await local.deploy();
  for (const answer of [1, 2, 3]) await local.submit(answering(answer));
  return await readHistory(local.address);
}

/** The settlement of `batch`, from an empty record, with the hashes of `rest` after it. */
function settlement(batch: Attestation[], rest: Attestation[] = [], toPinned = false): Settlement {
  const filled = Array.from({ length: BATCH }, (_, i) => batch[i] ?? batch[0]);
  return new Settlement({
    record: new AttestationMap(),
    attestations: filled,
    present: filled.map((_, i) => Bool(i < batch.length)),
    path: new SettlePath({ hashes: path(SETTLE_PATH, rest) }),
    toPinned: Bool(toPinned),
  });
}

function path(length: number, submitted: Attestation[]): Field[] {
  const hashes = submitted.map(actionsHash);
  return Array.from({ length }, (_, i) => hashes[i] ?? Field(0));
}

const settle = (argument: Settlement) => local.send(() => local.contract.settle(argument));

it('a contract is initialized once', async () => {
  await queued();
  const { contract, commitment, owner, address } = local;
  const again = local.send(() => contract.initialize(commitment, owner), address);
  await expect(again).rejects.toThrow('Account_proved_state_precondition_unsatisfied');
});

describe('settle rejects', () => {
  let history: AttestationHistory;
  let a: Attestation;
  let b: Attestation;
  let c: Attestation;
  beforeAll(async () => {
    history = await queued();
    [a, b, c] = history.attestations.map(({ attestation }) => attestation);
  });

  const invented = () =>
    new Attestation({ statement: answering(9), verifierKeyHash: local.key.hash });
  const cases: [string, () => Settlement][] = [
    ['a missing one at the front', () => settlement([b, c])],
    ['a missing one in the middle', () => settlement([a, c])],
    ['a missing one at the end', () => settlement([a, b])],
    ['a missing one behind the batch', () => settlement([a], [c])],
    ['a doubled one', () => settlement([a, a, b, c])],
    ['a doubled one behind the batch', () => settlement([a], [a, b, c])],
    ['moved ones', () => settlement([b, a, c])],
    ['an invented one', () => settlement([a, b, c, invented()])],
    [
      'an edited one',
      () =>
        settlement([new Attestation({ statement: a.statement, verifierKeyHash: Field(1) }), b, c]),
    ],
  ];
  it.each(cases)('%s', async (_, wrong) => {
    await expect(settle(wrong())).rejects.toThrow(UNKNOWN_STATE);
    expect(await readContract(local.address)).toMatchObject({ count: 0 });
  });

  it('a record of another history', async () => {
    const other = settlement([a, b, c]);
    other.record.insert(5n, 1n);
    await expect(settle(other)).rejects.toThrow('made for another record');
  });

  it('a pinned state where none is pinned', async () => {
    await expect(settle(settlement([a, b, c], [], true))).rejects.toThrow('pinned action state');
  });
});

describe('settle', () => {
  it('takes what eight submitters sent in one block, repeats once', async () => {
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
    await settle(present(history.settlement()));
    const state = await readContract(local.address);
    expect(state.count).toBe(3);
    expect(Commitment.toJSON(state.commitment)).toEqual(Commitment.toJSON(commitment));
    expect(state.settledActions.toBigInt()).toBe(state.actionState.toBigInt());
    expect((await readHistory(local.address)).pending).toEqual([]);
  });

  it('takes a part of the queue from its front, then the rest, and nothing twice', async () => {
    const [a, b, c] = (await queued()).attestations.map(({ attestation }) => attestation);
    await settle(settlement([a], [b, c]));
    const rest = present((await readHistory(local.address)).settlement());
    // the same again, into the record as it is now
    const again = new Settlement({ ...settlement([a], [b, c]), record: rest.record });
    await expect(settle(again)).rejects.toThrow(UNKNOWN_STATE);
    await settle(rest);
    const state = await readContract(local.address);
    expect(state.count).toBe(3);
    expect(state.settledActions.toBigInt()).toBe(state.actionState.toBigInt());
  });
});

describe('where submissions come in six slots in a row', () => {
  const sixSlots = async () => {
    for (let slot = 0; slot < 6; slot++) {
      local.chain.incrementGlobalSlot(1);
      await local.submit(answering(10 + slot));
    }
  };
  /** Sent later, so from an account that does nothing in between. */
  const built = (argument: Settlement) =>
    local.build(() => local.contract.settle(argument), local.chain.testAccounts[2]);

  it('a settle that was built before no longer holds, the next one takes all', async () => {
    const before = await built(present((await queued()).settlement()));
    await sixSlots();
    await expect(before.send()).rejects.toThrow(UNKNOWN_STATE);
    await local.settle();
    await local.settle();
    expect(await readContract(local.address)).toMatchObject({ count: 9 });
  });

  it('a settle that aims at a pinned state still holds', async () => {
    const pin = present((await queued()).pin({ always: true }));
    await local.send(() => local.contract.pin(...pin));
    const pinned = present((await readHistory(local.address)).settlement());
    expect(pinned.toPinned.toBoolean()).toBe(true);
    const before = await built(pinned);
    await sixSlots();
    await before.send();
    const state = await readContract(local.address);
    expect(state).toMatchObject({ count: 3 });
    // served
    expect(state.pinnedActions.toBigInt()).toBe(0n);
  });
});

describe('pin', () => {
  const pin = (state: Field, submitted: Attestation[], fromPinned = false) => {
    const hashes = path(PinPath.empty().hashes.length, submitted);
    return local.send(() => local.contract.pin(state, new PinPath({ hashes }), Bool(fromPinned)));
  };

  it('takes states on the way to the action state, and back from the pinned one, only', async () => {
    const { attestations } = await queued();
    const [a, b, c] = attestations.map(({ attestation }) => attestation);
    const [first, second, third] = attestations.map(({ actionState }) => actionState);

    await expect(pin(Field(7), [])).rejects.toThrow(UNKNOWN_STATE);
    await expect(pin(second, [b])).rejects.toThrow(UNKNOWN_STATE);
    await expect(pin(third, [], true)).rejects.toThrow('pinned action state');

    await pin(second, [c]);
    await expect(pin(third, [], true)).rejects.toThrow('pinned action state');
    await expect(settle(settlement([a, b, c], [], true))).rejects.toThrow('pinned action state');
    await pin(first, [b], true);
    const { pinnedActions } = await readContract(local.address);
    expect(pinnedActions.toBigInt()).toBe(first.toBigInt());

    await settle(settlement([a], [], true));
    expect(await readContract(local.address)).toMatchObject({ count: 1 });
  });
});
