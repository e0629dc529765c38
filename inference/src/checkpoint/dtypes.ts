/** Decoding of checkpoint number formats to doubles; every format here fits a double exactly. */

export const DTYPES = {
  F32: { bytes: 4, decode: decodeF32 },
  F16: { bytes: 2, decode: decodeF16 },
  BF16: { bytes: 2, decode: decodeBf16 },
  F8_E4M3: { bytes: 1, decode: decodeE4m3 },
} as const;

export type Dtype = keyof typeof DTYPES;

export function isDtype(name: string): name is Dtype {
  return Object.hasOwn(DTYPES, name);
}

/** @param bytes little-endian. NaN codes decode to NaN. */
export function decode(dtype: Dtype, bytes: Uint8Array): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return DTYPES[dtype].decode(view, bytes.byteLength / DTYPES[dtype].bytes);
}

function decodeF32(view: DataView, n: number): Float64Array {
  return fill(n, (i) => view.getFloat32(4 * i, true));
}

function decodeBf16(view: DataView, n: number): Float64Array {
  const word = new DataView(new ArrayBuffer(4));
  return fill(n, (i) => {
    word.setUint32(0, view.getUint16(2 * i, true) << 16);
    return word.getFloat32(0);
  });
}

/** 1 sign, 5 exponent, 10 fraction bits. */
function decodeF16(view: DataView, n: number): Float64Array {
  return fill(n, (i) => {
    const code = view.getUint16(2 * i, true);
    const sign = code >> 15 ? -1 : 1;
    const exponent = (code >> 10) & 31;
    const fraction = code & 1023;
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    return sign * (1024 + fraction) * 2 ** (exponent - 25);
  });
}

/** 1 sign, 4 exponent, 3 fraction bits, bias 7; no infinities, S.1111.111 is NaN. */
function decodeE4m3(view: DataView, n: number): Float64Array {
  return fill(n, (i) => E4M3[view.getUint8(i)]);
}

const E4M3 = fill(256, (code) => {
  const sign = code >> 7 ? -1 : 1;
  const exponent = (code >> 3) & 15;
  const fraction = code & 7;
  if (exponent === 15 && fraction === 7) return NaN;
  if (exponent === 0) return sign * fraction * 2 ** -9;
  return sign * (8 + fraction) * 2 ** (exponent - 10);
});

function fill(n: number, value: (i: number) => number): Float64Array {
  const out = new Float64Array(n);
  for (let i = 0; i < n; i++) out[i] = value(i);
  return out;
}
