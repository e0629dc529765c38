/** What a proof file with a batch may be, and what it must agree with. Its proof is none: it is looked at last. */
import { batchHashes, inputHash, outputHash } from '@attensor/contracts';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { initializeBindings, VerificationKey } from 'o1js';
import { verifyProofFile } from './proof-file.js';
import { parseProofFile, type ProofFile } from './proof-format.js';

const REQUESTS = [
  { promptIds: [1, 2], outputIds: [3] },
  { promptIds: [4], outputIds: [5, 6] },
];
const batch = REQUESTS.map(({ promptIds, outputIds }) => ({
  inputHash: inputHash(promptIds).toString(),
  outputHash: outputHash(outputIds).toString(),
}));

/** Of no program: genuine, and no proof verifies under it. */
let verificationKey: ProofFile['verificationKey'];
beforeAll(async () => {
  await initializeBindings();
  const { data, hash } = await VerificationKey.dummy();
  verificationKey = { data, hash: hash.toString() };
});

function fileOf(stated = batch): ProofFile {
  const { input, output } = batchHashes(stated);
  const statement = {
    ...{ modelRoot: '1', vocabularyRoot: '2' },
    ...{ inputHash: input.toString(), outputHash: output.toString() },
  };
  return {
    ...{ format: 'attensor-proof' as const, version: 2 as const, statement, batch },
    verificationKey,
    proof: {
      publicInput: Object.values(statement),
      ...{ publicOutput: ['0'], maxProofsVerified: 1, proof: 'none' },
    },
  };
}

const UNREADABLE = 'the proof cannot be read';

const parsed = (file: object): ProofFile => parseProofFile(JSON.stringify(file));

describe('a proof file of a batch', () => {
  it('is read, with the texts that it reveals', () => {
    const file = fileOf();
    expect(parsed(file)).toEqual(file);
    const text = { prompt: 'a', output: 'b', promptIds: [4], outputIds: [5, 6] };
    const revealing = { ...file, batch: [batch[0], { ...batch[1], text }] };
    expect(parsed(revealing)).toEqual(revealing);
  });

  it('has a version of its own, at least two requests, and no text besides theirs', () => {
    const text = { prompt: 'a', output: 'b', promptIds: [4], outputIds: [5, 6] };
    const file = fileOf();
    expect(() => parsed({ ...file, version: 1 })).toThrow('BAD_FILE');
    expect(() => parsed({ ...file, batch: undefined })).toThrow('BAD_FILE');
    expect(() => parsed({ ...file, batch: batch.slice(1) })).toThrow('BAD_FILE');
    expect(() => parsed({ ...file, text })).toThrow('BAD_FILE');
    expect(() => parsed({ ...file, version: 3 })).toThrow('UNSUPPORTED_VERSION');
  });

  it('is refused if it lists other requests than it states', async () => {
    const refused = 'the file lists other requests than its proof is about';
    const reason = async (file: ProofFile) => (await verifyProofFile(file)).reason;
    expect(await reason(fileOf([batch[1], batch[0]]))).toBe(refused);
    expect(await reason(fileOf([...batch, batch[0]]))).toBe(refused);
    expect(await reason(fileOf())).toBe(UNREADABLE);
  });

  it('is compared with the prompt and the output of one request', async () => {
    const reason = async (promptIds?: number[], outputIds?: number[]) =>
      (await verifyProofFile(fileOf(), { promptIds, outputIds })).reason;
    for (const { promptIds, outputIds } of REQUESTS) {
      expect(await reason(promptIds, outputIds)).toBe(UNREADABLE);
      expect(await reason(promptIds)).toBe(UNREADABLE);
      expect(await reason(undefined, outputIds)).toBe(UNREADABLE);
    }
    expect(await reason([4], [3])).toBe('the proof is about another output');
    expect(await reason([1, 2], [5, 6])).toBe('the proof is about another output');
    expect(await reason([4, 4], [5, 6])).toBe('the proof is about another prompt');
    expect(await reason(undefined, [5])).toBe('the proof is about another output');
  });
});
