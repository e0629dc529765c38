/** A service for tests: the small model, a runner that does as it is told, and everything that is logged. */
import { AttensorError } from '@attensor/core';
import { inputHash, outputHash } from '@attensor/contracts';
import { importCheckpoint } from '@attensor/inference';
import type { ProofFile } from '@attensor/prover';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  type PlannedStep,
  type ProofRunner,
  type ProofTask,
  RunnerLost,
} from '../proving/runner.js';
import { startService, type Service, type ServiceOptions } from '../service.js';

const CHECKPOINT = fileURLToPath(new URL('../../../models/nano', import.meta.url));
export const MODEL_ROOT = '11';
export const CAPACITY = 16;

/** Imports the small model, with a commitment that nothing is proved for. @returns its folder */
export async function modelIn(dir: string): Promise<string> {
  const modelDir = join(dir, 'nano');
  await importCheckpoint(CHECKPOINT, modelDir);
  const commitment = {
    format: 'attensor-commitment',
    version: await commitmentVersion(),
    modelRoot: MODEL_ROOT,
    vocabularyRoot: '12',
    configHash: '13',
    capacity: CAPACITY,
    logSize: 18,
    logInvRate: 3,
    hashingLogInvRate: 3,
  };
  await writeFile(join(modelDir, 'commitment.json'), JSON.stringify(commitment));
  return modelDir;
}

/** Whatever version this code writes: the one that it asks for when it reads another. */
async function commitmentVersion(): Promise<number> {
  const { readCommitment } = await import('@attensor/prover');
  const path = join(await mkdtemp(join(tmpdir(), 'attensor-version-')), 'commitment.json');
  await writeFile(path, JSON.stringify({ format: 'attensor-commitment', version: -1 }));
  const error = await readCommitment(path).catch((refused: AttensorError) => refused);
  await rm(join(path, '..'), { recursive: true });
  return Number(/\d+/.exec((error as AttensorError).expected ?? '')?.[0]);
}

/** Proves nothing: a task ends as the test says. */
export class FakeRunner implements ProofRunner {
  steps: readonly PlannedStep[] | undefined = [
    { step: 'run', seconds: 2 },
    { step: 'circuit-0', seconds: 18 },
  ];
  notReady: string | undefined;
  readonly started: ProofTask[] = [];
  readonly forgotten: string[] = [];
  private readonly running = new Map<
    string,
    { task: ProofTask; onStep: (step: string) => void; end: (result: ProofFile | Error) => void }
  >();

  start(task: ProofTask, onStep: (step: string) => void): Promise<ProofFile> {
    this.started.push(task);
    return new Promise((resolve, reject) => {
      const end = (result: ProofFile | Error) => {
        this.running.delete(task.id);
        if (result instanceof Error) reject(result);
        else resolve(result);
      };
      this.running.set(task.id, { task, onStep, end });
    });
  }

  cancel(id: string): void {
    this.running.get(id)?.end(new AttensorError({ code: 'CANCELLED', what: 'cancelled' }));
  }

  forget(id: string): Promise<void> {
    this.forgotten.push(id);
    return Promise.resolve();
  }

  close(): Promise<void> {
    for (const { end } of this.running.values()) end(new RunnerLost('closed'));
    return Promise.resolve();
  }

  /** Resolves when the task has begun. */
  async begun(id: string): Promise<void> {
    while (!this.running.has(id)) await pause(5);
  }

  step(id: string, step: string): void {
    this.running.get(id)?.onStep(step);
  }

  /** @param change what the proof is about, where it is not what was asked */
  async prove(id: string, change: Partial<ProofFile['statement']> = {}): Promise<void> {
    await this.begun(id);
    const running = this.running.get(id);
    const { promptIds, outputIds } = running?.task ?? { promptIds: [], outputIds: [] };
    const statement = {
      modelRoot: MODEL_ROOT,
      vocabularyRoot: '12',
      inputHash: inputHash(promptIds).toString(),
      outputHash: outputHash(outputIds).toString(),
      ...change,
    };
    running?.end({ format: 'attensor-proof', version: 1, statement } as ProofFile);
  }

  async fail(id: string, error: Error): Promise<void> {
    await this.begun(id);
    this.running.get(id)?.end(error);
  }
}

export interface TestService extends Service {
  runner: FakeRunner;
  /** what was logged */
  log: () => string;
}

export async function testService(
  modelDir: string,
  dataDir: string,
  options: Partial<Omit<ServiceOptions, 'runner' | 'limits'>> & {
    limits?: Partial<ServiceOptions['limits']>;
  } = {},
): Promise<TestService> {
  const runner = new FakeRunner();
  const lines: string[] = [];
  const service = await startService({
    modelDir,
    dataDir,
    host: '127.0.0.1',
    port: 0,
    proofs: true,
    logPrompts: false,
    logTo: { write: (line) => void lines.push(line) },
    ...options,
    runner,
    limits: {
      parallel: 1,
      waiting: 8,
      seconds: 30,
      bodyBytes: 65_536,
      perMinute: 1000,
      requestSeconds: 10,
      connections: 100,
      unfinished: 10,
      unfinishedOfClient: 5,
      days: 30,
      ...options.limits,
    },
  });
  return { ...service, runner, log: () => lines.join('') };
}
