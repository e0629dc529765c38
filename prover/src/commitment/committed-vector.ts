/**
 * @module committed-vector
 * A vector under its polynomial commitment, as its prover holds it. A vector longer than a part is committed part by part; a short
 * one is a single part.
 */
import type { FpVec, ProverEngine } from '@attensor/native';
import { randomBytes } from 'node:crypto';
import { PARAMETER_DOMAIN, SAMPLE_DOMAIN } from '../protocol/domains.js';
import { mod, P } from '../protocol/field.js';
import { CommittedPart, LongVector } from './long-vector.js';
import { leafWidth } from './parameters.js';
import { CAPS, type CommitRowsOptions, type LeafSource, type Scheme } from './scheme.js';
import type { RootPurpose } from './vectors.js';

/** Sizes of a committed vector that everyone knows. */
export interface Geometry {
  /** log2 of a part's entries */
  partLog: number;
  logInvRate: number;
  /** Entries of a leaf, of each part in order. */
  widths: number[];
  /** Of field elements; integers in parts are always committed by trees. */
  scheme: Scheme;
}

/** @param end the vector is zero from there */
export function geometry(
  end: number,
  partLog: number,
  logInvRate: number,
  scheme: Scheme = CAPS,
): Geometry {
  const size = 2 ** partLog;
  const widths = Array.from({ length: Math.ceil(end / size) }, (_, k) =>
    leafWidth(Math.min(size, end - k * size), partLog),
  );
  return { partLog, logInvRate, widths, scheme };
}

export interface CommitVectorOptions {
  signal?: AbortSignal;
  /** @param fraction of all parts */
  onProgress?: (fraction: number) => void;
  /** Trees of an earlier commitment, of each part: their hashes are not computed again. */
  trees?: Uint8Array[];
}

/** Field elements of one part, or integers up to the last that is not zero. */
export type Committable = FpVec | LongVector;

export class CommittedVector<Held extends Committable = Committable> {
  /** @param parts their commitments, in order */
  constructor(
    private readonly engine: ProverEngine,
    readonly vector: Held,
    readonly parts: LeafSource[],
    /** the vector as a univariate polynomial at the point that the caps determine */
    readonly sample: bigint,
  ) {}

  /** @throws the signal's reason when cancelled; BAD_TREE of the engine for a tree of another vector */
  static async commit<Held extends Committable>(
    engine: ProverEngine,
    vector: Held,
    { partLog, logInvRate, widths, scheme }: Geometry,
    { signal, onProgress, trees }: CommitVectorOptions = {},
  ): Promise<CommittedVector<Held>> {
    const parts: LeafSource[] = [];
    for (const [k, width] of widths.entries()) {
      const options: CommitRowsOptions = {
        logInvRate,
        signal,
        onProgress: (fraction) => onProgress?.((k + fraction) / widths.length),
        ...(trees && { tree: trees[k] }),
      };
      parts.push(
        vector instanceof LongVector
          ? await CommittedPart.commit(vector, k, options)
          : await scheme.commit(engine, vector, partLog, width, options),
      );
    }
    const point = samplePoint(engine, capsOf(parts));
    const sample = await (vector instanceof LongVector
      ? vector.evalPow(point, signal)
      : engine.evalPow(vector, point));
    return new CommittedVector(engine, vector, parts, mod(sample));
  }

  get caps(): bigint[] {
    return capsOf(this.parts);
  }

  /** The vector as a univariate polynomial at x. */
  evalPow(x: bigint): Promise<bigint> {
    const { vector } = this;
    return vector instanceof LongVector ? vector.evalPow(x) : this.engine.evalPow(vector, x);
  }

  /** The root that a statement names, as `bindToRoot` opens it. */
  root({ domain, purpose }: RootPurpose, salt: bigint): bigint {
    const { engine } = this;
    const vectorRoot = engine.hash([PARAMETER_DOMAIN, engine.hash(this.caps), this.sample]);
    return engine.hash([domain, purpose, vectorRoot, salt]);
  }

  /** For `trees` of a later commitment of the same vector. */
  async trees(): Promise<Uint8Array[]> {
    return Promise.all(this.parts.map((part) => part.serializeTree()));
  }

  dispose(): void {
    this.parts.forEach((part) => {
      part.dispose();
    });
    this.vector.dispose();
  }
}

const capsOf = (parts: LeafSource[]): bigint[] => parts.flatMap((part) => part.cap);

/** Out-of-domain point of a commitment. */
export const samplePoint = (engine: Pick<ProverEngine, 'hash'>, caps: bigint[]): bigint =>
  engine.hash([SAMPLE_DOMAIN, engine.hash(caps)]);

/** Uniform but for 2^-66. */
export const randomField = (): bigint => BigInt(`0x${randomBytes(40).toString('hex')}`) % P;
