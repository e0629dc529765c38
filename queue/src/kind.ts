/**
 * @module kind
 * What knows how to run the steps of a plan, on any machine that reaches the plan's artifacts.
 */
import { AttensorError } from '@attensor/core';
import type { Store } from '@attensor/prover';
import { fileName, Scheduler, type Step } from '@attensor/prover/steps';
import type { ArtifactStore, Hash } from './artifacts/artifact-store.js';
import { MISSING } from './jobs.js';
import type { Plan } from './plan.js';

export interface StepRun {
  plan: Plan;
  /** name of the step */
  step: string;
  inputs: StepInputs;
  artifacts: ArtifactStore;
  /** of this machine: keys, models that were fetched */
  cacheDir: string;
  /** @param fraction of the step */
  progress: (fraction: number) => void;
}

export interface Kind {
  /** @returns the result, in bytes; throws BadInput for an input that is not what it should be */
  run(step: StepRun): Promise<Uint8Array>;
}

/** By the name that plans give them: what a module of kinds exports as `kinds`. */
export type Kinds = Readonly<Record<string, Kind>>;

/** The result of an earlier step is not what it should be: that step is run again. */
export class BadInput extends Error {
  constructor(
    readonly input: string,
    reason: string,
  ) {
    super(reason);
  }
}

/** Results of the steps that a step reads. */
export class StepInputs {
  constructor(
    private readonly artifacts: ArtifactStore,
    private readonly hashes: Readonly<Record<string, Hash>>,
  ) {}

  has(name: string): boolean {
    return name in this.hashes;
  }

  /** @throws BadInput, UNREACHABLE */
  async bytes(name: string): Promise<Uint8Array> {
    try {
      return await this.artifacts.get(this.hashes[name]);
    } catch (error) {
      if (error instanceof AttensorError && MISSING.includes(error.code))
        throw new BadInput(name, error.message);
      throw error;
    }
  }
}

/**
 * Steps of a graph, whose results that are kept come from the plan's inputs and are checked as they are decoded. What has no form in bytes
 * is made here.
 */
export class GraphRun {
  private readonly scheduler: Scheduler;
  private readonly encoded = new Map<string, Uint8Array>();
  private readonly steps = new Map<string, Step<unknown>>();

  constructor({ inputs, step: wanted, progress }: StepRun) {
    const store: Store = {
      get: async (file) => {
        const name = this.steps.get(file)?.name;
        return name !== undefined && inputs.has(name) ? inputs.bytes(name) : undefined;
      },
      put: async (file, bytes) => void this.encoded.set(file, bytes),
      remove: async () => undefined,
    };
    this.scheduler = new Scheduler(store, {
      onStep: (_, fraction) => progress(fraction),
      onMissing: ({ name, codec }) => {
        if (codec && name !== wanted) throw new BadInput(name, 'it does not verify');
      },
    });
  }

  /** Steps have the names that the plan gives them. */
  add(...steps: Step<unknown>[]): this {
    for (const step of steps) this.steps.set(fileName(step), step);
    return this;
  }

  get<T>(step: Step<T>): Promise<T> {
    return this.scheduler.get(step);
  }

  /** Runs a step. @returns what its codec makes of the result */
  async run(step: Step<unknown>): Promise<Uint8Array> {
    await this.scheduler.get(step);
    await this.scheduler.release(...this.steps.values());
    const bytes = this.encoded.get(fileName(step));
    if (bytes) return bytes;
    throw new AttensorError({
      code: 'INTERNAL',
      what: 'a step of a plan has no form in bytes',
      where: step.name,
    });
  }
}
