/**
 * @module session
 * One script, two roles. A script talks to a session: `send` for absorbed messages, `hint` for values bound by other means
 * (Merkle paths, hashed rows), `challenge` for Fiat-Shamir randomness. A role says what the session does: prove (compute each message,
 * absorb and record it), verify recorded messages, or record no more than the shape of the tape.
 *
 * Transcript: duplex sponge over Poseidon, rate 2, equal to o1js `Poseidon.update` from a state that no other hash of the protocol
 * starts from (`TRANSCRIPT_DOMAIN`, in the capacity). Every challenge follows all that was sent
 * before it; the script is static, so message lengths are part of the protocol and never chosen by the prover.
 */
import { present } from '@attensor/core';
import type { ProverEngine } from '@attensor/native';
import { TRANSCRIPT_DOMAIN } from './domains.js';
import { mod, P } from './field.js';
import { ProverOnly } from './prover-only.js';
import { Tape, VerificationError, type Permutation, type Wire } from './tape.js';

export type Role = 'prove' | 'verify' | 'shape';

/** Random words, bit by bit from the lowest. */
export interface Words {
  next(): Wire[];
  /** All of them before any is taken; prover only. */
  numbers(): number[];
}

export type Compute = () => bigint[] | Promise<bigint[]>;

interface Playing {
  permute: Permutation;
  /** Statement fields in order. */
  statement: bigint[];
}
/** Computes, absorbs and records every message. */
export interface ProverRole extends Playing {
  engine: ProverEngine;
  messages?: undefined;
  signal?: AbortSignal;
}
/** Checks recorded messages: all messages and hints in order. */
export interface VerifierRole extends Playing {
  engine?: undefined;
  messages: bigint[];
}
/** Records the shape of the tape, without values. */
export interface ShapeRole {
  engine?: undefined;
  messages?: undefined;
}
export type SessionRole = ProverRole | VerifierRole | ShapeRole;

export class Session {
  readonly tape: Tape;
  /** Messages and hints, in the order of the tape's inputs. */
  readonly messages: bigint[] = [];
  private state: [Wire, Wire, Wire];
  private pending: Wire[] = [];
  /** Rate elements of the current state that may still be squeezed. */
  private squeezable: Wire[] = [];
  private readonly prover: ProverOnly<ProverRole>;

  constructor(private readonly options: SessionRole) {
    this.prover = options.engine ? ProverOnly.of(options) : ProverOnly.none();
    if (options.engine || options.messages) {
      this.tape = new Tape(options.permute);
      options.statement.forEach((value, i) => this.tape.public(i, mod(value)));
    } else this.tape = new Tape(undefined);
    const zero = this.tape.constant(0n);
    this.state = [zero, zero, this.tape.constant(TRANSCRIPT_DOMAIN)];
  }

  get role(): Role {
    return this.options.engine ? 'prove' : this.options.messages ? 'verify' : 'shape';
  }
  /** @throws outside of the prover role */
  get engine(): ProverEngine {
    return this.prover.value.engine;
  }
  get proving(): boolean {
    return this.prover.present;
  }
  /** What `make` gives in the prover role. */
  only<T>(make: (engine: ProverEngine) => T): ProverOnly<T> {
    return this.prover.map(({ engine }) => make(engine));
  }

  value(v: Wire): bigint {
    return this.tape.value(v);
  }

  /** That cancels the prover. */
  get signal(): AbortSignal | undefined {
    return this.prover.present ? this.prover.value.signal : undefined;
  }

  valuesOf(vs: Wire[]): bigint[] {
    return vs.map((v) => this.tape.value(v));
  }

  private async inputs(count: number, compute: Compute, what: string): Promise<Wire[]> {
    let values: bigint[] | undefined;
    if (this.options.engine) {
      this.options.signal?.throwIfAborted();
      values = (await compute()).map(mod);
      if (values.length !== count)
        throw new Error(
          `session: ${what} has ${values.length} values, the protocol expects ${count}`,
        );
    } else if (this.options.messages) {
      const start = this.messages.length;
      values = this.options.messages.slice(start, start + count);
      if (values.length !== count) throw new VerificationError(`transcript: ${what} is missing`);
      // Each element has one representation: what a circuit would reduce is refused here.
      if (values.some((v) => typeof v !== 'bigint' || v < 0n || v >= P))
        throw new VerificationError(`transcript: ${what} is not a field element`);
    }
    if (values) this.messages.push(...values);
    return Array.from({ length: count }, (_, i) => this.tape.input(values?.[i]));
  }

  /** Supplied by the prover, not absorbed: only for values that something else binds. */
  hint(count: number, what: string, compute: Compute): Promise<Wire[]> {
    return this.inputs(count, compute, what);
  }

  /** Supplied by the prover and absorbed before the next challenge. */
  async send(count: number, what: string, compute: Compute): Promise<Wire[]> {
    const vs = await this.inputs(count, compute, what);
    this.absorb(vs);
    return vs;
  }

  absorb(vs: Wire[]): void {
    this.squeezable = [];
    for (const v of vs) {
      this.pending.push(v);
      if (this.pending.length === 2) this.flush();
    }
  }

  private flush(): void {
    const [a, b] = this.pending;
    this.pending = [];
    const { tape } = this;
    this.state = tape.permute([
      a === undefined ? this.state[0] : tape.add(this.state[0], a),
      b === undefined ? this.state[1] : tape.add(this.state[1], b),
      this.state[2],
    ]);
    this.squeezable = [this.state[0], this.state[1]];
  }

  challenge(): Wire {
    if (this.pending.length > 0 || this.squeezable.length === 0) this.flush();
    const [next] = this.squeezable.splice(0, 1);
    return next;
  }

  challenges(count: number): Wire[] {
    return Array.from({ length: count }, () => this.challenge());
  }

  /**
   * Proof of work, then uniformly random bits: the prover finds a nonce that clears the low `bits` bits of the next
   * challenge; the remaining bits of it and of as many further challenges as needed give `count` words. The challenges are all
   * drawn now; their bits appear on the tape as the words are taken, which keeps few values alive.
   */
  async grindAndSample(bits: number, count: number, wordLength: number): Promise<Words> {
    if (this.pending.length > 0) this.flush();
    const state = this.state;
    const { signal } = this;
    const [nonce] = await this.inputs(
      1,
      async () => [
        bits === 0
          ? 0n
          : await this.engine.grind(this.valuesOf(state) as [bigint, bigint, bigint], bits, signal),
      ],
      'proof-of-work nonce',
    );
    this.absorb([nonce]);
    const usable = 254;
    const { tape } = this;
    const first = this.challenge();
    const perWord = Math.floor(usable / wordLength);
    const more = Math.ceil(Math.max(0, count - Math.floor((usable - bits) / wordLength)) / perWord);
    const sources = [first, ...this.challenges(more)];
    const drawn = [...sources];
    let pool: Wire[] = [];
    let skip = bits;
    return {
      next: () => {
        if (pool.length < wordLength) {
          pool = tape.bits(present(sources.shift(), 'a challenge'), usable);
          for (let i = 0; i < skip; i++)
            tape.assertZero(pool[i], 'proof of work: the nonce does not clear the bits');
          pool = pool.slice(skip);
          skip = 0;
        }
        const word = pool.slice(0, wordLength);
        pool = pool.slice(wordLength);
        return word;
      },
      numbers: () => {
        const words = drawn.flatMap((source, k) => {
          const used = k === 0 ? bits : 0;
          const value = this.value(source) >> BigInt(used);
          return Array.from({ length: Math.floor((usable - used) / wordLength) }, (_, i) =>
            Number((value >> BigInt(i * wordLength)) & ((1n << BigInt(wordLength)) - 1n)),
          );
        });
        return words.slice(0, count);
      },
    };
  }

  /** After the script: nothing may be left over. */
  finish(): void {
    const given = this.options.messages?.length ?? this.messages.length;
    if (given !== this.messages.length)
      throw new VerificationError(
        `transcript: ${given - this.messages.length} values are left over`,
      );
  }
}
