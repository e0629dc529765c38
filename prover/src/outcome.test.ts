import { expect, it } from '@jest/globals';
import { outcome } from './outcome.js';

it('is valid only where a trusted key was compared', () => {
  expect(outcome(['verifierKeyHash', 'proof'])).toEqual({ result: 'valid', valid: true });
  expect(outcome(['inputHash', 'outputHash', 'proof'])).toMatchObject({
    result: 'unverified program',
    valid: false,
  });
  expect(outcome([])).toMatchObject({ result: 'unverified program', valid: false });
  for (const checked of [[], ['verifierKeyHash']])
    expect(outcome(checked, 'the proof does not verify')).toEqual({
      result: 'invalid',
      valid: false,
      reason: 'the proof does not verify',
    });
});
