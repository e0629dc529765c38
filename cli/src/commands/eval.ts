import { evaluate, Model, readReference, readValidationTokens } from '@attensor/inference';
import type { Command } from 'commander';
import { cancellable, computing, type Session } from '../command.js';

interface Options {
  reference: string;
  tokens?: string;
}

const percent = (deviation: number): string => `${(100 * deviation).toFixed(4)} %`;

export function evalCommand(session: Session): Command {
  return computing('eval', 'Compare the integer model with a floating-point reference')
    .argument('<model-dir>', 'imported model')
    .requiredOption(
      '--reference <file>',
      'reference.json: continuations and logits of the reference',
    )
    .option('--tokens <file>', 'validation tokens (JSON list of ids), for the perplexities')
    .addHelpText(
      'after',
      '\nJSON: {prompts, identical, perplexity, referencePerplexity, perplexityDeviation, long: [{window, perplexity, deviation}], maxLogitError, differences}. A deviation is relative to the reference.',
    )
    .action(
      cancellable<Options>(session, async ({ output, signal }, options, dir) => {
        const model = await Model.open(dir);
        const reference = await readReference(options.reference);
        const tokens =
          options.tokens === undefined ? undefined : await readValidationTokens(options.tokens);
        const share = reference.val_long ? 0.6 : 0;
        const bar = output.progress('eval');
        const onProgress = (p: { stage: string; done: number; total: number }) =>
          // the perplexity is most of the work, if it is asked for
          bar.update(
            tokens === undefined
              ? p.done / p.total
              : p.stage === 'prompts'
                ? (0.1 * p.done) / p.total
                : p.stage === 'perplexity'
                  ? 0.1 + ((1 - 0.1 - share) * p.done) / p.total
                  : 1 - share + (share * p.done) / p.total,
            p.stage,
          );
        const evaluation = await evaluate(model, reference, tokens, { signal, onProgress }).finally(
          () => bar.close(),
        );
        const {
          prompts,
          identical,
          perplexityDeviation: deviation,
          long,
          maxLogitError,
        } = evaluation;
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
            long: long ?? [],
            maxLogitError: maxLogitError ?? null,
            differences,
          },
          text: [
            `greedy continuations identical to the reference: ${identical} of ${prompts.length}`,
            ...differences.map((d) => `  differs at token ${d.firstDifference}: ${d.prompt}`),
            ...(perplexity === undefined || deviation === undefined
              ? []
              : [
                  `perplexity ${perplexity.toFixed(4)}, reference ${referencePerplexity.toFixed(4)} (${percent(deviation)})`,
                ]),
            ...(long ?? []).map(
              (l) =>
                `perplexity in windows of ${l.window} tokens ${l.perplexity.toFixed(4)} (${percent(l.deviation)})`,
            ),
            ...(maxLogitError === undefined
              ? []
              : [`logits at most ${maxLogitError.toFixed(5)} from the reference`]),
          ].join('\n'),
        };
      }),
    );
}
