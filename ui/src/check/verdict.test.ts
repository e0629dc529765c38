import { describe, expect, test } from '@jest/globals';
import { STEPS, verdictOf, type Step, type StepId } from './verdict.js';

const ids = Object.keys(STEPS) as StepId[];
const seconds = { load: 0, total: 0 };
const all = (change: Partial<Record<StepId, Step['state']>> = {}): Step[] =>
  ids.map((id) => ({ id, state: change[id] ?? 'ok', words: `words of ${id}` }));

describe('verdict', () => {
  test('yes, if everything holds; the record is not needed', () => {
    expect(verdictOf({ steps: all(), seconds }).tone).toBe('yes');
    expect(verdictOf({ steps: all({ record: 'open' }), seconds }).tone).toBe('yes');
  });

  test.each(ids)('no, with the reason, if one does not hold: %s', (id) => {
    const verdict = verdictOf({ steps: all({ [id]: 'failed' }), seconds });
    expect(verdict).toMatchObject({ tone: 'no', reason: `words of ${id}` });
  });

  test.each(ids.filter((id) => id !== 'record'))(
    'never yes if one is open or missing: %s',
    (id) => {
      expect(verdictOf({ steps: all({ [id]: 'open' }), seconds }).tone).not.toBe('yes');
      const without = all().filter((step) => step.id !== id);
      expect(verdictOf({ steps: without, seconds }).tone).not.toBe('yes');
    },
  );

  test('no step at all shows nothing', () => {
    expect(verdictOf({ steps: [], seconds }).tone).toBe('no');
  });

  test('says which text was not compared, and why a contract is missing', () => {
    const one = verdictOf({ steps: all({ prompt: 'open' }), seconds });
    expect(one).toMatchObject({ tone: 'part', reason: 'words of prompt' });
    expect(one.headline).toContain('the prompt was not compared');
    const both = verdictOf({ steps: all({ prompt: 'open', answer: 'open' }), seconds });
    expect(both.headline).toContain('prompt and answer');
    const chainError = { code: 'NODE_UNAVAILABLE', what: 'the node does not answer' };
    const open = { contract: 'open', circuits: 'open', model: 'open' } as const;
    const lost = verdictOf({ steps: all(open), chainError, seconds });
    expect(lost).toMatchObject({
      tone: 'part',
      reason: expect.stringContaining('does not answer') as unknown,
    });
  });
});
