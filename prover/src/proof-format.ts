/**
 * The proof as a file: statement, proof and verification key, versioned. Verification needs nothing else; what the file claims
 * about text is checked against the statement's hashes. Nothing of Node: a page reads it too.
 */
import { AttensorError } from '@attensor/core';
import { z } from 'zod';
import { fieldSchema } from './schema.js';

export const FORMAT = 'attensor-proof';
export const VERSION = 1;
/** Of a file with a batch. */
export const BATCH_VERSION = 2;

const proofSchema = z.strictObject({
  publicInput: z.array(fieldSchema).length(4),
  publicOutput: z.array(fieldSchema).length(1),
  maxProofsVerified: z.literal(1),
  proof: z.string().min(1),
});
const ids = z
  .array(z.number().int().nonnegative())
  .min(1)
  .max(1 << 16);
/** Only where the prover chose to reveal it. A text has several token sequences: the ids say which one was proved. */
const revealedText = z
  .strictObject({ prompt: z.string(), output: z.string(), promptIds: ids, outputIds: ids })
  .optional();
const common = {
  format: z.literal(FORMAT),
  statement: z.strictObject({
    modelRoot: fieldSchema,
    vocabularyRoot: fieldSchema,
    inputHash: fieldSchema,
    outputHash: fieldSchema,
  }),
  verificationKey: z.strictObject({ data: z.string().min(1), hash: fieldSchema }),
  proof: proofSchema,
};
const batchSchema = z.array(
  z.strictObject({ inputHash: fieldSchema, outputHash: fieldSchema, text: revealedText }),
);
export const fileSchema = z.discriminatedUnion('version', [
  z.strictObject({ ...common, version: z.literal(VERSION), text: revealedText }),
  z.strictObject({
    ...common,
    version: z.literal(BATCH_VERSION),
    /** The requests, in order: the statement's hashes are those of these. */
    batch: batchSchema.min(2),
  }),
]);
type ParsedFile = z.infer<typeof fileSchema>;
/** A proof of one request, or of a batch of them. */
export type ProofFile = Omit<ParsedFile, 'batch' | 'text'> & {
  text?: RevealedText;
  batch?: z.infer<typeof batchSchema>;
};
export type RevealedText = NonNullable<z.infer<typeof revealedText>>;

/** Largest file that is read at all. */
export const MAX_PROOF_BYTES = 1 << 20;

/** @throws BAD_FILE, UNSUPPORTED_VERSION */
export function parseProofFile(text: string, where = 'proof'): ProofFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new AttensorError({
      code: 'BAD_FILE',
      what: 'the proof file is not JSON',
      where,
      hint: 'Get the file again from its maker',
    });
  }
  const header = z.object({ format: z.string(), version: z.number() }).safeParse(value);
  if (!header.success || header.data.format !== FORMAT)
    throw new AttensorError({
      code: 'BAD_FILE',
      what: 'this is not a proof file',
      where,
      expected: `format ${FORMAT}`,
    });
  const version = header.data.version === BATCH_VERSION ? BATCH_VERSION : VERSION;
  return parseVersion(fileSchema, version, value, where);
}

/** A file of a known format. @throws BAD_FILE, UNSUPPORTED_VERSION */
export function parseVersion<T>(
  schema: z.ZodType<T>,
  version: number,
  value: unknown,
  where: string,
): T {
  const got = (value as { version?: unknown }).version;
  if (got !== version)
    throw new AttensorError({
      code: 'UNSUPPORTED_VERSION',
      what: 'the proof file is of another version',
      where,
      expected: String(version),
      got: String(got),
      hint: 'Use the version of attensor that made it',
    });
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new AttensorError({
      code: 'BAD_FILE',
      what: issue.message,
      where: `${where}: ${issue.path.join('.')}`,
      hint: 'The file was edited or cut',
    });
  }
  return parsed.data;
}
