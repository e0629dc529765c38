import { writeRandomModel } from '@attensor/inference';
import type { Command } from 'commander';
import { cancellable, command, positiveInteger, type Session } from '../command.js';

export function modelRandomCommand(session: Session): Command {
  return command('random', 'Write a model of any configuration with random weights')
    .requiredOption('--config <file>', 'config.json of a Hugging Face DeepSeek-V3 checkpoint')
    .requiredOption('--out <model-dir>', 'folder to write')
    .option('--seed <n>', 'the same seed gives the same weights', positiveInteger, 1)
    .option('--force', 'replace <model-dir> if it exists')
    .action(
      cancellable<{ config: string; out: string; seed: number; force?: boolean }>(
        session,
        async ({ output, signal }, { config, out, seed, force }) => {
          const start = performance.now();
          const bar = output.progress('random weights');
          const written = await writeRandomModel(config, out, {
            seed,
            signal,
            force,
            onProgress: ({ done, total }) => bar.update(done / total),
          }).finally(() => bar.close());
          const seconds = (performance.now() - start) / 1000;
          const { dir, tensors, parameters } = written;
          return {
            json: { ...written, seconds },
            text: [
              `${dir}: ${tensors} tensors, ${parameters} random parameters, ${seconds.toFixed(1)} s`,
              'no tokenizer: prompts are given as token ids, --prompt-tokens',
            ].join('\n'),
          };
        },
      ),
    );
}
