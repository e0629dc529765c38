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
import { openModel } from '@attensor/inference';
import { shownAnswer, type Prompt } from '../model.js';
import { writeMessages } from '../messages-file.js';
import { describeEstimate } from './prove-component.js';
import {
  answerToProve,
  loadProver,
  peakRssBytes,
  prepareKeys,
  proveAnswers,
  requireRoom,
  type AnswerToProve,
  type ProveReport,
} from '../proving.js';

interface Options extends Prompt {
  maxTokens?: number;
  out?: string;
  batch?: string;
  prompts?: string;
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
});
type Request = z.infer<typeof requestSchema>;

/** What one proof is about. */
interface Job {
  requests: Request[];
  out: string;
}

export function proveCommand(session: Session): Command {
  return computing('prove', 'Answer a prompt and prove that the committed model gives this answer')
    .argument('<model-dir>', 'committed model')
    .option('--prompt <text>', 'text to continue')
    .option('--prompt-tokens <ids>', 'the same as token ids: 510,12,7', tokenList)
    .option('--max-tokens <n>', 'tokens to generate', positiveInteger)
    .option('--out <file>', 'proof file to write')
    .option(
      '--batch <file>',
      'file with one {"prompt" or "promptTokens", "maxTokens", "out"} per line, each with a proof of its own; keys are loaded once',
    )
    .option(
      '--prompts <file>',
      'file with one {"prompt" or "promptTokens", "maxTokens"} per line: one proof of them all, for a model committed with --batch',
    )
    .option(
      '--dry-run',
      'predict the steps of a proof with their time, memory and disk; prove nothing',
    )
    .addOption(
      new Option(
        '--messages <file>',
        'make all messages and no circuits, and write them with the statement, as spec/verify.py reads them; they are not private',
      ).conflicts(['out', 'batch', 'reveal', 'dryRun']),
    )
    .option('--reveal', 'write prompt and output into the proof file (they are private otherwise)')
    .option(
      '--cache <dir>',
      'where keys and unfinished proofs are kept (default: $ATTENSOR_CACHE or ~/.cache/attensor)',
    )
    .addHelpText(
      'after',
      `
An interrupted run resumes where it stopped if you start it again.
JSON: {statement, text, pickles, rows, keySeconds, nativeSeconds, picklesSeconds, proveSeconds,
totalSeconds, peakRssBytes, proofBytes, resumed}; with --batch {proofs: [...], keySeconds,
totalSeconds, peakRssBytes}; with --prompts also texts: of all answers; text is null for a model without a tokenizer; with --dry-run {steps: [{step, seconds}], circuits, rows, seconds,
nativeSeconds, picklesSeconds, weightsSeconds, peakBytes, diskBytes}; with --messages {statement, text, messages, stages: {run, witness, commit, messages}}.`,
    )
    .action(
      works<Options>(session, async (context, options, dir) => {
        if (options.dryRun === true) return await predict(dir, options);
        if (options.messages !== undefined)
          return await exportMessages(dir, options.messages, options, context);
        const jobs = await jobsOf(options);
        for (const { out } of jobs) await requireWritable(out);
        return await proveAll(dir, jobs, options, context);
      }),
    );
}

async function proveAll(
  dir: string,
  jobs: Job[],
  { batch, reveal = false, cache }: Options,
  context: Context,
): Promise<Done> {
  const opened = await openModel(dir);
  const prover = await loadProver(dir, cache);
  const { capacity, batch: places = 1 } = prover.commitment;
  const answered: { answers: AnswerToProve[]; out: string }[] = [];
  for (const { requests, out } of jobs) {
    requireRoom(requests.length, places);
    const answers: AnswerToProve[] = [];
    for (const request of requests)
      answers.push(await answerToProve(opened, request, capacity, context));
    answered.push({ answers, out });
  }

  let { seconds: keySeconds } = await prepareKeys(prover, context);
  let childPeak = 0;
  const proofs: (ProveReport & { out: string })[] = [];
  const shown: string[] = [];
  for (const [i, { answers, out }] of answered.entries()) {
    if (batch !== undefined) context.output.log(`prove: ${i + 1} of ${answered.length}`);
    const proved = await proveAnswers(prover, answers, { out, reveal }, context);
    const { file: _, keySeconds: later, childPeakBytes, ...report } = proved;
    keySeconds += later;
    childPeak = Math.max(childPeak, childPeakBytes);
    proofs.push({ ...report, out });
    shown.push(answers.map(shownAnswer).join('\n'));
  }

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
  const { capacity, batch = 1 } = loaded.commitment;
  if (batch > 1)
    throw new AttensorError({
      code: 'UNSUPPORTED_CONFIG',
      what: 'the model was committed for several requests in a proof, and --messages exports those of one',
      where: dir,
      hint: 'Commit the model without --batch',
    });
  const answer = await answerToProve(opened, { ...prompt, maxTokens }, capacity, context);
  const bar = context.output.progress('messages');
  try {
    const { promptIds, outputIds } = answer;
    const proof = await loaded.messages(
      { promptIds, outputIds },
      {
        signal: context.signal,
        onProgress: ({ fraction, message }) => bar.update(fraction, message),
      },
    );
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

/** Every proof of a committed model takes the same steps, whatever is asked. */
async function predict(dir: string, { cache }: Options): Promise<Done> {
  const prover = await loadProver(dir, cache);
  const predicted = await prover.estimate();
  return { json: predicted, text: describeEstimate(predicted) };
}

async function jobsOf(options: Options): Promise<Job[]> {
  const { batch, prompts, prompt, promptTokens, maxTokens, out } = options;
  const asked = prompt ?? promptTokens;
  if (prompts !== undefined) {
    if (asked !== undefined || maxTokens !== undefined || batch !== undefined || out === undefined)
      throw new AttensorError({
        code: 'USAGE',
        what: '--prompts replaces --prompt, --prompt-tokens, --max-tokens and --batch, and needs --out',
        hint: 'Put prompts into the lines of the file, and name one proof file',
      });
    return [{ requests: await linesOf(prompts, requestSchema, '"maxTokens": number}'), out }];
  }
  if (batch !== undefined) {
    if (asked !== undefined || maxTokens !== undefined || out !== undefined)
      throw new AttensorError({
        code: 'USAGE',
        what: '--batch replaces --prompt, --prompt-tokens, --max-tokens and --out',
        hint: 'Put them into the lines of the batch file',
      });
    const schema = requestSchema.extend({ out: z.string().min(1) });
    const jobs = await linesOf(batch, schema, '"maxTokens": number, "out": file}');
    return jobs.map(({ out, ...request }) => ({ requests: [request], out }));
  }
  if (asked === undefined || maxTokens === undefined || out === undefined)
    throw new AttensorError({
      code: 'USAGE',
      what: 'prove needs --prompt or --prompt-tokens, --max-tokens and --out; or --prompts and --out; or --batch',
      hint: 'See attensor prove --help',
    });
  return [{ requests: [{ prompt, promptTokens, maxTokens }], out }];
}

/** @param rest of what a line is expected to be, for messages */
async function linesOf<T>(path: string, schema: z.ZodType<T>, rest: string): Promise<T[]> {
  const lines = (await readTextFile(path, MAX_BATCH_BYTES)).split('\n');
  const expected = `a JSON object {"prompt": text, ${rest}`;
  const requests = lines.flatMap((line, i) =>
    line.trim() === '' ? [] : [parseLine(line, schema, `${path}, line ${i + 1}`, expected)],
  );
  if (requests.length === 0) {
    throw new AttensorError({
      code: 'BAD_FILE',
      what: 'the file holds no requests',
      where: path,
    });
  }
  return requests;
}

function parseLine<T>(line: string, schema: z.ZodType<T>, where: string, expected: string): T {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new AttensorError({ code: 'BAD_FILE', what: 'the line is not JSON', where, expected });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const what = `${issue.path.join('.') || 'request'}: ${issue.message}`;
    throw new AttensorError({ code: 'BAD_FILE', what, where, expected });
  }
  return parsed.data;
}
