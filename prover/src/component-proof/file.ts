/** A component's proof as a file, and its verification. */
import { COMPLETE } from '@attensor/contracts';
import { type Field, initializeBindings } from 'o1js';
import { z } from 'zod';
import { fieldSchema } from '../schema.js';
import { configHash } from './protocol.js';
import { LOG_CAP, LOG_LEAF, MAX_LOG_SIZE } from '../protocol/parameters.js';
import { genuineKey, keyCache, proofProblem, WRONG_KEY } from '../proof-file.js';
import { outcome, type Outcome } from '../outcome.js';
import { parseVersion } from '../proof-format.js';
import { loadReferenceStrings } from '../srs.js';

export const COMPONENT_FORMAT = 'attensor-component-proof';
const VERSION = 1;
/** Of the commitments; plans take 5 at most. */
const MAX_LOG_INV_RATE = 8;

const schema = z.strictObject({
  format: z.literal(COMPONENT_FORMAT),
  version: z.literal(VERSION),
  /** Kind, sizes, and the numbers of the commitments; its hash is in the statement. */
  component: z
    .object({
      logSize: z
        .number()
        .int()
        .min(LOG_LEAF + LOG_CAP)
        .max(MAX_LOG_SIZE),
      logInvRate: z.number().int().min(1).max(MAX_LOG_INV_RATE),
    })
    .catchall(z.union([z.string(), z.number()])),
  statement: z.strictObject({
    component: fieldSchema,
    tensors: fieldSchema,
    weights: fieldSchema,
    tokens: fieldSchema,
  }),
  verificationKey: z.strictObject({ data: z.string().min(1), hash: fieldSchema }),
  proof: z.strictObject({
    publicInput: z.array(fieldSchema).length(4),
    publicOutput: z.array(fieldSchema).length(1),
    maxProofsVerified: z.union([z.literal(0), z.literal(1)]),
    proof: z.string().min(1),
  }),
});
export type ComponentProofFile = z.infer<typeof schema>;

export function componentProofFile(
  proof: unknown,
  verificationKey: { data: string; hash: Field },
  component: ComponentProofFile['component'],
  statement: ComponentProofFile['statement'],
): ComponentProofFile {
  return schema.parse({
    format: COMPONENT_FORMAT,
    version: VERSION,
    component,
    statement,
    verificationKey: { data: verificationKey.data, hash: verificationKey.hash.toString() },
    proof,
  });
}

/** The component proof that a text holds, if it calls itself one. @throws BAD_FILE, UNSUPPORTED_VERSION */
export function componentProofIn(text: string, where = 'proof'): ComponentProofFile | undefined {
  try {
    const value = JSON.parse(text) as { format?: unknown } | null;
    return value?.format === COMPONENT_FORMAT
      ? parseVersion(schema, VERSION, value, where)
      : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // no JSON at all: the caller says so
    throw error;
  }
}

export interface ComponentVerdict extends Outcome {
  seconds: number;
  loadSeconds: number;
  component: ComponentProofFile['component'];
  statement: ComponentProofFile['statement'];
  verifierKeyHash: string;
  checked: string[];
}

export interface ComponentExpectations {
  cacheDir?: string;
  /** hash of the key of the expected circuit */
  verifierKeyHash?: string;
  /** fields that the statement must have */
  statement?: Partial<ComponentProofFile['statement']>;
}

/**
 * **Note**: a statement can claim any component; that the circuit is really the one for it, only its key's hash from a trusted place
 * can tell, so without it the result is 'unverified program'. And tables are committed like weights: `tablesRoot` says which root public tables have.
 */
export async function verifyComponentProof(
  file: ComponentProofFile,
  expected: ComponentExpectations = {},
): Promise<ComponentVerdict> {
  const loadStart = performance.now();
  await initializeBindings();
  await loadReferenceStrings(keyCache(expected.cacheDir), file.proof.maxProofsVerified);
  const start = performance.now();
  const checked: string[] = [];
  const { statement, proof, component } = file;
  const verdict = (reason?: string): ComponentVerdict => ({
    ...outcome(checked, reason),
    seconds: (performance.now() - start) / 1000,
    loadSeconds: (start - loadStart) / 1000,
    component,
    statement,
    verifierKeyHash: file.verificationKey.hash,
    checked,
  });
  const fields = [statement.component, statement.tensors, statement.weights, statement.tokens];
  if (fields.some((f, i) => f !== proof.publicInput[i]))
    return verdict('the file states something else than its proof');
  if (proof.publicOutput[0] !== COMPLETE.toString())
    return verdict('the proof is of an unfinished run');
  const { logSize, logInvRate, ...config } = component;
  if (configHash(config, logSize, logInvRate).toString() !== statement.component)
    return verdict('the file describes another component than its statement');
  const key = await genuineKey(file.verificationKey);
  if (!key) return verdict(WRONG_KEY);
  if (expected.verifierKeyHash !== undefined) {
    if (expected.verifierKeyHash !== file.verificationKey.hash)
      return verdict('the proof is of another circuit than the expected one');
    // Only the trusted key binds the component: any circuit can state a component's hash.
    checked.push('component', 'verifierKeyHash');
  }
  for (const name of ['tensors', 'weights', 'tokens'] as const) {
    const want = expected.statement?.[name];
    if (want === undefined) continue;
    if (want !== statement[name]) return verdict(`the proof states another value of '${name}'`);
    checked.push(name);
  }
  const wrong = await proofProblem(proof, key);
  if (wrong) return verdict(wrong);
  checked.push('proof');
  return verdict();
}
