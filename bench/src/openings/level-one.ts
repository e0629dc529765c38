/**
 * Level 1: today's protocol up to the answers of the queries. A tape is a list of operations; those after a message belong to it, so
 * labels of messages tell what rows are for.
 */
import {
  eqEval,
  eqTable,
  horner,
  LOG_LEAF,
  powEval,
  rowsOf,
  Session,
  type OpeningParameters,
  type Script,
  type Wire,
} from '@attensor/prover/planning';

/** Rows, permutations and other operations of a tape's part. */
export interface Count {
  rows: number;
  permutations: number;
  /** multiplications and combinations: what a table of the whole tape would hold */
  arithmetic: number;
}

/** A session that remembers before which operation each message came. */
export class Labelled extends Session {
  private readonly marks: { at: number; what: string }[] = [];

  override async hint(...[count, what, compute]: Parameters<Session['hint']>): Promise<Wire[]> {
    this.mark(what);
    return super.hint(count, what, compute);
  }
  override async send(...[count, what, compute]: Parameters<Session['send']>): Promise<Wire[]> {
    this.mark(what);
    return super.send(count, what, compute);
  }
  private mark(what: string): void {
    this.marks.push({ at: this.tape.ops.length, what });
  }

  /** The operations by the category of the message before them. */
  counts(categoryOf: (what: string) => string, before: string): Map<string, Count> {
    const out = new Map<string, Count>();
    let next = 0;
    let category = before;
    this.tape.ops.forEach((op, i) => {
      for (; next < this.marks.length && this.marks[next].at <= i; next++)
        category = categoryOf(this.marks[next].what);
      const count = out.get(category) ?? { rows: 0, permutations: 0, arithmetic: 0 };
      count.rows += rowsOf(op);
      if (op.kind === 'permute') count.permutations++;
      else if (rowsOf(op) > 0) count.arithmetic += Math.ceil(2 * rowsOf(op));
      out.set(category, count);
    });
    return out;
  }
}

export const total = (counts: Iterable<Count>): Count => {
  const sum = { rows: 0, permutations: 0, arithmetic: 0 };
  for (const { rows, permutations, arithmetic } of counts) {
    sum.rows += rows;
    sum.permutations += permutations;
    sum.arithmetic += arithmetic;
  }
  return sum;
};

/** What today's rows are for. */
export interface Today {
  paths: Count;
  leaves: Count;
  embedding: Count;
  /** of the statement: token lists and their hashes, which every design keeps in a circuit */
  statement: Count;
  /** relations, lookups and the reduction of claims */
  relations: Count;
  /** the opening without leaves and paths */
  opening: Count;
}

const NONE: Count = { rows: 0, permutations: 0, arithmetic: 0 };
const STATEMENT_MESSAGES = ['active positions', 'tokens'];

const categoryOf = (what: string): keyof Today => {
  if (what === 'opening: path') return 'paths';
  if (what === 'opening: leaf') return 'leaves';
  if (what.startsWith('opening')) return 'opening';
  if (what === 'embedding row' || what === 'embedding path') return 'embedding';
  return STATEMENT_MESSAGES.some((name) => what.startsWith(name)) ? 'statement' : 'relations';
};

export async function today(script: Script): Promise<Today> {
  const session = new Labelled({});
  await script.run(session);
  const counts = session.counts(categoryOf, 'statement');
  const of = (category: keyof Today): Count => counts.get(category) ?? NONE;
  return {
    paths: of('paths'),
    leaves: of('leaves'),
    embedding: of('embedding'),
    statement: of('statement'),
    relations: of('relations'),
    opening: of('opening'),
  };
}

/** What level 2 must prove of the queries of one tree in one round. */
export interface Group {
  name: string;
  /** wires of the leaves' numbers */
  indexes: Wire[];
  /** wires of the folded answers, absorbed; none for rows of a vocabulary, which are claimed elsewhere */
  answers?: Wire[];
  root: Wire;
  /** entries of a leaf, and levels of a binary tree over all leaves */
  entries: number;
  depth: number;
}

const nothing = (): bigint[] => [];

async function foldRounds(
  session: Session,
  rounds: number,
  claim: Wire,
): Promise<{ point: Wire[]; claim: Wire }> {
  const { tape } = session;
  const point: Wire[] = [];
  for (let i = 0; i < rounds; i++) {
    const [c0, c2] = await session.send(2, 'opening: sumcheck', nothing);
    const r = session.challenge();
    const c1 = tape.linear([
      [claim, 1n],
      [c0, -2n],
      [c2, -1n],
    ]);
    claim = tape.add(c0, tape.mul(r, tape.add(c1, tape.mul(r, c2))));
    point.push(r);
  }
  return { point, claim };
}

/**
 * The opening as it would be: `openAt` where each query's answer is a message, roots take the place of caps, and no leaf or path is
 * looked at. One answer stands for all oracles of a round.
 *
 * @param widths entries of a leaf of each oracle that is opened
 */
export async function openByAnswers(
  session: Session,
  parameters: OpeningParameters,
  widths: number[],
  roots: Wire[],
): Promise<Group[]> {
  const { tape } = session;
  const { logSize, grindingBits, rounds } = parameters;
  const point = session.challenges(logSize);
  let claim = session.challenge();
  let current = widths.map((entries, k) => ({ entries, root: roots[k] }));
  const bound: Wire[] = [];
  const shifts: { x: Wire; coef: Wire; start: number }[] = [];
  const groups: Group[] = [];
  for (const [index, round] of rounds.entries()) {
    const bindings = await foldRounds(session, LOG_LEAF, claim);
    claim = bindings.claim;
    bound.push(...bindings.point);
    const size = round.logSize - LOG_LEAF;
    const last = index === rounds.length - 1;
    const sample: { x: Wire; y: Wire }[] = [];
    let final: Wire[] = [];
    let next: typeof current = [];
    if (last) final = await session.send(2 ** size, 'opening: final vector', nothing);
    else {
      const [root] = await session.send(1, 'opening: root', nothing);
      next = [{ entries: 2 ** LOG_LEAF, root }];
      const x = session.challenge();
      const [y] = await session.send(1, 'opening: out-of-domain value', nothing);
      sample.push({ x, y });
    }
    const words = await session.grindAndSample(grindingBits, round.queries, round.logDomain);
    const indexes: Wire[] = [];
    const points: Wire[] = [];
    for (let q = 0; q < round.queries; q++) {
      const bits = words.next();
      indexes.push(tape.linear(bits.map((b, l): [Wire, bigint] => [b, 1n << BigInt(l)])));
      points.push(domainPoint(session, bits));
    }
    const answers = await session.send(round.queries, 'opening: answers', nothing);
    answers.forEach((y, q) => sample.push({ x: points[q], y }));
    current.forEach(({ entries, root }, k) =>
      groups.push({
        name: `round ${index}, tree ${k}`,
        indexes,
        ...(k === 0 && { answers }),
        root,
        entries,
        depth: round.logDomain,
      }),
    );
    if (last) {
      for (const { x, y } of sample) tape.assertEqual(horner(tape, final, x), y, 'final vector');
      const rest = await foldRounds(session, size, claim);
      bound.push(...rest.point);
      const terms = [
        eqEval(tape, point, bound),
        ...shifts.map((s) => tape.mul(s.coef, powEval(tape, s.x, bound.slice(s.start)))),
      ];
      const value = tape.inner(final, eqTable(tape, rest.point));
      tape.assertEqual(tape.mul(value, tape.sum(terms)), rest.claim, 'opening');
      break;
    }
    const gamma = session.challenge();
    let coef = tape.constant(1n);
    const start = bound.length;
    const added = sample.map((s) => ({ ...s, coef: (coef = tape.mul(coef, gamma)), start }));
    claim = tape.sum([claim, ...added.map((s) => tape.mul(s.coef, s.y))]);
    shifts.push(...added);
    current = next;
  }
  return groups;
}

/** omega^index from the index bits. Constants stand in for the powers of omega: only their number counts. */
function domainPoint(session: Session, bits: Wire[]): Wire {
  const { tape } = session;
  let x = tape.constant(1n);
  for (const [l, bit] of bits.entries()) x = tape.mul(x, tape.linear([[bit, BigInt(l + 2)]], 1n));
  return x;
}
