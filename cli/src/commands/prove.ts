import type { ModelProver } from '@attensor/prover';
import { Option, type Command } from 'commander';
import { z } from 'zod';
import {
  computing,
  positiveInteger,
  tokenList,
  works,
  type Context,
  type Done,
  type Session,
} from '../command.js';
import { AttensorError } from '@attensor/core';
import { readTextFile, requireWritable } from '@attensor/core/files';
import { artifactsOption, openQueue, queueOption, type QueueOptions } from '../queue.js';
import { openModel, shownAnswer, type Prompt } from '../model.js';
import { writeMessages } from '../messages-file.js';
import { describeEstimate } from './prove-component.js';
import {
  answerToProve,
  loadProver,
  peakRssBytes,
  prepareKeys,
  proveAnswer,
  type AnswerProver,
  type ProveReport,
} from '../proving.js';

interface Options extends Prompt, QueueOptions {
  maxTokens?: number;
  out?: string;
  batch?: string;
  reveal?: boolean;
  cache?: string;
  dryRun?: boolean;
  messages?: string;
}

const MAX_BATCH_BYTES = 16 << 20;

const requestSchema = z.strictObject({
  prompt: z.string().optional(),
  promptTokens: z.array(z.number().int().nonnegative()).min(1).optional(),
  maxTokens: z.number().int().positive(),
  out: z.string().min(1),
});
type Request = z.infer<typeof requestSchema>;

export function proveCommand(session: Session): Command {
  return computing('prove', 'Answer a prompt and prove that the committed model gives this answer')
    .argument('<model-dir>', 'committed model')
    .option('--prompt <text>', 'text to continue')
    .option('--prompt-tokens <ids>', 'the same as token ids: 510,12,7', tokenList)
    .option('--max-tokens <n>', 'tokens to generate', positiveInteger)
    .option('--out <file>', 'proof file to write')
    .option(
      '--batch <file>',
      'file with one {"prompt" or "promptTokens", "maxTokens", "out"} per line; keys are loaded once',
    )
    .option(
      '--dry-run',
      'predict the steps of a proof with their time, memory and disk; prove nothing',
    )
    .addOption(
      new Option(
        '--messages <file>',
        'make all messages and no circuits, and write them with the statement, as spec/verify.py reads them; they are not private',
      ).conflicts(['out', 'batch', 'reveal', 'dryRun', 'queue', 'artifacts']),
    )
    .option('--reveal', 'write prompt and output into the proof file (they are private otherwise)')
    .option(
      '--cache <dir>',
      'where keys and unfinished proofs are kept (default: $ATTENSOR_CACHE or ~/.cache/attensor)',
    )
    .addOption(queueOption())
    .addOption(artifactsOption())
    .addHelpText(
      'after',
      `
With --queue, workers prove, and this command waits; started again, it finds what they have done.
An interrupted run resumes where it stopped if you start it again.
JSON: {statement, text, pickles, rows, keySeconds, nativeSeconds, picklesSeconds, proveSeconds,
totalSeconds, peakRssBytes, proofBytes, resumed}; with --batch {proofs: [...], keySeconds,
totalSeconds, peakRssBytes}; text is null for a model without a tokenizer; with --dry-run {steps: [{step, seconds}], circuits, rows, seconds,
nativeSeconds, picklesSeconds, weightsSeconds, peakBytes, diskBytes}; with --messages {statement, text, messages, stages: {run, witness, commit, messages}}.`,
    )
    .action(
      works<Options>(session, async (context, options, dir) => {
        if (options.dryRun === true) return await predict(dir, options);
        if (options.messages !== undefined)
          return await exportMessages(dir, options.messages, options, context);
        const requests = await requestsOf(options);
        for (const { out } of requests) await requireWritable(out);
        return await proveAll(dir, requests, options, context);
      }),
    );
}

async function proveAll(
  dir: string,
  requests: Request[],
  { batch, reveal = false, cache, ...options }: Options,
  context: Context,
): Promise<Done> {
  const queue = await openQueue(options, context.output);
  const opened = await openModel(dir);
  const prover = await loadProver(dir, cache);
  const { capacity } = prover.commitment;
  const answers = [];
  for (const request of requests) {
    answers.push({ ...request, ...(await answerToProve(opened, request, capacity, context)) });
  }

  let { seconds: keySeconds } = queue ? { seconds: 0 } : await prepareKeys(prover, context);
  let childPeak = 0;
  const proving = queue ? await onQueue(queue, prover) : prover;
  const proofs: (ProveReport & { out: string })[] = [];
  const shown: string[] = [];
  for (const [i, request] of answers.entries()) {
    if (batch !== undefined) context.output.log(`prove: ${i + 1} of ${answers.length}`);
    const proved = await proveAnswer(proving, { ...request, reveal }, context);
    const { file: _, keySeconds: later, childPeakBytes, ...report } = proved;
    keySeconds += later;
    childPeak = Math.max(childPeak, childPeakBytes);
    proofs.push({ ...report, out: request.out });
    shown.push(shownAnswer(request));
  }

  await queue?.server.close();
  const common = {
    keySeconds,
    totalSeconds: performance.now() / 1000,
    peakRssBytes: Math.max(peakRssBytes(), childPeak),
  };
  const text = proofs.map((proof, i) =>
    [
      shown[i],
      `${proof.out}: ${proof.proofBytes} bytes, ${proof.pickles} proofs in ${proof.proveSeconds.toFixed(1)} s${proof.resumed ? ' (resumed)' : ''}`,
    ].join('\n'),
  );
  return {
    json: batch === undefined ? { ...proofs[0], ...common } : { proofs, ...common },
    text: text.join('\n'),
  };
}

/** Everything but the circuits, for whoever checks messages on their own. */
async function exportMessages(
  dir: string,
  path: string,
  { maxTokens, cache, ...prompt }: Options,
  context: Context,
): Promise<Done> {
  if ((prompt.prompt ?? prompt.promptTokens) === undefined || maxTokens === undefined) {
    throw new AttensorError({
      code: 'USAGE',
      what: '--messages needs --prompt or --prompt-tokens, and --max-tokens',
      hint: 'See attensor prove --help',
    });
  }
  await requireWritable(path);
  const opened = await openModel(dir);
  const { InferenceProver } = await import('@attensor/prover');
  const loaded = await loadProver(dir, cache);
  if (!(loaded instanceof InferenceProver)) {
    throw new AttensorError({
      code: 'UNSUPPORTED_CONFIG',
      what: 'the model was committed in units, and --messages exports those of a model in one',
      where: dir,
      hint: 'Commit a model that fits one unit',
    });
  }
  const { model, prover, unit } = loaded;
  const { capacity } = loaded.commitment;
  const answer = await answerToProve(opened, { ...prompt, maxTokens }, capacity, context);
  const bar = context.output.progress('messages');
  try {
    const proof = await loaded.messages(answer, {
      signal: context.signal,
      onProgress: ({ fraction, message }) => bar.update(fraction, message),
    });
    const of = { kind: 'model', config: model.config, capacity } as const;
    await writeMessages(path, of, prover.script, unit.statement.names, proof);
    const count = proof.session.messages.length;
    return {
      json: {
        statement: Object.fromEntries(
          unit.statement.names.map((name, i) => [name, String(proof.statement[i])]),
        ),
        text: answer.text ?? null,
        messages: count,
        stages: proof.stages,
      },
      text: [shownAnswer(answer), `${path}: ${count} messages`].join('\n'),
    };
  } finally {
    bar.close();
  }
}

type Queue = NonNullable<Awaited<ReturnType<typeof openQueue>>>;

/** By the workers of a queue. @throws UNSUPPORTED_CONFIG for a model in several units */
async function onQueue({ server, store }: Queue, prover: ModelProver): Promise<AnswerProver> {
  const { InferenceProver } = await import('@attensor/prover');
  const { proveOnQueue } = await import('@attensor/queue');
  if (!(prover instanceof InferenceProver))
    throw new AttensorError({
      code: 'UNSUPPORTED_CONFIG',
      what: 'a model in several units is not proved on a queue yet',
      hint: 'Leave out --queue, or commit the model as one unit',
    });
  return {
    prove: async (request, { signal, onProgress }) => {
      const proved = await proveOnQueue(server, store, prover, request, {
        signal,
        onProgress: (fraction, message) => onProgress?.({ stage: 'circuit', fraction, message }),
      });
      const { seconds, workers: _, ...figures } = proved;
      return {
        ...figures,
        rows: prover.rows,
        keySeconds: 0,
        proveSeconds: seconds,
        resumed: false,
      };
    },
  };
}

/** Every proof of a committed model takes the same steps, whatever is asked. */
async function predict(dir: string, { cache }: Options): Promise<Done> {
  const prover = await loadProver(dir, cache);
  const predicted = await prover.estimate();
  return { json: predicted, text: describeEstimate(predicted) };
}

async function requestsOf(options: Options): Promise<Request[]> {
  const { batch, prompt, promptTokens, maxTokens, out } = options;
  const asked = prompt ?? promptTokens;
  if (batch === undefined) {
    if (asked === undefined || maxTokens === undefined || out === undefined) {
      throw new AttensorError({
        code: 'USAGE',
        what: 'prove needs --prompt or --prompt-tokens, --max-tokens and --out, or --batch',
        hint: 'See attensor prove --help',
      });
    }
    return [{ prompt, promptTokens, maxTokens, out }];
  }
  if (asked !== undefined || maxTokens !== undefined || out !== undefined) {
    throw new AttensorError({
      code: 'USAGE',
      what: '--batch replaces --prompt, --prompt-tokens, --max-tokens and --out',
      hint: 'Put them into the lines of the batch file',
    });
  }
  const lines = (await readTextFile(batch, MAX_BATCH_BYTES)).split('\n');
  const requests = lines.flatMap((line, i) =>
    line.trim() === '' ? [] : [parseRequest(line, `${batch}, line ${i + 1}`)],
  );
  if (requests.length === 0) {
    throw new AttensorError({
      code: 'BAD_FILE',
      what: 'the batch holds no requests',
      where: batch,
    });
  }
  return requests;
}

function parseRequest(line: string, where: string): Request {
  const expected = 'a JSON object {"prompt": text, "maxTokens": number, "out": file}';
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new AttensorError({ code: 'BAD_FILE', what: 'the line is not JSON', where, expected });
  }
  const parsed = requestSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const what = `${issue.path.join('.') || 'request'}: ${issue.message}`;
    throw new AttensorError({ code: 'BAD_FILE', what, where, expected });
  }
  return parsed.data;
}
