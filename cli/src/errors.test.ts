import { AttensorError } from '@attensor/core';
import { expect, it } from '@jest/globals';
import { describeFailure, ExitCode } from './errors.js';

it('errors of the chain are explained like all others', () => {
  const error = new AttensorError({
    code: 'NOT_SETTLED',
    what: 'the attestation is not in the record',
    expected: 'a settled attestation',
    hint: 'Call settle',
  });
  const { exitCode, json, text } = describeFailure(error);
  expect(exitCode).toBe(ExitCode.badInput);
  expect(json.error).toEqual({
    code: 'NOT_SETTLED',
    what: 'the attestation is not in the record',
    expected: 'a settled attestation',
    hint: 'Call settle',
  });
  expect(text).toMatch(/^error: the attestation is not in the record \[NOT_SETTLED\]\n/);
});
