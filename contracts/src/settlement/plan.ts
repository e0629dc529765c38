/**
 * Which proofs make up a settlement. The record after so many submissions is the same whoever settled
 * them and in how many steps, so a part that was proved once serves in any settlement that has it.
 */
import { FEW, MANY } from './circuits.js';

/** Submissions from position `from` up to, not including, `to`. */
export interface Part {
  from: number;
  to: number;
}

/** A part that is proved by one block, or one that is proved already. */
export interface PlannedPart extends Part {
  method: 'few' | 'many' | 'known';
}

/**
 * The parts that cover a settlement, in order.
 *
 * @param known parts that are proved already
 */
export function planParts({ from, to }: Part, known: readonly Part[]): PlannedPart[] {
  const usable = known.filter((each) => each.from >= from && each.to <= to && each.from < each.to);
  const parts: PlannedPart[] = [];
  for (let at = from; at < to; at = parts[parts.length - 1].to) {
    const [longest] = usable.filter((each) => each.from === at).sort((a, b) => b.to - a.to);
    if (longest !== undefined) {
      parts.push({ ...longest, method: 'known' });
      continue;
    }
    const nextKnown = usable.map((each) => each.from).filter((each) => each > at);
    const end = Math.min(to, blockEnd(at, MANY), ...nextKnown);
    parts.push({ from: at, to: end, method: end <= blockEnd(at, FEW) ? 'few' : 'many' });
  }
  return parts;
}

/** Proofs that a plan takes: its new parts, and the joins of all. */
export function proofsOf(parts: readonly PlannedPart[]): number {
  return parts.filter(({ method }) => method !== 'known').length + Math.max(0, parts.length - 1);
}

function blockEnd(position: number, depth: number): number {
  const size = 2 ** depth;
  return (Math.floor(position / size) + 1) * size;
}
