import { describe, expect, it } from '@jest/globals';
import { Field, Provable } from 'o1js';
import { Attestation } from './attestation.js';
import { batchHashes, batchOf, holdsPairs, type StatedPair } from './batch.js';
import { Commitment } from './commitment.js';
import { inputHash, outputHash } from './hashes.js';

class Four extends batchOf(4) {}

const pairOf = (input: number[], output: number[]): StatedPair => ({
  inputHash: inputHash(input).toString(),
  outputHash: outputHash(output).toString(),
});
const PAIRS = [pairOf([1], [2, 3]), pairOf([4, 5], [6]), pairOf([1], [7]), pairOf([8], [9])];
const [A, B, C, D] = PAIRS;
const { input, output } = batchHashes(PAIRS);
const statement = { inputHash: input.toString(), outputHash: output.toString() };

const requireHolds = (pairs: StatedPair[], inputHash: string, outputHash: string): Promise<void> =>
  Provable.runAndCheck(() => {
    const batch = Provable.witness(Four, () => Four.of(pairs));
    const hashes = Four.requireHolds(
      batch,
      Provable.witness(Field, () => Field(inputHash)),
      Provable.witness(Field, () => Field(outputHash)),
    );
    hashes.input.assertEquals(input);
    hashes.output.assertEquals(output);
  });

describe('a batch', () => {
  it('has the hashes of all its requests, in order and number', () => {
    expect(holdsPairs(statement, PAIRS)).toBe(true);
    const crossed = { inputHash: A.inputHash, outputHash: B.outputHash };
    for (const pairs of [
      [B, A, C, D],
      [A, B, C],
      [A, B, C, D, D],
      [A, A, C, D],
      [crossed, B, C, D],
      [{ ...A, outputHash: C.outputHash }, B, { ...C, outputHash: A.outputHash }, D],
    ])
      expect(holdsPairs(statement, pairs)).toBe(false);
  });

  it('is no list of tokens', () => {
    const ids = [1, 2];
    const one = { inputHash: inputHash(ids).toString(), outputHash: outputHash(ids).toString() };
    expect(holdsPairs(one, [one])).toBe(false);
  });

  it('shows each of its requests in a circuit, and no other', async () => {
    for (const pair of PAIRS) await requireHolds(PAIRS, pair.inputHash, pair.outputHash);
    const refused = 'no request of the batch has these hashes';
    await expect(requireHolds(PAIRS, A.inputHash, B.outputHash)).rejects.toThrow(refused);
    await expect(requireHolds(PAIRS, D.outputHash, D.inputHash)).rejects.toThrow(refused);
    // other pairs show what they like, of another batch
    const other = [pairOf([1], [1]), B, C, D];
    await expect(requireHolds(other, other[0].inputHash, other[0].outputHash)).rejects.toThrow();
  });

  it('has as many pairs as its circuit', () => {
    expect(() => Four.of([A, B])).toThrow('expected 4 pairs, got 2');
  });

  it('is attested like a request, by another key than its requests', () => {
    const commitment = new Commitment({
      modelRoot: Field(1),
      vocabularyRoot: Field(2),
      verifierKeyHash: Field(3),
    });
    const whole = Attestation.key(Attestation.of(commitment, input, output));
    for (const pair of PAIRS) {
      const one = Attestation.of(commitment, Field(pair.inputHash), Field(pair.outputHash));
      expect(Attestation.key(one).equals(whole).toBoolean()).toBe(false);
    }
  });
});
