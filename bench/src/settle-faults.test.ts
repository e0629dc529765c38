import { expect, it } from '@jest/globals';
import { runSettleFaults } from './settle-faults.js';

it('a settlement that is killed three times goes on, and proves nothing twice', async () => {
  const report = await runSettleFaults({ moments: 3, seed: 7, submissions: 600 });
  expect(report).toMatchObject({ killed: 3 });
  expect(report.settled).toBeGreaterThan(0);
});
