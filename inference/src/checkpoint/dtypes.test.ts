import { describe, expect, test } from '@jest/globals';
import { decode, DTYPES, type Dtype } from './dtypes.js';
import { quantize } from './quantize.js';
import { failure } from '../testing/fixtures.js';

const one = (dtype: Dtype, code: number): number => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, code, true);
  return decode(dtype, bytes.subarray(0, DTYPES[dtype].bytes))[0];
};

describe('number formats', () => {
  test('F8_E4M3', () => {
    expect(one('F8_E4M3', 0x00)).toBe(0);
    expect(one('F8_E4M3', 0x01)).toBe(2 ** -9);
    expect(one('F8_E4M3', 0x08)).toBe(2 ** -6);
    expect(one('F8_E4M3', 0x38)).toBe(1);
    expect(one('F8_E4M3', 0x7e)).toBe(448);
    expect(one('F8_E4M3', 0xfe)).toBe(-448);
    expect(one('F8_E4M3', 0x7f)).toBeNaN();
    expect(one('F8_E4M3', 0xff)).toBeNaN();
  });

  test('F16', () => {
    expect(one('F16', 0x3c00)).toBe(1);
    expect(one('F16', 0xc000)).toBe(-2);
    expect(one('F16', 0x0001)).toBe(2 ** -24);
    expect(one('F16', 0x7bff)).toBe(65504);
    expect(one('F16', 0x7c00)).toBe(Infinity);
    expect(one('F16', 0x7e00)).toBeNaN();
  });

  test('BF16 and F32', () => {
    expect(one('BF16', 0x3fc0)).toBe(1.5);
    expect(one('BF16', 0xff80)).toBe(-Infinity);
    expect(one('BF16', 0x7fc0)).toBeNaN();
    expect(one('F32', 0x3fc00000)).toBe(1.5);
    expect(one('F32', 0x00000001)).toBe(2 ** -149);
  });
});

describe('quantization', () => {
  const ulp = 2 ** -16;

  test('rounds to nearest, ties to even', () => {
    const values = [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.49, 0.51, -0.51, -1e-9, 3].map(
      (v) => v * ulp,
    );
    expect([...quantize(Float64Array.from(values), 'w', 0)]).toEqual([
      0, 2, 2, 0, -2, -2, 0, 1, -1, 0, 3,
    ]);
  });

  test('rejects what is not finite or does not fit', async () => {
    expect([...quantize(Float64Array.of(32768 - ulp, -32768), 'w', 0)]).toEqual([
      2 ** 31 - 1,
      -(2 ** 31),
    ]);
    for (const [value, code] of [
      [NaN, 'NON_FINITE_WEIGHT'],
      [-Infinity, 'NON_FINITE_WEIGHT'],
      [32768, 'WEIGHT_RANGE'],
      [-32768 - ulp, 'WEIGHT_RANGE'],
      [1e300, 'WEIGHT_RANGE'],
    ] as const) {
      const error = await failure(() => quantize(Float64Array.of(0, value), 'w', 10));
      expect(error).toMatchObject({ code, where: "tensor 'w', element 11" });
    }
  });
});
