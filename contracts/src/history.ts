/**
 * Everything a contract was ever told, replayed: the queue, the record, and what can be proved from
 * them. Plain data in, so it works on a server, in a page or in a test alike.
 */
import { Bool, Field } from 'o1js';
import {
  actionsHash,
  EMPTY_ACTION_STATE,
  nextActionState,
  PIN_PATH,
  PinPath,
  SETTLE_PATH,
  SettlePath,
} from './actions.js';
import { Attestation, type AttestationWitness } from './attestation.js';
import { AttensorError, present } from '@attensor/core';
import { RecordTree } from './record.js';
import { BATCH, Settlement } from './settlement.js';

/** The part of the contract's state that commits to its history. */
export interface HistoryState {
  root: Field;
  count: number;
  settledActions: Field;
  /** Zero for none. */
  pinnedActions: Field;
  /** Of the account, now. */
  actionState: Field;
}

/** A submitted attestation. */
export interface RecordedAttestation {
  /** Position among all submissions, from 0. */
  index: number;
  attestation: Attestation;
  /** Its name in the record. */
  key: Field;
  /** True once it is in the record, so that contracts can rely on it. */
  settled: boolean;
  /** Position of the first submission of the same attestation: `index`, unless this is a repeat. */
  first: number;
  /** Action state of the account after it. */
  actionState: Field;
}

/** Arguments of `AttestationContract.pin`. */
export type Pin = [pinned: Field, path: PinPath, fromPinned: Bool];

/** All submissions to a contract in order, replayed and checked; it computes the arguments of `settle`, `pin` and `requireAttested`. */
export class AttestationHistory {
  private constructor(
    readonly state: HistoryState,
    /** All submissions, oldest first. */
    readonly attestations: readonly RecordedAttestation[],
    private readonly record: RecordTree,
  ) {}

  /**
   * @param submitted all attestations ever dispatched, oldest first, as some archive tells; what
   * comes after `state.actionState` is ignored
   * @param known an earlier replay: what it has in common with this one is not hashed again
   * @throws ARCHIVE_MISMATCH unless they are exactly those that `state` commits to
   */
  static replay(
    state: HistoryState,
    submitted: readonly Attestation[],
    known?: AttestationHistory,
  ): AttestationHistory {
    const common = commonLength(submitted, known);
    const hashed = known?.attestations.slice(0, common) ?? [];
    const states = [EMPTY_ACTION_STATE, ...hashed.map(({ actionState }) => actionState)];
    for (const each of submitted.slice(common))
      states.push(
        nextActionState(present(states.at(-1), 'the action state before'), actionsHash(each)),
      );
    const position = (what: string, wanted: Field) => {
      const found = states.findIndex((each) => each.toBigInt() === wanted.toBigInt());
      if (found === -1)
        throw mismatch(what, wanted, present(states.at(-1), 'the last action state'));
      return found;
    };
    const length = position('action state', state.actionState);
    const settledLength = position('settled action state', state.settledActions);

    const firsts = new Map<bigint, number>();
    const attestations = submitted.slice(0, length).map((attestation, index) => {
      const key = index < common ? hashed[index].key : Attestation.key(attestation);
      const first = firsts.get(key.toBigInt()) ?? index;
      firsts.set(key.toBigInt(), first);
      const settled = index < settledLength;
      return { index, attestation, key, settled, first, actionState: states[index + 1] };
    });
    const recorded = attestations.filter(({ index, first, settled }) => settled && index === first);
    const record =
      known?.state.root.toBigInt() === state.root.toBigInt()
        ? known.record
        : RecordTree.of(recorded.map(({ key }) => key));
    if (record.root.toBigInt() !== state.root.toBigInt())
      throw mismatch('record', state.root, record.root);
    return new AttestationHistory(state, attestations, record);
  }

  /** Submissions that `settle` has not taken yet. */
  get pending(): readonly RecordedAttestation[] {
    return this.attestations.filter(({ settled }) => !settled);
  }

  /** The first submission of this attestation, if there is one. */
  find(attestation: Attestation): RecordedAttestation | undefined {
    const key = Attestation.key(attestation).toBigInt();
    return this.attestations.find((each) => each.key.toBigInt() === key);
  }

  /** Is it in the record, so that `witness` shows it to a contract? */
  isSettled(attestation: Attestation): boolean {
    return this.find(attestation)?.settled ?? false;
  }

  /**
   * For `requireAttested`. It holds until the next `settle`: its root is a precondition.
   *
   * @throws NOT_SETTLED
   */
  witness(attestation: Attestation): AttestationWitness {
    if (!this.isSettled(attestation)) {
      throw new AttensorError({
        code: 'NOT_SETTLED',
        what: 'the attestation is not in the record',
        expected: 'a settled attestation',
        got: this.find(attestation) === undefined ? 'one never submitted' : 'one still pending',
        hint: 'Submit it with attest, then call settle',
      });
    }
    return this.record.witness(Attestation.key(attestation));
  }

  /**
   * The argument of the next `settle`, or nothing if nothing is pending.
   *
   * It aims at the pinned action state where that allows a whole batch, else at the account's.
   *
   * @throws BAD_ARGUMENT if more is pending than one `settle` can walk over: `pin` first
   */
  settlement(): Settlement | undefined {
    const { settled, pinned, last } = this.positions;
    if (settled === last) return undefined;
    const target = this.targets(settled, pinned, last)[0];
    if (target === undefined) {
      throw new AttensorError({
        code: 'BAD_ARGUMENT',
        what: 'more attestations are pending than one settle can walk over',
        expected: `at most ${BATCH + SETTLE_PATH} attestations up to the target action state`,
        got: String((pinned ?? last) - settled),
        hint: 'Send the transaction of pin() first, as often as it returns one',
      });
    }
    const end = Math.min(settled + BATCH, target);
    const batch = this.attestations.slice(settled, end).map(({ attestation }) => attestation);
    const slots = Array.from({ length: BATCH }, (_, i) => i);
    return new Settlement({
      record: this.record.map(),
      attestations: slots.map((i) => batch[i] ?? batch[0]),
      present: slots.map((i) => Bool(i < batch.length)),
      path: new SettlePath({ hashes: this.path(end, target, SETTLE_PATH) }),
      toPinned: Bool(target === pinned),
    });
  }

  /**
   * The arguments of the `pin` that `settlement` waits for, or nothing if it waits for none.
   *
   * With `always`, pins the account's action state as it is now if no pin is needed: a `settle` that aims at it stays
   * valid however many submissions follow.
   */
  pin({ always = false } = {}): Pin | undefined {
    const { settled, pinned, last } = this.positions;
    if (settled === last) return undefined;
    if (this.targets(settled, pinned, last).length > 0)
      return always ? this.pinArguments(last, last, false) : undefined;
    const goal = settled + BATCH + SETTLE_PATH;
    // out of reach, so behind the goal
    const from = pinned ?? last;
    return this.pinArguments(Math.max(goal, from - PIN_PATH), from, pinned !== undefined);
  }

  private pinArguments(position: number, from: number, fromPinned: boolean): Pin {
    const path = new PinPath({ hashes: this.path(position, from, PIN_PATH) });
    return [this.stateAt(position), path, Bool(fromPinned)];
  }

  /** Positions in the queue: how many submissions come before. */
  private get positions() {
    const settled = this.attestations.length - this.pending.length;
    const pinned = this.attestations.findIndex(
      ({ actionState }) => actionState.toBigInt() === this.state.pinnedActions.toBigInt(),
    );
    return {
      settled,
      /** Where it is ahead of the settled one. */
      pinned: pinned + 1 > settled ? pinned + 1 : undefined,
      last: this.attestations.length,
    };
  }

  /** Positions that the next `settle` may aim at, the best first. */
  private targets(settled: number, pinned: number | undefined, last: number): number[] {
    const whole = Math.min(settled + BATCH, last);
    const reachable = [pinned, last].filter(
      (target) => target !== undefined && target <= settled + BATCH + SETTLE_PATH,
    ) as number[];
    return [...reachable.filter((target) => target >= whole), ...reachable];
  }

  private stateAt(position: number): Field {
    return position === 0 ? EMPTY_ACTION_STATE : this.attestations[position - 1].actionState;
  }

  private path(from: number, to: number, length: number): Field[] {
    const hashes = this.attestations
      .slice(from, to)
      .map(({ attestation }) => actionsHash(attestation));
    return [...hashes, ...Array<Field>(length - hashes.length).fill(Field(0))];
  }
}

/** How many submissions from the first are the same. */
function commonLength(submitted: readonly Attestation[], known?: AttestationHistory): number {
  const before = known?.attestations ?? [];
  const fields = (attestation: Attestation) => Attestation.toFields(attestation).join();
  const different = submitted.findIndex(
    (each, i) => i >= before.length || fields(each) !== fields(before[i].attestation),
  );
  return different === -1 ? submitted.length : different;
}

function mismatch(what: string, expected: Field, got: Field): AttensorError {
  return new AttensorError({
    code: 'ARCHIVE_MISMATCH',
    what: `the archive's actions do not lead to the contract's ${what}`,
    expected: expected.toString(),
    got: got.toString(),
    hint: 'Read again, since the archive may lag behind the node; if that does not help, use another archive',
  });
}
