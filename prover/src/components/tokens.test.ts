import { inputHash, outputHash } from '@attensor/contracts';
import { engine } from '@attensor/native';
import { describe, expect, it } from '@jest/globals';
import { ProverOnly } from '../protocol/prover-only.js';
import { Session } from '../protocol/session.js';
import { VerificationError } from '../protocol/tape.js';
import { TokenColumns } from './tokens.js';

const CAPACITY = 6;
const PROMPT = [5, 3];
const OUTPUT = [4, 1, 2];

interface Hints {
  tokens: number[];
  input: number[];
  active: number[];
}
const HONEST: Hints = {
  tokens: [...PROMPT, ...OUTPUT, 0],
  input: [1, 1, 0, 0, 0, 0],
  active: [1, 1, 1, 1, 1, 0],
};

/** What the verifier objects to; the hashes are those of the honest lists unless given. */
async function objections(
  hints: Partial<Hints>,
  options: { hashes?: [bigint, bigint]; vocabulary?: number } = {},
): Promise<string[]> {
  const { tokens, input, active } = { ...HONEST, ...hints };
  const session = new Session({
    permute: (s) => engine.permute(s),
    statement: options.hashes ?? [inputHash(PROMPT).toBigInt(), outputHash(OUTPUT).toBigInt()],
    messages: [...tokens, ...input, ...active].map(BigInt),
  });
  const { tape } = session;
  const found = new Set<string>();
  tape.assertEqual = (a, b, message) => {
    if (tape.value(a) !== tape.value(b)) found.add(message.replace('tokens: ', ''));
  };
  await TokenColumns.bind(
    session,
    { capacity: CAPACITY, vocabulary: options.vocabulary ?? 8 },
    { input: tape.public(0), output: tape.public(1) },
    ProverOnly.none(),
  ).catch((e: unknown) => {
    if (!(e instanceof VerificationError)) throw e;
    found.add(e.message);
  });
  return [...found].sort();
}

const IN = 'the prompt does not hash to inputHash';
const OUT = 'the output does not hash to outputHash';

describe('token lists', () => {
  it('hash as the statement says', async () => {
    expect(await objections({})).toEqual([]);
    expect(await objections({}, { vocabulary: 6 })).toEqual([]);
  });
  it('have the statement’s tokens, in its order', async () => {
    expect(await objections({ tokens: [5, 4, 4, 1, 2, 0] })).toEqual([IN]);
    expect(await objections({ tokens: [5, 3, 4, 1, 3, 0] })).toEqual([OUT]);
    expect(await objections({ tokens: [3, 5, 4, 1, 2, 0] })).toEqual([IN]);
  });
  it('have its lengths', async () => {
    expect(await objections({ active: [1, 1, 1, 1, 0, 0], tokens: [5, 3, 4, 1, 0, 0] })).toEqual([
      OUT,
    ]);
    expect(await objections({ active: [1, 1, 1, 1, 1, 1] })).toEqual([OUT]);
    expect(await objections({ input: [1, 0, 0, 0, 0, 0] })).toEqual([OUT, IN].sort());
  });
  it('leave padding no choice', async () => {
    expect(await objections({ tokens: [5, 3, 4, 1, 2, 7] })).toEqual([
      'a padding position holds a token',
    ]);
  });
  it('need a prompt and an output', async () => {
    const empty = await objections({ input: [0, 0, 0, 0, 0, 0] });
    expect(empty).toContain('the prompt is empty');
    const only = { active: [1, 1, 0, 0, 0, 0], tokens: [5, 3, 0, 0, 0, 0] };
    expect(await objections(only)).toContain('a value that must not be zero is zero');
  });
  it('are flagged by runs of bits', async () => {
    expect(await objections({ input: [1, 2, 0, 0, 0, 0] })).toContain(
      'a position flag is not a bit',
    );
    expect(await objections({ input: [1, 0, 1, 0, 0, 0] })).toContain(
      'positions are not consecutive',
    );
    expect(await objections({ active: [1, 1, 1, 0, 1, 1] })).toContain(
      'positions are not consecutive',
    );
    // input positions that are no active ones
    const beyond = await objections({ active: [1, 0, 0, 0, 0, 0], tokens: [5, 0, 0, 0, 0, 0] });
    expect(beyond).toContain('an input position is not active');
  });
  it('are ids of the vocabulary', async () => {
    const hashes = (last: number): [bigint, bigint] => [
      inputHash(PROMPT).toBigInt(),
      outputHash([4, 1, last]).toBigInt(),
    ];
    const tokens = (last: number): number[] => [5, 3, 4, 1, last, 0];
    expect(await objections({ tokens: tokens(7) }, { hashes: hashes(7) })).toEqual([]);
    expect(await objections({ tokens: tokens(8) }, { hashes: hashes(8) })).toEqual([
      'a value does not fit in 3 bits',
    ]);
    // in the padding of a vocabulary that is no power of two
    expect(await objections({ tokens: tokens(6) }, { hashes: hashes(6), vocabulary: 6 })).toEqual([
      'a value does not fit in 3 bits',
    ]);
  });
});
