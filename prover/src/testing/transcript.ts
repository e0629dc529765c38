/**
 * @module testing/transcript
 * Which challenge each value of a script reaches first, read off the recorded tape: a challenge that a value does not reach was drawn
 * without it. Challenges are outputs of Poseidon, so what reaches one changes it.
 */
import { Session } from '../protocol/session.js';
import { makes, reads, type Tape, type Wire } from '../protocol/tape.js';

export interface Supplied {
  what: string;
  /** challenges drawn before it */
  before: number;
  /** of each of its values: the first challenge that depends on it, none if no challenge does */
  reaches: (number | undefined)[];
}

class Recorder extends Session {
  readonly supplied: { what: string; before: number; first: number; count: number }[] = [];
  readonly drawn: Wire[] = [];
  private note(what: string, first: number): void {
    this.supplied.push({
      what,
      before: this.drawn.length,
      first,
      count: this.tape.inputCount - first,
    });
  }
  override async send(...args: Parameters<Session['send']>): ReturnType<Session['send']> {
    const first = this.tape.inputCount;
    const values = await super.send(...args);
    this.note(args[1], first);
    return values;
  }
  override async hint(...args: Parameters<Session['hint']>): ReturnType<Session['hint']> {
    const first = this.tape.inputCount;
    const values = await super.hint(...args);
    this.note(args[1], first);
    return values;
  }
  override async grindAndSample(
    ...args: Parameters<Session['grindAndSample']>
  ): ReturnType<Session['grindAndSample']> {
    const first = this.tape.inputCount;
    const before = this.drawn.length;
    const words = await super.grindAndSample(...args);
    this.supplied.push({
      what: 'proof-of-work nonce',
      before,
      first,
      count: this.tape.inputCount - first,
    });
    return words;
  }
  override challenge(): Wire {
    const v = super.challenge();
    this.drawn.push(v);
    return v;
  }
}

/** The first challenge that each node reaches. */
function firstReached(tape: Tape, drawn: Wire[]): Float64Array {
  const reached = new Float64Array(tape.nodeCount).fill(Infinity);
  drawn.forEach((v, k) => (reached[v] = Math.min(reached[v], k)));
  for (const op of [...tape.ops].reverse()) {
    if (op.kind === 'assertEqual') continue;
    let first = Infinity;
    for (let k = 0; k < makes(op); k++) first = Math.min(first, reached[op.out + k]);
    for (const v of reads(op)) reached[v] = Math.min(reached[v], first);
  }
  return reached;
}

export interface Transcript {
  statement: (number | undefined)[];
  supplied: Supplied[];
  challenges: number;
}

/** @param fields of the statement */
export async function transcriptOf(
  script: (session: Session) => Promise<void>,
  fields = 4,
): Promise<Transcript> {
  const session = new Recorder({});
  await script(session);
  const { tape, drawn, supplied } = session;
  const reached = firstReached(tape, drawn);
  const finite = (k: number): number | undefined => (k === Infinity ? undefined : k);
  const inputs = tape.ops.flatMap((op) => (op.kind === 'input' ? [op.out] : []));
  return {
    statement: Array.from({ length: fields }, (_, k) => finite(reached[tape.public(k)])),
    supplied: supplied.map(({ what, before, first, count }) => ({
      what,
      before,
      reaches: inputs.slice(first, first + count).map((v) => finite(reached[v])),
    })),
    challenges: drawn.length,
  };
}
