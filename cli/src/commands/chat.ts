import type { Command } from 'commander';
import { createInterface } from 'node:readline';
import { cancellable, computing, positiveInteger, type Session } from '../command.js';
import { answer, openModel } from '@attensor/inference';
import { requireTokenizer } from '../model.js';

export function chatCommand(session: Session): Command {
  return computing('chat', 'Talk to a model line by line; the conversation so far is its prompt')
    .argument('<model-dir>', 'imported model')
    .option('--max-tokens <n>', 'longest answer, in tokens', positiveInteger, 48)
    .addHelpText(
      'after',
      '\nEnds at the end of the input (Ctrl-D). JSON: {turns: [{prompt, text}]}.',
    )
    .action(
      cancellable<{ maxTokens: number }>(
        session,
        async ({ output, signal }, { maxTokens }, dir) => {
          const opened = await openModel(dir);
          const { stdin, stderr } = output.streams;
          const prompt = stdin.isTTY && stderr.isTTY ? '> ' : '';
          const lines = createInterface({
            input: stdin,
            output: stderr,
            prompt,
            terminal: !!prompt,
          });
          signal.addEventListener('abort', () => lines.close());
          lines.on('SIGINT', () => lines.close());

          const turns: { prompt: string; text: string }[] = [];
          let context: number[] = [];
          lines.prompt();
          for await (const line of lines) {
            if (line.trim() !== '') {
              context = fit([...context, ...requireTokenizer(opened).encodePrompt(line)]);
              const onText = (piece: string) => output.stream(piece);
              const turn = { maxTokens, stopAtEos: true, signal, onText };
              const { outputIds, text = '' } = await answer(opened, context, turn);
              output.stream('\n');
              context.push(...outputIds);
              turns.push({ prompt: line, text });
            }
            lines.prompt();
          }
          return { json: { turns }, text: '' };

          /** Forgets the oldest tokens when the model's window is full. */
          function fit(ids: number[]): number[] {
            const room = opened.model.config.maxPositions - maxTokens + 1;
            return ids.slice(Math.max(0, ids.length - Math.max(1, room)));
          }
        },
      ),
    );
}
