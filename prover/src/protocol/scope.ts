/** What the scripts of one session share: the claims, named random points, the prover's vectors and tables. */
import type { FpVec } from '@attensor/native';
import type { Read } from '../hashing/reads.js';
import type { ProverOnly } from './prover-only.js';
import type { Session } from './session.js';
import type { Wire } from './tape.js';
import {
  axis,
  Claims,
  EqTables,
  tensorTable,
  type Axis,
  type Bound,
  type Part,
  type Tensor,
  type Vectors,
} from './tensor.js';

const PADDING = 'padding';

export class Scope {
  readonly claims = new Claims();
  /** Leaves of other trees than the vectors', to be proved with the opening. */
  readonly reads: Read[] = [];
  readonly eqs: EqTables;
  private readonly randomness = new Map<string, Wire[]>();
  private readonly keys = new Map<Tensor, number>();

  constructor(
    readonly session: Session,
    readonly vectors: ProverOnly<Vectors>,
  ) {
    this.eqs = new EqTables(session);
  }

  private own: Scope | undefined;

  /** Of the tensors at a unit's ends: their claims are opened apart from those of witness and parameters. */
  get ends(): Scope {
    return (this.own ??= new Scope(this.session, this.vectors));
  }

  /** Identity of a tensor object, for caches. */
  readonly tensorKey = (tensor: Tensor): string => {
    let key = this.keys.get(tensor);
    if (key === undefined) this.keys.set(tensor, (key = this.keys.size));
    return String(key);
  };

  /**
   * A random point shared by all relations on axes of this name and size. Sound since it is drawn only after the witness
   * commitment that fixes every tensor (see docs/soundness.md, shared points).
   */
  random(name: string, log: number): Wire[] {
    const key = `${name}:${log}`;
    let point = this.randomness.get(key);
    if (!point) this.randomness.set(key, (point = this.session.challenges(log)));
    return point;
  }

  table(tensor: Tensor, domain: Axis[], bound: Bound): Promise<FpVec> {
    return tensorTable(this.session, this.vectors.value, this.eqs, tensor, domain, bound);
  }

  /** Repeats a table over `axes` (in domain order) along the rest of the domain. */
  spread(table: FpVec, axes: Axis[], domain: Axis[]): Promise<FpVec> | FpVec {
    if (axes.length === domain.length) return table;
    let stride = table.length;
    const strides = new Map<string, number>();
    for (const a of axes) strides.set(a.name, (stride /= 1 << a.log));
    return this.session.engine.contract(
      table,
      0,
      domain.map((d) => ({ size: 1 << d.log, stride: strides.get(d.name) ?? 0 })),
    );
  }

  /**
   * The tensor is zero where index `name` is `from` or more: one claim for each aligned block of such indices, the other axes at `at`.
   */
  zeroFrom(tensor: Tensor, name: string, from: number, at: Bound): void {
    const { log: bits } = tensor.axis(name);
    for (let start = from; start < 2 ** bits; start += start & -start) {
      const log = Math.log2(start & -start);
      const block: Part[] = Array.from({ length: bits - log }, (_, b) => ({
        bit: ((start >> (bits - 1 - b)) & 1) as 0 | 1,
      }));
      const rest = tensor.split(name, [...block, axis(PADDING, log)]);
      const point = this.random(name, bits).slice(bits - log);
      this.claims.addTensor(
        this.session,
        rest,
        { ...at, [PADDING]: point },
        this.session.tape.constant(0n),
      );
    }
  }

  /** Sends the tensor's value at a point and registers the claim. */
  async open(tensor: Tensor, at: Bound, what: string): Promise<Wire> {
    const [value] = await this.session.send(1, what, async () => [
      (await this.table(tensor, [], at)).get(0),
    ]);
    this.claims.addTensor(this.session, tensor, at, value);
    return value;
  }
}
