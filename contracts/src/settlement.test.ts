import './testing/native-backend.js';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { Bool, Field, VerificationKey } from 'o1js';
import { actionsHash, SettlePath, PinPath } from './actions.js';
import { Attestation, AttestationMap } from './attestation.js';
import { AttestationHistory } from './history.js';
import { readContract, readHistory } from './read.js';
import { BATCH, Settlement } from './settlement.js';
import { answering, LocalContract } from './testing/local-contract.js';

// proofs are off: what is tested is what the circuits and the ledger demand of each other
let local: LocalContract;
let history: AttestationHistory;

beforeEach(async () => {
  local = await LocalContract.start(await VerificationKey.dummy(), false);
  await local.deploy();
  for (const answer of [1, 2, 3]) await local.submit(answering(answer));
  history = await readHistory(local.address);
});

/** The settlement of `batch`, with what follows given by the hashes of `rest`. */
function settlement(batch: Attestation[], rest: Attestation[] = [], toPinned = false): Settlement {
  const filled = Array.from({ length: BATCH }, (_, i) => batch[i] ?? batch[0]);
  const hashes = rest.map(actionsHash);
  return new Settlement({
    record: new AttestationMap(),
    attestations: filled,
    present: filled.map((_, i) => Bool(i < batch.length)),
    path: new SettlePath({
      hashes: history.settlement()!.path.hashes.map((zero, i) => hashes[i] ?? zero),
    }),
    toPinned: Bool(toPinned),
  });
}

const settle = (argument: Settlement) => local.send(() => local.contract.settle(argument));

describe('settle', () => {
  it('accepts a part of the queue from its front, then the rest', async () => {
    const [a, b, c] = history.attestations.map(({ attestation }) => attestation);
    await settle(settlement([a], [b, c]));
    expect(await readContract(local.address)).toMatchObject({ count: 1 });
    await local.settle();
    const state = await readContract(local.address);
    expect(state.count).toBe(3);
    expect(state.settledActions.toBigInt()).toBe(state.actionState.toBigInt());
    expect((await readHistory(local.address)).pending).toEqual([]);
  });

  it('rejects a batch with one missing, doubled, moved, invented or edited', async () => {
    const [a, b, c] = history.attestations.map(({ attestation }) => attestation);
    const { verifierKeyHash } = a;
    const invented = new Attestation({ statement: answering(9), verifierKeyHash });
    const edited = new Attestation({ statement: a.statement, verifierKeyHash: Field(1) });
    for (const [batch, rest] of [
      [[a, c], []],
      [[b, c], []],
      [[a, b], []],
      [[a, a, b, c], []],
      [[a], [a, b, c]],
      [[b, a, c], []],
      [[a, b, c, invented], []],
      [[a, b, invented], []],
      [[edited, b, c], []],
      [[a], [c]],
    ])
      await expect(settle(settlement(batch, rest))).rejects.toThrow(/precondition_unsatisfied/i);
    expect(await readContract(local.address)).toMatchObject({ count: 0 });
  });

  it('rejects what is settled already', async () => {
    const again = history.settlement()!;
    await settle(history.settlement()!);
    await expect(settle(again)).rejects.toThrow('made for another record');
    // with the right record, the queue has moved on
    const { record } = { record: (await localRecord()).clone() };
    const moved = new Settlement({ ...again, record });
    await expect(settle(moved)).rejects.toThrow(/precondition_unsatisfied/i);
  });

  it('rejects a record of another history', async () => {
    const record = new AttestationMap();
    record.set(5n, 1n);
    const other = new Settlement({ ...history.settlement()!, record });
    await expect(settle(other)).rejects.toThrow('made for another record');
  });

  it('enters a repeat once', async () => {
    await local.submit(answering(2));
    await local.settle();
    expect(await readContract(local.address)).toMatchObject({ count: 3 });
  });

  /** The record after everything was settled. */
  async function localRecord(): Promise<AttestationMap> {
    await local.submit(answering(4));
    return (await readHistory(local.address)).settlement()!.record;
  }
});

describe('where submissions come in six slots in a row', () => {
  const sixSlots = async () => {
    for (let slot = 0; slot < 6; slot++) {
      local.chain.incrementGlobalSlot(1);
      await local.submit(answering(10 + slot));
    }
  };

  it('a settle that was built before no longer holds, the next one takes all', async () => {
    const before = history.settlement()!;
    const built = await local.build(() => local.contract.settle(before));
    await sixSlots();
    await expect(built.send()).rejects.toThrow(/precondition_unsatisfied/i);
    await local.settle();
    await local.settle();
    expect(await readContract(local.address)).toMatchObject({ count: 9 });
  });

  it('a settle that aims at a pinned state still holds', async () => {
    const pin = history.pin({ always: true })!;
    await local.send(() => local.contract.pin(...pin));
    const pinned = (await readHistory(local.address)).settlement()!;
    expect(pinned.toPinned.toBoolean()).toBe(true);
    const built = await local.build(() => local.contract.settle(pinned));
    await sixSlots();
    await built.send();
    const state = await readContract(local.address);
    expect(state).toMatchObject({ count: 3 });
    // served
    expect(state.pinnedActions.toBigInt()).toBe(0n);
  });
});

describe('pin', () => {
  const pathOf = (...hashes: Field[]) =>
    new PinPath({ hashes: PinPath.empty().hashes.map((zero, i) => hashes[i] ?? zero) });
  const pin = (state: Field, path: PinPath, fromPinned = false) =>
    local.send(() => local.contract.pin(state, path, Bool(fromPinned)));

  it('accepts states on the way to the action state, and back from the pinned one', async () => {
    const [a, b, c] = history.attestations;
    await pin(b.actionState, pathOf(actionsHash(c.attestation)));
    await pin(a.actionState, pathOf(actionsHash(b.attestation)), true);
    const state = await readContract(local.address);
    expect(state.pinnedActions.toBigInt()).toBe(a.actionState.toBigInt());
  });

  it('rejects any other state', async () => {
    const [, b, c] = history.attestations;
    await expect(pin(Field(7), pathOf())).rejects.toThrow(/precondition_unsatisfied/i);
    await expect(pin(b.actionState, pathOf(actionsHash(b.attestation)))).rejects.toThrow(
      /precondition_unsatisfied/i,
    );
    // nothing is pinned
    await expect(pin(c.actionState, pathOf(), true)).rejects.toThrow('pinned action state');
    await expect(pin(Field(7), pathOf(), true)).rejects.toThrow('pinned action state');
  });

  it('a settle can not aim at a pinned state that it does not reach', async () => {
    const [a, b, c] = history.attestations.map(({ attestation }) => attestation);
    await expect(settle(settlement([a, b, c], [], true))).rejects.toThrow('pinned action state');
    const [, second] = history.attestations;
    await pin(second.actionState, pathOf(actionsHash(c)));
    await expect(settle(settlement([a, b, c], [], true))).rejects.toThrow('pinned action state');
    await settle(settlement([a, b], [], true));
    expect(await readContract(local.address)).toMatchObject({ count: 2 });
  });
});
