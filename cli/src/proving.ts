/** What `prove`, `keys` and `demo` share: a loaded prover, and proofs of answers. */
import { AttensorError } from '@attensor/core';
import type { InferenceProver, ProofFile } from '@attensor/prover';
import { stat } from 'node:fs/promises';
import type { Context } from './command.js';
import { writeAtomic } from '@attensor/core/files';
import { answer, type OpenModel } from './model.js';

export interface AnswerToProve {
  prompt: string;
  promptIds: number[];
  outputIds: number[];
  text: string;
}

/** One proof's figures, as `prove --json` prints them. Seconds are wall time. */
export interface ProveReport {
  statement: ProofFile['statement'];
  text: string;
  /** Recursive proofs made; less than all if an interrupted run was resumed. */
  pickles: number;
  /** Constraint rows of each segment. */
  rows: number[];
  nativeSeconds: number;
  picklesSeconds: number;
  /** Everything after the keys are loaded. */
  proveSeconds: number;
  proofBytes: number;
  resumed: boolean;
}

export async function loadProver(modelDir: string, cacheDir?: string): Promise<InferenceProver> {
  const { InferenceProver } = await import('@attensor/prover');
  return await InferenceProver.load(modelDir, { cacheDir });
}

export async function compileKeys(
  prover: InferenceProver,
  { output }: Context,
): Promise<{ verifierKeyHash: string; seconds: number }> {
  const bar = output.progress('keys');
  try {
    const { verifierKeyHash, seconds } = await prover.compile({
      onProgress: ({ fraction, message }) => bar.update(fraction, message),
    });
    return { verifierKeyHash, seconds };
  } finally {
    bar.close();
  }
}

/**
 * Generates what is to be proved, and finds out whether the circuits hold it: before the keys are
 * loaded, which takes a while.
 */
export async function answerToProve(
  opened: OpenModel,
  request: { prompt: string; maxTokens: number },
  capacity: number,
  { signal }: Context,
): Promise<AnswerToProve> {
  const { prompt, maxTokens } = request;
  const promptIds = opened.tokenizer.encodePrompt(prompt);
  const total = promptIds.length + maxTokens;
  if (total > capacity) {
    throw new AttensorError({
      code: 'TOO_LONG',
      what: 'prompt and output exceed the capacity of the committed circuits',
      where: JSON.stringify(prompt),
      expected: `at most ${capacity} tokens`,
      got: `${promptIds.length} of prompt + ${maxTokens} of output`,
      hint: 'Shorten the prompt, ask for fewer tokens, or commit the model with a larger --capacity',
    });
  }
  return { prompt, ...(await answer(opened, promptIds, { maxTokens, signal })) };
}

/** Proves an answer and writes the proof file. */
export async function proveAnswer(
  prover: InferenceProver,
  request: AnswerToProve & { out: string; reveal: boolean },
  { output, signal }: Context,
): Promise<ProveReport & { file: ProofFile }> {
  const { prompt, promptIds, outputIds, text, out, reveal } = request;
  const bar = output.progress('prove');
  try {
    const { file, ...figures } = await prover.prove(
      {
        promptIds,
        outputIds,
        ...(reveal && { text: { prompt, output: text, promptIds, outputIds } }),
      },
      { signal, onProgress: ({ fraction, message }) => bar.update(fraction, message) },
    );
    await writeAtomic(out, `${JSON.stringify(file)}\n`);
    const { size: proofBytes } = await stat(out);
    const { pickles, rows, nativeSeconds, picklesSeconds, proveSeconds, resumed } = figures;
    return {
      statement: file.statement,
      text,
      pickles,
      rows,
      nativeSeconds,
      picklesSeconds,
      proveSeconds,
      proofBytes,
      resumed,
      file,
    };
  } finally {
    bar.close();
  }
}

export function peakRssBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}
