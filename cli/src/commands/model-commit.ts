import { Model } from '@attensor/inference';
import type { Command } from 'commander';
import { resolve } from 'node:path';
import {
  byteCount,
  computing,
  positiveInteger,
  works,
  type Context,
  type Session,
} from '../command.js';

export function modelCommitCommand(session: Session): Command {
  return computing(
    'commit',
    'Commit to a model: commitment.json (public) and secret.json (private)',
  )
    .argument('<model-dir>', 'imported model')
    .option('--capacity <n>', 'most tokens (prompt and output) a proof can cover', positiveInteger)
    .option(
      '--memory <bytes>',
      "what the messages of a proof may take of memory, as 8G (default: three quarters of the machine's); a model that takes more is cut into units",
      byteCount,
    )
    .option(
      '--batch <n>',
      'requests in a proof, each of so many tokens: a power of two (default: 1)',
      positiveInteger,
    )
    .addHelpText(
      'after',
      '\nWrites into <model-dir>. Committing again makes a new commitment, with a new salt.\nJSON: {modelRoot, vocabularyRoot, capacity, batch, units, dir, seconds}.',
    )
    .action(
      works<CommitLimits>(session, async (context, limits, dir) => {
        const { modelRoot, vocabularyRoot, seconds, ...rest } = await commit(dir, limits, context);
        const requests = rest.batch > 1 ? ` in each of ${rest.batch} requests` : '';
        return {
          json: { modelRoot, vocabularyRoot, ...rest, seconds },
          text: [
            `modelRoot       ${modelRoot}`,
            `vocabularyRoot  ${vocabularyRoot}`,
            `${rest.dir}: committed for up to ${rest.capacity} tokens${requests}${rest.units > 1 ? `, in ${rest.units} units` : ''}, ${seconds.toFixed(1)} s`,
          ].join('\n'),
        };
      }),
    );
}

interface CommitLimits {
  capacity?: number;
  batch?: number;
  /** in bytes */
  memory?: number;
}

export async function commit(dir: string, limits: CommitLimits, { output, signal }: Context) {
  const { commitWithin } = await import('@attensor/prover');
  const { engine } = await import('@attensor/native');
  const start = performance.now();
  const model = await Model.open(dir);
  const bar = output.progress('commit');
  const onProgress = (stage: string, fraction: number) => bar.update(fraction, stage);
  const committed = await commitWithin(engine, model, { ...limits, signal, onProgress }).finally(
    () => bar.close(),
  );
  return {
    modelRoot: committed.modelRoot,
    vocabularyRoot: committed.vocabularyRoot,
    capacity: committed.capacity,
    batch: committed.batch ?? 1,
    units: 'units' in committed ? committed.units.length : 1,
    dir: resolve(dir),
    seconds: (performance.now() - start) / 1000,
  };
}
