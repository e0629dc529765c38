/** What is refused about a proof file before its proof is verified; the proof itself: the main job's suite. */
import { expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { genuineKey, proofProblem, statementProblem, type StatedProof } from './stated-proof.js';

type File = StatedProof & { statement: Record<string, string> };

const path = new URL('../../models/tiny/proof.json', import.meta.url);
const file = JSON.parse(await readFile(path, 'utf8')) as File;
const fields = [...file.proof.publicInput];
const withProof = (change: Partial<File['proof']>): File => ({
  ...file,
  proof: { ...file.proof, ...change },
});

it('a proof about other fields, more or fewer of them', () => {
  expect(statementProblem(file, fields)).toBeUndefined();
  for (const k of fields.keys())
    expect(
      statementProblem(
        file,
        fields.map((field, i) => (i === k ? `${field}0` : field)),
      ),
    ).toBe('statement');
  expect(statementProblem(file, fields.slice(1))).toBe('statement');
  expect(statementProblem(file, [...fields, '0'])).toBe('statement');
  expect(statementProblem(withProof({ publicInput: fields.slice(0, 3) }), fields)).toBe(
    'statement',
  );
});

it('a proof of a part of a run', () => {
  expect(statementProblem(withProof({ publicOutput: ['1'] }), fields)).toBe('unfinished');
  expect(statementProblem(withProof({ publicOutput: [] }), fields)).toBe('unfinished');
});

it('a key with another hash, or none', async () => {
  const { data, hash } = file.verificationKey;
  const key = await genuineKey(file);
  expect(key?.hash.toString()).toBe(hash);
  const others = [
    { data, hash: (BigInt(hash) + 1n).toString() },
    { data: data.slice(0, -8), hash },
    { data: 'no key', hash },
    { data, hash: 'no number' },
  ];
  for (const verificationKey of others) {
    expect(await genuineKey({ verificationKey })).toBeUndefined();
    expect(await proofProblem({ ...file, verificationKey }, fields)).toBe('key');
  }
});
