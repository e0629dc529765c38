/** Pieces of file formats. */
import { z } from 'zod';
import { P } from './protocol/field.js';

/** One representation for each element: what o1js would reduce is refused. */
export const fieldSchema = z
  .string()
  .regex(/^(0|[1-9]\d{0,77})$/, 'a field element in decimal')
  .refine((text) => BigInt(text) < P, 'a field element, below the modulus');
