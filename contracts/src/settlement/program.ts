/**
 * Proofs of settlements, composed to one for any number of submissions: parts, their joins, and the end of all.
 *
 * The end is a program of its own, because its proofs verify one proof, like those of an inference. Pickles fails to prove a contract
 * whose methods verify proofs of programs of different widths (o1js 2.15).
 */
import { DynamicProof, FeatureFlags, type Proof, SelfProof, Void, ZkProgram } from 'o1js';
import {
  blockOf,
  FEW,
  MANY,
  requireJoined,
  requireReached,
  requireTaken,
  Stretch,
  type Block,
} from './circuits.js';
import { Settlement } from './statement.js';

export class FewBlock extends blockOf(FEW) {}
export class ManyBlock extends blockOf(MANY) {}

export const partProgram = ZkProgram({
  name: 'attensor-settlement-part-3',
  publicInput: Settlement,
  methods: {
    /** Takes up to 64 submissions, those of one block. */
    few: {
      privateInputs: [FewBlock],
      method(statement: Settlement, block: Block) {
        requireTaken(statement, block);
        return Promise.resolve();
      },
    },
    /** Takes up to 512 submissions, those of one block. */
    many: {
      privateInputs: [ManyBlock],
      method(statement: Settlement, block: Block) {
        requireTaken(statement, block);
        return Promise.resolve();
      },
    },
    /** Puts one settlement behind another. */
    join: {
      privateInputs: [SelfProof, SelfProof],
      method(
        statement: Settlement,
        first: SelfProof<Settlement, void>,
        second: SelfProof<Settlement, void>,
      ) {
        first.verify();
        second.verify();
        requireJoined(statement, first.publicInput, second.publicInput);
        return Promise.resolve();
      },
    },
  },
});

export type PartProof = Proof<Settlement, void>;

export const settlementProgram = ZkProgram({
  name: 'attensor-settlement-3',
  publicInput: Settlement,
  methods: {
    /** A part, from which the queue goes on by up to 1,024 submissions, none of which is settled. */
    end: {
      privateInputs: [ZkProgram.Proof(partProgram), Stretch],
      method(statement: Settlement, part: PartProof, stretch: Stretch) {
        part.verify();
        requireReached(statement, part.publicInput, stretch);
        return Promise.resolve();
      },
    },
  },
});

/**
 * A proof of `settlementProgram` as the contract takes it, verified against a key given at run time.
 * So those who attest, deploy or read need not compile the program.
 *
 * **Warning**: `verify(key)` accepts any program. Compare `key.hash` with `SETTLEMENT_KEY_HASH`.
 */
export class SettlementProof extends DynamicProof<Settlement, void> {
  static override publicInputType = Settlement;
  static override publicOutputType = Void;
  static override maxProofsVerified = 1 as const;
  static override featureFlags = FeatureFlags.allNone;
}
