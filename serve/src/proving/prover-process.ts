/** The process that proves: `node prover-process.js <settings as JSON>`. Keys are loaded once; then it proves what it is told. */
import { AttensorError, errorJson } from '@attensor/core';
import { InferenceProver, loadModelProver, type ModelProver } from '@attensor/prover';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { FromProver, ProverSettings, ToProver } from './messages.js';
import type { ProofTask } from './runner.js';

// ends this process with the one that started it, also while this thread proves
const watch = new URL(import.meta.resolve('@attensor/core/parent-watch'));
new Worker(watch, { workerData: process.ppid }).unref();

const settings = JSON.parse(process.argv[2]) as ProverSettings;
const tell = (message: FromProver) => process.send?.(message);

async function load(): Promise<ModelProver> {
  const { modelDir, cacheDir } = settings;
  const prover = await loadModelProver(modelDir, { cacheDir });
  const { steps } = await prover.estimate();
  tell({ event: 'planned', steps });
  await prover.prepare();
  // the weights of a model in units are opened unit by unit, in each proof
  if (prover instanceof InferenceProver) await prover.openModel();
  tell({ event: 'ready' });
  return prover;
}

const loading = load();
loading.catch((error: unknown) => {
  tell({ event: 'failed', error: errorJson(error) });
  process.disconnect();
});

const aborts = new Map<string, AbortController>();

async function prove({ id, ...request }: ProofTask): Promise<void> {
  const controller = new AbortController();
  aborts.set(id, controller);
  try {
    const prover = await loading;
    const { file } = await prover.prove(request, {
      signal: controller.signal,
      jobsDir: join(settings.stepsDir, id),
      onProgress: ({ step }) => {
        if (step !== undefined) tell({ event: 'step', id, step });
      },
    });
    tell({ event: 'proved', id, file });
  } catch (error) {
    const cancelled = new AttensorError({ code: 'CANCELLED', what: 'the proof was cancelled' });
    const told = controller.signal.aborted ? cancelled : error;
    tell({ event: 'unproved', id, error: errorJson(told) });
  } finally {
    aborts.delete(id);
  }
}

process.on('message', (message: ToProver) => {
  if (message.call === 'cancel') aborts.get(message.id)?.abort();
  else void prove(message.task);
});
