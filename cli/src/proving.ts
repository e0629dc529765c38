/** What `prove`, `keys` and `demo` share: a loaded prover, and proofs of answers. */
import { AttensorError } from '@attensor/core';
import type {
  ModelProver,
  ProofFile,
  ProveOptions,
  ProveRequest,
  ProveResult,
} from '@attensor/prover';
import { stat } from 'node:fs/promises';
import type { Context } from './command.js';
import { writeAtomic } from '@attensor/core/files';
import { answer, promptIdsOf, type OpenModel, type Prompt } from './model.js';

export interface AnswerToProve {
  /** The prompt as text, where it was given so. */
  prompt?: string;
  promptIds: number[];
  outputIds: number[];
  /** Absent for a model without a tokenizer. */
  text?: string;
}

/** One proof's figures, as `prove --json` prints them. Seconds are wall time. */
export interface ProveReport {
  statement: ProofFile['statement'];
  /** null for a model without a tokenizer */
  text: string | null;
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

export async function loadProver(modelDir: string, cacheDir?: string): Promise<ModelProver> {
  const { loadModelProver } = await import('@attensor/prover');
  return await loadModelProver(modelDir, { cacheDir });
}

export async function compileKeys(
  prover: ModelProver,
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

/** Loads what should be in memory before the first request: the keys of a model that is one unit. */
export async function prepareKeys(
  prover: ModelProver,
  { output }: Context,
): Promise<{ seconds: number }> {
  const bar = output.progress('keys');
  try {
    return await prover.prepare({
      onProgress: ({ fraction, message }) => bar.update(fraction, message),
    });
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
  request: Prompt & { maxTokens: number },
  capacity: number,
  { signal }: Context,
): Promise<AnswerToProve> {
  const { prompt, maxTokens } = request;
  const promptIds = promptIdsOf(opened, request);
  const total = promptIds.length + maxTokens;
  if (total > capacity) {
    throw new AttensorError({
      code: 'TOO_LONG',
      what: 'prompt and output exceed the capacity of the committed circuits',
      where: prompt === undefined ? 'a prompt of token ids' : JSON.stringify(prompt),
      expected: `at most ${capacity} tokens`,
      got: `${promptIds.length} of prompt + ${maxTokens} of output`,
      hint: 'Shorten the prompt, ask for fewer tokens, or commit the model with a larger --capacity',
    });
  }
  return { prompt, ...(await answer(opened, promptIds, { maxTokens, signal })) };
}

/** What proves answers: this machine, or those of a queue. */
export interface AnswerProver {
  prove(
    request: ProveRequest,
    options: ProveOptions,
  ): Promise<
    Omit<ProvedAnswer, 'statement' | 'text' | 'proofBytes' | 'childPeakBytes'> &
      Pick<ProveResult, 'childPeakBytes'>
  >;
}

export interface ProvedAnswer extends ProveReport {
  file: ProofFile;
  /** of keys that were loaded on the way */
  keySeconds: number;
  /** of processes that proved for this one; 0 if there were none */
  childPeakBytes: number;
}

/** Proves an answer and writes the proof file. @throws USAGE for texts of a prompt that was given as token ids */
export async function proveAnswer(
  prover: AnswerProver,
  request: AnswerToProve & { out: string; reveal: boolean },
  { output, signal }: Context,
): Promise<ProvedAnswer> {
  const { prompt, promptIds, outputIds, text, out, reveal } = request;
  if (reveal && (prompt === undefined || text === undefined))
    throw new AttensorError({
      code: 'USAGE',
      what: '--reveal writes texts into the proof file, and the prompt was given as token ids',
      hint: 'Give the prompt as text, or tell the token ids another way: verify compares --prompt-tokens and --output-tokens',
    });
  const bar = output.progress('prove');
  try {
    const { file, ...figures } = await prover.prove(
      {
        promptIds,
        outputIds,
        ...(reveal &&
          prompt !== undefined &&
          text !== undefined && { text: { prompt, output: text, promptIds, outputIds } }),
      },
      { signal, onProgress: ({ fraction, message }) => bar.update(fraction, message) },
    );
    await writeAtomic(out, `${JSON.stringify(file)}\n`);
    const { size: proofBytes } = await stat(out);
    const { pickles, rows, nativeSeconds, keySeconds, picklesSeconds, proveSeconds, resumed } =
      figures;
    return {
      statement: file.statement,
      text: text ?? null,
      pickles,
      rows,
      nativeSeconds,
      keySeconds,
      picklesSeconds,
      proveSeconds,
      proofBytes,
      resumed,
      file,
      childPeakBytes: figures.childPeakBytes ?? 0,
    };
  } finally {
    bar.close();
  }
}

export function peakRssBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}
