/**
 * @module prover
 * One process that proves many inferences of one committed model: circuits compiled (or loaded) once, the parameters opened once,
 * then per request: trace, witness, protocol, and the chain of segment proofs. Finished parts are kept on disk until the proof is
 * whole, so that an interrupted run goes on where it stopped.
 */
import { inputHash, outputHash, Statement } from '@attensor/contracts';
import { AttensorError, Model, traceForward } from '@attensor/inference';
import { engine, type ProverEngine } from '@attensor/native';
import { Field, getBackendPreference, setBackend } from 'o1js';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buildCircuits, type Circuits } from './circuits/build.js';
import { proveChain } from './circuits/program.js';
import { Job } from './job.js';
import {
  COMMITMENT_FILE,
  openParameters,
  readCommitment,
  readSecret,
  shapeOf,
  Vocabulary,
  writeAtomic,
  type CommitmentFile,
  type OpenedParameters,
} from './model/commitment.js';
import { ModelProtocol } from './model/protocol.js';
import { traceOf, witnessInts } from './model/witness.js';
import { defaultCacheDir, keyCache, proofFile } from './proof-file.js';
import type { ProofFile, RevealedText } from './proof-format.js';
import { commitRows } from './protocol/opening.js';
import { Session } from './protocol/session.js';

export interface Progress {
  stage:
    'compile' | 'parameters' | 'trace' | 'witness' | 'commit' | 'protocol' | 'segment' | 'done';
  /** 0 .. 1 within the whole request */
  fraction: number;
  message: string;
}

export interface ProverOptions {
  /** Proving keys (about 0.5 GB per segment). Default: ATTENSOR_CACHE or ~/.cache/attensor. */
  cacheDir?: string;
  onProgress?: (p: Progress) => void;
}

export interface ProveRequest {
  promptIds: number[];
  outputIds: number[];
  /** kept in the proof file only if given: the proof itself does not reveal them */
  text?: RevealedText;
}

export interface ProveOptions {
  onProgress?: (p: Progress) => void;
  signal?: AbortSignal;
}

export interface ProveResult {
  file: ProofFile;
  rows: number[];
  pickles: number;
  /** from the exact run to the last message; not the opening of the committed parameters, once per process */
  nativeSeconds: number;
  picklesSeconds: number;
  proveSeconds: number;
  resumed: boolean;
}

const seconds = (since: number): number => (performance.now() - since) / 1000;

/** Must come before anything else of o1js; a process that already runs on another backend keeps it, only slower. */
export function useNativeBackend(): void {
  if (getBackendPreference() !== 'native') setBackend('native');
}

export class InferenceProver {
  private parameters: OpenedParameters | undefined;
  private vocabulary: Vocabulary | undefined;
  private weights = new Map<string, Int32Array>();
  verificationKey: { data: string; hash: Field } | undefined;

  private constructor(
    readonly model: Model,
    readonly commitment: CommitmentFile,
    readonly protocol: ModelProtocol,
    readonly circuits: Circuits,
    readonly cacheDir: string,
    private readonly engine: ProverEngine,
  ) {}

  /** @throws NOT_FOUND when the model is not committed */
  static async load(modelDir: string, options: ProverOptions = {}): Promise<InferenceProver> {
    useNativeBackend();
    const model = await Model.open(modelDir);
    const commitment = await readCommitment(join(model.dir, COMMITMENT_FILE));
    const shape = shapeOf(
      model.config,
      commitment.capacity,
      commitment.logSize,
      commitment.logInvRate,
    );
    if (shape.configHash.toString() !== commitment.configHash)
      throw new AttensorError({
        code: 'WRONG_COMMITMENT',
        what: 'the commitment is of another architecture or version',
        where: join(model.dir, COMMITMENT_FILE),
        expected: `configHash ${shape.configHash}`,
        got: commitment.configHash,
        hint: 'Commit the model again',
      });
    const protocol = new ModelProtocol(shape);
    const circuits = await buildCircuits(protocol);
    return new InferenceProver(
      model,
      commitment,
      protocol,
      circuits,
      options.cacheDir ?? defaultCacheDir(),
      engine,
    );
  }

  /** Compiles the circuits, or loads them from the key cache. The verifier key's hash is written into commitment.json. */
  async compile(
    options: { onProgress?: (p: Progress) => void } = {},
  ): Promise<{ verifierKeyHash: string; verificationKey: string; seconds: number }> {
    const start = performance.now();
    options.onProgress?.({
      stage: 'compile',
      fraction: 0,
      message: 'compiling circuits, or loading their keys',
    });
    const dir = join(this.cacheDir, 'keys');
    await mkdir(dir, { recursive: true });
    const { verificationKey } = await this.circuits.program.compile({
      cache: keyCache(this.cacheDir),
    });
    this.verificationKey = verificationKey;
    const verifierKeyHash = verificationKey.hash.toString();
    if (this.commitment.verifierKeyHash !== verifierKeyHash) {
      this.commitment.verifierKeyHash = verifierKeyHash;
      await writeAtomic(
        join(this.model.dir, COMMITMENT_FILE),
        `${JSON.stringify(this.commitment, null, 2)}\n`,
      );
    }
    return { verifierKeyHash, verificationKey: verificationKey.data, seconds: seconds(start) };
  }

  /** Reads and opens the committed parameters, once. */
  async openModel(): Promise<void> {
    if (this.parameters) return;
    const secret = await readSecret(this.model.dir);
    this.parameters = await openParameters(
      this.engine,
      this.protocol,
      this.model,
      this.commitment,
      secret,
    );
    this.vocabulary = await Vocabulary.build(
      this.engine,
      await this.model.tensor('embedding'),
      this.model.config.hiddenSize,
    );
    for (const name of this.model.tensorNames)
      if (name.endsWith('.g') || name.endsWith('.bias'))
        this.weights.set(name, await this.model.tensor(name));
  }

  statement(request: ProveRequest): Statement {
    return new Statement({
      modelRoot: Field(this.commitment.modelRoot),
      vocabularyRoot: Field(this.commitment.vocabularyRoot),
      inputHash: inputHash(request.promptIds),
      outputHash: outputHash(request.outputIds),
    });
  }

  /** @throws TOO_LONG, EMPTY_PROMPT */
  private check(request: ProveRequest): void {
    const { capacity } = this.protocol.shape;
    const total = request.promptIds.length + request.outputIds.length;
    if (request.promptIds.length === 0 || request.outputIds.length === 0)
      throw new AttensorError({
        code: 'EMPTY_PROMPT',
        what: 'a proof needs at least one prompt token and one output token',
        got: `${request.promptIds.length} and ${request.outputIds.length}`,
      });
    if (total > capacity)
      throw new AttensorError({
        code: 'TOO_LONG',
        what: 'prompt and output exceed the capacity of the circuits',
        expected: `at most ${capacity} tokens`,
        got: String(total),
        hint: 'Shorten the prompt, ask for fewer tokens, or commit the model with a larger --capacity',
      });
  }

  /** The native part: witness, its commitment and all messages of the protocol. */
  async protocolMessages(
    request: ProveRequest,
    statement: Statement,
    options: ProveOptions = {},
  ): Promise<Session> {
    const { onProgress, signal } = options;
    await this.openModel();
    const { capacity, logSize, logInvRate } = this.protocol.shape;
    const tokens = [...request.promptIds, ...request.outputIds];
    const ids = Array.from({ length: capacity }, (_, t) => tokens[t] ?? 0);
    onProgress?.({
      stage: 'trace',
      fraction: 0,
      message: 'exact inference over prompt and output',
    });
    const trace = traceOf(await traceForward(this.model, ids, { engine: 'native', signal }));
    const prompt = request.promptIds.length;
    const successors = (): number[] =>
      ids.map((_, t) => (t + 1 >= prompt && t + 1 < tokens.length ? tokens[t + 1] : -1));
    const next = trace.get('next').data;
    successors().forEach((want, t) => {
      if (want >= 0 && Number(next[t]) !== want)
        throw new AttensorError({
          code: 'WRONG_TEXT',
          what: 'the model does not answer with these output tokens',
          where: `position ${t + 1}`,
          expected: `token ${next[t]}`,
          got: `token ${want}`,
          hint: 'Generate the output with the same model: attensor generate',
        });
    });
    onProgress?.({ stage: 'witness', fraction: 0.02, message: 'witness' });
    const filled = new ModelProtocol(
      this.protocol.shape,
      (name) => this.weights.get(name)!,
      successors,
    );
    const witness = this.engine.fromInts(witnessInts(filled.b, filled.lookups, trace, logSize));
    const embeddingStates = await filled.complete(this.engine, witness);
    onProgress?.({ stage: 'commit', fraction: 0.03, message: 'committing the witness' });
    const witnessCommitment = await commitRows(
      this.engine,
      witness,
      logSize,
      filled.widths.witness,
      {
        logInvRate,
        signal,
        onProgress: (f) =>
          onProgress?.({
            stage: 'commit',
            fraction: 0.03 + 0.12 * f,
            message: 'committing the witness',
          }),
      },
    );
    onProgress?.({ stage: 'protocol', fraction: 0.15, message: 'sumchecks, lookups and openings' });
    const secret = await readSecret(this.model.dir);
    const session = new Session({
      engine: this.engine,
      permute: (s) => this.engine.permute(s),
      statement: Statement.toFields(statement).map((f) => f.toBigInt()),
      signal,
    });
    await filled.script(session, {
      trace,
      tokens: request,
      ids,
      witness,
      witnessCommitment,
      parameters: this.parameters!.vector,
      parameterCommitment: this.parameters!.commitment,
      parameterSample: secret.parameterSample,
      salt: secret.salt,
      vocabulary: this.vocabulary!,
      embeddingStates,
    });
    witnessCommitment.dispose();
    witness.dispose();
    return session;
  }

  async prove(request: ProveRequest, options: ProveOptions = {}): Promise<ProveResult> {
    const { onProgress, signal } = options;
    this.check(request);
    if (!this.verificationKey) await this.compile(options);
    const start = performance.now();
    const { segments, program, name } = this.circuits;
    const statement = this.statement(request);
    const statementFields = Statement.toFields(statement).map((f) => f.toBigInt());
    const job = await Job.open(join(this.cacheDir, 'jobs'), [
      name,
      this.verificationKey!.hash.toString(),
      ...statementFields.map(String),
    ]);
    const resumed = job.found;

    let session: Session;
    let nativeStart = start;
    const kept = await job.messages();
    if (kept) {
      session = await replay(this.protocol, this.engine, statementFields, kept);
    } else {
      // once per process, however many requests follow
      await this.openModel();
      nativeStart = performance.now();
      session = await this.protocolMessages(request, statement, options);
      await job.keepMessages(session.messages);
    }
    const nativeSeconds = seconds(nativeStart);

    const picklesStart = performance.now();
    const { proof, made } = await proveChain(program, segments, statement, session, {
      signal,
      kept: (index) => job.proof(index),
      keep: (index, proof) => job.keepProof(index, proof),
      onSegment: (index) =>
        onProgress?.({
          stage: 'segment',
          fraction: 0.3 + (0.7 * index) / segments.length,
          message: `proof ${index + 1} of ${segments.length}`,
        }),
    });
    const picklesSeconds = seconds(picklesStart);
    await job.done();
    onProgress?.({ stage: 'done', fraction: 1, message: 'proved' });
    const file = proofFile(proof.toJSON(), this.verificationKey!, statement, request.text);
    return {
      file,
      rows: segments.map((s) => s.rows),
      pickles: made,
      nativeSeconds,
      picklesSeconds,
      proveSeconds: seconds(start),
      resumed,
    };
  }
}

/** Runs the plain verifier over recorded messages. @throws VerificationError */
export async function replay(
  protocol: ModelProtocol,
  native: Pick<ProverEngine, 'permute'>,
  statement: bigint[],
  messages: bigint[],
): Promise<Session> {
  const session = new Session({ permute: (s) => native.permute(s), statement, messages });
  await protocol.script(session);
  return session;
}
