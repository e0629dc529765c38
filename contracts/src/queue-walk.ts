/**
 * All actions of an account, from the ledger's action state back to the first one.
 *
 * An archive is asked for windows of blocks, the latest first. What it says is linked by action states: an answer in another order,
 * a block twice, two blocks at one height or a block of another branch change nothing, since only what leads to the state that
 * the ledger holds is taken. Where the chain of states meets one that is known, the rest is known too.
 *
 * Some archives refuse large windows, others cut them short without a word and lose the newest blocks of each. What was lost is looked
 * for in windows that end just above a block which the archive knows: if that block is missing, the window was too large.
 */
import { AttensorError } from '@attensor/core';
import { AccountUpdate, Field, Poseidon } from 'o1js';
import type { BlockWindow, QueueAnswer, QueueBlock, QueueUpdate } from './archive.js';
import { domain } from './hashes.js';

/** An update with the action state after it, which this code computed. */
export type LinkedUpdate = QueueUpdate & { actionState: string };

export interface QueueSource {
  /** For errors. */
  name: string;
  /** Height of the last block; undefined where one answer holds everything. */
  height?: number;
  /** @param range undefined where one answer holds everything */
  fetch: (range?: BlockWindow) => Promise<QueueAnswer>;
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
  /**
   * Action states after updates whose block the chain may have taken back, and which the archive does not tell of now: where they are
   * is not known.
   */
  unconfirmed: ReadonlySet<string>;
  /** Blocks that one question may span here, as far as that was noticed. */
  blockRange: number;
}

export interface WalkOptions {
  /** Action states of the account, the present one first: an archive may be some blocks late. */
  states: readonly string[];
  /** Updates found earlier, as `linkUpdates` made them. */
  known?: readonly LinkedUpdate[];
  /** Blocks that are asked for at once; halved where that is refused, or cut short. */
  blockRange?: number;
}

/** As many as real archives search unless their host chose another number. */
export const BLOCK_RANGE = 10_000;
/** No archive refuses so few. */
export const MIN_BLOCK_RANGE = 8;
/** A node that claims a height beyond all chains must not keep a reader busy for ever. */
const MAX_WINDOWS = 20_000;
/** GraphQL's largest number. */
export const LAST_INT = 2 ** 31 - 1;
/** Windows that are asked for once more where nothing shows that the larger ones were cut. */
export const MAX_BLIND_WINDOWS = 2000;
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

interface Link {
  updates: LinkedUpdate[];
  before: string;
}

class Walk {
  private readonly targets: string[];
  /** How many updates lead to a known state. */
  private readonly positions = new Map([[EMPTY, 0]]);
  private readonly blocks = new Map<string, QueueBlock[]>();
  /** The newest first. */
  private found: LinkedUpdate[][] = [];
  /** The latest of the account's states that a block ends in. */
  private start: string | undefined;
  /** The state that is to be explained next. */
  private wanted: string | undefined;
  private behind = false;
  private skipped = 0;
  private windows = 0;
  /** Blocks whose actions do not make their state. */
  private readonly bad = new Set<QueueBlock>();
  private readonly links = new Map<QueueBlock, Link>();
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
    const { height } = this.source;
    if (this.positions.has(now)) this.wanted = now;
    else if (height === undefined) this.add(await this.source.fetch());
    else {
      await this.readWindows(height + 1);
      await this.readWhatWasCut(height).catch((error: unknown) => {
        // what was told before is as good as it was
        if (!(error instanceof AttensorError) || !this.hasResult) throw error;
      });
    }
    if (!this.done || this.behind) this.fallBack();
    const queue = this.result();
    return height === undefined ? queue : await this.located(queue, height);
  }

  /**
   * Asks again where the last updates are: a chain that takes blocks back may have put the same actions into another block.
   */
  private async located(queue: Queue, height: number): Promise<Queue> {
    const { updates } = queue;
    const first = updates.findIndex(
      ({ blockHeight = Infinity }) => blockHeight > height - FINALITY,
    );
    // through o1js, nobody tells of blocks
    if (first === -1 || updates.every(({ blockHeight }) => blockHeight === undefined)) return queue;
    const recent = updates.slice(first);
    const floor = Math.max(1, height - 2 * FINALITY);
    let places = this.places();
    const isUnconfirmed = ({ actionState }: LinkedUpdate) => !places.has(actionState);
    for (let to = height + 1; to > floor && recent.some(isUnconfirmed);) {
      const from = Math.max(floor, to - this.blockRange);
      try {
        if (!(await this.read({ from, to }))) continue;
      } catch (error) {
        if (!(error instanceof AttensorError)) throw error;
        break;
      }
      to = from;
      places = this.places();
    }
    return {
      ...queue,
      updates: [
        ...updates.slice(0, first),
        ...recent.map((each) => places.get(each.actionState) ?? each),
      ],
      unconfirmed: new Set(recent.filter(isUnconfirmed).map(({ actionState }) => actionState)),
    };
  }

  /** Updates of all blocks that the archive told of and that were not left, by the states after them. */
  private places(): Map<string, LinkedUpdate> {
    const blocks = [...this.blocks.values()].flat().sort((a, b) => rank(b) - rank(a));
    const linked = blocks.flatMap((block) => this.linked(block)?.updates ?? []);
    const told = linked.filter(({ blockHeight }) => blockHeight !== undefined);
    return new Map(told.map((each) => [each.actionState, each]));
  }

  /** Downwards, until all is explained. @param end the block after the last one */
  private async readWindows(end: number): Promise<void> {
    const floor = (this.known.at(-1)?.blockHeight ?? 1) - FINALITY;
    for (let to = end; to > 1;) {
      const from = Math.max(1, to - this.blockRange);
      if (!(await this.read({ from, to }))) continue;
      if (this.done && !this.behind) return;
      // the windows above have nothing newer than the last block that was found
      if (this.done && from <= this.startHeight) return;
      // beyond here everything is known, if the archive is merely late
      if (from <= floor && this.wanted === undefined && this.latestKnown !== undefined) return;
      to = from;
    }
  }

  /**
   * @returns false where so many blocks are refused; fewer are asked for then
   * @throws what `fetch` throws otherwise
   */
  private async read(range: BlockWindow): Promise<boolean> {
    if (++this.windows > MAX_WINDOWS) throw this.mismatch('are in none of its last blocks');
    try {
      this.add(await this.source.fetch(range));
      return true;
    } catch (error) {
      const refused = error instanceof AttensorError && error.code === 'BAD_ANSWER';
      if (!refused || this.blockRange <= MIN_BLOCK_RANGE) throw error;
      this.halve();
      return false;
    }
  }

  private halve(): void {
    this.blockRange = Math.ceil(this.blockRange / 2);
  }

  /** Asks again, in windows that the archive does not cut, where blocks are missing or the last ones were not seen. */
  private async readWhatWasCut(height: number): Promise<void> {
    while (!this.done || this.behind) {
      const [range, links] = [this.blockRange, this.found.length];
      // without a first block, archives tell of the last ones, as many as they search
      if (this.wanted === undefined || this.behind) await this.readLast(height + 1);
      const witness = this.witness(height);
      if (witness !== undefined) await this.fitRange(witness, height);
      else if (!(await this.mayCutAll(height))) return;
      const fitted = this.blockRange < range;
      // all was told that the archive has: it is late, or something is withheld
      if (!fitted && (this.done || this.wanted === undefined)) return;
      const lowest = this.behind ? undefined : this.found.at(-1)?.at(-1)?.blockHeight;
      await this.readWindows((lowest ?? height) + 1);
      if (!fitted && this.found.length === links) return;
    }
  }

  /** Halves the range until a window that ends just above a block tells of it. As before if none does. */
  private async fitRange(witness: { after: string; height: number }, height: number) {
    const [at, before] = [witness.height, this.blockRange];
    this.blockRange = Math.min(before, height);
    while (this.blockRange > Math.max(at, MIN_BLOCK_RANGE)) this.halve();
    for (;;) {
      const told = this.answers(witness.after);
      const from = Math.max(1, at + 1 - this.blockRange);
      if (!(await this.read({ from, to: at + 1 }))) continue;
      if (this.answers(witness.after) > told) break;
      if (this.blockRange <= MIN_BLOCK_RANGE) {
        // the archive does not know the block any more
        this.blockRange = before;
        return;
      }
      this.halve();
    }
    if (this.blockRange === height) this.blockRange = before;
  }

  /**
   * Where no block is known at all: halves the range of an archive that refuses none.
   *
   * @returns false where it refuses too large ones, so that it cuts none, or where smaller ones would be too many
   */
  private async mayCutAll(height: number): Promise<boolean> {
    const smaller = Math.ceil(Math.min(this.blockRange, height) / 2);
    if (smaller < MIN_BLOCK_RANGE || height / smaller > MAX_BLIND_WINDOWS) return false;
    try {
      this.add(await this.source.fetch({ from: 1, to: LAST_INT }));
    } catch (error) {
      if (error instanceof AttensorError && error.code === 'BAD_ANSWER') return false;
      throw error;
    }
    this.blockRange = smaller;
    return true;
  }

  private async readLast(to: number): Promise<void> {
    const answer = await this.source.fetch({ to }).catch((error: unknown) => {
      if (error instanceof AttensorError && error.code === 'BAD_ANSWER') return undefined;
      throw error;
    });
    if (answer !== undefined) this.add(answer);
  }

  /** A block that the archive should tell of: below which something is missing, else the last one that it told of, else that is known. */
  private witness(height: number): { after: string; height: number } | undefined {
    const linked = this.behind ? undefined : this.found.at(-1)?.at(-1);
    const last = this.known.at(-1);
    const told = [...this.blocks.values()].flat();
    const candidates = linked
      ? [{ after: linked.actionState, height: linked.blockHeight }]
      : told.map((block) => ({ after: block.after, height: heightOf(block) }));
    if (candidates.length === 0 && last !== undefined)
      candidates.push({ after: last.actionState, height: last.blockHeight });
    let highest: { after: string; height: number } | undefined;
    for (const { after, height: at = Infinity } of candidates)
      if (at <= height && at > (highest?.height ?? 0)) highest = { after, height: at };
    return highest;
  }

  /** How often a block was told of that ends in this state. */
  private answers(after: string): number {
    return this.blocks.get(after)?.length ?? 0;
  }

  private add({ blocks, skipped }: QueueAnswer): void {
    this.skipped += skipped;
    for (const block of blocks)
      this.blocks.set(block.after, [...(this.blocks.get(block.after) ?? []), block]);
    this.follow();
  }

  /** Of the block that ends in the latest state found, as far as the archive tells. */
  private get startHeight(): number {
    const heights = (this.blocks.get(this.start ?? '') ?? []).map(heightOf);
    return Math.max(...heights.map((height) => height ?? Infinity));
  }

  private get done(): boolean {
    return this.wanted !== undefined && this.positions.has(this.wanted);
  }

  /** From the account's state back, as far as the blocks go. */
  private follow(): void {
    const start = this.targets.find((state) => this.blocks.has(state));
    if (start !== this.start) {
      this.start = this.wanted = start;
      this.found = [];
      this.behind = start !== this.targets[0];
    }
    while (this.wanted !== undefined && !this.done) {
      const link = this.link(this.wanted);
      if (link === undefined) return;
      this.found.push(link.updates);
      this.wanted = link.before;
    }
  }

  /** The block that ends in this state: of the best chain where several do. */
  private link(after: string): Link | undefined {
    const candidates = [...(this.blocks.get(after) ?? [])].sort((a, b) => rank(a) - rank(b));
    for (const block of candidates) {
      const link = this.linked(block);
      if (link !== undefined) return link;
    }
    return undefined;
  }

  /** A state before is believed only if the block's actions lead from there to its end. */
  private linked(block: QueueBlock): Link | undefined {
    const { before: claimed, guess, after } = block;
    const link = this.links.get(block);
    if (link !== undefined || this.bad.has(block)) return link;
    const likely = guess === undefined ? [] : [guess];
    const starts =
      claimed === undefined
        ? [...likely, ...this.positions.keys(), ...this.blocks.keys()]
        : [claimed];
    for (const before of starts) {
      const updates = linkUpdates(
        isLeft(block) ? block.updates.map(elsewhere) : block.updates,
        before,
      );
      if (updates.at(-1)?.actionState !== after) continue;
      this.links.set(block, { updates, before });
      return { updates, before };
    }
    if (claimed !== undefined) this.bad.add(block);
    return undefined;
  }

  private get latestKnown(): string | undefined {
    return this.targets.find((state) => this.positions.has(state));
  }

  private get hasResult(): boolean {
    return this.done || (this.wanted === undefined && this.latestKnown !== undefined);
  }

  /** The latest earlier state that is known, if the archive has seen no later one. */
  private fallBack(): void {
    const { latestKnown, start } = this;
    if (latestKnown === undefined) return;
    if (start !== undefined && this.targets.indexOf(start) <= this.targets.indexOf(latestKnown))
      return;
    this.wanted = latestKnown;
    this.found = [];
    this.behind = latestKnown !== this.targets[0];
  }

  private result(): Queue {
    if (!this.done) throw this.mismatch("do not lead to the contract's action state");
    const known = this.positions.get(this.wanted ?? EMPTY) ?? 0;
    return {
      updates: [...this.known.slice(0, known), ...this.found.reverse().flat()],
      behind: this.behind,
      known,
      skipped: this.skipped + this.bad.size,
      unconfirmed: new Set(),
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

/** Of a branch that the chain has left: its actions may be in another block now. */
const isLeft = ({ status }: QueueBlock): boolean => status?.toLowerCase() === 'orphaned';
const elsewhere = ({ blockHeight: _, ...update }: QueueUpdate): QueueUpdate => update;
const heightOf = ({ updates }: QueueBlock): number | undefined => updates.at(0)?.blockHeight;
const RANKS = ['canonical', 'pending', undefined, 'orphaned'];
const rank = ({ status }: QueueBlock): number => RANKS.indexOf(status?.toLowerCase());
