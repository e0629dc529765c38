/** What `prove`, `keys` and `demo` share: a loaded prover, and proofs of answers. */
import { AttensorError } from '@attensor/core';
import { answer, type OpenModel } from '@attensor/inference';
import type { ModelProver, ProofFile, ProveRequest } from '@attensor/prover';
import { stat } from 'node:fs/promises';
import type { Context } from './command.js';
import { writeAtomic } from '@attensor/core/files';
import { promptIdsOf, type Prompt } from './model.js';

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
  /** of the first answer; null for a model without a tokenizer */
  text: string | null;
  /** of all answers, where they are several */
  texts?: (string | null)[];
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

export interface ProvedAnswers extends ProveReport {
  file: ProofFile;
  /** of keys that were loaded on the way */
  keySeconds: number;
  /** of processes that proved for these; 0 if there were none */
  childPeakBytes: number;
}

/** What the prover is asked. @throws USAGE for texts of a prompt that was given as token ids */
function requestOf(
  { prompt, promptIds, outputIds, text }: AnswerToProve,
  reveal: boolean,
): ProveRequest {
  if (!reveal) return { promptIds, outputIds };
  if (prompt === undefined || text === undefined)
    throw new AttensorError({
      code: 'USAGE',
      what: '--reveal writes texts into the proof file, and the prompt was given as token ids',
      hint: 'Give the prompt as text, or tell the token ids another way: verify compares --prompt-tokens and --output-tokens',
    });
  return { promptIds, outputIds, text: { prompt, output: text, promptIds, outputIds } };
}

/**
 * As many requests as a batch has: the last one is repeated where there are fewer. A proof of a request twice says no more than a proof
 * of it once, and needs no request that stands for none.
 */
export const filled = <T>(requests: readonly T[], batch: number): T[] =>
  Array.from({ length: batch }, (_, r) => requests[Math.min(r, requests.length - 1)]);

/**
 * Proves answers, one or as many as a batch holds at most, and writes the proof file.
 *
 * @throws USAGE for more, and for texts of a prompt that was given as token ids
 */
export async function proveAnswers(
  prover: ModelProver,
  answers: readonly AnswerToProve[],
  { out, reveal }: { out: string; reveal: boolean },
  { output, signal }: Context,
): Promise<ProvedAnswers> {
  const { batch = 1 } = prover.commitment;
  requireRoom(answers.length, batch);
  const requests = filled(
    answers.map((each) => requestOf(each, reveal)),
    batch,
  );
  const repeated = batch - answers.length;
  if (repeated > 0)
    output.log(`prove: ${repeated} of the batch's ${batch} places repeat the last request`);
  const bar = output.progress('prove');
  try {
    const { file, ...figures } = await prover.prove(requests, {
      signal,
      onProgress: ({ fraction, message }) => bar.update(fraction, message),
    });
    await writeAtomic(out, `${JSON.stringify(file)}\n`);
    const { size: proofBytes } = await stat(out);
    const { pickles, rows, nativeSeconds, keySeconds, picklesSeconds, proveSeconds, resumed } =
      figures;
    return {
      statement: file.statement,
      text: answers[0].text ?? null,
      ...(answers.length > 1 && { texts: answers.map(({ text }) => text ?? null) }),
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

/** @throws USAGE for more requests than a proof of the committed model has */
export function requireRoom(requests: number, batch: number): void {
  if (requests > batch)
    throw new AttensorError({
      code: 'USAGE',
      what: 'there are more requests than a proof of this model has',
      expected: `at most ${batch}`,
      got: String(requests),
      hint: 'Commit the model for more (attensor model commit --batch), or prove the requests one by one (attensor prove --batch)',
    });
}

export function peakRssBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}
