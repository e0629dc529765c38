/**
 * @module script
 * The frame of every proof: statement, commitments, the unit's relations, lookups, and one opening for everything that was claimed.
 * docs/protocol.md lists the messages in this order.
 */
import { present } from '@attensor/core';
import { AttensorError } from '@attensor/inference';
import type { FpVec } from '@attensor/native';
import { LIMITS, plan, type Segment } from './circuits/planner.js';
import {
  boundaryGeometry,
  boundaryPurpose,
  boundarySize,
  tieBoundary,
} from './commitment/boundary.js';
import { geometry, type CommittedVector, type Geometry } from './commitment/committed-vector.js';
import {
  LOG_CAP,
  LOG_LEAF,
  MAX_LOG_SIZE,
  COMPRESSION_COST,
  openingCompressions,
  openingPermutations,
} from './commitment/parameters.js';
import {
  answerVectors,
  bindByMessage,
  bindToRoot,
  commitmentMessages,
  treesOf,
  type Salted,
  type Sampled,
  type Trees,
} from './commitment/vectors.js';
import { planLevels, type Levels } from './hashing/level-one.js';
import { proveHashing } from './hashing/level-two.js';
import { together, withReads } from './hashing/reads.js';
import { TREE_HASH, TREES } from './hashing/trees.js';
import { ProverOnly } from './protocol/prover-only.js';
import { Scope } from './protocol/scope.js';
import { Session } from './protocol/session.js';
import type { Tape, Wire } from './protocol/tape.js';
import type { Side, Tensor } from './protocol/tensor.js';
import type { CommitmentNumbers, Unit, UnitWitness } from './units/unit.js';

/**
 * Parameters of more entries than 2^PART_LOG are committed in parts of so many: a part and its codeword take 5 GiB. Larger parts need
 * fewer circuits and more hashing, about as much time.
 */
export const PART_LOG = 25;

const boundariesOf = ({ boundaries = {} }: Unit): [Side, Tensor][] =>
  (['in', 'out'] as const).flatMap((side): [Side, Tensor][] => {
    const tensor = boundaries[side];
    return tensor ? [[side, tensor]] : [];
  });

const oraclesOf = (committed: Geometry[]): Trees[] =>
  committed.flatMap(({ widths }) => treesOf(widths));

/** What the prover role needs: both vectors under their commitments, and what the unit's relations need. */
export interface ScriptWitness extends UnitWitness {
  witness: CommittedVector<FpVec>;
  /** of the witness, where the statement has its root */
  salt: bigint;
  /** Absent where there are no weights. */
  parameters?: Salted;
}

export interface ScriptOptions {
  logInvRate: number;
  /** of the vector that holds the hashing of the opening */
  hashingLogInvRate: number;
  /** log2 of a part's entries; the default is PART_LOG, or what the witness needs. */
  partLog?: number;
}

export class Script {
  readonly logInvRate: number;
  readonly hashingLogInvRate: number;
  /** log2 of the entries of the vectors that are opened, parts among them */
  readonly logSize: number;
  /** of the opening and of the second level, which proves its hashing */
  readonly levels: Levels;
  /** Hash of all that the circuits depend on. */
  readonly hash: bigint;
  readonly witness: Geometry;
  /** No widths where there are no parameters. */
  readonly parameters: Geometry;

  /** @throws UNSUPPORTED_CONFIG when a vector is larger than can be committed */
  constructor(
    readonly unit: Unit,
    { logInvRate, hashingLogInvRate, partLog = PART_LOG }: ScriptOptions,
  ) {
    const { builder, witnessLog, parameterLog } = unit;
    const logSize = Math.max(witnessLog, Math.min(parameterLog, partLog), LOG_LEAF + LOG_CAP);
    if (logSize > MAX_LOG_SIZE)
      throw new AttensorError({
        code: 'UNSUPPORTED_CONFIG',
        what: 'the unit needs larger vectors than can be committed',
        where: unit.description,
        expected: `at most 2^${MAX_LOG_SIZE} entries`,
        got: `2^${logSize}`,
        hint: 'Take fewer rows or smaller dimensions',
      });
    this.logInvRate = logInvRate;
    this.hashingLogInvRate = hashingLogInvRate;
    this.logSize = logSize;
    this.hash = unit.hash(this.numbers);
    this.witness = geometry(builder.witness.end, logSize, logInvRate, TREES);
    const end = builder.parameterFills.length > 0 ? builder.parameters.end : 0;
    this.parameters = geometry(end, logSize, logInvRate, TREES);
    const ends = Object.values(unit.boundaries ?? {}).map((tensor) =>
      boundaryGeometry(boundarySize(tensor)),
    );
    this.levels = planLevels(
      TREE_HASH,
      { size: { logSize, logInvRate }, oracles: oraclesOf([this.witness, this.parameters]) },
      hashingLogInvRate,
      unit.reads ? [unit.reads] : [],
      ends.length > 0
        ? {
            size: { logSize: ends[0].partLog, logInvRate: ends[0].logInvRate },
            oracles: oraclesOf(ends),
          }
        : undefined,
    );
  }

  get numbers(): CommitmentNumbers {
    const { logSize, logInvRate, hashingLogInvRate } = this;
    return { logSize, logInvRate, hashingLogInvRate };
  }
  get hasParameters(): boolean {
    return this.parameters.widths.length > 0;
  }
  get inParts(): boolean {
    return this.parameters.widths.length > 1;
  }
  /** What all commitments made for one proof hash, in Kimchi's permutations. */
  get permutations(): number {
    const { first, second, layout } = this.levels;
    const trees = openingCompressions(this.witness.widths[0], first);
    return Math.ceil(COMPRESSION_COST * trees) + openingPermutations(layout.width, second);
  }

  /** The verifier as a program, from which circuits are made; the same on every machine. */
  async tape(): Promise<Tape> {
    const session = new Session({});
    await this.run(session);
    return session.tape;
  }

  /** The circuits of the tape, not compiled. @throws UNSUPPORTED_CONFIG when none hold it, or fewer than its statement wants */
  async plan(): Promise<{ tape: Tape; segments: Segment[] }> {
    const tape = await this.tape();
    const segments = plan(tape, LIMITS, this.unit.statement.leastCircuits);
    const { statement, description } = this.unit;
    if (segments.length < statement.leastCircuits)
      throw new AttensorError({
        code: 'UNSUPPORTED_CONFIG',
        what: 'the unit is too small for its kind of statement',
        where: description,
        expected: `at least ${statement.leastCircuits} circuits`,
        got: String(segments.length),
        hint: 'Take more positions',
      });
    return { tape, segments };
  }

  async run(session: Session, witness = ProverOnly.none<ScriptWitness>()): Promise<void> {
    const { unit, hash } = this;
    const { statement } = unit;
    const fields = statement.names.map((_, i) => session.tape.public(i));
    statement.begin(session, fields, hash);

    const committed = witness.map((w) => w.witness);
    const scope = new Scope(
      session,
      witness.map((w) => ({
        witness: w.witness.vector,
        parameters: (w.parameters?.committed ?? w.witness).vector,
        in: w.ends?.in?.committed.vector,
        out: w.ends?.out?.committed.vector,
      })),
    );
    const rooted = statement.witness;
    const how = rooted ? 'hint' : 'send';
    const bound = await commitmentMessages(session, how, 'witness', this.witness, committed);
    const opened =
      rooted &&
      (await bindToRoot(
        session,
        bound,
        fields[rooted.field],
        { domain: rooted.domain, purpose: hash },
        witness.map((w) => ({ committed: w.witness, salt: w.salt })),
      ));
    const parameters = this.hasParameters
      ? [await this.bindParameters(session, fields[statement.weights.field], witness)]
      : [];
    const ends = await this.bindBoundaries(session, fields, witness);
    const sampled = opened ?? (await bindByMessage(session, bound, committed));

    await unit.relations(scope, fields, witness);
    await unit.lookups?.script(scope, unit.witnessLog);
    const { first, second, layout, boundary } = this.levels;
    for (const [side, tensor] of boundariesOf(unit)) await tieBoundary(scope, side, tensor);
    const answered = [await answerVectors(scope, TREES, first, [sampled, ...parameters])];
    if (boundary) answered.push(await answerVectors(scope.ends, TREES, boundary, ends));
    const all = withReads(together(answered), scope.reads, session.tape.constant(1n));
    await proveHashing(session, layout, second, all);
    session.finish();
  }

  private async bindBoundaries(
    session: Session,
    fields: Wire[],
    witness: ProverOnly<ScriptWitness>,
  ): Promise<Sampled[]> {
    const { unit } = this;
    const out: Sampled[] = [];
    for (const [side, tensor] of boundariesOf(unit)) {
      const size = boundarySize(tensor);
      const end = witness.map(({ ends }) => present(ends?.[side], `the boundary ${side}`));
      const committed = end.map((e) => e.committed);
      const bound = await commitmentMessages(
        session,
        'hint',
        side,
        boundaryGeometry(size),
        committed,
      );
      const field = present(unit.statement.boundaries, 'fields of boundaries')[side];
      out.push(await bindToRoot(session, bound, fields[field], boundaryPurpose(size), end));
    }
    return out;
  }

  private async bindParameters(
    session: Session,
    root: Wire,
    witness: ProverOnly<ScriptWitness>,
  ): Promise<Sampled> {
    const salted = witness.map(({ parameters }) => {
      if (!parameters) throw new Error('script: the parameters are not committed');
      return parameters;
    });
    const committed = salted.map((s) => s.committed);
    const bound = await commitmentMessages(
      session,
      'hint',
      'parameters',
      this.parameters,
      committed,
    );
    const purpose = { domain: this.unit.statement.weights.domain, purpose: this.hash };
    return bindToRoot(session, bound, root, purpose, salted);
  }
}
