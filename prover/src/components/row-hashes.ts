/**
 * Poseidon hashes of many rows at once, by GKR over the rounds: h(t) = Poseidon.hash(x(t, .)). The 55 rounds are five segments of
 * eleven; the states at the segments' ends are committed, all other rounds are proved layer by layer, the five segments together:
 * state(k + 1) = M state(k)^7 + c(k) at a random (t, step) becomes a sumcheck over (t, step). A step's first state is the last one of
 * the step before plus the two elements it absorbs. A hash costs no rows of the circuit but its share of a logarithm.
 */
import { present } from '@attensor/core';
import type { FpVec, ProverEngine } from '@attensor/native';
import { Expr } from '../protocol/expression.js';
import { ceilLog2 } from '../protocol/field.js';
import { eqTable, nextEval } from '../protocol/polynomials.js';
import { CONSTANTS, MATRIX } from '../protocol/poseidon.js';
import type { ProverOnly } from '../protocol/prover-only.js';
import type { Scope } from '../protocol/scope.js';
import { Sumcheck } from '../protocol/sumcheck.js';
import type { Wire } from '../protocol/tape.js';
import { axis, type Axis, type Bound, type Block, type Part, Tensor } from '../protocol/tensor.js';
import type { Builder, Dim } from './builder.js';

const SEGMENTS = 5;
const ROUNDS = 55;
const LAYERS = ROUNDS / SEGMENTS;
const STATE = [0, 1, 2];

export class RowHashes {
  private readonly step: Axis;
  /** ends[k][e]: element e of the state after segment k, over (t, step) */
  private readonly ends: Tensor[][];
  private readonly blocks: Block[][];
  private readonly t: Axis;
  /** steps of a hash; those after them only pad */
  private readonly steps: number;
  private readonly width: number;

  /** @param x over (t, i) */
  constructor(
    builder: Builder,
    name: string,
    readonly x: Tensor,
    i: Dim,
  ) {
    if (i.log < 1) throw new RangeError(`${name}: rows of one element are not hashed this way`);
    this.t = x.axis('t');
    this.width = i.size;
    this.steps = Math.ceil(i.size / 2);
    this.step = axis('step', i.log - 1);
    this.blocks = Array.from({ length: SEGMENTS }, (_, k) =>
      STATE.map((e) => builder.reserve(`${name}.${k}.${e}`, this.t.log + this.step.log, 'free')),
    );
    this.ends = this.blocks.map((elements) =>
      elements.map((block) => Tensor.of(block, [this.t, this.step])),
    );
  }

  /** Every state of the hashes; `x` is the filled block of rows. */
  states(engine: ProverEngine, x: FpVec): Promise<FpVec[]> {
    return engine.spongeStates(x, 2 ** this.t.log);
  }

  /** Puts the committed states into the witness. */
  fill(witness: FpVec, states: FpVec[]): void {
    this.blocks.forEach((elements, k) =>
      elements.forEach((block, e) =>
        witness.axpy(block.offset, 1n, states[3 * LAYERS * (k + 1) + e]),
      ),
    );
  }

  /**
   * @param hashes of all 2^t rows, fixed before any challenge that follows
   * @param states from `states`
   */
  async script(scope: Scope, hashes: Wire[], states: ProverOnly<FpVec[]>): Promise<void> {
    const { session, claims } = scope;
    const { tape } = session;
    const { t, step } = this;
    const tau = scope.random('t', t.log);
    const z: Bound = { t: tau, step: scope.random('step', step.log) };

    // The hashes are the first elements of the states after their last step.
    const last: Part[] = Array.from({ length: step.log }, (_, b) => ({
      bit: (((this.steps - 1) >> (step.log - 1 - b)) & 1) as 0 | 1,
    }));
    const final = this.ends[SEGMENTS - 1];
    claims.addTensor(
      session,
      final[0].split('step', last),
      { t: tau },
      tape.inner(eqTable(tape, tau), hashes),
    );

    // what no hash covers; and a row of odd width hashes like one with a zero more
    scope.zeroFrom(this.x, 'i', this.width, { t: tau });

    let values: Wire[][] = [];
    for (const elements of this.ends) {
      const opened: Wire[] = [];
      for (const tensor of elements) opened.push(await scope.open(tensor, z, 'hashes: state'));
      values.push(opened);
    }
    let at = z;
    for (let layer = LAYERS - 1; layer >= 0; layer--)
      ({ values, at } = await this.layer(scope, layer, values, at, states));

    for (let k = 1; k < SEGMENTS; k++)
      STATE.forEach((e) => claims.addTensor(session, this.ends[k - 1][e], at, values[k][e]));
    await this.absorb(scope, values[0], at);
  }

  /** From values of the states after round 11 k + layer, k = 0..4, to values of those before it. */
  private async layer(
    scope: Scope,
    layer: number,
    values: Wire[][],
    z: Bound,
    states: ProverOnly<FpVec[]>,
  ): Promise<{ values: Wire[][]; at: Bound }> {
    const { session } = scope;
    const { tape } = session;
    const alpha = session.challenge();
    const sum = new Sumcheck(scope, [this.t, this.step], `hashes: layer ${layer}`);
    let weight = tape.constant(1n);
    const claim: [Wire, bigint][] = [];
    const added: [Wire, bigint][] = [];
    let expr: Expr | undefined;
    const columns = values.map((state, k) => {
      const round = LAYERS * k + layer;
      const weights = STATE.map((i) => {
        const w = weight;
        weight = tape.mul(weight, alpha);
        claim.push([tape.mul(w, state[i]), 1n]);
        added.push([w, -CONSTANTS[round][i]]);
        return w;
      });
      return STATE.map((j) => {
        const x = sum.virtual(() => states.value[3 * round + j]);
        const coef = tape.linear(weights.map((w, i): [Wire, bigint] => [w, MATRIX[i][j]]));
        const term = Expr.of(coef).mul(seventhPower(x));
        expr = expr ? expr.add(term) : term;
        return x;
      });
    });
    sum.require(
      sum.eq(z).mul(present(expr, 'a term of a layer')),
      tape.linear([...claim, ...added]),
    );
    const at = await sum.run();
    return { values: columns.map((state) => state.map((x) => sum.value(x))), at };
  }

  /** A step's first state: what the step before left, none before the first, plus the row's elements. */
  private async absorb(scope: Scope, values: Wire[], at: Bound): Promise<void> {
    const { session, claims } = scope;
    const { tape } = session;
    const { step } = this;
    const final = this.ends[SEGMENTS - 1];
    const sum = new Sumcheck(scope, [step], 'hashes: steps');
    const shifted = async (): Promise<FpVec> => {
      const { engine } = session;
      const out = engine.alloc(2 ** step.log);
      if (step.log > 0)
        out.axpy(0, 1n, engine.eqTable(session.valuesOf(at.step)).slice(1, 2 ** step.log - 1));
      return out;
    };
    const next = sum.public(['step'], shifted, (point) => nextEval(tape, at.step, point.step));
    const left = await session.send(3, 'hashes: states before', async () => {
      const weights = await shifted();
      const out: bigint[] = [];
      for (const e of STATE) {
        const row = await scope.table(final[e], [step], { t: at.t });
        out.push(await session.engine.dot(row, weights));
      }
      return out;
    });
    STATE.forEach((e) => sum.require(next.mul(sum.tensor(final[e], { t: at.t })), left[e]));
    await sum.run();
    for (const e of [0, 1] as const)
      claims.addTensor(
        session,
        this.x.split('i', [step, { bit: e }]),
        at,
        tape.sub(values[e], left[e]),
      );
    tape.assertEqual(values[2], left[2], 'hashes: the capacity changes between steps');
  }
}

const seventhPower = (x: Expr): Expr => {
  const square = x.mul(x);
  return square.mul(square).mul(square).mul(x);
};

/** Whether rows are long enough that their hashes are cheaper this way than as leaves. */
export const hashesByGkr = (rows: number, width: number): boolean =>
  2 ** ceilLog2(rows) * Math.ceil(width / 2) > DIRECT_LIMIT;
/** permutations; as leaves, so many elements take 1,200 compressions of the vector that holds them */
const DIRECT_LIMIT = 4096;
