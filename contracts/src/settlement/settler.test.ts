/** How settlements are put together, interrupted and taken up again. Proofs are off: the circuits run on plain values. */
import '../testing/native-backend.js';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { present } from '@attensor/core';
import { type JsonProof } from 'o1js';
import { AttestationHistory } from '../history.js';
import { attestation, attestations, historyOf } from '../testing/histories.js';
import { partProgram } from './program.js';
import { type ProofStore, Settler } from './settler.js';
import { RecordState, Settlement } from './statement.js';

const steps: string[] = [];

class Store implements ProofStore {
  readonly kept = new Map<string, string>();
  names = () => Promise.resolve([...this.kept.keys()]);
  read = (name: string) => {
    const text = this.kept.get(name);
    return Promise.resolve(text === undefined ? undefined : (JSON.parse(text) as JsonProof));
  };
  write = (name: string, proof: JsonProof) =>
    Promise.resolve(void this.kept.set(name, JSON.stringify(proof)));
  remove = (name: string) => Promise.resolve(void this.kept.delete(name));
}

function settler(store?: ProofStore, signal?: AbortSignal, onStep?: () => void): Settler {
  steps.length = 0;
  return new Settler({
    proofsEnabled: false,
    store,
    signal,
    onStep: (step) => {
      steps.push(step);
      onStep?.();
    },
  });
}

/** The last ones lie on both sides of a block's end. */
const submitted = attestations(520);
let all: AttestationHistory;
beforeAll(() => {
  all = historyOf(submitted);
});

/** The history when the first ones are settled, of the first `length` submissions. */
function settledAt(count: number, length = submitted.length): AttestationHistory {
  const { root, actions: settledActions } = all.recordState(count);
  const state = { root, count, settledActions, actionState: all.actionState(length) };
  return AttestationHistory.replay(state, submitted.slice(0, length), all);
}

async function statement(history: AttestationHistory, by = settler(), to?: number) {
  return present(await by.prove(history, to)).proof.publicInput;
}

const PARTS = ['submissions 500 to 511', 'submissions 512 to 519'];
const JOIN = 'joining submissions 500 to 519';
const END = 'the queue up to submission 519';

describe('a settlement', () => {
  it('joins blocks to one', async () => {
    const proved = await statement(settledAt(500));
    expect(steps).toEqual([...PARTS, JOIN, END]);
    const after = all.recordState(520);
    expect(RecordState.toFields(proved.after)).toEqual(RecordState.toFields(after));
    expect(proved.reached.toBigInt()).toBe(after.actions.toBigInt());
  });

  it('of a thousand submissions takes three proofs, of large blocks', async () => {
    const thousand = historyOf(attestations(1000), 1);
    const proved = await statement(thousand);
    expect(steps).toEqual([
      'submissions 1 to 511',
      'submissions 512 to 999',
      'joining submissions 1 to 999',
      'the queue up to submission 999',
    ]);
    expect(proved.after.root.toBigInt()).toBe(thousand.recordState(1000).root.toBigInt());
    expect(proved.after.count.toBigInt()).toBe(1000n);
  });

  it('takes as much as it is asked to, and goes on along the queue', async () => {
    const proved = await statement(settledAt(500), settler(), 519);
    expect(steps).toEqual([
      PARTS[0],
      'submissions 512 to 518',
      'joining submissions 500 to 518',
      END,
    ]);
    expect(proved.after.root.toBigInt()).toBe(all.recordState(519).root.toBigInt());
    expect(proved.reached.toBigInt()).toBe(all.actionState(520).toBigInt());
  });

  it('does not exist where nothing is pending, or asked for', async () => {
    expect(await settler().prove(settledAt(520))).toBeUndefined();
    expect(await settler().prove(settledAt(500), 500)).toBeUndefined();
    await expect(settler().prove(all, 521)).rejects.toThrow(RangeError);
    await expect(settler().prove(all, 1.5)).rejects.toThrow(RangeError);
  });
});

describe('what is proved', () => {
  it('is kept: a cancelled settlement goes on where it stopped', async () => {
    const store = new Store();
    const controller = new AbortController();
    const cancelled = settler(store, controller.signal, () => controller.abort());
    await expect(cancelled.prove(settledAt(500))).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(store.kept.size).toBe(1);
    await statement(settledAt(500), settler(store));
    expect(steps).toEqual([PARTS[1], JOIN, END]);
    await statement(settledAt(500), settler(store));
    expect(steps).toEqual([]);
  });

  it('serves when others have settled a part, and only what is cut through is made again', async () => {
    const store = new Store();
    await statement(settledAt(500), settler(store));
    await statement(settledAt(505), settler(store));
    expect(steps).toEqual(['submissions 505 to 511', 'joining submissions 505 to 519', END]);
  });

  it('is forgotten when it is settled', async () => {
    const store = new Store();
    await statement(settledAt(500), settler(store));
    await statement(settledAt(515), settler(store));
    const ends = [...store.kept.keys()].map((name) => Number(name.split('-', 3)[2]));
    expect(ends.length).toBeGreaterThan(2);
    expect(ends.every((to) => to > 515)).toBe(true);
  });

  it('of another queue is not taken for this one', async () => {
    const store = new Store();
    await statement(settledAt(0, 10), settler(store));
    const other = [attestation(9, 9, 9, 9, 9), ...submitted.slice(0, 9)];
    await statement(historyOf(other), settler(store));
    expect(steps).toEqual(['submissions 0 to 9', 'the queue up to submission 9']);
  });

  it('is not believed if it is damaged, or of another statement', async () => {
    const store = new Store();
    const { before, after, reached } = await statement(settledAt(0, 10), settler(store));
    const other = new Settlement({ before, after, reached: reached.add(1) });
    const dummy = await partProgram.Proof.dummy(other, undefined, 2);
    for (const text of [
      JSON.stringify({ publicInput: [], publicOutput: [], maxProofsVerified: 2, proof: 'x' }),
      JSON.stringify(dummy.toJSON()),
    ]) {
      for (const name of store.kept.keys()) store.kept.set(name, text);
      const again = await statement(settledAt(0, 10), settler(store));
      expect(steps).toEqual(['submissions 0 to 9', 'the queue up to submission 9']);
      expect(again.reached.toBigInt()).toBe(reached.toBigInt());
    }
  });

  it('is used all the same where the disk is full, if somebody is told', async () => {
    const full = Object.assign(new Store(), { write: () => Promise.reject(Error('ENOSPC')) });
    await expect(settler(full).prove(settledAt(0, 10))).rejects.toThrow('ENOSPC');
    const told: unknown[] = [];
    const onNotKept = (error: unknown) => told.push(error);
    const going = new Settler({ store: full, proofsEnabled: false, onNotKept });
    expect(await going.prove(settledAt(0, 10))).toMatchObject({ part: { from: 0, to: 10 } });
    // the block, and the end
    expect(told).toHaveLength(2);
  });

  it('only needs another end when the queue has gone on', async () => {
    const store = new Store();
    await statement(settledAt(0, 10), settler(store), 3);
    await statement(settledAt(0, 12), settler(store), 3);
    expect(steps).toEqual(['the queue up to submission 11']);
  });
});
