import { describe, expect, it } from '@jest/globals';
import { explainFailure } from './failures.js';

describe('explainFailure', () => {
  it('leaves out what was only cancelled', () => {
    const reasons = [
      { index: '2', failures: ['Cancelled'] },
      { index: '1', failures: ['Account_app_state_3_precondition_unsatisfied'] },
    ];
    expect(explainFailure(reasons)).toBe(
      "the contract's state changed since this was built: build it again (Account_app_state_3_precondition_unsatisfied, account update 1)",
    );
  });

  it('has words for reasons it does not know', () => {
    expect(explainFailure([{ index: '0', failures: ['Some_new_reason'] }])).toContain(
      'some new reason',
    );
    expect(
      explainFailure([{ index: '1', failures: ['Account_app_state_31_precondition_unsatisfied'] }]),
    ).toContain('build it again');
  });
});
