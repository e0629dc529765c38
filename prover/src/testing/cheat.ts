/**
 * @module testing/cheat
 * The prover's script run by a cheat: on vectors, tokens and traces that are not what they should be, and going on after a check
 * that fails. What comes back is the set of checks that would have stopped a verifier.
 */
import { present } from '@attensor/core';
import { engine, type FpVec, type FractionTree, type ProverEngine } from '@attensor/native';
import type { Trace } from '@attensor/inference';
import { CommittedVector } from '../commitment/committed-vector.js';
import { dim, type Dim } from '../components/builder.js';
import type { VocabularyTree } from '../components/embedding.js';
import type { TokenInput } from '../components/tokens.js';
import type { Read } from '../hashing/reads.js';
import { ProverOnly } from '../protocol/prover-only.js';
import { Session } from '../protocol/session.js';
import type { Wire } from '../protocol/tape.js';
import { Script, type ScriptWitness } from '../script.js';
import { fill, unopenable, type Honest } from './honest.js';
import { readHolds } from './ideal.js';
import { overriding } from './overriding.js';

export interface Forgery {
  /** the cheat's trace: what the witness is filled from, and where virtual columns come from */
  trace?: Trace;
  /** changes entries of the filled witness */
  ints?: (ints: BigInt64Array, at: Blocks) => void;
  /** changes entries that no 64-bit integer holds */
  vector?: (vector: FpVec, at: Blocks) => void;
  /** leave multiplicities as they were before `ints` */
  keepMultiplicities?: boolean;
  /** changes the fractions that are summed */
  fractions?: (num: FpVec, den: FpVec, at: Blocks) => void;
  witness?: {
    tokens?: TokenInput[];
    /** whose rows are read, position by position */
    ids?: number[];
    vocabulary?: VocabularyTree;
    /** under the true commitment */
    parameters?: FpVec;
    parameterSample?: bigint;
    salt?: bigint;
  };
  statement?: bigint[];
  /** how far to go; lookups and the reduction cost more than all components together */
  until?: 'lookups' | 'opening';
}

/** Where values lie in the witness. */
export class Blocks {
  private readonly byName: Map<string, { offset: number; logs: number[]; dims: Dim[] }>;
  constructor(h: Honest) {
    const { builder } = h.unit;
    const dims = new Map(builder.witnessFills.map((f) => [f.block, f.dims]));
    this.byName = new Map(
      builder.witness.list().map((e) => {
        const own = dims.get(e.block) ?? [dim('entry', 2 ** e.log)];
        return [e.name, { offset: e.block.offset, logs: own.map((d) => d.log), dims: own }];
      }),
    );
  }
  get names(): string[] {
    return [...this.byName.keys()];
  }
  dims(name: string): Dim[] {
    return present(this.byName.get(name), name).dims;
  }
  /** index of one entry */
  at(name: string, ...coordinates: number[]): number {
    const block = this.byName.get(name);
    if (!block) throw new Error(`blocks: no block ${name}`);
    if (coordinates.length !== block.logs.length)
      throw new Error(`blocks: ${name} has ${block.logs.length} dimensions`);
    return block.offset + coordinates.reduce((i, x, k) => i * 2 ** block.logs[k] + x, 0);
  }
}

class Stop extends Error {}

/** Reports a sum of zero whatever the fractions are. */
function bluffing(real: ProverEngine, change?: (num: FpVec, den: FpVec) => void): ProverEngine {
  return overriding(real, {
    fractions: async (num, den) => {
      change?.(num, den);
      const tree: FractionTree = await real.fractions(num, den);
      return overriding(tree, { root: () => [0n, tree.root()[1]] });
    },
  });
}

/** Component of a failed check: its message up to the colon. */
const component = (message: string): string => message.split(':')[0].replace(/ layer \d+.*/, '');

/** @returns the failed checks, by component, sorted */
export async function failures(h: Honest, forgery: Forgery): Promise<string[]> {
  const blocks = new Blocks(h);
  const { fractions } = forgery;
  const ints = forgery.trace ? fill(h, forgery.trace) : h.ints.slice();
  forgery.ints?.(ints, blocks);
  if (forgery.ints && !forgery.keepMultiplicities) recount(h, ints);
  const vector = engine.fromInts(ints);
  forgery.vector?.(vector, blocks);
  const honest = h.witness(await unopenable(vector));
  const { tokens, ids, vocabulary, parameters, parameterSample, salt } = forgery.witness ?? {};
  const committed = new CommittedVector(
    engine,
    parameters ?? h.parameters.vector,
    h.parameters.parts,
    parameterSample ?? h.parameters.sample,
  );
  const witness: ScriptWitness = {
    ...honest,
    parameters: { committed, salt: salt ?? honest.parameters?.salt ?? 0n },
    ...(forgery.trace && { values: h.values(forgery.trace) }),
    ...(tokens && { tokens }),
    ...(vocabulary && { vocabulary }),
  };
  const unit = Object.create(h.unit) as typeof h.unit;
  if (ids) unit.ids = () => ids;
  if (forgery.until !== 'opening')
    Object.defineProperty(unit, 'lookups', { value: { script: () => Promise.reject(new Stop()) } });
  const script = new Script(unit, { ...h.script.numbers, partLog: h.script.logSize });
  const session = new Session({
    engine: bluffing(engine, fractions && ((num, den) => fractions(num, den, blocks))),
    permute: (s) => engine.permute(s),
    statement: forgery.statement ?? h.statement,
  });
  const failed = new Set<string>();
  const { tape } = session;
  const record = (message: string): void => {
    failed.add(component(message));
  };
  tape.assertEqual = (a: Wire, b: Wire, message: string): void => {
    if (tape.value(a) !== tape.value(b)) record(message);
  };
  const send = session.send.bind(session);
  session.send = (count, what, compute) => {
    if (what.startsWith('opening')) throw new Stop();
    return send(count, what, compute);
  };
  const reads: Read[] = [];
  unit.relations = (scope, ...rest) => {
    // the second level's part of the verifier stands at the end
    scope.reads.push = (...read) => reads.push(...read);
    return h.unit.relations(scope, ...rest);
  };
  try {
    await script.run(session, ProverOnly.of(witness));
  } catch (e) {
    if (!(e instanceof Stop)) throw e;
  }
  if (reads.some((read) => !readHolds(session, read, read.opened.value))) failed.add('embedding');
  vector.dispose();
  return [...failed].sort();
}

/** Multiplicities of what is in the tables; the rest has none. */
function recount(h: Honest, ints: BigInt64Array): void {
  const { lookups, builder } = h.unit;
  const size = 65536n;
  const count = (offset: number, values: Iterable<bigint>): void => {
    ints.fill(0n, offset, offset + 65536);
    for (const v of values) if (v >= 0n && v < size) ints[offset + Number(v)]++;
  };
  count(lookups.range.offset, ints.slice(0, builder.witness.cells));
  for (const t of lookups.tables)
    count(
      t.multiplicities.offset,
      t.uses.flatMap(({ inputs }) => [
        ...ints.subarray(inputs.offset, inputs.offset + 2 ** inputs.log),
      ]),
    );
}
