/**
 * Everything a contract was ever told, replayed: the queue and the record. Plain data in, so it works
 * on a server, in a page or in a test alike.
 */
import { AttensorError, present } from '@attensor/core';
import { Field } from 'o1js';
import { nextActionState, OPENED } from './actions.js';
import { Attestation, AttestationWitness } from './attestation.js';
import { RecordTree } from './record.js';
import { RecordState } from './settlement/statement.js';

/** The part of the contract's state that commits to its history. */
export interface HistoryState {
  /** Root of the record. */
  root: Field;
  /** Settled submissions. */
  count: number;
  settledActions: Field;
  /** Of the account, now. */
  actionState: Field;
}

/** A submitted attestation. */
export interface RecordedAttestation {
  /** Position among all submissions, from 0. */
  index: number;
  attestation: Attestation;
  /** Its leaf in the record. */
  key: Field;
  /** True once it is in the record, so that contracts can rely on it. */
  settled: boolean;
  /** Position of the first submission of the same attestation: `index`, unless this is a repeat. */
  first: number;
  /** Action state of the account after it. */
  actionState: Field;
}

/** All submissions to a contract in order, replayed and checked; it computes the arguments of `settle` and `requireAttested`. */
export class AttestationHistory {
  private constructor(
    readonly state: HistoryState,
    /** All submissions, oldest first. */
    readonly attestations: readonly RecordedAttestation[],
    /** Tree of all submissions, of which the record holds the first ones. */
    readonly tree: RecordTree,
    /** Position of an attestation's first submission, by its key. */
    private readonly firsts: ReadonlyMap<bigint, number>,
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
    const states = [OPENED, ...hashed.map(({ actionState }) => actionState)];
    const keys = hashed.map(({ key }) => key);
    for (const each of submitted.slice(common)) {
      const key = Attestation.key(each);
      keys.push(key);
      states.push(nextActionState(present(states.at(-1), 'the action state before'), key));
    }
    const position = (what: string, wanted: Field) => {
      const found = states.findIndex((each) => each.toBigInt() === wanted.toBigInt());
      if (found === -1)
        throw mismatch(what, wanted, present(states.at(-1), 'the last action state'));
      return found;
    };
    const length = position('action state', state.actionState);
    const settledLength = position('settled action state', state.settledActions);
    if (settledLength !== state.count)
      throw mismatch('number of settled submissions', state.count, settledLength);

    const firsts = new Map<bigint, number>();
    const attestations = submitted.slice(0, length).map((attestation, index) => {
      const key = keys[index];
      const first = firsts.get(key.toBigInt()) ?? index;
      firsts.set(key.toBigInt(), first);
      const settled = index < settledLength;
      return { index, attestation, key, settled, first, actionState: states[index + 1] };
    });
    const tree = RecordTree.of(keys.slice(0, length), known?.tree, common);
    const root = tree.root(settledLength);
    if (root.toBigInt() !== state.root.toBigInt()) throw mismatch('record', state.root, root);
    return new AttestationHistory(state, attestations, tree, firsts);
  }

  /** Submissions that are not in the record yet. */
  get pending(): readonly RecordedAttestation[] {
    return this.attestations.slice(this.state.count);
  }

  /** The first submission of this attestation, if there is one. */
  find(attestation: Attestation): RecordedAttestation | undefined {
    const first = this.firsts.get(Attestation.key(attestation).toBigInt());
    return first === undefined ? undefined : this.attestations[first];
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
    const found = this.find(attestation);
    if (!found?.settled) {
      throw new AttensorError({
        code: 'NOT_SETTLED',
        what: 'the attestation is not in the record',
        expected: 'a settled attestation',
        got: found === undefined ? 'one never submitted' : 'one still pending',
        hint: 'Submit it with attest, then call settle',
      });
    }
    return new AttestationWitness(this.tree.path(0, found.index, this.state.count));
  }

  /** The record once the first `count` submissions are settled. */
  recordState(count: number): RecordState {
    return new RecordState({
      root: this.tree.root(count),
      count: Field(count),
      actions: this.actionState(count),
    });
  }

  /** The action state after the first `count` submissions. */
  actionState(count: number): Field {
    return count === 0
      ? OPENED
      : present(this.attestations[count - 1], 'a submission of the queue').actionState;
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

function mismatch(what: string, expected: Field | number, got: Field | number): AttensorError {
  return new AttensorError({
    code: 'ARCHIVE_MISMATCH',
    what: `the archive's actions do not lead to the contract's ${what}`,
    expected: expected.toString(),
    got: got.toString(),
    hint: 'Read again, since the archive may lag behind the node; if that does not help, use another archive',
  });
}
