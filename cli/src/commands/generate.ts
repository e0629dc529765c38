import type { Command } from 'commander';
import { cancellable, computing, positiveInteger, tokenList, type Session } from '../command.js';
import { answer, openModel } from '@attensor/inference';
import { promptIdsOf, shownAnswer, type Prompt } from '../model.js';

interface Options extends Prompt {
  maxTokens: number;
  stopAtEos?: boolean;
  log?: boolean;
}

export function generateCommand(session: Session): Command {
  return computing('generate', 'Continue a prompt greedily, by exact integer inference')
    .argument('<model-dir>', 'imported model')
    .option('--prompt <text>', 'text to continue')
    .option('--prompt-tokens <ids>', 'the same as token ids: 510,12,7', tokenList)
    .requiredOption('--max-tokens <n>', 'tokens to generate', positiveInteger)
    .option('--stop-at-eos', 'stop after an end-of-sequence token')
    .option('--log', 'a JSON line per layer on stderr')
    .addHelpText(
      'after',
      '\nJSON: {text, tokens, promptTokens, outputTokens, seconds}; tokens are the ids of text, the other two are counts; text is null for a model without a tokenizer.',
    )
    .action(
      cancellable<Options>(session, async ({ output, signal }, options, dir) => {
        const opened = await openModel(dir);
        const promptIds = promptIdsOf(opened, options);
        const start = performance.now();
        const { outputIds, text } = await answer(opened, promptIds, {
          ...options,
          signal,
          log: options.log ? (record) => output.record(record) : undefined,
        });
        return {
          json: {
            text: text ?? null,
            tokens: outputIds,
            promptTokens: promptIds.length,
            outputTokens: outputIds.length,
            seconds: (performance.now() - start) / 1000,
          },
          text: shownAnswer({ text, outputIds }),
        };
      }),
    );
}
