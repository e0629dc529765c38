/** The file of reference strings: affine points, x and y of 32 bytes, least significant byte first, one list after another. */

export const POINT_BYTES = 64;

const STEP = 2 ** 16;
const WRAP = 2 ** 15;
/** Of wrap circuits of programs that verify one proof, as inference programs do. */
const LAGRANGE = 2 ** 14;

/** Where each list begins, and its length, in points; a reference string has its blinding generator first. */
export const STRINGS = {
  step: { size: STEP, offset: 0, count: STEP + 1 },
  wrap: { size: WRAP, offset: STEP + 1, count: WRAP + 1 },
  lagrange: { size: LAGRANGE, offset: STEP + WRAP + 2, count: LAGRANGE },
};

/** Of the whole file: a constant, as the strings are. */
export const STRINGS_SHA256 = '65fc493cde16411b04e6434bd494e0abfb919ea53bffcf5e90cbe5a852c6ff09';
