/**
 * @module tape
 * The verifier's computation as a straight-line program. A script runs once against a tape; the tape is then evaluated on
 * bigints (prover, plain verifier) or emitted as constraints (circuits). One program, so the roles cannot drift apart, and
 * since it is straight-line it can be cut anywhere: the planner packs it into circuits by counted rows.
 */
import { present } from '@attensor/core';
import { P, add as fadd, inverse, mod, mul as fmul } from './field.js';

/** A value of the verifier's computation: an index into the tape's nodes. */
export type Wire = number;

export type Op =
  | { kind: 'constant'; out: Wire; value: bigint }
  | { kind: 'public'; out: Wire; index: number }
  /** A value the prover supplies; `slot` counts them. Absorbing it is the session's business. */
  | { kind: 'input'; out: Wire; slot: number }
  | { kind: 'linear'; out: Wire; terms: [Wire, bigint][]; constant: bigint }
  | { kind: 'multiply'; out: Wire; a: Wire; b: Wire }
  | { kind: 'inverse'; out: Wire; a: Wire }
  | { kind: 'permute'; out: Wire; state: [Wire, Wire, Wire] }
  /** out .. out + length - 1 are the bits, lowest first; the value must be below 2^length. */
  | { kind: 'bits'; out: Wire; a: Wire; length: number }
  | { kind: 'assertEqual'; a: Wire; b: Wire; message: string };

export type Permutation = (state: [bigint, bigint, bigint]) => [bigint, bigint, bigint];

/** A check of the verifier failed. */
export class VerificationError extends Error {
  readonly code = 'VERIFICATION_FAILED';
}

export class Tape {
  readonly ops: Op[] = [];
  /** Present when the tape is evaluated as it is recorded. */
  readonly values: bigint[] | undefined;
  private nodes = 0;
  private slots = 0;
  private readonly constants = new Map<bigint, Wire>();
  private readonly constantOf = new Map<Wire, bigint>();
  private readonly statement: Wire[] = [];

  /**
   * @param permute the Poseidon permutation; without it only the shape is recorded
   */
  constructor(private readonly permutation?: Permutation) {
    this.values = permutation ? [] : undefined;
  }

  get nodeCount(): number {
    return this.nodes;
  }
  get inputCount(): number {
    return this.slots;
  }

  private node(value: () => bigint): Wire {
    if (this.values) this.values.push(value());
    return this.nodes++;
  }

  /** The value of a node; only on an evaluated tape. */
  value(v: Wire): bigint {
    if (!this.values) throw new Error('tape: a shape has no values');
    return this.values[v];
  }

  asConstant(v: Wire): bigint | undefined {
    return this.constantOf.get(v);
  }

  constant(value: bigint): Wire {
    const x = mod(value);
    const known = this.constants.get(x);
    if (known !== undefined) return known;
    const out = this.node(() => x);
    this.ops.push({ kind: 'constant', out, value: x });
    this.constants.set(x, out);
    this.constantOf.set(out, x);
    return out;
  }

  /** Field `index` of the statement. */
  public(index: number, value?: bigint): Wire {
    if (this.statement[index] !== undefined) return this.statement[index];
    const out = this.node(() => present(value, 'the value of an evaluated tape'));
    this.ops.push({ kind: 'public', out, index });
    return (this.statement[index] = out);
  }

  input(value?: bigint): Wire {
    const out = this.node(() => present(value, 'the value of an evaluated tape'));
    this.ops.push({ kind: 'input', out, slot: this.slots++ });
    return out;
  }

  linear(terms: [Wire, bigint][], constant = 0n): Wire {
    let c = constant;
    const unknown: [Wire, bigint][] = [];
    for (const term of terms) {
      const known = this.constantOf.get(term[0]);
      if (known !== undefined) c += known * term[1];
      else unknown.push(term);
    }
    c = mod(c);
    const left = merged(unknown);
    if (left.length === 0) return this.constant(c);
    if (left.length === 1 && c === 0n && left[0][1] === 1n) return left[0][0];
    const out = this.node(() =>
      left.reduce((s, [v, coef]) => fadd(s, fmul(this.value(v), coef)), c),
    );
    this.ops.push({ kind: 'linear', out, terms: left, constant: c });
    return out;
  }

  add(a: Wire, b: Wire): Wire {
    return this.linear([
      [a, 1n],
      [b, 1n],
    ]);
  }
  sub(a: Wire, b: Wire): Wire {
    return this.linear([
      [a, 1n],
      [b, P - 1n],
    ]);
  }
  scale(a: Wire, coef: bigint): Wire {
    return this.linear([[a, coef]]);
  }
  addConstant(a: Wire, constant: bigint): Wire {
    return this.linear([[a, 1n]], constant);
  }
  sum(vs: Wire[]): Wire {
    return this.linear(vs.map((v): [Wire, bigint] => [v, 1n]));
  }

  mul(a: Wire, b: Wire): Wire {
    const x = this.constantOf.get(a);
    const y = this.constantOf.get(b);
    if (x !== undefined) return this.linear([[b, x]]);
    if (y !== undefined) return this.linear([[a, y]]);
    const out = this.node(() => fmul(this.value(a), this.value(b)));
    this.ops.push({ kind: 'multiply', out, a, b });
    return out;
  }

  product(vs: Wire[]): Wire {
    return vs.length === 0 ? this.constant(1n) : vs.reduce((a, b) => this.mul(a, b));
  }

  inner(a: Wire[], b: Wire[]): Wire {
    if (a.length !== b.length) throw new RangeError('tape.inner: lengths differ');
    return this.sum(a.map((x, i) => this.mul(x, b[i])));
  }

  /** 1 / a; no inverse, no proof. */
  inverse(a: Wire): Wire {
    const out = this.node(() => {
      const value = this.value(a);
      if (value === 0n) throw new VerificationError('a value that must not be zero is zero');
      return inverse(value);
    });
    this.ops.push({ kind: 'inverse', out, a });
    return out;
  }

  permute(state: [Wire, Wire, Wire]): [Wire, Wire, Wire] {
    const [a, b, c] = state;
    const next =
      this.values && this.permutation
        ? this.permutation([this.value(a), this.value(b), this.value(c)])
        : [];
    const out = this.node(() => next[0]);
    this.node(() => next[1]);
    this.node(() => next[2]);
    this.ops.push({ kind: 'permute', out, state });
    return [out, out + 1, out + 2];
  }

  /** Poseidon.hash of o1js: rate 2 from the zero state, zero padded. */
  hash(values: Wire[]): Wire {
    const zero = this.constant(0n);
    let state: [Wire, Wire, Wire] = [zero, zero, zero];
    for (let i = 0; i < Math.max(values.length, 1); i += 2) {
      const second = i + 1 < values.length ? this.add(state[1], values[i + 1]) : state[1];
      const first = i < values.length ? this.add(state[0], values[i]) : state[0];
      state = this.permute([first, second, state[2]]);
    }
    return state[0];
  }

  bits(a: Wire, length: number): Wire[] {
    if (this.values && this.values[a] >> BigInt(length) !== 0n)
      throw new VerificationError(`a value does not fit in ${length} bits`);
    const out = this.nodes;
    for (let i = 0; i < length; i++) this.node(() => (this.value(a) >> BigInt(i)) & 1n);
    this.ops.push({ kind: 'bits', out, a, length });
    return Array.from({ length }, (_, i) => out + i);
  }

  /** bit ? b : a */
  select(bit: Wire, b: Wire, a: Wire): Wire {
    return this.add(a, this.mul(bit, this.sub(b, a)));
  }

  assertEqual(a: Wire, b: Wire, message: string): void {
    if (this.values && this.values[a] !== this.values[b]) throw new VerificationError(message);
    if (a === b) return;
    this.ops.push({ kind: 'assertEqual', a, b, message });
  }

  assertZero(a: Wire, message: string): void {
    this.assertEqual(a, this.constant(0n), message);
  }

  /** Boolean check for a value the prover supplies. */
  assertBit(a: Wire, message: string): void {
    this.assertEqual(this.mul(a, a), a, message);
  }
}

/** The terms with one coefficient for each wire, in the order of the wires' first terms; those that cancel are left out. */
function merged(terms: [Wire, bigint][]): [Wire, bigint][] {
  // nearly always: a sum or a difference
  if (terms.length === 1 || (terms.length === 2 && terms[0][0] !== terms[1][0]))
    return terms
      .map(([v, coef]): [Wire, bigint] => [v, mod(coef)])
      .filter(([, coef]) => coef !== 0n);
  const byWire = new Map<Wire, bigint>();
  for (const [v, coef] of terms) byWire.set(v, (byWire.get(v) ?? 0n) + coef);
  return [...byWire].map(([v, coef]): [Wire, bigint] => [v, mod(coef)]).filter(([, c]) => c !== 0n);
}

/** Nodes an operation reads. */
export function reads(op: Op): Wire[] {
  switch (op.kind) {
    case 'linear':
      return op.terms.map(([v]) => v);
    case 'multiply':
      return [op.a, op.b];
    case 'permute':
      return op.state;
    case 'inverse':
    case 'bits':
      return [op.a];
    case 'assertEqual':
      return [op.a, op.b];
    default:
      return [];
  }
}

/** Number of nodes an operation makes, starting at its `out`. */
export function makes(op: Op): number {
  return op.kind === 'assertEqual'
    ? 0
    : op.kind === 'permute'
      ? 3
      : op.kind === 'bits'
        ? op.length
        : 1;
}
