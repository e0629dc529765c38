/**
 * @module steps
 * A proof as steps: each a function of the steps it reads, named by content, with a form in bytes if it is worth keeping. A scheduler runs
 * what its store does not have, so that an interrupted proof goes on where it stopped.
 */
import type { Store } from './store.js';

/** Bytes of a result. */
export interface Codec<T> {
  encode(value: T): Uint8Array | Promise<Uint8Array>;
  /** @returns undefined for bytes that hold no such result: the step runs then */
  decode(bytes: Uint8Array, context: StepContext): Promise<T | undefined>;
}

export interface Step<T> {
  readonly name: string;
  /** Digest of everything that the result depends on, but for salts that the step draws. */
  readonly key: string;
  /** Steps whose results `run` gets: they are there when it starts. */
  readonly inputs: readonly Step<unknown>[];
  /** Absent for a result that is kept in memory only. */
  readonly codec?: Codec<T>;
  /** One step reads the result: it is released when that step is done. */
  readonly readOnce?: true;
  run(context: StepContext): Promise<T>;
  /** Frees what the result holds outside of JavaScript's memory. */
  dispose?(value: T): void;
}

export interface StepContext {
  readonly signal?: AbortSignal;
  /** The result of a step that this one reads. */
  get<T>(step: Step<T>): Promise<T>;
  /** What is no work of this step: its time does not count. */
  waitFor<T>(other: Promise<T>): Promise<T>;
  /** @param fraction of this step */
  progress: (fraction: number) => void;
}

export interface SchedulerOptions {
  signal?: AbortSignal;
  /** Called when a step starts, and as it goes on. @param fraction of the step */
  onStep?: (step: string, fraction: number) => void;
  /** Called before a step is made that the store has no result of. What it throws, whoever wants the result gets. */
  onMissing?: (step: Step<unknown>) => void;
}

/** Runs steps one after the other in this process. */
export class Scheduler {
  /** Seconds of each step that was run or loaded, without those that it waited for. */
  readonly seconds = new Map<string, number>();
  /** Names of steps that were run. */
  readonly ran = new Set<string>();
  /** Names of steps that were found in the store. */
  readonly loaded = new Set<string>();
  private readonly results = new Map<string, { step: Step<unknown>; value: Promise<unknown> }>();

  constructor(
    private readonly store: Store,
    private readonly options: SchedulerOptions = {},
  ) {}

  /** @throws what the step throws; the signal's reason when cancelled */
  get<T>(step: Step<T>): Promise<T> {
    const id = fileName(step);
    const known = this.results.get(id);
    if (known) return known.value as Promise<T>;
    const value = this.make(step);
    this.results.set(id, { step, value });
    value.catch(() => this.results.delete(id)); // a later call tries again
    return value;
  }

  private async make<T>(step: Step<T>): Promise<T> {
    const { signal, onStep } = this.options;
    signal?.throwIfAborted();
    let waited = 0;
    const waitFor = async <U>(other: Promise<U>): Promise<U> => {
      const start = performance.now();
      try {
        return await other;
      } finally {
        waited += performance.now() - start;
      }
    };
    const context: StepContext = {
      signal,
      get: (other) => waitFor(this.get(other)),
      waitFor,
      progress: (fraction) => onStep?.(step.name, fraction),
    };
    const start = performance.now();
    const value = await this.loadOrRun(step, context);
    this.seconds.set(step.name, (performance.now() - start - waited) / 1000);
    return value;
  }

  private async loadOrRun<T>(step: Step<T>, context: StepContext): Promise<T> {
    const { codec } = step;
    const bytes = codec && (await this.store.get(fileName(step)));
    const stored = bytes && (await codec.decode(bytes, context));
    if (stored !== undefined) {
      this.loaded.add(step.name);
      return stored;
    }
    this.options.onMissing?.(step);
    for (const input of step.inputs) await context.get(input);
    context.signal?.throwIfAborted();
    this.ran.add(step.name);
    context.progress(0);
    const value = await step.run(context);
    await this.release(...step.inputs.filter(({ readOnce }) => readOnce));
    if (codec) await this.store.put(fileName(step), await codec.encode(value));
    return value;
  }

  /** Forgets results in memory, and frees what they hold. */
  async release(...steps: Step<unknown>[]): Promise<void> {
    for (const step of steps) {
      const id = fileName(step);
      const known = this.results.get(id);
      this.results.delete(id);
      if (known) step.dispose?.(await known.value);
    }
  }

  /** Removes the steps' results from the store. */
  async clear(...steps: Step<unknown>[]): Promise<void> {
    for (const step of steps) if (step.codec) await this.store.remove(fileName(step));
  }
}

/** Under which a store keeps a step's result. */
export const fileName = ({ name, key }: Pick<Step<unknown>, 'name' | 'key'>): string =>
  `${name}-${key.slice(0, 32)}`;
