/** A component's proof as a file, and its verification. */
import type { Field } from 'o1js';
import { z } from 'zod';
import { LOG_CAP, LOG_LEAF, MAX_LOG_SIZE } from './commitment/parameters.js';
import { parseVersion } from './proof-format.js';
import { fieldSchema } from './schema.js';
import { componentHash } from './units/component.js';
import { COMPONENT_STATEMENT } from './units/statements.js';
import { same, verifyFile, type Comparison, type FileVerdict } from './verify.js';

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
      hashingLogInvRate: z.number().int().min(1).max(MAX_LOG_INV_RATE),
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

export interface ComponentVerdict extends FileVerdict<ComponentProofFile['statement']> {
  component: ComponentProofFile['component'];
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
 * can tell, so without it the result is 'unverified program'. And tables are committed like weights: `tablesRoot` says which root
 * public tables have.
 */
export async function verifyComponentProof(
  file: ComponentProofFile,
  expected: ComponentExpectations = {},
): Promise<ComponentVerdict> {
  const { component, statement, proof } = file;
  const verdict = await verifyFile(file, {
    fields: COMPONENT_STATEMENT.names,
    maxProofsVerified: proof.maxProofsVerified,
    cacheDir: expected.cacheDir,
    consistent() {
      const { logSize, logInvRate, hashingLogInvRate, ...config } = component;
      return componentHash(config, { logSize, logInvRate, hashingLogInvRate }).toString() ===
        statement.component
        ? undefined
        : 'the file describes another component than its statement';
    },
    compare: () => comparisons(file, expected),
  });
  return { ...verdict, component };
}

function* comparisons(
  { statement, verificationKey }: ComponentProofFile,
  expected: ComponentExpectations,
): Iterable<Comparison> {
  // Only the trusted key binds the component: any circuit can state a component's hash.
  if (expected.verifierKeyHash !== undefined)
    yield same(
      expected.verifierKeyHash,
      verificationKey.hash,
      ['component', 'verifierKeyHash'],
      'the proof is of another circuit than the expected one',
    );
  for (const name of ['tensors', 'weights', 'tokens'] as const) {
    const want = expected.statement?.[name];
    if (want !== undefined)
      yield same(want, statement[name], [name], `the proof states another value of '${name}'`);
  }
}
