/**
 * @module prover
 * Proves a unit on this machine: plans its circuits, commits its weights, and runs the steps of its proofs.
 */
import { defaultCacheDir } from '@attensor/core/files';
import { entryFiles, keyCache, keyFolder } from '@attensor/core/o1js';
import { engine as nativeEngine } from '@attensor/native';
import { getBackendPreference, setBackend, type JsonProof, type VerificationKey } from 'o1js';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { circuitsOf, type Circuits } from './circuits/program.js';
import {
  commitWeights,
  type CommitWeightsOptions,
  type CommittedWeights,
} from './commitment/weights.js';
import {
  circuitSteps,
  nativeSteps,
  replay,
  type Engines,
  type Transcript,
  type Weights,
} from './proof-steps.js';
import type { Session } from './protocol/session.js';
import { cheapestScript, planned, type PlannedScript, type Rates } from './rates.js';
import { PART_LOG, Script } from './script.js';
import { Scheduler } from './steps.js';
import { FileStore, NO_STORE, type Store } from './store.js';
import type { Tensors } from './units/tensors.js';
import type { RunnableUnit } from './units/unit.js';

export type Stage =
  'compile' | 'weights' | 'run' | 'witness' | 'commit' | 'messages' | 'circuit' | 'done';

export interface Progress {
  stage: Stage;
  /** 0 .. 1 within the whole request */
  fraction: number;
  message: string;
}

export interface ProveOptions {
  onProgress?: (p: Progress) => void;
  signal?: AbortSignal;
}

export interface PlanOptions {
  /** Proving keys (about 0.5 GB for each circuit) and unfinished proofs. Default: ATTENSOR_CACHE or ~/.cache/attensor. */
  cacheDir?: string;
  /** log2 of the entries that parameters are committed by, where they are more */
  partLog?: number;
  /** The default are those whose proof takes least time. */
  rates?: Rates;
  engines?: Engines;
}

/** What the native part takes, in seconds: exact run, witness, its commitment, and all other messages. */
export interface NativeStages {
  run: number;
  witness: number;
  commit: number;
  messages: number;
}

/** The native part of a proof. */
export interface NativeProof extends Transcript {
  outputs: Tensors;
  stages: NativeStages;
}

export interface ProofResult {
  proof: JsonProof;
  /** fields, in the order of the unit's statement */
  statement: bigint[];
  outputs: Tensors;
  stages: NativeStages;
  nativeSeconds: number;
  /** of compiling circuits or loading their keys, if that was still to do */
  keySeconds: number;
  picklesSeconds: number;
  /** native and circuits */
  totalSeconds: number;
  /** all but the keys: wall time, weights that were opened on the way included */
  proveSeconds: number;
  /** Pickles proofs made, those of an interrupted run not counted */
  pickles: number;
  /** went on from what an interrupted run had left */
  resumed: boolean;
}

const seconds = (since: number): number => (performance.now() - since) / 1000;

/** Must come before anything else of o1js; a process that already runs on another backend keeps it, only slower. */
export function useNativeBackend(): void {
  if (getBackendPreference() !== 'native') setBackend('native');
}

interface Plan<Statement> {
  script: Script;
  circuits: Circuits<Statement>;
}

function planOf<Request, Source, Statement>(
  unit: RunnableUnit<Request, Source, Statement>,
  { script, tape, segments }: PlannedScript,
): Plan<Statement> {
  const ends = segments.map((s) => s.end);
  const name = unit.programName(script.numbers, ends);
  const { type, joined } = unit.statement;
  return { script, circuits: circuitsOf({ name, type, tape, segments, verifiesOne: joined }) };
}

/** How much of a request is done when a stage begins, and what it is called. */
const STAGES: Record<'run' | 'witness' | 'commit' | 'messages', [number, string]> = {
  run: [0, 'exact run'],
  witness: [0.03, 'witness'],
  commit: [0.05, 'committing the witness'],
  messages: [0.2, 'sumchecks, lookups and openings'],
};
const CIRCUITS_START = 0.4;

export class UnitProver<Request, Source, Statement> {
  private compiled: Promise<VerificationKey> | undefined;
  private readonly cacheEntries = new Set<string>();

  private constructor(
    readonly unit: RunnableUnit<Request, Source, Statement>,
    readonly script: Script,
    readonly circuits: Circuits<Statement>,
    readonly cacheDir: string,
    readonly engines: Engines,
  ) {}

  /** Plans circuits, and the rate unless it is given. @throws UNSUPPORTED_CONFIG when circuits do not hold the unit */
  static async plan<Request, Source, Statement>(
    unit: RunnableUnit<Request, Source, Statement>,
    options: PlanOptions = {},
  ): Promise<UnitProver<Request, Source, Statement>> {
    useNativeBackend();
    const { partLog = PART_LOG, rates, cacheDir = defaultCacheDir() } = options;
    const engines = options.engines ?? { prover: nativeEngine, model: 'native' };
    const { script, circuits } = planOf(
      unit,
      rates
        ? await planned(new Script(unit, { ...rates, partLog }))
        : await cheapestScript(unit, partLog),
    );
    return new UnitProver(unit, script, circuits, cacheDir, engines);
  }

  get rows(): number[] {
    return this.circuits.segments.map((s) => s.rows);
  }

  /** Compiles the circuits, or loads them from the key cache. */
  async compile({ onProgress }: Pick<ProveOptions, 'onProgress'> = {}): Promise<{
    verificationKey: VerificationKey;
    verifierKeyHash: string;
    seconds: number;
  }> {
    const start = performance.now();
    this.compiled ??= this.compileOnce(onProgress).catch((error: unknown) => {
      this.compiled = undefined; // a later call tries again
      throw error;
    });
    const verificationKey = await this.compiled;
    const verifierKeyHash = verificationKey.hash.toString();
    return { verificationKey, verifierKeyHash, seconds: seconds(start) };
  }

  private async compileOnce(onProgress: ProveOptions['onProgress']): Promise<VerificationKey> {
    onProgress?.({
      stage: 'compile',
      fraction: 0,
      message: 'compiling circuits, or loading their keys',
    });
    await mkdir(keyFolder(this.cacheDir), { recursive: true });
    const cache = keyCache(this.cacheDir, (name) => this.cacheEntries.add(name));
    return (await this.circuits.program.compile({ cache })).verificationKey;
  }

  /** Files of the compiled circuits' keys, in the folder of keys. */
  get keyFiles(): string[] {
    return [...this.cacheEntries].flatMap(entryFiles);
  }

  commitWeights(
    source: Source,
    options: Omit<CommitWeightsOptions, 'onProgress'> & Pick<ProveOptions, 'onProgress'> = {},
  ): Promise<CommittedWeights<Source>> {
    const { onProgress, ...rest } = options;
    return commitWeights(this.engines.prover, this.script, this.unit, source, {
      ...rest,
      onProgress: (fraction) =>
        onProgress?.({ stage: 'weights', fraction, message: 'committing the weights' }),
    });
  }

  /** The native part: run, witness, its commitment, all messages. */
  async messages(
    request: Request,
    weights: CommittedWeights<Source>,
    options: ProveOptions = {},
  ): Promise<NativeProof> {
    return this.native(this.schedule(NO_STORE, options), request, opened(weights));
  }

  private schedule(store: Store, { signal, onProgress }: ProveOptions): Scheduler {
    const names = Object.keys(STAGES) as (keyof typeof STAGES)[];
    const count = this.circuits.segments.length;
    return new Scheduler(store, {
      signal,
      onStep: (step, fraction) => {
        const k = names.findIndex((name) => name === step);
        if (k >= 0) {
          const [start, message] = STAGES[names[k]];
          const end = k + 1 < names.length ? STAGES[names[k + 1]][0] : CIRCUITS_START;
          onProgress?.({
            stage: names[k],
            fraction: start + fraction * (end - start),
            message,
          });
        } else {
          const index = Number(step.slice(step.indexOf('-') + 1));
          onProgress?.({
            stage: 'circuit',
            fraction: CIRCUITS_START + ((1 - CIRCUITS_START) * index) / count,
            message: `proof ${index + 1} of ${count}`,
          });
        }
      },
    });
  }

  private async native(
    scheduler: Scheduler,
    request: Request,
    weights: Weights<Source>,
  ): Promise<NativeProof & { steps: ReturnType<typeof nativeSteps> }> {
    const steps = nativeSteps(this.engines, this.unit, this.script, request, weights);
    const transcript = await scheduler.get(steps.messages);
    const outputs = this.unit.results?.(await scheduler.get(steps.run)) ?? {};
    await scheduler.release(steps.commit, steps.run);
    const took = (name: keyof NativeStages): number => scheduler.seconds.get(name) ?? 0;
    const stages = {
      run: took('run'),
      witness: took('witness'),
      commit: took('commit'),
      messages: took('messages'),
    };
    return { ...transcript, outputs, stages, steps };
  }

  /**
   * Proves a request, or goes on with it where an interrupted run stopped.
   *
   * @param weights committed, or a root with a way to open it when it is needed
   */
  async prove(
    request: Request,
    weights: CommittedWeights<Source> | Weights<Source>,
    options: ProveOptions & { store?: Store } = {},
  ): Promise<ProofResult> {
    const { onProgress, store = new FileStore(join(this.cacheDir, 'jobs')) } = options;
    const start = performance.now();
    const scheduler = this.schedule(store, options);
    const native = await this.native(
      scheduler,
      request,
      'open' in weights ? weights : opened(weights),
    );
    const { statement, session, outputs, stages, steps } = native;
    // Not before: compiled circuits fill the heap, and every large vector would have it collected.
    const key = this.compiled ? undefined : await this.compile(options);
    const { verifierKeyHash } = await this.compile();
    const picklesStart = performance.now();
    const circuits = circuitSteps(
      this.circuits,
      this.unit.statement.type,
      verifierKeyHash,
      steps.messages,
      { statement, session },
    );
    const proof = await scheduler.get(circuits[circuits.length - 1]);
    const { type } = this.unit.statement;
    const proved = type.toFields(proof.publicInput).map((field) => field.toBigInt());
    if (proved.some((field, i) => field !== statement[i]))
      throw new Error('prover: the proof is about another statement than its messages');
    const picklesSeconds = seconds(picklesStart);
    await scheduler.clear(...circuits, steps.messages);
    onProgress?.({ stage: 'done', fraction: 1, message: 'proved' });
    const keySeconds = key?.seconds ?? 0;
    const nativeSeconds = Object.values(stages).reduce((a, b) => a + b, 0);
    return {
      proof: proof.toJSON(),
      statement,
      outputs,
      stages,
      nativeSeconds,
      keySeconds,
      picklesSeconds,
      totalSeconds: nativeSeconds + picklesSeconds,
      proveSeconds: seconds(start) - keySeconds,
      pickles: circuits.filter(({ name }) => scheduler.ran.has(name)).length,
      resumed: scheduler.loaded.size > 0,
    };
  }

  /** The plain verifier over recorded messages. @throws VerificationError */
  replay(statement: bigint[], messages: bigint[]): Promise<Session> {
    return replay(this.script, (s) => this.engines.prover.permute(s), statement, messages);
  }
}

const opened = <Source>(weights: CommittedWeights<Source>): Weights<Source> => ({
  root: weights.root,
  open: () => Promise.resolve(weights),
});
