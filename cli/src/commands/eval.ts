import { evaluate, Model, readReference, readValidationTokens } from '@attensor/inference';
import type { Command } from 'commander';
import { cancellable, computing, type Session } from '../command.js';

interface Options {
  reference: string;
  tokens?: string;
}

export function evalCommand(session: Session): Command {
  return computing('eval', 'Compare the integer model with a floating-point reference')
    .argument('<model-dir>', 'imported model')
    .requiredOption('--reference <file>', 'reference.json: greedy continuations of the reference')
    .option('--tokens <file>', 'validation tokens (JSON list of ids), for the perplexity')
    .addHelpText(
      'after',
      '\nJSON: {prompts, identical, perplexity, referencePerplexity, perplexityDeviation, differences}.',
    )
    .action(
      cancellable<Options>(session, async ({ output, signal }, options, dir) => {
        const model = await Model.open(dir);
        const reference = await readReference(options.reference);
        const tokens =
          options.tokens === undefined ? undefined : await readValidationTokens(options.tokens);
        const bar = output.progress('eval');
        const onProgress = (p: { stage: string; done: number; total: number }) =>
          // the perplexity is most of the work, if it is asked for
          bar.update(
            tokens === undefined
              ? p.done / p.total
              : p.stage === 'prompts'
                ? (0.1 * p.done) / p.total
                : 0.1 + (0.9 * p.done) / p.total,
            p.stage,
          );
        const evaluation = await evaluate(model, reference, tokens, { signal, onProgress }).finally(
          () => bar.close(),
        );
        const { prompts, identical, perplexityDeviation: deviation } = evaluation;
        const perplexity = evaluation.perplexity?.perplexity;
        const referencePerplexity = reference.val.perplexity;
        const differences = prompts
          .filter((each) => !each.identical)
          .map(({ prompt, firstDifference }) => ({ prompt, firstDifference }));
        return {
          json: {
            prompts: prompts.length,
            identical,
            perplexity: perplexity ?? null,
            referencePerplexity,
            perplexityDeviation: deviation ?? null,
            differences,
          },
          text: [
            `greedy continuations identical to the reference: ${identical} of ${prompts.length}`,
            ...differences.map((d) => `  differs at token ${d.firstDifference}: ${d.prompt}`),
            ...(perplexity === undefined || deviation === undefined
              ? []
              : [
                  `perplexity ${perplexity.toFixed(4)}, reference ${referencePerplexity.toFixed(4)} (${(100 * deviation).toFixed(4)} %)`,
                ]),
          ].join('\n'),
        };
      }),
    );
}
