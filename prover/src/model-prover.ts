/**
 * @module model-prover
 * Proves inferences of a committed model: the unit prover with the model's folder, its commitment and its proof files.
 */
import { inputHash, outputHash, Statement } from '@attensor/contracts';
import { AttensorError, Model } from '@attensor/inference';
import { writeAtomic } from '@attensor/core/files';
import { Field } from 'o1js';
import { join } from 'node:path';
import {
  COMMITMENT_FILE,
  modelScript,
  openWeights,
  readCommitment,
  type CommitmentFile,
} from './commitment/model-commitment.js';
import type { CommittedWeights } from './commitment/weights.js';
import type { TokenInput } from './components/tokens.js';
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
import { statementFrom } from './units/statements.js';

export interface ProveRequest extends TokenInput {
  /** kept in the proof file only if given: the proof itself does not reveal them */
  text?: RevealedText;
}

export interface ProveResult extends Omit<ProofResult, 'proof' | 'statement' | 'outputs'> {
  file: ProofFile;
  rows: number[];
}

export class InferenceProver {
  private weights: Promise<CommittedWeights<Model>> | undefined;

  private constructor(
    readonly model: Model,
    readonly commitment: CommitmentFile,
    readonly unit: ModelUnit,
    readonly prover: UnitProver<TokenInput, Model, Statement>,
  ) {}

  /** @throws NOT_FOUND when the model is not committed, WRONG_COMMITMENT for one of another architecture */
  static async load(
    modelDir: string,
    options: Pick<PlanOptions, 'cacheDir' | 'engines'> = {},
  ): Promise<InferenceProver> {
    const model = await Model.open(modelDir);
    const path = join(model.dir, COMMITMENT_FILE);
    const commitment = await readCommitment(path);
    const { capacity } = commitment;
    const hash = modelHash(model.config, commitment).toString();
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

  /** Compiles the circuits, or loads them from the key cache. The verifier key's hash is written into commitment.json. */
  async compile(
    options: Pick<ProveOptions, 'onProgress'> = {},
  ): Promise<{ verifierKeyHash: string; verificationKey: string; seconds: number }> {
    const { verificationKey, verifierKeyHash, seconds } = await this.prover.compile(options);
    if (this.commitment.verifierKeyHash !== verifierKeyHash) {
      this.commitment.verifierKeyHash = verifierKeyHash;
      await writeAtomic(
        join(this.model.dir, COMMITMENT_FILE),
        `${JSON.stringify(this.commitment, null, 2)}\n`,
      );
    }
    return { verifierKeyHash, verificationKey: verificationKey.data, seconds };
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

  statement({ promptIds, outputIds }: TokenInput): Statement {
    return new Statement({
      modelRoot: Field(this.commitment.modelRoot),
      vocabularyRoot: Field(this.commitment.vocabularyRoot),
      inputHash: inputHash(promptIds),
      outputHash: outputHash(outputIds),
    });
  }

  /** The native part: run, witness, its commitment and all messages. @throws EMPTY_PROMPT, TOO_LONG, WRONG_TEXT */
  async messages(request: TokenInput, options: ProveOptions = {}): Promise<NativeProof> {
    return this.prover.messages(request, await this.openModel(), options);
  }

  /** @throws EMPTY_PROMPT, TOO_LONG, WRONG_TEXT */
  async prove(request: ProveRequest, options: ProveOptions = {}): Promise<ProveResult> {
    this.unit.check(request);
    // The circuits' key goes into the commitment before anything is proved for it.
    await this.compile(options);
    const weights = {
      root: BigInt(this.commitment.modelRoot),
      open: () => this.openModel(),
    };
    const { promptIds, outputIds, text } = request;
    const result = await this.prover.prove({ promptIds, outputIds }, weights, options);
    const { verificationKey } = await this.prover.compile();
    const { proof, statement, outputs: _, ...rest } = result;
    const asked = Statement.toFields(this.statement(request)).map((field) => field.toBigInt());
    if (asked.some((field, i) => field !== statement[i]))
      throw new Error('prover: the proof is about something else than the request');
    const file = proofFile(proof, verificationKey, statementFrom(Statement, statement), text);
    return { ...rest, file, rows: this.rows };
  }
}
