/** Polynomial expressions over columns: evaluated natively along a sumcheck, and by the verifier at its final point. */
import { present } from '@attensor/core';
import type { Expression } from '@attensor/native';
import { mod } from './field.js';
import type { Tape, Wire } from './tape.js';

type Node =
  | { kind: 'column'; index: number }
  | { kind: 'constant'; value: bigint | Wire; wrapped: boolean }
  | { kind: 'add' | 'sub' | 'mul'; a: Expr; b: Expr };

export type Operand = Expr | bigint;

/** A polynomial in column values; built by methods, shared sub-expressions are evaluated once. */
export class Expr {
  private constructor(
    readonly node: Node,
    readonly degree: number,
  ) {}

  static column(index: number): Expr {
    return new Expr({ kind: 'column', index }, 1);
  }
  /** A constant known to everyone. */
  static constant(value: bigint): Expr {
    return new Expr({ kind: 'constant', value, wrapped: false }, 0);
  }
  /** A value of the verifier's computation (a challenge, say). */
  static of(v: Wire): Expr {
    return new Expr({ kind: 'constant', value: v, wrapped: true }, 0);
  }
  private static from(x: Operand): Expr {
    return typeof x === 'bigint' ? Expr.constant(x) : x;
  }
  add(x: Operand): Expr {
    const b = Expr.from(x);
    return new Expr({ kind: 'add', a: this, b }, Math.max(this.degree, b.degree));
  }
  sub(x: Operand): Expr {
    const b = Expr.from(x);
    return new Expr({ kind: 'sub', a: this, b }, Math.max(this.degree, b.degree));
  }
  mul(x: Operand): Expr {
    const b = Expr.from(x);
    return new Expr({ kind: 'mul', a: this, b }, this.degree + b.degree);
  }

  /** The value on given column values, as part of the verifier's computation. */
  evaluate(tape: Tape, columns: Wire[]): Wire {
    const memo = new Map<Expr, Wire>();
    const visit = (e: Expr): Wire => {
      const known = memo.get(e);
      if (known !== undefined) return known;
      const n = e.node;
      let v: Wire;
      if (n.kind === 'column') v = columns[n.index];
      else if (n.kind === 'constant')
        v = n.wrapped ? (n.value as Wire) : tape.constant(n.value as bigint);
      else {
        const [a, b] = [visit(n.a), visit(n.b)];
        v = n.kind === 'add' ? tape.add(a, b) : n.kind === 'sub' ? tape.sub(a, b) : tape.mul(a, b);
      }
      memo.set(e, v);
      return v;
    };
    return visit(this);
  }

  /** The native engine's program; challenge constants are filled in from the tape. */
  compile(tape: Tape, columns: number): Expression {
    const constants: bigint[] = [];
    const order: Expr[] = [];
    const seen = new Set<Expr>();
    const collect = (e: Expr): void => {
      if (seen.has(e)) return;
      seen.add(e);
      const n = e.node;
      if (n.kind === 'add' || n.kind === 'sub' || n.kind === 'mul') {
        collect(n.a);
        collect(n.b);
        order.push(e);
      } else if (n.kind === 'constant') {
        constants.push(n.wrapped ? tape.value(n.value as Wire) : mod(n.value as bigint));
        constantIndex.set(e, constants.length - 1);
      }
    };
    const constantIndex = new Map<Expr, number>();
    const root = this.node.kind === 'column' || this.node.kind === 'constant' ? this.mul(1n) : this;
    collect(root);
    const register = new Map<Expr, number>();
    const at = (e: Expr): number =>
      e.node.kind === 'column'
        ? e.node.index
        : e.node.kind === 'constant'
          ? columns + present(constantIndex.get(e), 'a constant')
          : present(register.get(e), 'an operand');
    const code = { add: 0, sub: 1, mul: 2 } as const;
    const ops = order.map((e, i): [0 | 1 | 2, number, number] => {
      const n = e.node as { kind: 'add' | 'sub' | 'mul'; a: Expr; b: Expr };
      register.set(e, columns + constants.length + i);
      return [code[n.kind], at(n.a), at(n.b)];
    });
    return { columns, constants, ops, degree: root.degree };
  }
}
