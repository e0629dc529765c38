/**
 * @module jobs
 * What a job says and what it results in, and on which queue it waits: one for each class of memory, and one more for those that need a
 * GPU. Jobs hold hashes and names only.
 */
import { z } from 'zod';
import { hashSchema } from './artifacts/folder-artifact.js';
import { PROTOCOL, type Need } from './plan.js';

export const jobSchema = z.strictObject({
  protocol: z.literal(PROTOCOL),
  plan: hashSchema,
  step: z.string(),
  /** How often the result had to be made again, because it was not what it should be. */
  remade: z.number().int().nonnegative(),
});
export type JobData = z.infer<typeof jobSchema>;

export const resultSchema = z.strictObject({
  hash: hashSchema,
  bytes: z.number().int().nonnegative(),
  /** Of what was read, by step. */
  inputs: z.record(z.string(), hashSchema),
  /** that it took, loading included */
  seconds: z.number().nonnegative(),
  /** Who made it. */
  worker: z.string(),
});
export type StepResult = z.infer<typeof resultSchema>;

/** What a job tells while it runs or waits. */
export interface JobProgress {
  /** of the step */
  fraction: number;
  /** Why it waits, if it does. */
  waiting?: string;
}

/** Codes of errors of a step whose plan, model or request is not where it should be: whoever asked for the proof can bring it again. */
export const MISSING = ['BAD_ARTIFACT', 'NOT_FOUND'];

const GIB = 2 ** 30;
/** In GiB; a step waits in the smallest class that holds it. */
const CLASSES = [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048];
const DEVICES = ['', '-cuda'] as const;

const nameOf = (gib: number, device: (typeof DEVICES)[number]): string =>
  `attensor-${gib}g${device}`;

/** @throws RangeError for more memory than any machine has */
export function queueOf({ bytes, device }: Need): string {
  const gib = CLASSES.find((size) => size * GIB >= bytes);
  if (gib === undefined) throw new RangeError(`a step of ${bytes} bytes`);
  return nameOf(gib, device === undefined ? '' : '-cuda');
}

/** What a worker offers. */
export interface Offer {
  /** bytes, of all steps that it runs at a time */
  memory: number;
  device: 'cpu' | 'cuda';
}

/** The queues of steps that fit, and the memory that each of their steps takes at most. */
export const queuesFor = ({ memory, device }: Offer): { name: string; bytes: number }[] =>
  CLASSES.filter((gib) => gib * GIB <= memory).flatMap((gib) =>
    DEVICES.filter((needed) => needed === '' || device === 'cuda').map((needed) => ({
      name: nameOf(gib, needed),
      bytes: gib * GIB,
    })),
  );

export const MIN_MEMORY = CLASSES[0] * GIB;

export const allQueues = (): string[] =>
  CLASSES.flatMap((gib) => DEVICES.map((device) => nameOf(gib, device)));

/** Holds one job that is never run: the protocol of those that use the queues. */
export const CONTROL_QUEUE = 'attensor';
