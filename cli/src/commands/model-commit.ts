import { Model } from '@attensor/inference';
import type { Command } from 'commander';
import { resolve } from 'node:path';
import { computing, positiveInteger, works, type Context, type Session } from '../command.js';

export function modelCommitCommand(session: Session): Command {
  return computing(
    'commit',
    'Commit to a model: commitment.json (public) and secret.json (private)',
  )
    .argument('<model-dir>', 'imported model')
    .option('--capacity <n>', 'most tokens (prompt and output) a proof can cover', positiveInteger)
    .addHelpText(
      'after',
      '\nWrites into <model-dir>. Committing again makes a new commitment, with a new salt.\nJSON: {modelRoot, vocabularyRoot, capacity, dir, seconds}.',
    )
    .action(
      works<{ capacity?: number }>(session, async (context, { capacity }, dir) => {
        const { modelRoot, vocabularyRoot, seconds, ...rest } = await commit(
          dir,
          capacity,
          context,
        );
        return {
          json: { modelRoot, vocabularyRoot, ...rest, seconds },
          text: [
            `modelRoot       ${modelRoot}`,
            `vocabularyRoot  ${vocabularyRoot}`,
            `${rest.dir}: committed for up to ${rest.capacity} tokens, ${seconds.toFixed(1)} s`,
          ].join('\n'),
        };
      }),
    );
}

export async function commit(
  dir: string,
  capacity: number | undefined,
  { output, signal }: Context,
) {
  const { commitModel } = await import('@attensor/prover');
  const { engine } = await import('@attensor/native');
  const start = performance.now();
  const model = await Model.open(dir);
  const bar = output.progress('commit');
  const onProgress = (stage: string, fraction: number) => bar.update(fraction, stage);
  const committed = await commitModel(engine, model, { capacity, signal, onProgress }).finally(() =>
    bar.close(),
  );
  return {
    modelRoot: committed.modelRoot,
    vocabularyRoot: committed.vocabularyRoot,
    capacity: committed.capacity,
    dir: resolve(dir),
    seconds: (performance.now() - start) / 1000,
  };
}
