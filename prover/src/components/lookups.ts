/**
 * Lookups: 16-bit ranges and function tables by one LogUp sum for the whole model. The fractions lie at the witness's own
 * indices: 1 / (gamma - cell) for every cell, 1 / (gamma - (c + beta f + beta^2 tag)) for every pair, -m / (gamma - entry) at the
 * multiplicities; everywhere else 0 / 1. Their sum is zero exactly when every looked-up value is in its table.
 * beta and gamma are drawn after the witness commitment; multiplicities are part of it.
 */
import type { FpVec } from '@attensor/native';
import { P, mod } from '../protocol/field.js';
import { zeroFractionSum } from '../protocol/fractions.js';
import { alignedBlocks, eqInteger, identityEval } from '../protocol/polynomials.js';
import type { Scope } from '../protocol/scope.js';
import type { Wire } from '../protocol/tape.js';
import { axis, Tensor, type Block } from '../protocol/tensor.js';
import { dim, type Builder, type Dim, type Source } from './builder.js';

export const TABLE_LOG = 16;

type FpVecSource = () => FpVec | Promise<FpVec>;

/** A function on 16-bit inputs, its values part of the committed parameters. */
export class PairTable {
  readonly values: Tensor;
  readonly multiplicities: Block;
  /** Operand blocks of every use. */
  readonly uses: { inputs: Block; outputs: Block }[] = [];

  /** @param tag tells the tables apart in the common sum */
  constructor(
    builder: Builder,
    readonly name: string,
    readonly tag: number,
    readonly table: ArrayLike<number>,
  ) {
    const t = dim('entry', 2 ** TABLE_LOG);
    this.values = builder.parameter(() => table, [t], `table.${name}`);
    this.multiplicities = builder.reserve(`${name}.multiplicities`, TABLE_LOG, 'free');
  }

  /** Input and output columns of one use of the table. @param pad the input that padding of dimensions looks up */
  pairs(
    builder: Builder,
    name: string,
    dims: Dim[],
    input: Source,
    output: Source,
    pad: number,
  ): [c: Tensor, f: Tensor] {
    const c = builder.free(`${name}.c`, dims, input, BigInt(pad));
    const f = builder.free(`${name}.${this.name}`, dims, output, BigInt(this.table[pad]));
    this.uses.push({ inputs: c.views[0].block, outputs: f.views[0].block });
    return [c, f];
  }
}

export class Lookups {
  readonly range: Block;
  constructor(
    builder: Builder,
    readonly tables: PairTable[],
    private readonly layout = builder.witness,
  ) {
    this.range = builder.reserve('range.multiplicities', TABLE_LOG, 'free');
  }

  /** Counts multiplicities; `witness` holds all other values. */
  complete(witness: BigInt64Array): void {
    const count = (block: Block, values: bigint[]): void => {
      values.forEach((v, i) => (witness[block.offset + i] = v));
    };
    const range = new Array<bigint>(2 ** TABLE_LOG).fill(0n);
    for (let i = 0; i < this.layout.cells; i++) {
      const v = Number(witness[i]);
      if (!(v >= 0 && v < 2 ** TABLE_LOG))
        throw new RangeError(`lookups: cell ${i} holds ${witness[i]}, expected 0..65535`);
      range[v]++;
    }
    count(this.range, range);
    for (const t of this.tables) {
      const m = new Array<bigint>(2 ** TABLE_LOG).fill(0n);
      for (const { inputs } of t.uses)
        for (let i = 0; i < 2 ** inputs.log; i++) m[Number(witness[inputs.offset + i])]++;
      count(t.multiplicities, m);
    }
  }

  async script(scope: Scope, logSize: number): Promise<void> {
    const { session, claims } = scope;
    const { tape } = session;
    const { tables, layout } = this;
    const [beta, gamma] = session.challenges(2);
    const { point, num, den } = await zeroFractionSum(session, logSize, async () => {
      const { engine } = session;
      const witness = scope.vectors.value.witness;
      const size = 2 ** logSize;
      const g = session.value(gamma);
      const b = session.value(beta);
      const parts = { num: engine.alloc(size), den: engine.linear([engine.alloc(size)], [1n], 1n) };
      const put = async (
        block: { offset: number; log: number },
        n: FpVecSource,
        d: FpVecSource,
      ): Promise<void> => {
        parts.num.axpy(block.offset, 1n, await n());
        // the default denominator there is 1
        const value = await d();
        value.addScalar(P - 1n);
        parts.den.axpy(block.offset, 1n, value);
      };
      const ones = (log: number): FpVec => engine.linear([engine.alloc(2 ** log)], [1n], 1n);
      const at = (block: { offset: number; log: number }): FpVec =>
        witness.slice(block.offset, 2 ** block.log);
      for (const block of alignedBlocks(layout.cells, logSize))
        await put(
          block,
          () => ones(block.log),
          () => engine.linear([at(block)], [P - 1n], g),
        );
      const identity = engine.fromInts(Int32Array.from({ length: 2 ** TABLE_LOG }, (_, i) => i));
      const minus = (block: Block): FpVec => engine.linear([at(block)], [P - 1n], 0n);
      await put(
        this.range,
        () => minus(this.range),
        () => engine.linear([identity], [P - 1n], g),
      );
      for (const t of tables) {
        const shifted = mod(g - b * b * BigInt(t.tag));
        for (const { inputs, outputs } of t.uses)
          await put(
            inputs,
            () => ones(inputs.log),
            () => engine.linear([at(inputs), at(outputs)], [P - 1n, mod(-b)], shifted),
          );
        const values = await scope.vectors.value.parameters.slice(
          t.values.views[0].block.offset,
          2 ** TABLE_LOG,
        );
        await put(
          t.multiplicities,
          () => minus(t.multiplicities),
          () => engine.linear([identity, values], [P - 1n, mod(-b)], shifted),
        );
      }
      return engine.fractions(parts.num, parts.den);
    });

    const indicator = (block: { offset: number; log: number }): Wire =>
      eqInteger(tape, block.offset / 2 ** block.log, point.slice(0, logSize - block.log));
    const rest = (log: number): Wire[] => point.slice(logSize - log);
    const opened = async (tensor: Tensor, at: Wire[], what: string): Promise<Wire> =>
      scope.open(tensor, { entry: at }, what);
    const whole = (block: Block): Tensor => Tensor.of(block, [axis('entry', block.log)]);

    // Cells: one claim on the range's aligned blocks, each weighted by its indicator.
    const blocks = alignedBlocks(layout.cells, logSize).map((b) => ({
      ...b,
      weight: indicator(b),
    }));
    const [cells] = await session.send(1, 'lookups: cells', async () => {
      let total = 0n;
      for (const b of blocks) {
        const part = await session.engine.evalMle(
          scope.vectors.value.witness.slice(b.offset, 2 ** b.log),
          session.valuesOf(rest(b.log)),
        );
        total += part * session.value(b.weight);
      }
      return [mod(total)];
    });
    claims.add({
      parts: blocks.map((b) => ({
        vector: 'witness',
        offset: b.offset,
        coef: { v: b.weight, c: 1n },
        point: rest(b.log),
      })),
      value: cells,
    });
    const inCells = tape.sum(blocks.map((b) => b.weight));
    const covered = [inCells];
    const numerators = [inCells];
    const denominators = [tape.sub(tape.mul(gamma, inCells), cells)];

    const low = rest(TABLE_LOG);
    const index = identityEval(tape, low);
    const entry = async (block: Block, fingerprint: Wire): Promise<void> => {
      const i = indicator(block);
      covered.push(i);
      const m = await opened(whole(block), low, 'lookups: multiplicities');
      numerators.push(tape.mul(tape.scale(m, -1n), i));
      denominators.push(tape.mul(tape.sub(gamma, fingerprint), i));
    };
    await entry(this.range, index);
    for (const t of tables) {
      const tag = tape.scale(tape.mul(beta, beta), BigInt(t.tag));
      const value = await opened(t.values, low, 'lookups: table');
      await entry(t.multiplicities, tape.sum([index, tape.mul(beta, value), tag]));
      for (const { inputs, outputs } of t.uses) {
        const i = indicator(inputs);
        covered.push(i);
        const at = rest(inputs.log);
        const c = await opened(whole(inputs), at, 'lookups: inputs');
        const f = await opened(whole(outputs), at, 'lookups: outputs');
        numerators.push(i);
        denominators.push(tape.mul(tape.sub(gamma, tape.sum([c, tape.mul(beta, f), tag])), i));
      }
    }
    tape.assertEqual(num, tape.sum(numerators), 'lookups: the numerators do not match');
    const uncovered = tape.linear(
      covered.map((v): [Wire, bigint] => [v, -1n]),
      1n,
    );
    tape.assertEqual(
      den,
      tape.sum([...denominators, uncovered]),
      'lookups: the denominators do not match',
    );
  }
}
