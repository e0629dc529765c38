/** Proves settlements, part by part, and keeps what is proved. */
import { AttensorError, throwIfAborted } from '@attensor/core';
import { Bool, type Cache, Field, type JsonProof, Poseidon, VerificationKey } from 'o1js';
import { SETTLEMENT_KEY_HASH } from '../contract-key.js';
import type { AttestationHistory } from '../history.js';
import {
  type Block,
  FEW,
  MANY,
  REACH,
  requireJoined,
  requireReached,
  requireTaken,
  Stretch,
} from './circuits.js';
import { type Part, planParts, proofsOf } from './plan.js';
import {
  FewBlock,
  ManyBlock,
  partProgram,
  type PartProof,
  settlementProgram,
  SettlementProof,
} from './program.js';
import { Settlement } from './statement.js';

/** Where proofs are kept, so that an interrupted settlement goes on and others are reused. */
export interface ProofStore {
  /** Names of all that is kept. */
  names(): Promise<string[]>;
  /** @returns undefined if nothing readable is kept under that name */
  read(name: string): Promise<JsonProof | undefined>;
  write(name: string, proof: JsonProof): Promise<void>;
  remove(name: string): Promise<void>;
}

export interface SettlerOptions {
  /** Keys of the settlement program. */
  cache?: Cache;
  /** In memory if not given. */
  store?: ProofStore;
  /** False where the chain checks none: the circuits are run, and nothing is proved. */
  proofsEnabled?: boolean;
  /** Told before each proof. */
  onStep?: (step: string, done: number, of: number) => void;
  /** Told of a proof that the store cannot keep, on a full disk say. It is used all the same; without this, the settlement ends. */
  onNotKept?: (error: unknown) => void;
  signal?: AbortSignal;
}

/** The arguments of `AttestationContract.settle`, and what they do. */
export interface ProvedSettlement {
  proof: SettlementProof;
  verificationKey: VerificationKey;
  /** Submissions that it takes into the record. */
  part: Part;
}

/** Once in a process: the programs are the same for every contract. */
let compiled: ReturnType<typeof compilePrograms> | undefined;

async function compilePrograms(cache?: Cache): Promise<{ verificationKey: VerificationKey }> {
  await partProgram.compile({ cache });
  return await settlementProgram.compile({ cache });
}

/** A proved part. */
interface Segment extends Part {
  proof: PartProof;
}

export class Settler {
  private verificationKey: VerificationKey | undefined;
  /** By name. */
  private readonly memory = new Map<string, PartProof>();

  constructor(private readonly options: SettlerOptions = {}) {}

  private get proofsEnabled(): boolean {
    return this.options.proofsEnabled ?? true;
  }

  /**
   * Proves the settlement of what is pending in `history`, up to the action state that the account has in it.
   *
   * @param to submissions before this position are taken; all if not given. The rest is walked over, if it is not too long for that:
   * then more are taken.
   * @returns nothing if there is nothing to take
   * @throws AttensorError CANCELLED, UNSUPPORTED_O1JS
   */
  async prove(
    history: AttestationHistory,
    to = history.attestations.length,
  ): Promise<ProvedSettlement | undefined> {
    const from = history.state.count;
    const reach = history.attestations.length;
    if (to > reach || !Number.isInteger(to))
      throw RangeError(`Settler: to must be at most ${reach}, got ${to}`);
    if (to <= from) return undefined;
    const verificationKey = await this.compile();
    await this.prune(from);

    const part = { from, to: Math.max(to, reach - REACH) };
    const proof = await this.end(history, part, reach);
    return { proof: SettlementProof.fromProof(proof), verificationKey, part };
  }

  /**
   * Loads or compiles the keys. `prove` does it if it was not done.
   *
   * @throws AttensorError UNSUPPORTED_O1JS when the program compiles to another key than the contract's code has in it
   */
  async compile(): Promise<VerificationKey> {
    if (this.verificationKey !== undefined) return this.verificationKey;
    if (!this.proofsEnabled) {
      const hash = Field(SETTLEMENT_KEY_HASH);
      return (this.verificationKey = new VerificationKey({ data: '', hash }));
    }
    const { verificationKey } = await (compiled ??= compilePrograms(this.options.cache).catch(
      (error: unknown) => {
        compiled = undefined;
        throw error;
      },
    ));
    if (verificationKey.hash.toString() !== SETTLEMENT_KEY_HASH) {
      throw new AttensorError({
        code: 'UNSUPPORTED_O1JS',
        what: 'the settlement program compiles to another verification key than the contract accepts',
        expected: SETTLEMENT_KEY_HASH,
        got: verificationKey.hash.toString(),
        hint: 'install the versions of o1js and @attensor/contracts that belong together',
      });
    }
    return (this.verificationKey = verificationKey);
  }

  /** A proof that takes all of `part`, and walks on to position `reach`. */
  private async end(history: AttestationHistory, part: Part, reach: number): Promise<PartProof> {
    const statement = statementOf(history, part.from, part.to, reach);
    const name = nameOf('end', statement);
    const kept = await this.load(name, statement, settlementProgram);
    if (kept !== undefined) return kept;
    const taken = await this.take(history, part);
    this.step(`the queue up to submission ${reach - 1}`, 0, 1);
    const hashes = history.attestations.slice(part.to, reach).map(({ key }) => key);
    const stretch = new Stretch({ hashes: padded(hashes, REACH) });
    const proof = await this.proved(
      statement,
      () => requireReached(statement, taken.proof.publicInput, stretch),
      () => settlementProgram.end(statement, taken.proof, stretch),
    );
    return await this.keep(name, proof);
  }

  /** A proof that takes all of `part`, and reaches its end. */
  private async take(history: AttestationHistory, part: Part): Promise<Segment> {
    const plan = planParts(part, await this.known(history));
    const total = proofsOf(plan);
    let done = 0;

    let segments: Segment[] = [];
    for (const { from, to, method } of plan) {
      const statement = statementOf(history, from, to, to);
      if (method === 'known') {
        const proof = await this.load(nameOf('part', statement), statement, partProgram);
        // damaged: it is gone now, so another plan
        if (proof === undefined) return await this.take(history, part);
        segments.push({ from, to, proof });
        continue;
      }
      this.step(`submissions ${from} to ${to - 1}`, done++, total);
      const block = blockFor(history, from, to, method === 'few' ? FEW : MANY);
      const proof = await this.proved(
        statement,
        () => requireTaken(statement, block),
        () =>
          method === 'few'
            ? partProgram.few(statement, new FewBlock(block))
            : partProgram.many(statement, new ManyBlock(block)),
      );
      segments.push({ from, to, proof: await this.keep(nameOf('part', statement), proof) });
    }
    while (segments.length > 1) {
      const joined: Segment[] = [];
      for (let i = 0; i < segments.length; i += 2) {
        const [first, second] = segments.slice(i, i + 2) as [Segment, Segment?];
        if (second === undefined) {
          joined.push(first);
          continue;
        }
        const [{ from }, { to }] = [first, second];
        this.step(`joining submissions ${from} to ${to - 1}`, done++, total);
        const statement = statementOf(history, from, to, to);
        const proof = await this.proved(
          statement,
          () => requireJoined(statement, first.proof.publicInput, second.proof.publicInput),
          () => partProgram.join(statement, first.proof, second.proof),
        );
        joined.push({ from, to, proof: await this.keep(nameOf('part', statement), proof) });
      }
      segments = joined;
    }
    return segments[0];
  }

  private step(what: string, done: number, total: number): void {
    throwIfAborted(this.options.signal, 'settle');
    this.options.onStep?.(what, done, total);
  }

  private async proved(
    statement: Settlement,
    check: () => void,
    prove: () => Promise<{ proof: PartProof }>,
  ): Promise<PartProof> {
    if (this.proofsEnabled) return (await prove()).proof;
    check();
    return await partProgram.Proof.dummy(statement, undefined, 2);
  }

  private async keep(name: string, proof: PartProof): Promise<PartProof> {
    this.memory.set(name, proof);
    const { store, onNotKept } = this.options;
    await store?.write(name, proof.toJSON()).catch((error: unknown) => {
      if (onNotKept === undefined) throw error;
      onNotKept(error);
    });
    return proof;
  }

  /** Removes what no settlement needs any more. */
  private async prune(settled: number): Promise<void> {
    const over = (name: string) => Number(name.split('-', 3)[2]) <= settled;
    for (const name of [...this.memory.keys()].filter(over)) this.memory.delete(name);
    const { store } = this.options;
    for (const name of (await store?.names()) ?? []) if (over(name)) await store?.remove(name);
  }

  /** Parts of this history that are proved, as far as their names tell. */
  private async known(history: AttestationHistory): Promise<Part[]> {
    const names = new Set([...this.memory.keys(), ...((await this.options.store?.names()) ?? [])]);
    const length = history.attestations.length;
    return [...names].flatMap((name) => {
      const [from, to] = name.split('-', 3).slice(1).map(Number);
      const plausible = from >= history.state.count && from < to && to <= length;
      if (!plausible || nameOf('part', statementOf(history, from, to, to)) !== name) return [];
      return [{ from, to }];
    });
  }

  /** @returns nothing for what is not kept, or no longer readable: it is removed */
  private async load(
    name: string,
    statement: Settlement,
    program: typeof partProgram | typeof settlementProgram,
  ): Promise<PartProof | undefined> {
    const inMemory = this.memory.get(name);
    if (inMemory !== undefined) return inMemory;
    const { store } = this.options;
    const json = await store?.read(name);
    const proof = json && (await program.Proof.fromJSON(json).catch(() => undefined));
    const valid =
      proof !== undefined &&
      Settlement.toFields(proof.publicInput).join() === Settlement.toFields(statement).join() &&
      (!this.proofsEnabled || (await program.verify(proof).catch(() => false)));
    if (valid) {
      this.memory.set(name, proof);
      return proof;
    }
    await store?.remove(name);
    return undefined;
  }
}

/** That submissions up to `to` are taken, and the queue goes on to position `reach`. */
export function statementOf(
  history: AttestationHistory,
  from: number,
  to: number,
  reach: number,
): Settlement {
  return new Settlement({
    before: history.recordState(from),
    after: history.recordState(to),
    reached: history.actionState(reach),
  });
}

/** The block that holds the submissions from position `from` up to, not including, `to`. */
export function blockFor(
  history: AttestationHistory,
  from: number,
  to: number,
  depth: number,
): Block {
  const size = 2 ** depth;
  const index = Math.floor(from / size);
  const start = index * size;
  const leaves = history.attestations.slice(start, to).map(({ key }) => key);
  const flags = (count: number) => Array.from({ length: size }, (_, i) => Bool(i < count));
  const path = history.tree.path(depth, index, to);
  return {
    leaves: padded(leaves, size),
    old: flags(from - start),
    kept: flags(to - start),
    isLeft: path.map((each) => Bool(each.isLeft)),
    siblings: path.map(({ sibling }) => sibling),
  };
}

function padded(values: Field[], length: number): Field[] {
  return [...values, ...Array<Field>(length - values.length).fill(Field(0))];
}

/** Positions, and what binds them to one contract's history. */
function nameOf(kind: 'part' | 'end', statement: Settlement): string {
  const { before, after } = statement;
  const hash = Poseidon.hash(Settlement.toFields(statement));
  return [kind, before.count, after.count, hash].map(String).join('-');
}
