/** What the log of a chain holds. */
import { z } from 'zod';
import { signedCommandSchema } from './signed-command.js';

/** Slots are 32-bit numbers. */
export const MAX_SLOT = 2 ** 32 - 1;

const slotSchema = z.number().int().min(0).max(MAX_SLOT);
export const entrySchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('zkapp'), slot: slotSchema, command: z.unknown() }),
  z.object({ type: z.literal('signed'), slot: slotSchema, command: signedCommandSchema }),
  z.object({
    type: z.literal('block'),
    slot: slotSchema,
    time: z.number().int().nonnegative(),
    ledgerHash: z.string(),
  }),
]);
