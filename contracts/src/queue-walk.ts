/**
 * All actions of an account, from the ledger's action state back to the first one.
 *
 * An archive is asked for windows of blocks, the latest first. What it says is linked by action states: an answer in another order,
 * a block twice, two blocks at one height or a block of another branch change nothing, since only what leads to the state that
 * the ledger holds is taken. Where the chain of states meets one that is known, the rest is known too.
 */
import { AttensorError } from '@attensor/core';
import { AccountUpdate, Field, Poseidon } from 'o1js';
import type { QueueAnswer, QueueBlock, QueueUpdate } from './archive.js';
import { domain } from './hashes.js';

/** An update with the action state after it, which this code computed. */
export type LinkedUpdate = QueueUpdate & { actionState: string };

export interface QueueSource {
  /** For errors. */
  name: string;
  /** Height of the last block; undefined where one answer holds everything. */
  height?: number;
  /** @param range undefined where one answer holds everything */
  fetch: (range?: { from: number; to: number }) => Promise<QueueAnswer>;
}

export interface Queue {
  /** All account updates with actions, oldest first. */
  updates: readonly LinkedUpdate[];
  /** True if the archive has not seen what the account dispatched last. */
  behind: boolean;
  /** How many of the known updates are the first ones. */
  known: number;
  /** Blocks of the archive's answers that could not be read, or whose actions do not make their state. */
  skipped: number;
  /** Blocks that one question may span here. */
  blockRange: number;
}

export interface WalkOptions {
  /** Action states of the account, the present one first: an archive may be some blocks late. */
  states: readonly string[];
  /** Updates found earlier, as `linkUpdates` made them. */
  known?: readonly LinkedUpdate[];
  /** Blocks that are asked for at once; halved where that is refused. */
  blockRange?: number;
}

/** As many as real archives search unless their host chose another number. */
export const BLOCK_RANGE = 10_000;
/** No archive refuses so few. */
export const MIN_BLOCK_RANGE = 8;
/** A node that claims a height beyond all chains must not keep a reader busy for ever. */
const MAX_WINDOWS = 20_000;
/** Blocks that a chain may take back. */
export const FINALITY = 290;

const EMPTY = AccountUpdate.Actions.emptyActionState().toString();

/** Mina's hashes of actions: Poseidon, started from the hash of a prefix. Once per prefix: a reader hashes thousands of actions. */
const EVENT = salt('MinaZkappEvent******');
const ACTIONS = salt('MinaZkappSeqEvents**');
const NO_ACTIONS = AccountUpdate.Actions.empty().hash;

function salt(prefix: string): [Field, Field, Field] {
  return Poseidon.update(Poseidon.initialState(), [domain(prefix)]);
}

/** The last action is hashed first. */
function actionsHash(actions: readonly string[][]): Field {
  return actions.reduceRight((hash, action) => {
    const [event] = Poseidon.update(EVENT, action.map(Field));
    return Poseidon.update(ACTIONS, [hash, event])[0];
  }, NO_ACTIONS);
}

/** With the action states after each update, from the empty one. */
export function linkUpdates(updates: readonly QueueUpdate[], start = EMPTY): LinkedUpdate[] {
  let state = Field(start);
  return updates.map((update) => {
    state = Poseidon.update(ACTIONS, [state, actionsHash(update.actions)])[0];
    return { ...update, actionState: state.toString() };
  });
}

/** @throws ARCHIVE_MISMATCH if the archive's actions do not lead to the account's state; what `fetch` throws */
export async function walkQueue(source: QueueSource, options: WalkOptions): Promise<Queue> {
  return await new Walk(source, options).run();
}

class Walk {
  private readonly targets: string[];
  /** How many updates lead to a known state. */
  private readonly positions = new Map([[EMPTY, 0]]);
  private readonly blocks = new Map<string, QueueBlock[]>();
  /** The newest first. */
  private readonly found: LinkedUpdate[][] = [];
  /** The state that is to be explained next. */
  private wanted: string | undefined;
  private behind = false;
  private skipped = 0;
  /** Blocks whose actions do not make their state. */
  private readonly bad = new Set<QueueBlock>();
  private blockRange: number;
  private readonly known: readonly LinkedUpdate[];

  constructor(
    private readonly source: QueueSource,
    { states, known = [], blockRange = BLOCK_RANGE }: WalkOptions,
  ) {
    this.known = known;
    this.blockRange = blockRange;
    known.forEach(({ actionState }, i) => this.positions.set(actionState, i + 1));
    const [now, ...earlier] = states;
    this.targets = [now, ...new Set(earlier.filter((state) => state !== now && state !== EMPTY))];
  }

  async run(): Promise<Queue> {
    const [now] = this.targets;
    if (this.positions.has(now)) this.wanted = now;
    else if (this.source.height === undefined) this.add(await this.source.fetch());
    else await this.readWindows(this.source.height);
    this.follow();
    if (this.wanted === undefined) this.fallBack();
    return this.result();
  }

  private async readWindows(height: number): Promise<void> {
    const floor = (this.known.at(-1)?.blockHeight ?? 1) - FINALITY;
    let windows = 0;
    for (let to = height + 1; to > 1;) {
      if (++windows > MAX_WINDOWS) throw this.mismatch('are in none of its last blocks');
      const from = Math.max(1, to - this.blockRange);
      const answer = await this.window(from, to);
      if (answer === undefined) continue;
      this.add(answer);
      this.follow();
      if (this.done) return;
      // beyond here everything is known, if the archive is merely late
      if (this.known.length > 0 && from <= floor && this.wanted === undefined) {
        this.fallBack();
        if (this.done) return;
      }
      to = from;
    }
  }

  /** Nothing where so many blocks are refused; fewer are asked for then. */
  private async window(from: number, to: number): Promise<QueueAnswer | undefined> {
    try {
      return await this.source.fetch({ from, to });
    } catch (error) {
      const refused = error instanceof AttensorError && error.code === 'BAD_ANSWER';
      if (!refused || this.blockRange <= MIN_BLOCK_RANGE) throw error;
      this.blockRange = Math.ceil(this.blockRange / 2);
      return undefined;
    }
  }

  private add({ blocks, skipped }: QueueAnswer): void {
    this.skipped += skipped;
    for (const block of blocks)
      this.blocks.set(block.after, [...(this.blocks.get(block.after) ?? []), block]);
  }

  private get done(): boolean {
    return this.wanted !== undefined && this.positions.has(this.wanted);
  }

  /** From the account's state back, as far as the blocks go. */
  private follow(): void {
    if (this.wanted === undefined) {
      this.wanted = this.targets.find((state) => this.blocks.has(state));
      this.behind = this.wanted !== this.targets[0];
    }
    while (this.wanted !== undefined && !this.done) {
      const link = this.link(this.wanted);
      if (link === undefined) return;
      this.found.push(link.updates);
      this.wanted = link.before;
    }
  }

  /** The block that ends in this state: of the best chain where several do. */
  private link(after: string): { updates: LinkedUpdate[]; before: string } | undefined {
    const candidates = [...(this.blocks.get(after) ?? [])].sort((a, b) => rank(a) - rank(b));
    for (const block of candidates) {
      const link = this.linked(block);
      if (link !== undefined) return link;
    }
    return undefined;
  }

  /** A state before is believed only if the block's actions lead from there to its end. */
  private linked(block: QueueBlock): { updates: LinkedUpdate[]; before: string } | undefined {
    const { before: claimed, guess, after } = block;
    const likely = guess === undefined ? [] : [guess];
    const starts =
      claimed === undefined
        ? [...likely, ...this.positions.keys(), ...this.blocks.keys()]
        : [claimed];
    for (const before of starts) {
      const updates = linkUpdates(block.updates, before);
      if (updates.at(-1)?.actionState === after) return { updates, before };
    }
    if (claimed !== undefined) this.bad.add(block);
    return undefined;
  }

  /** The latest earlier state that is known, if the archive has seen none. */
  private fallBack(): void {
    this.wanted = this.targets.find((state) => this.positions.has(state));
    this.behind = this.wanted !== undefined && this.wanted !== this.targets[0];
  }

  private result(): Queue {
    if (!this.done) throw this.mismatch("do not lead to the contract's action state");
    const known = this.positions.get(this.wanted ?? EMPTY) ?? 0;
    return {
      updates: [...this.known.slice(0, known), ...this.found.reverse().flat()],
      behind: this.behind,
      known,
      skipped: this.skipped + this.bad.size,
      blockRange: this.blockRange,
    };
  }

  private mismatch(how: string): AttensorError {
    return new AttensorError({
      code: 'ARCHIVE_MISMATCH',
      what: `the archive's actions ${how}`,
      where: this.source.name,
      expected: this.targets[0],
      got:
        this.wanted === undefined
          ? 'no block that ends there'
          : `nothing that ends in ${this.wanted}`,
      hint: 'Read again, since the archive may lag behind the node; if that does not help, use another archive, or import a checkpoint if the archive began anew after a hard fork',
    });
  }
}

const RANKS = ['canonical', 'pending', undefined, 'orphaned'];
const rank = ({ status }: QueueBlock): number => RANKS.indexOf(status?.toLowerCase());
