/**
 * @module component-proof/protocol
 * One component as a script of its own. Statement: what it is, the commitments to its tensors and weights, and the tokens it reads.
 */
import type { FpVec, ProverEngine } from '@attensor/native';
import { AttensorError } from '@attensor/inference';
import { domain, INPUT_DOMAIN, MODEL_DOMAIN } from '@attensor/contracts';
import { Field, Struct } from 'o1js';
import type { VocabularyTree } from '../components/embedding.js';
import { PARAMETER_DOMAIN, textHash } from '../protocol/domains.js';
import type { Trace } from '../components/builder.js';
import { ceilLog2 } from '../protocol/field.js';
import type { LongVector } from '../protocol/long-vector.js';
import {
  leafWidth,
  LOG_CAP,
  LOG_LEAF,
  MAX_LOG_SIZE,
  openingParameters,
  openingPermutations,
  type OpeningParameters,
} from '../protocol/parameters.js';
import { Scope } from '../protocol/scope.js';
import type { Session } from '../protocol/session.js';
import type { V } from '../protocol/tape.js';
import { bindRoot, openVectors, type Openable, type Opened } from '../protocol/vectors.js';
import type { Built, Component } from './component.js';
import type { Weights } from './tensors.js';

/** What the proof of a component says. */
export class ComponentStatement extends Struct({
  /** hash of kind, sizes and commitment parameters */
  component: Field,
  /** commitment to input and output, and to everything in between */
  tensors: Field,
  /** commitment to the weights, or the vocabulary's root; 0 where there are none */
  weights: Field,
  /** hash of the tokens that are read; 0 where there are none */
  tokens: Field,
}) {}

export const COMPONENT_DOMAIN = domain('attensor-component-1').toBigInt();
export const TENSORS_DOMAIN = domain('attensor-tensors-1').toBigInt();

/** Prover only. */
export interface ComponentWitness {
  witness: FpVec;
  tensors: Opened;
  trace: Trace;
  parameters?: FpVec | LongVector;
  weights?: Opened;
  vocabulary?: VocabularyTree;
  tokens?: number[];
  states?: FpVec[];
}

/**
 * Weights of more entries than 2^PART_LOG are committed in parts of so many: a part and its codeword take 5 GiB. Larger parts need
 * fewer circuits and more hashing, about as much time.
 */
export const PART_LOG = 25;

export class ComponentProtocol {
  readonly built: Built;
  readonly opening: OpeningParameters;
  /** Entries of a leaf: of the witness, and of each part of the weights. */
  readonly widths: { witness: number; parts: number[] };
  /** Of the vectors that are opened, parts among them. */
  readonly logSize: number;
  /** log2 of the smallest power of two that holds the witness */
  readonly witnessLog: number;
  /** Hash of all that the circuit depends on. */
  readonly configHash: bigint;
  readonly hasWeights: boolean;

  /** @param weights needed only to fill a witness */
  constructor(
    readonly component: Component,
    readonly logInvRate: number,
    readonly partLog = PART_LOG,
    weights?: Weights,
  ) {
    this.built = component.build(weights);
    const { b } = this.built;
    this.hasWeights = b.parameterFills.length > 0;
    this.witnessLog = b.witness.seal();
    const parameterLog = this.hasWeights ? b.parameters.seal() : 0;
    const logSize = Math.max(this.witnessLog, Math.min(parameterLog, partLog), LOG_LEAF + LOG_CAP);
    this.logSize = logSize;
    if (logSize > MAX_LOG_SIZE)
      throw new AttensorError({
        code: 'UNSUPPORTED_CONFIG',
        what: 'the component needs larger vectors than can be committed',
        where: JSON.stringify(component.config),
        expected: `at most 2^${MAX_LOG_SIZE} entries`,
        got: `2^${logSize}`,
        hint: 'Take fewer rows or smaller dimensions',
      });
    const count = Math.ceil(b.parameters.end / 2 ** logSize);
    this.widths = {
      witness: leafWidth(b.witness.end, logSize),
      parts: Array.from({ length: count }, (_, k) =>
        leafWidth(Math.min(2 ** logSize, b.parameters.end - k * 2 ** logSize), logSize),
      ),
    };
    this.opening = openingParameters(logSize, logInvRate);
    this.configHash = configHash(component.config, logSize, logInvRate);
  }

  /** Permutations of all commitments made for one proof. */
  get permutations(): number {
    return openingPermutations(this.widths.witness, this.opening);
  }

  /** Field elements of all states of the row hashes; 0 where rows are not hashed. */
  get hashedStates(): number {
    const { rows, dim } = this.component.config as Record<string, number>;
    return this.built.embedding ? 3 * 56 * 2 ** (ceilLog2(rows) + ceilLog2(dim) - 1) : 0;
  }
  get vocabularyPermutations(): number {
    const { vocabularyLog, dim } = this.component.config as Record<string, number>;
    return this.built.embedding ? 2 ** vocabularyLog * (Math.ceil(dim / 2) + 1) : 0;
  }

  /** Statement fields: component, tensors, weights, tokens; zero where there are none. */
  async script(session: Session, secret?: ComponentWitness): Promise<void> {
    const { tape } = session;
    const { built } = this;
    const [component, tensors, weights, tokens] = [0, 1, 2, 3].map((i) => tape.public(i));
    session.absorb([component, tensors, weights, tokens]);
    tape.assertEqual(
      component,
      tape.constant(this.configHash),
      'component: the statement is about another one',
    );

    const scope = new Scope(
      session,
      secret && { witness: secret.witness, parameters: secret.parameters ?? secret.witness },
    );
    const bind = async (
      root: V,
      rootDomain: bigint,
      vector: Openable['vector'],
      widths: number[],
      opened?: Opened,
    ): Promise<Openable> => {
      const parts: Openable['parts'] = [];
      for (const [k, width] of widths.entries()) {
        const commitment = opened?.commitments[k];
        const cap = await session.hint(
          1 << LOG_CAP,
          `${vector}: commitment`,
          () => commitment!.cap,
        );
        parts.push({ cap, width, commitment });
      }
      const domains = { vector: PARAMETER_DOMAIN, root: rootDomain };
      const caps = parts.flatMap((p) => p.cap);
      const sample = await bindRoot(session, root, this.configHash, domains, caps, vector, opened);
      return { vector, parts, ...sample };
    };
    const { witness, parts } = this.widths;
    const vectors = [await bind(tensors, TENSORS_DOMAIN, 'witness', [witness], secret?.tensors)];
    if (this.hasWeights)
      vectors.push(
        await bind(weights, MODEL_DOMAIN.toBigInt(), 'parameters', parts, secret?.weights),
      );
    if (built.embedding) await this.embedding(scope, weights, tokens, secret);
    else {
      tape.assertZero(tokens, 'component: it reads no tokens');
      if (!this.hasWeights) tape.assertZero(weights, 'component: it has no weights');
    }
    await built.script(scope, secret?.trace);
    await built.lookups?.script(scope, this.witnessLog);
    await openVectors(scope, this.opening, vectors);
    session.finish();
  }

  private async embedding(
    scope: Scope,
    vocabularyRoot: V,
    tokensHash: V,
    secret?: ComponentWitness,
  ): Promise<void> {
    const { session } = scope;
    const { tape } = session;
    const { rows, vocabularyLog } = this.component.config as Record<string, number>;
    const ids = await session.hint(rows, 'tokens', () => secret!.tokens!.map(BigInt));
    const hashed = [tape.constant(INPUT_DOMAIN.toBigInt()), tape.constant(BigInt(rows))];
    for (const id of ids) hashed.push(id, tape.constant(0n));
    tape.assertEqual(tape.hash(hashed), tokensHash, 'component: the tokens have another hash');
    await this.built.embedding!.script(
      scope,
      ids.map((id) => tape.bits(id, vocabularyLog)),
      vocabularyRoot,
      secret && { tree: secret.vocabulary!, ids: secret.tokens!, states: secret.states },
    );
  }
}

/** Binds kind, sizes, and every number of the commitment. */
export function configHash(
  config: Component['config'],
  logSize: number,
  logInvRate: number,
): bigint {
  const text = JSON.stringify([
    Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1)),
    logSize,
    logInvRate,
  ]);
  return textHash(COMPONENT_DOMAIN, text);
}

/** Root of an opened commitment, as the statement has it. */
export function rootOf(
  engine: ProverEngine,
  purpose: bigint,
  rootDomain: bigint,
  { commitments, sample, salt }: Opened,
): bigint {
  const caps = commitments.flatMap((c) => c.cap);
  const vectorRoot = engine.hash([PARAMETER_DOMAIN, engine.hash(caps), sample]);
  return engine.hash([rootDomain, purpose, vectorRoot, salt]);
}
