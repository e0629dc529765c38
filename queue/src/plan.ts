/**
 * @module plan
 * What a proof takes on a queue: steps whose results are bytes, which of them each reads, and what machine each needs. A plan is an
 * artifact; jobs name it by its hash.
 */
import { AttensorError } from '@attensor/core';
import { checked } from '@attensor/core/files';
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { ArtifactStore, Hash } from './artifacts/artifact-store.js';

/** Raised whenever jobs, plans or artifacts of one version mean something else, or nothing, to another one. */
export const PROTOCOL = 1;

const needSchema = z.strictObject({
  /** of memory */
  bytes: z.number().nonnegative(),
  /** Absent for a step that any machine can run. */
  device: z.literal('cuda').optional(),
});
/** What a machine must have to run a step. */
export type Need = z.infer<typeof needSchema>;

const stepSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]+$/),
  /** Digest of everything that the result depends on, but for salts that the step draws. Steps of several plans may have it in common. */
  key: z.string().regex(/^[0-9a-f]{32,64}$/),
  /** Names of the steps whose results it reads; they come before it. */
  inputs: z.array(z.string()),
  need: needSchema,
  /** Steps of one room are run by one process, which keeps what it has loaded: a model, the keys of its circuits. */
  room: z.string(),
});
export type PlannedStep = z.infer<typeof stepSchema>;

const planSchema = z.strictObject({
  format: z.literal('attensor-plan'),
  protocol: z.literal(PROTOCOL),
  /** What knows how to run its steps. */
  kind: z.string(),
  /** Of that kind: hashes of artifacts and numbers. */
  params: z.record(z.string(), z.unknown()),
  /** The last one's result is the plan's. */
  steps: z.array(stepSchema).min(1),
});
export type PlanJson = z.infer<typeof planSchema>;

export class Plan {
  private readonly byName = new Map<string, PlannedStep>();

  /** @throws BAD_ARGUMENT for two steps of one name, or an input that does not come before */
  constructor(
    readonly hash: Hash,
    readonly json: PlanJson,
  ) {
    for (const step of json.steps) {
      const unknown = step.inputs.find((input) => !this.byName.has(input));
      if (unknown !== undefined || this.byName.has(step.name))
        throw new AttensorError({
          code: 'BAD_ARGUMENT',
          what:
            unknown === undefined
              ? 'a plan has two steps of one name'
              : `a step reads '${unknown}', which does not come before it`,
          where: step.name,
        });
      this.byName.set(step.name, step);
    }
  }

  /** @throws UNREACHABLE, WRITE_FAILED */
  static async put(
    store: ArtifactStore,
    { kind, params, steps }: Pick<PlanJson, 'kind' | 'params' | 'steps'>,
  ): Promise<Plan> {
    const json: PlanJson = { format: 'attensor-plan', protocol: PROTOCOL, kind, params, steps };
    return new Plan(await store.put(Buffer.from(JSON.stringify(json))), json);
  }

  /** @throws NOT_FOUND, BAD_ARTIFACT, UNREACHABLE */
  static async get(store: ArtifactStore, hash: Hash): Promise<Plan> {
    const value: unknown = JSON.parse(Buffer.from(await store.get(hash)).toString());
    const hint = 'The job was made by another version';
    return new Plan(
      hash,
      checked(value, { schema: planSchema, code: 'BAD_ARTIFACT', where: hash, hint }),
    );
  }

  get last(): PlannedStep {
    return this.json.steps[this.json.steps.length - 1];
  }

  /** @throws BAD_ARGUMENT */
  step(name: string): PlannedStep {
    const step = this.byName.get(name);
    if (step) return step;
    throw new AttensorError({
      code: 'BAD_ARGUMENT',
      what: 'the plan has no such step',
      where: this.hash,
      got: name,
    });
  }

  /** What a step reads: those that are made last come first. */
  inputs(step: PlannedStep): PlannedStep[] {
    const names = this.json.steps.filter(({ name }) => step.inputs.includes(name));
    return names.reverse();
  }
}

/** Its job's id: the same wherever and whenever the same result is wanted. */
export const stepId = ({ name, key }: Pick<PlannedStep, 'name' | 'key'>): string =>
  `${name}-${key.slice(0, 32)}`;

export const digestOf = (parts: unknown[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex');
