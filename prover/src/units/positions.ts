/**
 * Prompts and outputs on the positions of a unit that reads tokens: what requests must be, and what a run must end in. The positions of
 * several requests follow each other, `capacity` of each.
 */
import { AttensorError } from '@attensor/inference';
import type { TokenInput } from '../components/tokens.js';
import type { IntTensor } from './tensors.js';

/** Tokens of all positions: padding is token 0. */
export const idsOf = (requests: readonly TokenInput[], capacity: number): number[] =>
  requests.flatMap(({ promptIds, outputIds }) => {
    const tokens = [...promptIds, ...outputIds];
    return Array.from({ length: capacity }, (_, t) => tokens[t] ?? 0);
  });

/** The token that must follow each position, or -1 where any may. */
export const successorsOf = (requests: readonly TokenInput[], capacity: number): number[] =>
  requests.flatMap(({ promptIds, outputIds }) => {
    const tokens = [...promptIds, ...outputIds];
    return Array.from({ length: capacity }, (_, t) =>
      t + 1 >= promptIds.length && t + 1 < tokens.length ? tokens[t + 1] : -1,
    );
  });

/** @throws WRONG_TEXT when the model answers with other tokens */
export function requireAnswer(
  requests: readonly TokenInput[],
  capacity: number,
  next: IntTensor | undefined,
): void {
  const answer = next?.data ?? [];
  successorsOf(requests, capacity).forEach((want, t) => {
    if (want >= 0 && Number(answer[t]) !== want)
      throw new AttensorError({
        code: 'WRONG_TEXT',
        what: 'the model does not answer with these output tokens',
        where: placed(requests, Math.floor(t / capacity), `position ${(t % capacity) + 1}`),
        expected: `token ${answer[t]}`,
        got: `token ${want}`,
        hint: 'Generate the output with the same model: attensor generate',
      });
  });
}

/** Where something is, with the request's number if there are several. */
const placed = (requests: readonly TokenInput[], r: number, where?: string): string | undefined =>
  requests.length > 1
    ? [`request ${r + 1}`, where].filter((part) => part !== undefined).join(', ')
    : where;

/** @throws EMPTY_PROMPT, TOO_LONG; BAD_ARGUMENT for more or fewer requests than the circuits hold */
export function requireRequests(
  requests: readonly TokenInput[],
  { capacity, batch }: { capacity: number; batch: number },
): void {
  if (requests.length !== batch)
    throw new AttensorError({
      code: 'BAD_ARGUMENT',
      what: 'a proof is of as many requests as its circuits hold',
      expected: `${batch}`,
      got: String(requests.length),
      hint: 'Repeat a request to fill a batch, or commit the model for another number',
    });
  for (const [r, request] of requests.entries())
    requireTokens(request, capacity, placed(requests, r));
}

function requireTokens(
  { promptIds, outputIds }: TokenInput,
  capacity: number,
  where: string | undefined,
): void {
  if (promptIds.length === 0 || outputIds.length === 0)
    throw new AttensorError({
      code: 'EMPTY_PROMPT',
      what: 'a proof needs at least one prompt token and one output token',
      where,
      got: `${promptIds.length} and ${outputIds.length}`,
    });
  const total = promptIds.length + outputIds.length;
  if (total > capacity)
    throw new AttensorError({
      code: 'TOO_LONG',
      what: 'prompt and output exceed the capacity of the circuits',
      where,
      expected: `at most ${capacity} tokens`,
      got: String(total),
      hint: 'Shorten the prompt, ask for fewer tokens, or commit the model with a larger --capacity',
    });
}
