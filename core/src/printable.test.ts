import { describe, expect, it } from '@jest/globals';
import { printable } from './printable.js';

describe('printable', () => {
  it('leaves letters, marks and symbols as they are', () => {
    const text = 'Grüße, 東京 – 1.5 MINA → B62';
    expect(printable(text)).toBe(text);
  });

  it.each([
    ['\u001b[2J', '\\u{1b}[2J'],
    ['\u009b31m', '\\u{9b}31m'],
    ['a\rb\bc\n', 'a\\u{d}b\\u{8}c\\n'],
    ['\u202egnp', '\\u{202e}gnp'],
    ['a\u200bb\ufeffc\u3164', 'a\\u{200b}b\\u{feff}c\\u{3164}'],
    ['\u2028\ud800', '\\u{2028}\\u{d800}'],
  ])('shows %j', (text, shown) => {
    expect(printable(text)).toBe(shown);
  });
});
