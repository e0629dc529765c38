/**
 * @module model-prover
 * Proves inferences of a committed model: the unit prover with the model's folder, its commitment and its proof files.
 */
import { Statement } from '@attensor/contracts';
import { AttensorError, Model } from '@attensor/inference';
import { Field, type JsonProof, type VerificationKey } from 'o1js';
import { join } from 'node:path';
import {
  COMMITMENT_FILE,
  modelScript,
  openWeights,
  readCommitment,
  rememberKey,
  type CommitmentFile,
  type WholeCommitment,
} from './commitment/model-commitment.js';
import type { CommittedWeights } from './commitment/weights.js';
import type { TokenInput } from './components/tokens.js';
import { estimate, type Estimate } from './estimate.js';
import { proofFile } from './proof-file.js';
import type { ProofFile, RevealedText } from './proof-format.js';
import {
  UnitProver,
  type NativeProof,
  type PlanOptions,
  type ProofResult,
  type ProveOptions,
} from './prover.js';
import { modelHash, type ModelUnit } from './units/model.js';
import { hashesOf, statementFrom } from './units/statements.js';

export interface ProveRequest extends TokenInput {
  /** kept in the proof file only if given: the proof itself does not reveal them */
  text?: RevealedText;
}

/** A request, or as many as the model's commitment says: its `batch`. */
export type ProveRequests = ProveRequest | readonly ProveRequest[];

export const listOf = (requests: ProveRequests): readonly ProveRequest[] =>
  'promptIds' in requests ? [requests] : requests;

export interface ProveResult extends Omit<ProofResult, 'proof' | 'statement' | 'outputs'> {
  file: ProofFile;
  rows: number[];
  /** Largest resident size of the processes that proved circuits for this one, where there were any. */
  childPeakBytes?: number;
}

export type LoadOptions = Pick<PlanOptions, 'cacheDir' | 'engines'>;

/** Proves inferences of a committed model, whether it is one unit or many. */
export interface ModelProver {
  readonly model: Model;
  readonly commitment: CommitmentFile;
  /** Constraint rows of each circuit. */
  readonly rows: number[];
  /** What should be in memory before the first request; nothing where keys would be in the way of a request. */
  prepare(options?: Pick<ProveOptions, 'onProgress'>): Promise<{ seconds: number }>;
  /** Compiles the circuits, or loads them from the key cache. The verifier key's hash is written into commitment.json. */
  compile(options?: Pick<ProveOptions, 'onProgress'>): Promise<CompiledKeys>;
  /** @throws BAD_ARGUMENT for more or fewer requests than a batch has, EMPTY_PROMPT, TOO_LONG, WRONG_TEXT */
  prove(requests: ProveRequests, options?: ProveOptions): Promise<ProveResult>;
  estimate(): Promise<Estimate>;
}

export interface CompiledKeys {
  verifierKeyHash: string;
  verificationKey: string;
  seconds: number;
}

/** What `ModelProver` states of the requests in a proof. */
export const statementOf = (
  { modelRoot, vocabularyRoot }: Pick<CommitmentFile, 'modelRoot' | 'vocabularyRoot'>,
  requests: readonly TokenInput[],
): Statement => {
  const { input, output } = hashesOf(requests);
  return new Statement({
    modelRoot: Field(modelRoot),
    vocabularyRoot: Field(vocabularyRoot),
    inputHash: Field(input),
    outputHash: Field(output),
  });
};

/** Of a model that is one unit. */
export class InferenceProver implements ModelProver {
  private weights: Promise<CommittedWeights<Model>> | undefined;

  private constructor(
    readonly model: Model,
    readonly commitment: WholeCommitment,
    readonly unit: ModelUnit,
    readonly prover: UnitProver<readonly TokenInput[], Model, Statement>,
  ) {}

  /** @throws NOT_FOUND when the model is not committed, WRONG_COMMITMENT for one of another architecture, or cut into units */
  static async load(modelDir: string, options: LoadOptions = {}): Promise<InferenceProver> {
    const model = await Model.open(modelDir);
    const path = join(model.dir, COMMITMENT_FILE);
    const commitment = await readCommitment(path);
    if ('units' in commitment)
      throw new AttensorError({
        code: 'WRONG_COMMITMENT',
        what: 'the model is cut into units',
        where: path,
        expected: 'one unit',
        got: `${commitment.units.length} units`,
        hint: 'Load it with loadModelProver',
      });
    return InferenceProver.of(model, commitment, options);
  }

  /** @throws WRONG_COMMITMENT */
  static async of(
    model: Model,
    commitment: WholeCommitment,
    options: LoadOptions = {},
  ): Promise<InferenceProver> {
    const path = join(model.dir, COMMITMENT_FILE);
    const { capacity } = commitment;
    const hash = modelHash(model.config, commitment, commitment.batch).toString();
    if (hash !== commitment.configHash)
      throw new AttensorError({
        code: 'WRONG_COMMITMENT',
        what: 'the commitment is of another architecture or version',
        where: path,
        expected: `configHash ${hash}`,
        got: commitment.configHash,
        hint: 'Commit the model again',
      });
    const { unit } = modelScript(model.config, capacity, commitment);
    const plan = { ...options, rates: commitment, partLog: commitment.logSize };
    return new InferenceProver(model, commitment, unit, await UnitProver.plan(unit, plan));
  }

  get rows(): number[] {
    return this.prover.rows;
  }

  prepare(options: Pick<ProveOptions, 'onProgress'> = {}): Promise<CompiledKeys> {
    return this.compile(options);
  }

  async compile(options: Pick<ProveOptions, 'onProgress'> = {}): Promise<CompiledKeys> {
    const { verificationKey, verifierKeyHash, seconds } = await this.prover.compile(options);
    await rememberKey(this.model.dir, this.commitment, verifierKeyHash);
    return { verifierKeyHash, verificationKey: verificationKey.data, seconds };
  }

  estimate(): Promise<Estimate> {
    return estimate(this.prover);
  }

  /** Reads and opens the committed weights, once. @throws MODEL_CORRUPT, INSECURE_FILE */
  openModel(): Promise<CommittedWeights<Model>> {
    const { unit, prover, model, commitment } = this;
    const { script, engines } = prover;
    this.weights ??= openWeights(engines.prover, { unit, script }, model, commitment).catch(
      (error: unknown) => {
        this.weights = undefined; // a later call tries again
        throw error;
      },
    );
    return this.weights;
  }

  statement(requests: ProveRequests): Statement {
    return statementOf(this.commitment, listOf(requests));
  }

  /** The native part: run, witness, its commitment and all messages. @throws BAD_ARGUMENT, EMPTY_PROMPT, TOO_LONG, WRONG_TEXT */
  async messages(requests: ProveRequests, options: ProveOptions = {}): Promise<NativeProof> {
    return this.prover.messages(listOf(requests), await this.openModel(), options);
  }

  /** @throws BAD_ARGUMENT for more or fewer requests than a batch has, EMPTY_PROMPT, TOO_LONG, WRONG_TEXT */
  async prove(asked: ProveRequests, options: ProveOptions = {}): Promise<ProveResult> {
    const requests = listOf(asked);
    this.unit.check(requests);
    // The circuits' key goes into the commitment before anything is proved for it.
    await this.compile(options);
    const weights = {
      root: BigInt(this.commitment.modelRoot),
      open: () => this.openModel(),
    };
    const result = await this.prover.prove(requests, weights, options);
    const { verificationKey } = await this.prover.compile();
    const { proof, statement, outputs: _, ...rest } = result;
    const file = requestedFile(this.commitment, requests, { proof, statement, verificationKey });
    return { ...rest, file, rows: this.rows };
  }
}

/** The proof's file. @throws when the proof is about something else than the request */
export function requestedFile(
  commitment: CommitmentFile,
  requests: readonly ProveRequest[],
  {
    proof,
    statement,
    verificationKey,
  }: { proof: JsonProof; statement: bigint[]; verificationKey: VerificationKey },
): ProofFile {
  const asked = Statement.toFields(statementOf(commitment, requests)).map((field) =>
    field.toBigInt(),
  );
  if (asked.some((field, i) => field !== statement[i]))
    throw new Error('prover: the proof is about something else than the request');
  return proofFile(proof, verificationKey, statementFrom(Statement, statement), requests);
}
