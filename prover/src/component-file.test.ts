/** What a file of a component's proof can make a verifier do before anything in it is believed. */
import { expect, it } from '@jest/globals';
import { componentProofIn, tablesRoot } from './index.js';

const file = (component: Record<string, unknown>): string =>
  JSON.stringify({
    format: 'attensor-component-proof',
    version: 1,
    component,
    statement: { component: '1', tensors: '2', weights: '3', tokens: '4' },
    verificationKey: { data: 'AA==', hash: '5' },
    proof: {
      publicInput: ['1', '2', '3', '4'],
      publicOutput: ['0'],
      maxProofsVerified: 1,
      proof: 'x',
    },
  });
const ROPE = {
  kind: 'rope',
  rows: 4,
  heads: 2,
  dim: 4,
  theta: 10_000,
  logInvRate: 2,
  hashingLogInvRate: 2,
};

it('names sizes of commitments that exist', () => {
  expect(componentProofIn(file({ ...ROPE, logSize: 12 }))).toBeDefined();
  for (const logSize of [-1, 7, 12.5, 29, 1e9])
    expect(() => componentProofIn(file({ ...ROPE, logSize }))).toThrow('BAD_FILE');
  for (const logInvRate of [0, 1.5, 40])
    expect(() => componentProofIn(file({ ...ROPE, logSize: 12, logInvRate }))).toThrow('BAD_FILE');
});

it('has tables made only of bounded size', async () => {
  for (const sizes of [{ rows: 2 ** 24 }, { dim: 2 ** 24 }, { rows: 2 ** 12, dim: 2 ** 12 }])
    await expect(tablesRoot({ ...ROPE, ...sizes, logSize: 12 })).rejects.toMatchObject({
      code: 'BAD_FILE',
    });
});

it('is told from other files', () => {
  expect(componentProofIn('{"format":"attensor-proof"}')).toBeUndefined();
  expect(componentProofIn('no json')).toBeUndefined();
  expect(() => componentProofIn('{"format":"attensor-component-proof","version":9}')).toThrow(
    'UNSUPPORTED_VERSION',
  );
  expect(() => componentProofIn('{"format":"attensor-component-proof","version":1}')).toThrow(
    'BAD_FILE',
  );
});
