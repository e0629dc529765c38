/**
 * @module planner
 * Packs a tape into circuits. The tape is straight-line, so it may be cut anywhere; what is made before a cut and read after it
 * is carried to the next circuit as a hash. Rows are counted, not guessed: the costs below were measured on emitted circuits
 * (circuits.test.ts holds them to the constraint system).
 */
import { AttensorError } from '@attensor/inference';
import { makes, reads, type Op, type Tape, type Wire } from '../protocol/tape.js';

export interface Segment {
  index: number;
  /** ops[start .. end) */
  start: number;
  end: number;
  /** nodes carried in and out, in ascending order */
  carryIn: Wire[];
  carryOut: Wire[];
  /** tape inputs [firstInput, firstInput + inputs) */
  firstInput: number;
  inputs: number;
  /** estimated rows */
  rows: number;
}

export interface Limits {
  /** rows a circuit may hold that verifies no proof, and one that verifies its predecessor */
  first: number;
  next: number;
}

/**
 * 2^16 rows less Pickles' own. Measured: a circuit that verifies one proof compiles with 52,000 rows of its own and fails with 55,000.
 */
export const LIMITS: Limits = { first: 64_300, next: 52_000 };

export const PERMUTATION_ROWS = 12;

export function rowsOf(op: Op): number {
  switch (op.kind) {
    case 'linear':
      return op.terms.length === 1 && op.constant === 0n ? 0 : Math.max(1, op.terms.length - 1) / 2;
    case 'multiply':
    case 'inverse':
      return 0.5;
    case 'assertEqual':
      return 0; // a wiring, or a constant's
    case 'permute':
      return PERMUTATION_ROWS;
    case 'bits':
      return op.length;
    default:
      return 0;
  }
}

/** Rows to hash a carry once. */
const carryRows = (count: number): number => Math.ceil((count + 2) / 2) * (PERMUTATION_ROWS + 1);

/** Cuts are looked for in the last part of a circuit; the smallest loss of rows wins. */
const WINDOW = 0.4;

/**
 * @param least circuits at least, 1 or 2: a tape that fits one is cut where it carries least
 * @throws UNSUPPORTED_CONFIG when no cut fits the limits
 */
export function plan(tape: Tape, limits: Limits = LIMITS, least = 1): Segment[] {
  const { ops } = tape;
  const live = liveness(tape);
  const carryAt = (position: number): number => live.count[position];
  const segments: Segment[] = [];
  let start = 0;
  let input = 0;
  const add = (end: number, rows: number): void => {
    let inputs = 0;
    for (let i = start; i < end; i++) if (ops[i].kind === 'input') inputs++;
    segments.push({
      index: segments.length,
      start,
      end,
      carryIn: start === 0 ? [] : live.at(start),
      carryOut: end === ops.length ? [] : live.at(end),
      firstInput: input,
      inputs,
      rows: Math.ceil(rows),
    });
    input += inputs;
    start = end;
  };
  while (start < ops.length) {
    const limit = segments.length === 0 ? limits.first : limits.next;
    const base = start === 0 ? 0 : carryRows(carryAt(start));
    let rows = base;
    let end = start;
    let best = { position: -1, score: Infinity, rows: 0 };
    while (end < ops.length) {
      rows += rowsOf(ops[end]);
      if (rows > limit) break;
      end++;
      if (end < ops.length) {
        const out = carryRows(carryAt(end));
        if (rows + out <= limit && rows > limit * (1 - WINDOW)) {
          // Unused rows here and the carry's rows on both sides: the smallest loss wins.
          const score = limit - rows - out + 2 * out;
          if (score <= best.score) best = { position: end, score, rows: rows + out };
        }
      }
    }
    if (end < ops.length) {
      if (best.position < 0)
        throw new AttensorError({
          code: 'UNSUPPORTED_CONFIG',
          what: `the verifier cannot be cut into circuits: too many values are alive where circuit ${segments.length} must end`,
          expected: `at most ${limit} rows a circuit`,
          got: `${Math.min(...live.count.slice(Math.max(start + 1, end - 2000), end))} values or more to carry`,
          hint: 'Commit the model with a smaller --capacity',
        });
      end = best.position;
      rows = best.rows;
    }
    add(end, rows);
  }
  if (segments.length === 1 && least > 1) {
    const [{ rows }] = segments.splice(0);
    const position = thinnest(ops, carryAt, rows);
    const first = ops.slice(0, position).reduce((sum, op) => sum + rowsOf(op), 0);
    const carry = carryRows(carryAt(position));
    start = input = 0;
    add(position, first + carry);
    add(ops.length, rows - first + carry);
  }
  return segments;
}

/** The position in the middle half of a tape's rows where least is carried. */
function thinnest(ops: Op[], carryAt: (position: number) => number, total: number): number {
  let rows = 0;
  let best = { position: 1, carried: Infinity };
  ops.forEach((op, i) => {
    if (i > 0 && rows > total / 4 && rows < (3 * total) / 4 && carryAt(i) < best.carried)
      best = { position: i, carried: carryAt(i) };
    rows += rowsOf(op);
  });
  return best.position;
}

/** For each position p: nodes made before op p and read at or after it (constants and the statement cost nothing to have). */
function liveness(tape: Tape): { count: Int32Array; at(position: number): Wire[] } {
  const { ops } = tape;
  const made = new Int32Array(tape.nodeCount).fill(-1);
  const last = new Int32Array(tape.nodeCount).fill(-1);
  ops.forEach((op, i) => {
    if (op.kind !== 'assertEqual' && op.kind !== 'constant' && op.kind !== 'public')
      for (let k = 0; k < makes(op); k++) made[op.out + k] = i;
    for (const v of reads(op)) last[v] = i;
  });
  const difference = new Int32Array(ops.length + 2);
  for (let v = 0; v < made.length; v++) {
    if (made[v] < 0 || last[v] <= made[v]) continue;
    difference[made[v] + 1]++;
    difference[last[v] + 1]--;
  }
  const count = new Int32Array(ops.length + 1);
  for (let p = 0, n = 0; p <= ops.length; p++) count[p] = n += difference[p];
  return {
    count,
    at: (position) => {
      const out: Wire[] = [];
      for (let v = 0; v < made.length; v++)
        if (made[v] >= 0 && made[v] < position && last[v] >= position) out.push(v);
      return out;
    },
  };
}
