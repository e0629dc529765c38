import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { expTable, ropeTables, sigmoidTable } from './tables.js';

const digest = (table: Int32Array): string =>
  createHash('sha256').update(new Uint8Array(table.buffer)).digest('hex');

// Digests of little-endian int32 entries, computed from the definitions in 60-digit decimal arithmetic elsewhere.
describe('tables', () => {
  test('EXP', () => {
    expect(expTable()[0]).toBe(65536);
    expect(expTable()[4096]).toBe(Math.floor(65536 / Math.E));
    expect(expTable()[65535]).toBe(0);
    expect(digest(expTable())).toBe(
      'a18df16ba3d6358d93630f54ae3414dbc042419b6720749fc2105fa382dc48ec',
    );
  });

  test('SIG', () => {
    expect(digest(sigmoidTable())).toBe(
      '6a924da976fa3eaf6fea0d8beef1e855e5419d9a2a251917c4f5e3eada9d4759',
    );
  });

  test.each([
    [
      10000,
      16,
      256,
      '240639167574a28b5eec796df24636214c06df4894c16f9f45fc802a955835e4',
      '1b684f9512d8cc1fc26ab21d0b45aa1977c5b313816ce706e4dc85ac4df00535',
    ],
    [
      50000,
      8,
      64,
      '3d189960e0af2d13988096a22055cb04154914d461b53ee15a2a3170a4b3addb',
      'e1fe4a591758ef9a30672e6f5aeb5911f220834da2e0099164c8546dd44aa93a',
    ],
  ])('COS and SIN of theta %d, d %d', (theta, d, positions, cos, sin) => {
    const tables = ropeTables({ ropeTheta: theta }, d, positions);
    expect(digest(tables.cos)).toBe(cos);
    expect(digest(tables.sin)).toBe(sin);
  });

  test('COS and SIN of a fractional theta', () => {
    const { cos, sin } = ropeTables({ ropeTheta: 1234.5 }, 6, 40);
    for (let t = 0; t < 40; t++) {
      for (let j = 0; j < 3; j++) {
        const angle = t * 1234.5 ** ((-2 * j) / 6);
        expect(Math.abs(cos[3 * t + j] - 65536 * Math.cos(angle))).toBeLessThan(0.5001);
        expect(Math.abs(sin[3 * t + j] - 65536 * Math.sin(angle))).toBeLessThan(0.5001);
      }
    }
  });
});
