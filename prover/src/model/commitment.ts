/**
 * @module model/commitment
 * Committing to a model: the parameter vector under a polynomial commitment, the vocabulary's embedding rows under a Merkle tree,
 * both public as roots. The salt keeps the parameter root from confirming guesses of the weights.
 */
import { modelRoot } from '@attensor/contracts';
import { AttensorError, type Model, type ModelConfig } from '@attensor/inference';
import type { Commitment as PolynomialCommitment, FpVec, ProverEngine } from '@attensor/native';
import { Field } from 'o1js';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { fieldSchema } from '../schema.js';
import { buildCircuits } from '../circuits/build.js';
import { padded } from '../components/builder.js';
import type { VocabularyTree } from '../components/embedding.js';
import { ceilLog2, P } from '../protocol/field.js';
import { commitRows } from '../protocol/opening.js';
import { CONFIG_DOMAIN, PARAMETER_DOMAIN, SAMPLE_DOMAIN, textHash } from '../protocol/domains.js';
import { ModelProtocol, type Shape } from './protocol.js';

export const COMMITMENT_FILE = 'commitment.json';
export const SECRET_FILE = 'secret.json';
const TREE_FILE = 'parameter-tree.bin';

const FORMAT = 'attensor-commitment';
const SECRET_FORMAT = 'attensor-secret';
const VERSION = 2;

const commitmentSchema = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(VERSION),
  modelRoot: fieldSchema,
  vocabularyRoot: fieldSchema,
  configHash: fieldSchema,
  capacity: z.number().int().positive(),
  logSize: z.number().int().positive(),
  logInvRate: z.number().int().positive(),
  /** Set once the circuits are compiled. */
  verifierKeyHash: fieldSchema.optional(),
});
export type CommitmentFile = z.infer<typeof commitmentSchema>;

const secretSchema = z.strictObject({
  format: z.literal(SECRET_FORMAT),
  version: z.literal(VERSION),
  salt: fieldSchema,
  parameterSample: fieldSchema,
});

/** Positions a model's circuits hold unless asked otherwise. */
export const DEFAULT_CAPACITY = 32;
/** log2 of the inverse rate of both commitments; docs/performance.md weighs the choices. */
export const LOG_INV_RATE = 3;

/** Binds every number the circuits depend on. */
export function configHash(config: ModelConfig, logSize: number, logInvRate: number): bigint {
  const text = JSON.stringify([
    'attensor',
    VERSION,
    logSize,
    logInvRate,
    Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1)),
  ]);
  return textHash(CONFIG_DOMAIN, text);
}

/** The circuits' shape for a model and capacity. */
export function shapeOf(
  config: ModelConfig,
  capacity: number,
  logSize: number,
  logInvRate = LOG_INV_RATE,
): Shape {
  return {
    config,
    capacity,
    logSize,
    logInvRate,
    configHash: configHash(config, logSize, logInvRate),
  };
}

/** Smallest committed size that holds the parameters and a witness of this capacity. */
export function requiredLogSize(config: ModelConfig, capacity: number): number {
  const probe = new ModelProtocol({
    config,
    capacity,
    logSize: 28,
    logInvRate: LOG_INV_RATE,
    configHash: 0n,
  });
  return Math.max(probe.needs.witness, probe.needs.parameters);
}

/** The parameter vector of a protocol, filled from the model. */
export async function parameterVector(
  engine: ProverEngine,
  protocol: ModelProtocol,
  model: Model,
): Promise<FpVec> {
  const vector = engine.alloc(2 ** protocol.shape.logSize);
  for (const { block, dims, source } of protocol.b.parameterFills) {
    const values = typeof source === 'string' ? await model.tensor(source) : source();
    const expected = dims.reduce((p, d) => p * d.size, 1);
    if (values.length !== expected)
      throw new AttensorError({
        code: 'BAD_MODEL',
        what: 'a tensor has another size than the architecture',
        where: typeof source === 'string' ? source : 'table',
        expected: String(expected),
        got: String(values.length),
        hint: 'Import the checkpoint again',
      });
    const out = new Int32Array(2 ** block.log);
    padded(dims, (at, from) => {
      if (from >= 0) out[at] = values[from];
    });
    vector.setInts(block.offset, out);
  }
  return vector;
}

export class Vocabulary implements VocabularyTree {
  private constructor(
    private readonly rows: Int32Array,
    private readonly width: number,
    private readonly layers: bigint[][],
  ) {}

  static async build(engine: ProverEngine, rows: Int32Array, width: number): Promise<Vocabulary> {
    const count = rows.length / width;
    const hashed = await engine.hashRows(rows, width);
    const leaves = engine.alloc(2 ** ceilLog2(count));
    leaves.axpy(0, 1n, hashed);
    const layers = await engine.merkleLayers(leaves);
    return new Vocabulary(
      rows,
      width,
      layers.map((l) => l.toBigints()),
    );
  }

  get root(): bigint {
    return this.layers[this.layers.length - 1][0];
  }
  row(token: number): bigint[] {
    const out = this.rows.subarray(token * this.width, (token + 1) * this.width);
    return Array.from(out, (v) => (v < 0 ? P + BigInt(v) : BigInt(v)));
  }
  path(token: number): bigint[] {
    return this.layers.slice(0, -1).map((layer, d) => layer[(token >> d) ^ 1]);
  }
}

export interface OpenedParameters {
  vector: FpVec;
  commitment: PolynomialCommitment;
}

/** out-of-domain point of a parameter commitment */
export const samplePoint = (engine: ProverEngine, cap: bigint[]): bigint =>
  engine.hash([SAMPLE_DOMAIN, engine.hash(cap)]);

export interface CommitOptions {
  capacity?: number;
  onProgress?: (stage: string, fraction: number) => void;
  signal?: AbortSignal;
  /** Keep an existing secret's salt (recommitting the same model); default: a fresh random salt. */
  salt?: bigint;
}

/** Writes commitment.json, secret.json (mode 0600) and the tree into the model directory. */
export async function commitModel(
  engine: ProverEngine,
  model: Model,
  options: CommitOptions = {},
): Promise<CommitmentFile> {
  const capacity = options.capacity ?? DEFAULT_CAPACITY;
  const logSize = requiredLogSize(model.config, capacity);
  const shape = shapeOf(model.config, capacity, logSize);
  const protocol = new ModelProtocol(shape);
  await buildCircuits(protocol); // a capacity that cannot be planned is refused now, not when keys are made
  options.onProgress?.('parameters', 0);
  const vector = await parameterVector(engine, protocol, model);
  const commitment = await commitRows(engine, vector, logSize, protocol.widths.parameters, {
    logInvRate: shape.logInvRate,
    signal: options.signal,
    onProgress: (f) => options.onProgress?.('parameters', f),
  });
  const sample = await engine.evalPow(vector, samplePoint(engine, commitment.cap));
  options.onProgress?.('vocabulary', 0);
  const vocabulary = await Vocabulary.build(
    engine,
    await model.tensor('embedding'),
    model.config.hiddenSize,
  );
  const salt = options.salt ?? randomField();
  const parameterRoot = engine.hash([PARAMETER_DOMAIN, engine.hash(commitment.cap), sample]);
  const root = modelRoot({
    configHash: Field(shape.configHash),
    parameterRoot: Field(parameterRoot),
    salt: Field(salt),
  });
  const file: CommitmentFile = {
    format: FORMAT,
    version: VERSION,
    modelRoot: root.toString(),
    vocabularyRoot: vocabulary.root.toString(),
    configHash: shape.configHash.toString(),
    capacity,
    logSize,
    logInvRate: shape.logInvRate,
  };
  await mkdir(model.dir, { recursive: true });
  await writeAtomic(join(model.dir, TREE_FILE), await commitment.serializeTree());
  await writeAtomic(
    join(model.dir, SECRET_FILE),
    json({
      format: SECRET_FORMAT,
      version: VERSION,
      salt: salt.toString(),
      parameterSample: sample.toString(),
    }),
    0o600,
  );
  await writeAtomic(join(model.dir, COMMITMENT_FILE), json(file));
  commitment.dispose();
  vector.dispose();
  options.onProgress?.('vocabulary', 1);
  return file;
}

/** Uniform but for 2^-66. */
export const randomField = (): bigint => BigInt(`0x${randomBytes(40).toString('hex')}`) % P;
const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** Written whole or not at all. */
export async function writeAtomic(
  path: string,
  data: string | Uint8Array,
  mode = 0o644,
): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, data, { mode });
  await chmod(temporary, mode);
  await rename(temporary, path);
}

async function readJson<T>(path: string, schema: z.ZodType<T>, hint: string): Promise<T> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new AttensorError({
      code: 'NOT_FOUND',
      what: 'the file cannot be read',
      where: path,
      got: String((cause as Error).message),
      hint,
    });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new AttensorError({ code: 'BAD_FILE', what: 'the file is not JSON', where: path, hint });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new AttensorError({
      code: 'BAD_FILE',
      what: issue.message,
      where: `${path}: ${issue.path.join('.')}`,
      expected: 'the format this version writes',
      got: text.slice(0, 80),
      hint,
    });
  }
  return parsed.data;
}

export const readCommitment = (path: string): Promise<CommitmentFile> =>
  readJson(path, commitmentSchema, 'Commit the model: attensor model commit <model-dir>');

export interface Secret {
  salt: bigint;
  parameterSample: bigint;
}

/** @throws INSECURE_FILE when others may read it */
export async function readSecret(dir: string): Promise<Secret> {
  const path = join(dir, SECRET_FILE);
  const file = await readJson(
    path,
    secretSchema,
    'Commit the model: attensor model commit <model-dir>',
  );
  const { mode } = await stat(path);
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    throw new AttensorError({
      code: 'INSECURE_FILE',
      what: 'the secret can be read by other users',
      where: path,
      expected: 'mode 0600',
      got: `mode 0${(mode & 0o777).toString(8)}`,
      hint: `chmod 600 ${path}`,
    });
  return { salt: BigInt(file.salt), parameterSample: BigInt(file.parameterSample) };
}

/** The committed parameters, ready to open. @throws MODEL_CORRUPT when they no longer match the commitment */
export async function openParameters(
  engine: ProverEngine,
  protocol: ModelProtocol,
  model: Model,
  committed: CommitmentFile,
  secret: Secret,
): Promise<OpenedParameters> {
  const vector = await parameterVector(engine, protocol, model);
  const path = join(model.dir, TREE_FILE);
  const tree = await readFile(path).catch((cause: Error) => {
    throw new AttensorError({
      code: 'NOT_FOUND',
      what: 'the parameter tree cannot be read',
      where: path,
      got: cause.message,
      hint: 'Commit the model again',
    });
  });
  const { logSize, logInvRate } = protocol.shape;
  const commitment = await commitRows(engine, vector, logSize, protocol.widths.parameters, {
    logInvRate,
    tree,
  });
  const sample = await engine.evalPow(vector, samplePoint(engine, commitment.cap));
  const parameterRoot = engine.hash([PARAMETER_DOMAIN, engine.hash(commitment.cap), sample]);
  const root = modelRoot({
    configHash: Field(protocol.shape.configHash),
    parameterRoot: Field(parameterRoot),
    salt: Field(secret.salt),
  }).toString();
  if (root !== committed.modelRoot)
    throw new AttensorError({
      code: 'MODEL_CORRUPT',
      what: 'weights, tree or secret do not open the commitment',
      where: model.dir,
      expected: `modelRoot ${committed.modelRoot}`,
      got: root,
      hint: 'Commit the model again, or restore the files of this commitment',
    });
  return { vector, commitment };
}
