import './testing/native-backend.js';
import { describe, expect, it } from '@jest/globals';
import { Field, Poseidon } from 'o1js';
import {
  domain,
  inputHash,
  inputHashOfText,
  modelRoot,
  outputHash,
  outputHashOfText,
} from './hashes.js';

describe('domain', () => {
  it('reads ASCII as a little-endian integer', () => {
    expect(domain('ab').toBigInt()).toBe(0x6261n);
    expect(domain('attensor-input-1').toBigInt()).toBe(
      BigInt('0x' + Buffer.from('attensor-input-1').reverse().toString('hex')),
    );
  });

  it('rejects what it can not represent', () => {
    for (const name of ['', 'é', 'x'.repeat(32)]) expect(() => domain(name)).toThrow('domain: ');
  });
});

describe('token hashes', () => {
  it('is Poseidon of domain, length, and a pair per token', () => {
    const fields = [domain('attensor-input-1'), 2, 7, 0, 4294967295, 0].map((x) => Field(x));
    expect(inputHash([7, 2 ** 32 - 1]).toBigInt()).toBe(Poseidon.hash(fields).toBigInt());
  });

  it('tells input from output, order, and length', () => {
    const hashes = [
      inputHash([1, 2]),
      outputHash([1, 2]),
      inputHash([2, 1]),
      inputHash([1, 2, 0]),
      inputHash([1]),
    ].map((hash) => hash.toBigInt());
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  it.each([
    { ids: [], says: 'at least one token' },
    { ids: [1, -1], says: 'token 1 ' },
    { ids: [2 ** 32], says: 'got 4294967296' },
    { ids: [0.5], says: 'got 0.5' },
    { ids: [NaN], says: 'got NaN' },
  ])('rejects $ids', ({ ids, says }) => {
    expect(() => inputHash(ids)).toThrow(says);
    expect(() => outputHash(ids)).toThrow(says);
  });
});

describe('text hashes', () => {
  it('are those of the tokens, from a tokenizer that may take its time', async () => {
    const tokenize = (text: string) => [...text].map((letter) => letter.charCodeAt(0));
    const later = (text: string) => Promise.resolve(tokenize(text));
    for (const each of [tokenize, later]) {
      const [asked, answered] = [
        await inputHashOfText('ab', each),
        await outputHashOfText('ab', each),
      ];
      expect(asked.toBigInt()).toBe(inputHash([97, 98]).toBigInt());
      expect(answered.toBigInt()).toBe(outputHash([97, 98]).toBigInt());
    }
    await expect(inputHashOfText('', tokenize)).rejects.toThrow('at least one token');
  });
});

describe('modelRoot', () => {
  it('depends on every part and its place', () => {
    const [a, b, c] = [Field(1), Field(2), Field(3)];
    const roots = [
      modelRoot({ configHash: a, parameterRoot: b, salt: c }),
      modelRoot({ configHash: b, parameterRoot: a, salt: c }),
      modelRoot({ configHash: a, parameterRoot: b, salt: Field(4) }),
    ].map((root) => root.toBigInt());
    expect(new Set(roots).size).toBe(roots.length);
    expect(roots[0]).toBe(Poseidon.hash([domain('attensor-model-1'), a, b, c]).toBigInt());
  });
});
