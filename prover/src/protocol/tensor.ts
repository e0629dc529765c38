/**
 * @module tensor
 * Tensors are linear views of committed vectors. A block is an aligned power-of-two range of a vector; a view names the
 * block's index bits by axes; a tensor is a constant plus a weighted sum of views. A signed 32-bit activation, say, is
 * `lo + 2^16 hi - 2^31`, and the residual stream is a sum of many layers' outputs: neither costs cells of its own.
 */
import { present } from '@attensor/core';
import type { Axis as EngineAxis, FpVec } from '@attensor/native';
import { HALF, mod } from './field.js';
import { LongVector } from '../commitment/long-vector.js';
import type { Session } from './session.js';
import type { Wire } from './tape.js';

/** A tensor at an end of a unit, which its neighbour commits to as well. */
export type Side = 'in' | 'out';

/** Which committed vector: the witness of this inference, the model's parameters, or a boundary tensor. */
export type Vector = 'witness' | 'parameters' | Side;

export interface Axis {
  name: string;
  log: number;
}

export const axis = (name: string, log: number): Axis => ({ name, log });
export const logOf = (axes: Axis[]): number => axes.reduce((s, a) => s + a.log, 0);

/** An aligned range of 2^log entries. */
export interface Block {
  vector: Vector;
  offset: number;
  log: number;
}

/** One run of a block's index bits, most significant first: a named axis, a summed axis, or one fixed bit. */
export type Part = Axis | { sum: number } | { bit: 0 | 1 };

export interface View {
  block: Block;
  parts: Part[];
  coef: bigint;
}

const partLog = (p: Part): number => ('name' in p ? p.log : 'sum' in p ? p.sum : 1);

/** A point or table weight per axis name. */
export type Bound = Record<string, Wire[]>;

export class Tensor {
  constructor(
    readonly axes: Axis[],
    readonly views: View[],
    readonly constant: bigint = 0n,
  ) {
    for (const view of views) {
      const total = view.parts.reduce((s, p) => s + partLog(p), 0);
      if (total !== view.block.log)
        throw new RangeError(
          `tensor: view covers ${total} index bits of a block of ${view.block.log}`,
        );
      for (const p of view.parts)
        if ('name' in p && this.axis(p.name).log !== p.log)
          throw new RangeError(`tensor: axis ${p.name} has two sizes`);
    }
  }

  static of(block: Block, parts: Part[], coef = 1n): Tensor {
    const axes = parts.filter((p): p is Axis => 'name' in p);
    return new Tensor(axes, [{ block, parts, coef }]);
  }

  axis(name: string): Axis {
    const found = this.axes.find((a) => a.name === name);
    if (!found)
      throw new RangeError(
        `tensor: no axis ${name} among ${this.axes.map((a) => a.name).join(', ')}`,
      );
    return found;
  }

  plus(other: Tensor): Tensor {
    return new Tensor(this.axes, [...this.views, ...other.views], this.constant + other.constant);
  }
  plusConstant(c: bigint): Tensor {
    return new Tensor(this.axes, this.views, this.constant + c);
  }
  times(c: bigint): Tensor {
    return new Tensor(
      this.axes,
      this.views.map((v) => ({ ...v, coef: v.coef * c })),
      this.constant * c,
    );
  }
  rename(names: Record<string, string>): Tensor {
    const go = <T extends Part>(p: T): T =>
      'name' in p && names[p.name] ? { ...p, name: names[p.name] } : p;
    return new Tensor(
      this.axes.map(go),
      this.views.map((v) => ({ ...v, parts: v.parts.map(go) })),
      this.constant,
    );
  }
  /** Splits an axis into consecutive parts (named axes, or fixed bits), most significant first. */
  split(name: string, into: Part[]): Tensor {
    const go = (parts: Part[]): Part[] =>
      parts.flatMap((p) => ('name' in p && p.name === name ? into : [p]));
    const axes = this.axes.flatMap((a) =>
      a.name === name ? into.filter((p): p is Axis => 'name' in p) : [a],
    );
    return new Tensor(
      axes,
      this.views.map((v) => ({ ...v, parts: go(v.parts) })),
      this.constant,
    );
  }
  /** Joins neighbouring axes (in this order in every view) into one. */
  join(names: string[], name: string): Tensor {
    const log = names.reduce((s, n) => s + this.axis(n).log, 0);
    const go = <T extends Part>(parts: T[]): Part[] => {
      const at = parts.findIndex((p) => 'name' in p && p.name === names[0]);
      names.forEach((n, k) => {
        const p = parts[at + k];
        if (!p || !('name' in p) || p.name !== n)
          throw new RangeError(`tensor.join: ${names.join(', ')} are not neighbours`);
      });
      return [...parts.slice(0, at), axis(name, log), ...parts.slice(at + names.length)];
    };
    return new Tensor(
      go(this.axes) as Axis[],
      this.views.map((v) => ({ ...v, parts: go(v.parts) })),
      this.constant,
    );
  }
  /** Sums an axis out. The constant is summed as well. */
  sum(name: string): Tensor {
    const { log } = this.axis(name);
    return new Tensor(
      this.axes.filter((a) => a.name !== name),
      this.views.map((v) => ({
        ...v,
        parts: v.parts.map((p) => ('name' in p && p.name === name ? { sum: log } : p)),
      })),
      this.constant << BigInt(log),
    );
  }
}

/** A part of a claim: coef * (block's multilinear extension at `point`). */
export interface ClaimPart {
  vector: Vector;
  offset: number;
  coef: { v?: Wire; c: bigint };
  point: Wire[];
}

/** sum of the parts = value */
export interface Claim {
  /** What it says, for whoever looks at claims one by one. */
  what?: string;
  parts: ClaimPart[];
  value: Wire;
}

/** All evaluation claims a script leaves on the committed vectors. */
export class Claims {
  readonly list: Claim[] = [];

  add(claim: Claim): void {
    this.list.push(claim);
  }

  /** tensor(point by axis) = value */
  addTensor(session: Session, tensor: Tensor, at: Bound, value: Wire): void {
    const { tape } = session;
    const parts = tensor.views.map((view): ClaimPart => {
      let coef = view.coef;
      const point = view.parts.flatMap((p): Wire[] => {
        if ('name' in p) {
          const coords = at[p.name];
          if (coords?.length !== p.log)
            throw new RangeError(`claim: axis ${p.name} wants ${p.log} coordinates`);
          return coords;
        }
        if ('sum' in p) {
          coef <<= BigInt(p.sum);
          return Array.from({ length: p.sum }, () => tape.constant(HALF));
        }
        return [tape.constant(BigInt(p.bit))];
      });
      return {
        vector: view.block.vector,
        offset: view.block.offset,
        coef: { c: mod(coef) },
        point,
      };
    });
    this.add({ parts, value: tape.addConstant(value, -tensor.constant) });
  }
}

/** The vectors of a proving session; parameters that are committed in parts are never there as a whole. */
export interface Vectors {
  witness: FpVec;
  parameters: FpVec | LongVector;
  in?: FpVec;
  out?: FpVec;
}

/** eq tables by point, for one proving session. */
export class EqTables {
  private readonly tables = new Map<string, FpVec>();
  constructor(private readonly session: Session) {}
  of(point: Wire[]): FpVec {
    const key = point.join(',');
    let table = this.tables.get(key);
    if (!table) {
      table = this.session.engine.eqTable(this.session.valuesOf(point));
      this.tables.set(key, table);
    }
    return table;
  }
}

/**
 * Prover only: the tensor over `domain` (repeated along domain axes it lacks), its other axes bound to points.
 */
export async function tensorTable(
  session: Session,
  vectors: Vectors,
  eqs: EqTables,
  tensor: Tensor,
  domain: Axis[],
  bound: Bound,
): Promise<FpVec> {
  const { engine } = session;
  const pieces: FpVec[] = [];
  for (const view of tensor.views) {
    let stride = 1 << view.block.log;
    let { offset } = view.block;
    const free = new Map<string, EngineAxis>();
    const weighted: EngineAxis[] = [];
    for (const p of view.parts) {
      const size = 1 << partLog(p);
      stride /= size;
      if ('bit' in p) offset += p.bit * stride;
      else if ('sum' in p) {
        const ones = engine.linear([engine.alloc(size)], [1n], 1n);
        weighted.push({ size, stride, weights: ones });
      } else if (domain.some((d) => d.name === p.name)) free.set(p.name, { size, stride });
      else {
        const point = bound[p.name];
        if (point?.length !== p.log)
          throw new RangeError(`table: axis ${p.name} is neither free nor bound`);
        weighted.push({ size, stride, weights: eqs.of(point) });
      }
    }
    const axes = domain.map((d) => free.get(d.name) ?? { size: 1 << d.log, stride: 0 });
    const vector = present(vectors[view.block.vector], view.block.vector);
    pieces.push(
      vector instanceof LongVector
        ? await vector.contract(offset, [...axes, ...weighted])
        : await engine.contract(vector, offset, [...axes, ...weighted]),
    );
  }
  if (pieces.length === 0)
    return engine.linear([engine.alloc(1 << logOf(domain))], [1n], mod(tensor.constant));
  return engine.linear(
    pieces,
    tensor.views.map((v) => mod(v.coef)),
    mod(tensor.constant),
  );
}
