import { importCheckpoint } from '@attensor/inference';
import type { Command } from 'commander';
import { cancellable, command, type Session } from '../command.js';

export function modelImportCommand(session: Session): Command {
  return command('import', 'Convert a Hugging Face DeepSeek-V3 checkpoint to exact integers')
    .argument(
      '<hf-dir>',
      'folder with config.json, *.safetensors and, where it has one, tokenizer.json',
    )
    .requiredOption('--out <model-dir>', 'folder to write')
    .option('--force', 'replace <model-dir> if it exists')
    .action(
      cancellable<{ out: string; force?: boolean }>(
        session,
        async ({ output, signal }, options, dir) => {
          const start = performance.now();
          const bar = output.progress('import');
          const onProgress = (p: { tensor: string; done: number; total: number }) =>
            bar.update(p.done / p.total);
          const { out, force } = options;
          const imported = await importCheckpoint(dir, out, { signal, force, onProgress }).finally(
            () => bar.close(),
          );
          const seconds = (performance.now() - start) / 1000;
          const { tensors, parameters, tokenizer } = imported;
          return {
            json: { ...imported, seconds },
            text: [
              `${imported.dir}: ${tensors} tensors, ${parameters} parameters, ${seconds.toFixed(1)} s`,
              ...(tokenizer
                ? []
                : ['no tokenizer.json: prompts are given as token ids, --prompt-tokens']),
            ].join('\n'),
          };
        },
      ),
    );
}
