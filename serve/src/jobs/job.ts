/** A proof that was accepted, from then on: what the journal keeps of it, and what its owner is told. */
import { z } from 'zod';

const field = z.string().regex(/^\d+$/);
const tokens = z.array(z.int().nonnegative()).min(1);
const when = z.iso.datetime();
const failure = z.object({
  code: z.string(),
  what: z.string(),
  where: z.string().optional(),
  expected: z.string().optional(),
  got: z.string().optional(),
  hint: z.string().optional(),
});

export const proofState = z.enum(['queued', 'proving', 'proved', 'failed', 'cancelled']);
export type ProofState = z.infer<typeof proofState>;

export const jobSchema = z.strictObject({
  format: z.literal('attensor-job'),
  version: z.literal(1),
  id: z.uuid(),
  /** in the order of acceptance */
  number: z.int().nonnegative(),
  accepted: when,
  /** id of the API key; absent where the service has no keys */
  client: z.string().optional(),
  /** `key` is hashed */
  idempotency: z.strictObject({ key: z.string(), fingerprint: z.string() }).optional(),
  /** The model that is to be proved: another one's proof would be of something else. */
  modelRoot: field,
  inputHash: field,
  outputHash: field,
  attest: z.boolean(),
  state: proofState,
  /** What is proved: private, and gone once there is nothing left to prove. */
  task: z
    .strictObject({
      promptIds: tokens,
      outputIds: tokens,
      text: z
        .strictObject({
          prompt: z.string(),
          output: z.string(),
          promptIds: tokens,
          outputIds: tokens,
        })
        .optional(),
    })
    .optional(),
  /** Processes that were lost over it. */
  losses: z.int().nonnegative(),
  /** of proving */
  seconds: z.number().optional(),
  finished: when.optional(),
  error: failure.optional(),
});
export type Job = z.infer<typeof jobSchema>;

export const isOver = ({ state }: Pick<Job, 'state'>): boolean =>
  state !== 'queued' && state !== 'proving';

/** What the API tells. */
export const proofView = z
  .object({
    id: z.string(),
    object: z.literal('proof'),
    created: z.int().describe('seconds since 1970'),
    state: proofState,
    step: z.string().nullable().describe('of the proof, while it is made'),
    seconds: z.object({
      price: z.number().nullable().describe('that the proof is expected to take'),
      left: z.number().nullable().describe('until it is expected to be there, waiting included'),
      taken: z.number().nullable().describe('that proving took'),
    }),
    statement: z.object({ modelRoot: field, inputHash: field, outputHash: field }),
    attest: z.boolean(),
    error: failure.nullable(),
  })
  .meta({ id: 'Proof' });
export type ProofView = z.infer<typeof proofView>;
