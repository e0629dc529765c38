/**
 * @module testing/hashing
 * Small trees, opened and hashed at level 2 as an opening would: roots, indices and answers are messages, then S is committed and
 * proved. A forger changes what he commits, computes with or says; what comes back are the checks that notice.
 */
import { engine, type FpVec } from '@attensor/native';
import { openingParameters } from '../commitment/parameters.js';
import { hashingLayout, type GroupShape, type HashingLayout } from '../hashing/layout.js';
import { proveTrace } from '../hashing/level-two.js';
import { hashingRelations, type Hashed, type LeafTerm } from '../hashing/relations.js';
import { fillTrace, hashingInstances, type InstanceTrace } from '../hashing/trace.js';
import { type TreeHash, type OpenedLeaf } from '../hashing/tree-hash.js';
import { mod, mul, P } from '../protocol/field.js';
import { eqTable } from '../protocol/polynomials.js';
import { ProverOnly } from '../protocol/prover-only.js';
import { Scope } from '../protocol/scope.js';
import { Session } from '../protocol/session.js';
import type { Tape } from '../protocol/tape.js';

/** Trees of one shape with the leaves that are opened. */
export interface TestGroup {
  shape: GroupShape;
  roots: bigint[];
  indexes: number[];
  opened: OpenedLeaf[][];
}

export interface TestCase {
  hash: TreeHash;
  groups: TestGroup[];
  /** Groups whose leaves fold to common answers, and a coordinate count over trees and over entries. */
  foldings: { groups: number[]; tree: number; entry: number }[];
  /** Groups of which a value is claimed, in the same way. */
  values: { groups: number[]; tree: number; entry: number }[];
}

export interface HashingForgery {
  /** Changes traced instances, which are then committed: of each group trees by queries, padded. */
  instances?: (instances: InstanceTrace[][], layout: HashingLayout) => void;
  /** Changes S before it is committed. */
  trace?: (s: bigint[], layout: HashingLayout) => void;
  /** Changes what the prover computes his messages with, S as it is committed. */
  computed?: (s: bigint[], layout: HashingLayout) => void;
  /** Changes what is said of the groups. */
  said?: (said: { roots: bigint[][]; indexes: bigint[][] }) => void;
  /** Added to answer q of a folding. */
  answers?: (folding: number, query: number) => bigint;
  /** Added to a claimed value. */
  value?: bigint;
}

const permute = (s: [bigint, bigint, bigint]): [bigint, bigint, bigint] => engine.permute(s);

export const shapesOf = ({ groups }: TestCase): GroupShape[] => groups.map((g) => g.shape);
export const layoutOf = (test: TestCase): HashingLayout => hashingLayout(test.hash, shapesOf(test));

/** What level 1 leaves: messages, challenges, and what is to be proved of them. */
async function levelOne(
  session: Session,
  { groups, foldings, values }: TestCase,
  forgery: HashingForgery,
): Promise<Hashed> {
  const { tape } = session;
  const said = {
    roots: groups.map((g) => g.roots.slice()),
    indexes: groups.map((g) => g.indexes.map(BigInt)),
  };
  forgery.said?.(said);
  const hashed: Hashed = { groups: [], foldings: [], values: [] };
  for (const [k, { shape }] of groups.entries()) {
    const roots = await session.send(shape.trees, 'roots', () => said.roots[k]);
    const indexes = await session.send(shape.queries, 'indices', () => said.indexes[k]);
    for (const index of indexes) tape.bits(index, shape.depth);
    hashed.groups.push({ roots, indexes });
  }
  /** A leaf's share of a term, as integers. */
  const share = (term: LeafTerm, query: number): bigint => {
    const { shape, opened } = groups[term.group];
    const [tree, entry] = [term.tree, term.entry].map((point) =>
      session.valuesOf(eqTable(tape, point)),
    );
    let sum = 0n;
    for (let t = 0; t < shape.trees; t++)
      opened[t][query].leaf.forEach((v, e) => (sum += mul(mul(tree[t], entry[e]), v)));
    return mul(mod(sum), session.value(term.scale));
  };
  const termsOf = (spec: TestCase['foldings'][number]): LeafTerm[] => {
    const entry = session.challenges(spec.entry);
    return spec.groups.map((group) => ({
      group,
      scale: session.challenge(),
      tree: session.challenges(spec.tree),
      entry,
    }));
  };
  for (const [k, spec] of foldings.entries()) {
    const terms = termsOf(spec);
    const { queries } = groups[spec.groups[0]].shape;
    const answers = await session.send(queries, 'answers', () =>
      Array.from({ length: queries }, (_, q) =>
        mod(
          terms.reduce((sum, term) => sum + share(term, q), 0n) + (forgery.answers?.(k, q) ?? 0n),
        ),
      ),
    );
    hashed.foldings.push({ terms, answers });
  }
  for (const spec of values) {
    const terms = termsOf(spec);
    const { queries } = groups[spec.groups[0]].shape;
    const query = session.challenges(Math.log2(queries));
    const [value] = await session.send(1, 'value', () => {
      const weights = session.valuesOf(eqTable(tape, query));
      const sum = terms.reduce(
        (total, term) => weights.reduce((s, w, q) => s + mul(w, share(term, q)), total),
        0n,
      );
      return [mod(sum + (forgery.value ?? 0n))];
    });
    hashed.values?.push({ terms, query, value });
  }
  return hashed;
}

function committedTrace(test: TestCase, forgery: HashingForgery): bigint[] {
  const layout = layoutOf(test);
  const instances = hashingInstances(layout, test.groups);
  forgery.instances?.(instances, layout);
  const s = fillTrace(layout, instances);
  forgery.trace?.(s, layout);
  return s;
}

/** @returns the names of checks and of claims on S that do not hold, sorted */
export async function hashingObjections(
  test: TestCase,
  forgery: HashingForgery = {},
): Promise<string[]> {
  const layout = layoutOf(test);
  const committed = committedTrace(test, forgery);
  const computed = committed.slice();
  forgery.computed?.(computed, layout);
  const s = engine.fromBigints(committed);
  const session = new Session({ engine, permute, statement: [] });
  const { tape } = session;
  const objected = new Set<string>();
  tape.assertEqual = (x, y, message) => {
    if (tape.value(x) !== tape.value(y)) objected.add(message.split(':').slice(0, 2).join(':'));
  };
  const hashed = await levelOne(session, test, forgery);
  // Stands for the commitment: random points follow S.
  session.absorb([tape.input(await engine.evalPow(s, 3n))]);
  const witness = engine.fromBigints(computed);
  const scope = new Scope(session, ProverOnly.of({ witness, parameters: witness }));
  await hashingRelations(scope, layout, hashed);
  for (const { parts, value, what } of scope.claims.list) {
    let total = 0n;
    for (const { offset, coef, point } of parts) {
      const at = await engine.evalMle(s.slice(offset, 2 ** point.length), session.valuesOf(point));
      total += at * coef.c * (coef.v === undefined ? 1n : session.value(coef.v));
    }
    if (mod(total) !== session.value(value)) objected.add(what ?? 'claims');
  }
  return [...objected].sort();
}

const RATE = 2;
/** Work for a nonce is most of a small proof's time, and other suites are about it. */
const GRINDING_BITS = 2;

/** Everything, the opening of S included, as prover, verifier or shape. */
async function script(
  session: Session,
  test: TestCase,
  forgery: HashingForgery,
  s: ProverOnly<FpVec>,
): Promise<void> {
  const hashed = await levelOne(session, test, forgery);
  const layout = layoutOf(test);
  const parameters = { ...openingParameters(layout.logSize, RATE), grindingBits: GRINDING_BITS };
  await proveTrace(session, layout, parameters, hashed, s);
  session.finish();
}

/** @returns the messages of a prover who goes on whatever his own checks say */
export async function hashingMessages(
  test: TestCase,
  forgery: HashingForgery = {},
): Promise<bigint[]> {
  const session = new Session({ engine, permute, statement: [] });
  if (Object.keys(forgery).length > 0) session.tape.assertEqual = () => undefined;
  const s = engine.fromBigints(committedTrace(test, forgery));
  await script(session, test, forgery, ProverOnly.of(s));
  return session.messages;
}

/** @throws VerificationError of the check that fails */
export async function verifyHashing(test: TestCase, messages: bigint[]): Promise<Tape> {
  const session = new Session({ permute, statement: [], messages });
  await script(session, test, {}, ProverOnly.none());
  return session.tape;
}

/** What every role runs. */
export const hashingScript =
  (test: TestCase) =>
  (session: Session): Promise<void> =>
    script(session, test, {}, ProverOnly.none());

/** The tape that a circuit would be made of. */
export async function hashingShape(test: TestCase): Promise<Tape> {
  const session = new Session({});
  await hashingScript(test)(session);
  return session.tape;
}

/** Field elements that are the same in every run; the first ones are edge values. */
export function elements(seed: number): () => bigint {
  let state = mod(BigInt(seed) * 0x9e3779b97f4a7c15n + 1n);
  let drawn = 0;
  return () => {
    state = mod(state * state + 0x5851f42d4c957f2dn);
    const edges = [0n, P - 1n, 1n];
    return edges[drawn++] ?? state;
  };
}

/** A path of one leaf through siblings that nothing else needs: its root follows. */
export function lonePath(
  hash: TreeHash,
  shape: Omit<GroupShape, 'trees' | 'queries'>,
  index: number,
  seed: number,
): TestGroup {
  const next = elements(seed);
  const leaf = Array.from({ length: shape.entries }, next);
  const path = Array.from({ length: hash.pathSteps(shape.depth) }, () =>
    Array.from({ length: hash.width - 1 }, next),
  );
  const [top] = hash.pathChildren(hash.leaf(leaf), index, path).slice(-1);
  return {
    shape: { ...shape, trees: 1, queries: 1 },
    roots: [hash.node(top)],
    indexes: [index],
    opened: [[{ leaf, path }]],
  };
}
