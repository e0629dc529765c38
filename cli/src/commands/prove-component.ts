import { AttensorError } from '@attensor/core';
import type {
  Component,
  ComponentProver,
  ComponentProofFile,
  Estimate,
  NativeStages,
  Sizes,
  Tensors,
  Weights,
} from '@attensor/prover';
import { Option, type Command } from 'commander';
import { stat, writeFile } from 'node:fs/promises';
import { computing, cancellable, positiveInteger, type Context, type Session } from '../command.js';
import { requireWritable, writeAtomic } from '@attensor/core/files';
import { duration } from '../progress.js';
import { writeMessages } from '../messages-file.js';
import { peakRssBytes } from '../proving.js';

interface Options {
  out?: string;
  input?: string;
  seed: number;
  dryRun?: boolean;
  messagesOnly?: boolean;
  messages?: string;
  outputs?: string;
  cache?: string;
  [size: string]: unknown;
}

/** Every size that some component has. */
const SIZES = {
  rows: 'rows of the input (tokens)',
  dim: 'width of a row or of a head',
  heads: 'attention heads',
  inner: 'input width of a matrix product, or inner width of a feed-forward half',
  outer: 'output width of a matrix product',
  experts: 'experts to choose from',
  groups: 'groups of experts',
  kept: 'groups that are kept',
  selected: 'experts that are selected',
  vocabulary: 'tokens of the vocabulary',
  queries: 'width of the compressed queries',
  latent: 'width of the compressed keys and values',
  nope: 'width of a key without position',
  rope: 'width of a key with position',
  values: 'width of a value',
  shared: 'shared experts',
};

/** One component's proof, as `--json` prints it. Seconds are wall time, keys loaded. */
export interface ComponentReport {
  component: Record<string, string | number>;
  statement: ComponentProofFile['statement'];
  verifierKeyHash: string;
  seconds: number;
  nativeSeconds: number;
  stages: NativeStages;
  picklesSeconds: number;
  /** once per weights */
  weightsSeconds: number;
  keySeconds: number;
  pickles: number;
  rows: number[];
  peakRssBytes: number;
  proofBytes: number;
}

export function proveComponentCommand(session: Session): Command {
  const it = computing('prove-component', 'Prove one component by itself')
    .argument(
      '<name>',
      'embedding, attn_norm, q_norm, RoPE1, softmax_qk, sigmoid_gate, experts_selector, wkv_a1, attention, dense_layer, moe_layer, head',
    )
    .option(
      '--out <file>',
      'proof file (required unless --dry-run, --messages-only or --messages is given)',
    )
    .option(
      '--input <file>',
      'safetensors file with integer tensors: input, and weight, bias or vocabulary where there are weights',
    )
    .option('--seed <n>', 'seed of random tensors, if no file is given', positiveInteger, 1)
    .option('--outputs <file>', 'also write the outputs, as safetensors')
    .addOption(
      new Option(
        '--messages-only',
        'stop before the circuits: only the exact run, the witness, all messages, and the plain verifier on them',
      ).conflicts('out'),
    )
    .addOption(
      new Option(
        '--messages <file>',
        'like --messages-only, and write the statement and all messages, as spec/verify.py reads them; they are not private',
      ).conflicts('out'),
    )
    .option('--dry-run', 'predict time, memory, circuits and rows; prove nothing')
    .option(
      '--cache <dir>',
      'where proving keys are kept (default: $ATTENSOR_CACHE or ~/.cache/attensor)',
    );
  for (const [name, what] of Object.entries(SIZES))
    it.addOption(new Option(`--${name} <n>`, what).argParser(positiveInteger));
  return it
    .addHelpText(
      'after',
      `
Sizes not given are DeepSeek-V3's. JSON: {component, statement, verifierKeyHash, seconds, nativeSeconds, picklesSeconds,
stages: {run, witness, commit, messages}, weightsSeconds, keySeconds, pickles, rows, peakRssBytes, proofBytes}; with --dry-run the
prediction, with --messages-only {component, device, parts, messages, nativeSeconds, stages, weightsSeconds, verifySeconds, peakRssBytes}.`,
    )
    .action(
      cancellable<Options>(session, async (context, options, name) => {
        const { componentByName, planComponent, estimate, readTensors, tensorFile, weightsOf } =
          await import('@attensor/prover');
        const sizes: Sizes = {};
        for (const size of Object.keys(SIZES))
          if (typeof options[size] === 'number') sizes[size] = options[size];
        const component = componentByName(name, sizes);
        const prover = await planComponent(component, { cacheDir: options.cache });
        if (options.dryRun) {
          const predicted = await estimate(prover);
          return { json: predicted, text: describeEstimate(predicted) };
        }
        const { messages } = options;
        if (options.out === undefined && !options.messagesOnly && messages === undefined) {
          throw new AttensorError({
            code: 'USAGE',
            what: '--out is missing',
            hint: 'Add --out proof.json',
          });
        }
        for (const path of [options.out, messages])
          if (path !== undefined) await requireWritable(path);
        const given = options.input === undefined ? undefined : await readTensors(options.input);
        const tensors = given
          ? {
              inputs: pick(given, component.inputs),
              weights: weightsOf(pick(given, component.weights)),
            }
          : undefined;
        const source = { tensors, seed: options.seed };
        if (options.out === undefined) {
          const report = await proveNatively(component, prover, context, source, messages);
          return { json: report, text: describeNative(name, report) };
        }
        const { report, file, outputs } = await proveComponent(component, prover, context, source);
        await writeAtomic(
          options.out,
          `${JSON.stringify(file)}
`,
        );
        if (options.outputs !== undefined) await writeFile(options.outputs, tensorFile(outputs));
        const { size: proofBytes } = await stat(options.out);
        return {
          json: { ...report, proofBytes },
          text: `${name}: proved in ${duration(report.seconds)} (native ${report.nativeSeconds.toFixed(1)} s, ${report.pickles} circuits ${report.picklesSeconds.toFixed(1)} s), ${proofBytes} bytes\nverifierKeyHash ${report.verifierKeyHash}`,
        };
      }),
    );
}

const pick = (from: Tensors, wanted: object): Tensors =>
  Object.fromEntries(Object.keys(wanted).flatMap((n) => (n in from ? [[n, from[n]]] : [])));

/** Where tensors come from. */
interface Source {
  tensors?: { inputs: Tensors; weights: Weights };
  seed: number;
}

/** What `--messages-only` measures. Seconds are wall time. */
interface NativeReport {
  component: Record<string, string | number>;
  device: string;
  /** that the weights are committed in */
  parts: number;
  messages: number;
  nativeSeconds: number;
  stages: NativeStages;
  /** once per weights */
  weightsSeconds: number;
  verifySeconds: number;
  peakRssBytes: number;
}

/** Inputs, and weights under their commitment: minutes, where there are millions. */
async function commit(
  component: Component,
  prover: ComponentProver,
  { output, signal }: Context,
  source: Source,
  /** for a proof that may be interrupted */
  resumable: boolean,
) {
  const { commitForProof, NO_STORE, Sample } = await import('@attensor/prover');
  const { inputs, weights } = source.tensors ?? component.sample(new Sample(source.seed));
  const bar = output.progress('weights');
  try {
    const { weights: committed, done } = await commitForProof(component, prover, weights, {
      onProgress: (p) => bar.update(p.fraction, p.message),
      signal,
      ...(!resumable && { store: NO_STORE }),
    });
    return { inputs, committed, done };
  } finally {
    bar.close();
  }
}

async function proveNatively(
  component: Component,
  prover: ComponentProver,
  context: Context,
  source: Source,
  /** also write the messages there */
  path?: string,
): Promise<NativeReport> {
  const { engine } = await import('@attensor/native');
  const { inputs, committed } = await commit(component, prover, context, source, false);
  const { output, signal } = context;
  const bar = output.progress('native');
  const onProgress = (p: { fraction: number; message: string }): void =>
    bar.update(p.fraction, p.message);
  try {
    const proof = await prover.messages(inputs, committed, { onProgress, signal });
    const { statement, session, stages } = proof;
    const start = performance.now();
    await prover.replay(statement, session.messages);
    const verifySeconds = (performance.now() - start) / 1000;
    if (path !== undefined) {
      const of = { kind: 'component', component: component.config } as const;
      await writeMessages(path, of, prover.script, component.statement.names, proof);
    }
    const { kind, name } = engine.device();
    return {
      component: component.config,
      device: name ?? kind,
      parts: prover.script.parameters.widths.length,
      messages: session.messages.length,
      nativeSeconds: Object.values<number>({ ...stages }).reduce((a, b) => a + b, 0),
      stages,
      weightsSeconds: committed.seconds,
      verifySeconds,
      peakRssBytes: peakRssBytes(),
    };
  } finally {
    bar.close();
  }
}

function describeNative(name: string, r: NativeReport): string {
  const { run, witness, commit, messages } = r.stages;
  return [
    `${name} on ${r.device}: ${r.nativeSeconds.toFixed(1)} s, checked by the plain verifier`,
    `run        ${run.toFixed(1)} s`,
    `witness    ${witness.toFixed(1)} s`,
    `commitment ${commit.toFixed(1)} s`,
    `messages   ${messages.toFixed(1)} s, ${r.messages} field elements`,
    `weights    ${r.weightsSeconds.toFixed(1)} s once${r.parts > 1 ? `, in ${r.parts} parts` : ''}`,
    `verifier   ${r.verifySeconds.toFixed(1)} s`,
    `memory     ${(r.peakRssBytes / 2 ** 30).toFixed(1)} GiB`,
  ].join('\n');
}

/** Weights, messages, keys, proof. */
export async function proveComponent(
  component: Component,
  prover: ComponentProver,
  context: Context,
  source: Source,
): Promise<{ report: ComponentReport; file: ComponentProofFile; outputs: Tensors }> {
  const { inputs, committed, done } = await commit(component, prover, context, source, true);
  const { output, signal } = context;
  const bar = output.progress('prove');
  const onProgress = (p: { fraction: number; message: string }): void =>
    bar.update(p.fraction, p.message);
  try {
    const { proveComponent: proved } = await import('@attensor/prover');
    const result = await proved(component, prover, inputs, committed, { onProgress, signal });
    await done();
    const { file, outputs, stages, nativeSeconds, keySeconds, picklesSeconds, totalSeconds } =
      result;
    return {
      file,
      outputs,
      report: {
        component: component.config,
        statement: file.statement,
        verifierKeyHash: file.verificationKey.hash,
        seconds: totalSeconds,
        nativeSeconds,
        stages,
        picklesSeconds,
        weightsSeconds: committed.seconds,
        keySeconds,
        pickles: result.pickles,
        rows: prover.rows,
        peakRssBytes: peakRssBytes(),
        proofBytes: Buffer.byteLength(JSON.stringify(file)) + 1,
      },
    };
  } finally {
    bar.close();
  }
}

export function describeEstimate(e: Estimate): string {
  return [
    `circuits   ${e.circuits} (rows ${e.rows.join(', ')})`,
    ...e.steps.map(({ step, seconds }) => `${step.padEnd(10)} ${seconds.toFixed(1)} s`),
    `time       ${duration(e.seconds)}: native ${duration(e.nativeSeconds)}, circuits ${duration(e.picklesSeconds)}; weights once ${duration(e.weightsSeconds)}`,
    `memory     ${(e.peakBytes / 2 ** 30).toFixed(1)} GiB`,
    `disk       ${((e.diskBytes.keys + e.diskBytes.trees + e.diskBytes.job) / 2 ** 30).toFixed(1)} GiB: keys, trees of weights, an unfinished proof`,
    `vectors    ${e.witness} entries of witness, ${e.weights} of weights; ${e.permutations} permutations`,
  ].join('\n');
}
