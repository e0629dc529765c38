/** `npm run bench -- table3`: each row of the paper's Table 3, in a process of its own so that peak memory is its own. */
import type { Command } from 'commander';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  type ComponentReport,
  computing,
  type Context,
  duration,
  type Session,
  works,
} from '@attensor/cli/frame';
import { AttensorError } from '@attensor/core';
import { ATTENSOR } from './attensor.js';

/** Seconds on the paper's 32 cores, and our bound on two. */
const TABLE: Record<string, { paper: number; bound: number }> = {
  embedding: { paper: 4_823, bound: 240 },
  attn_norm: { paper: 9_941, bound: 90 },
  q_norm: { paper: 4_970, bound: 75 },
  RoPE1: { paper: 19_275, bound: 100 },
  softmax_qk: { paper: 39_456, bound: 120 },
  sigmoid_gate: { paper: 2_874, bound: 75 },
  experts_selector: { paper: 2_447, bound: 75 },
  wkv_a1: { paper: 204_138, bound: 100 },
};

interface Row extends ComponentReport {
  name: string;
  verifySeconds: number;
  predictedSeconds: number;
  predictedPeakBytes: number;
  paperSeconds: number;
  boundSeconds: number;
  /** the paper's seconds over ours */
  ratio: number;
}

const run = promisify(execFile);
const attensor = async <T>(...args: string[]): Promise<T> => {
  const { stdout } = await run(process.execPath, [ATTENSOR, ...args, '--json'], {
    maxBuffer: 1 << 26,
  });
  return JSON.parse(stdout) as T;
};

export function benchTable3Command(session: Session): Command {
  return computing(
    'table3',
    "Measure the components of the paper's Table 3 at DeepSeek-V3's dimensions",
  )
    .option('--only <name>', `one of ${Object.keys(TABLE).join(', ')}`)
    .addHelpText(
      'after',
      '\nJSON: {rows: [...]}. The first run of a component compiles its circuits; that time is keySeconds.',
    )
    .action(
      works<{ only?: string }>(session, async (context, { only }) => {
        if (only !== undefined && !Object.hasOwn(TABLE, only))
          throw new AttensorError({
            code: 'USAGE',
            what: 'there is no such row',
            expected: Object.keys(TABLE).join(', '),
            got: only,
          });
        const names = only === undefined ? Object.keys(TABLE) : [only];
        const rows: Row[] = [];
        for (const name of names) rows.push(await measure(name, context));
        return { json: { rows }, text: table(rows) };
      }),
    );
}

async function measure(name: string, { output }: Context): Promise<Row> {
  const dir = await mkdtemp(join(tmpdir(), 'attensor-table3-'));
  const out = join(dir, 'proof.json');
  try {
    output.log(`${name}: predicting`);
    const predicted = await attensor<{ seconds: number; peakBytes: number }>(
      'prove-component',
      name,
      '--dry-run',
    );
    output.log(`${name}: proving, ${duration(predicted.seconds)} after the keys are loaded`);
    const proved = await attensor<ComponentReport>('prove-component', name, '--out', out);
    const verdict = await attensor<{ valid: boolean; warmSeconds: number }>(
      'verify',
      out,
      '--verifier-key-hash',
      proved.verifierKeyHash,
      '--repeat',
      '3',
    );
    if (!verdict.valid) throw new Error(`bench: the proof of ${name} does not verify`);
    const { paper, bound } = TABLE[name];
    return {
      name,
      ...proved,
      verifySeconds: verdict.warmSeconds,
      predictedSeconds: predicted.seconds,
      predictedPeakBytes: predicted.peakBytes,
      paperSeconds: paper,
      boundSeconds: bound,
      ratio: paper / proved.seconds,
    };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function table(rows: Row[]): string {
  const head = [
    'component',
    's',
    'bound',
    'native',
    'circuits',
    'rows',
    'weights s',
    'peak GiB',
    'bytes',
    'verify ms',
    'predicted s',
    'paper s',
    'ratio',
  ];
  const lines = rows.map((r) => [
    r.name,
    r.seconds.toFixed(1),
    `${r.boundSeconds}${r.seconds <= r.boundSeconds ? '' : ' EXCEEDED'}`,
    r.nativeSeconds.toFixed(1),
    `${r.pickles}: ${r.picklesSeconds.toFixed(1)}`,
    r.rows.join('+'),
    r.weightsSeconds.toFixed(1),
    (r.peakRssBytes / 2 ** 30).toFixed(1),
    String(r.proofBytes),
    (1000 * r.verifySeconds).toFixed(0),
    r.predictedSeconds.toFixed(0),
    String(r.paperSeconds),
    `${r.ratio.toFixed(0)}x`,
  ]);
  const all = [head, ...lines];
  const widths = head.map((_, k) => Math.max(...all.map((l) => l[k].length)));
  return all.map((l) => `| ${l.map((cell, k) => cell.padEnd(widths[k])).join(' | ')} |`).join('\n');
}
