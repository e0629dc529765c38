/** Prompt and output on the positions of a unit that reads tokens: what a request must be, and what a run must end in. */
import { AttensorError } from '@attensor/inference';
import type { TokenInput } from '../components/tokens.js';
import type { IntTensor } from './tensors.js';

/** Tokens of all positions: padding is token 0. */
export function idsOf({ promptIds, outputIds }: TokenInput, capacity: number): number[] {
  const tokens = [...promptIds, ...outputIds];
  return Array.from({ length: capacity }, (_, t) => tokens[t] ?? 0);
}

/** The token that must follow each position, or -1 where any may. */
export function successorsOf({ promptIds, outputIds }: TokenInput, capacity: number): number[] {
  const tokens = [...promptIds, ...outputIds];
  return Array.from({ length: capacity }, (_, t) =>
    t + 1 >= promptIds.length && t + 1 < tokens.length ? tokens[t + 1] : -1,
  );
}

/** @throws WRONG_TEXT when the model answers with other tokens */
export function requireAnswer(
  tokens: TokenInput,
  capacity: number,
  next: IntTensor | undefined,
): void {
  const answer = next?.data ?? [];
  successorsOf(tokens, capacity).forEach((want, t) => {
    if (want >= 0 && Number(answer[t]) !== want)
      throw new AttensorError({
        code: 'WRONG_TEXT',
        what: 'the model does not answer with these output tokens',
        where: `position ${t + 1}`,
        expected: `token ${answer[t]}`,
        got: `token ${want}`,
        hint: 'Generate the output with the same model: attensor generate',
      });
  });
}

/** @throws EMPTY_PROMPT, TOO_LONG */
export function requireTokens({ promptIds, outputIds }: TokenInput, capacity: number): void {
  if (promptIds.length === 0 || outputIds.length === 0)
    throw new AttensorError({
      code: 'EMPTY_PROMPT',
      what: 'a proof needs at least one prompt token and one output token',
      got: `${promptIds.length} and ${outputIds.length}`,
    });
  const total = promptIds.length + outputIds.length;
  if (total > capacity)
    throw new AttensorError({
      code: 'TOO_LONG',
      what: 'prompt and output exceed the capacity of the circuits',
      expected: `at most ${capacity} tokens`,
      got: String(total),
      hint: 'Shorten the prompt, ask for fewer tokens, or commit the model with a larger --capacity',
    });
}
