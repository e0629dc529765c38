/** Emits operations of a tape as constraints: the only place where the protocol meets o1js. */
import { present } from '@attensor/core';
import type { PermutationGates } from '@attensor/core/o1js';
import { Field, Poseidon } from 'o1js';
import { P } from '../protocol/field.js';
import type { Op, Wire } from '../protocol/tape.js';

export class Emitter {
  private readonly nodes = new Map<Wire, Field>();

  /**
   * @param statement fields of the public input
   * @param inputs values of the segment's tape inputs, in order
   * @param permutation by its gates
   */
  constructor(
    private readonly statement: Field[],
    private readonly inputs: Field[],
    private readonly permutation: PermutationGates,
  ) {}

  private next = 0;

  set(v: Wire, value: Field): void {
    this.nodes.set(v, value);
  }

  get(v: Wire): Field {
    const value = this.nodes.get(v);
    if (!value) throw new Error(`emit: node ${v} is read before it is made`);
    return value;
  }

  /** Constants and statement fields are available to every segment; pass them all first. */
  emit(op: Op): void {
    switch (op.kind) {
      case 'constant':
        return this.set(op.out, Field(op.value));
      case 'public':
        return this.set(op.out, this.statement[op.index]);
      case 'input':
        return this.set(op.out, this.inputs[this.next++]);
      case 'linear':
        return this.set(op.out, this.linear(op.terms, op.constant));
      case 'multiply':
        return this.set(op.out, this.get(op.a).mul(this.get(op.b)));
      case 'inverse':
        return this.set(op.out, this.get(op.a).inv());
      case 'permute': {
        const [a, b, c] = op.state.map((v) => this.get(v));
        const constant = a.isConstant() && b.isConstant() && c.isConstant();
        const after = constant
          ? Poseidon.update([a, b, c], [ZERO, ZERO])
          : this.permutation([a, b, c]);
        after.forEach((s, i) => this.set(op.out + i, s));
        return;
      }
      case 'bits':
        this.get(op.a)
          .toBits(op.length)
          .forEach((bit, i) => this.set(op.out + i, bit.toField()));
        return;
      case 'assertEqual':
        this.get(op.a).assertEquals(this.get(op.b), op.message);
        return;
    }
  }

  private linear(terms: [Wire, bigint][], constant: bigint): Field {
    let total: Field | undefined;
    for (const [v, coef] of terms) {
      const value = this.get(v);
      const term = coef === 1n ? value : coef === P - 1n ? value.neg() : value.mul(coef);
      total = total ? total.add(term) : term;
    }
    const sum = present(total, 'a term of a linear operation');
    // A scaled variable costs nothing where it is used; anything longer becomes a variable once.
    if (constant !== 0n) return sum.add(constant).seal();
    return terms.length === 1 ? sum : sum.seal();
  }
}

const ZERO = Field(0);
