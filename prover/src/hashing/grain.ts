/**
 * @module grain
 * The pseudo-random bits that Poseidon's and Poseidon2's parameters come from: Grain's shift register of 80 bits, started from the
 * instance's numbers, in self-shrinking mode. As in `poseidon2_rust_params.sage` of HorizenLabs/poseidon2 and in section F of the
 * Poseidon paper (ePrint 2019/458).
 */

/** What an instance's register starts from, beside the field's kind and that of the S-box. */
export interface GrainSeed {
  /** bits of the field's modulus */
  fieldBits: number;
  width: number;
  fullRounds: number;
  partialRounds: number;
}

const TAPS = [0, 13, 23, 38, 51, 62];
const SIZE = 80;
const WARM_UP = 160;
/** A prime field, and x^e as the S-box: the published instances start from 0 for it, though the script now says 1. */
const PRIME_FIELD = 1;
const POWER_SBOX = 0;

export class Grain {
  /** the last SIZE bits, oldest at `start` */
  private readonly register: Uint8Array;
  private start = 0;

  constructor({ fieldBits, width, fullRounds, partialRounds }: GrainSeed) {
    const bits = (value: number, count: number): number[] =>
      Array.from({ length: count }, (_, k) => (value >> (count - 1 - k)) & 1);
    this.register = Uint8Array.from([
      ...bits(PRIME_FIELD, 2),
      ...bits(POWER_SBOX, 4),
      ...bits(fieldBits, 12),
      ...bits(width, 12),
      ...bits(fullRounds, 10),
      ...bits(partialRounds, 10),
      ...new Array<number>(30).fill(1),
    ]);
    for (let k = 0; k < WARM_UP; k++) this.step();
  }

  private step(): number {
    const { register, start } = this;
    let bit = 0;
    for (const tap of TAPS) bit ^= register[(start + tap) % SIZE];
    register[start] = bit;
    this.start = (start + 1) % SIZE;
    return bit;
  }

  /** Of each two bits the second, if the first is 1. */
  private bit(): number {
    while (this.step() === 0) this.step();
    return this.step();
  }

  /** The next `count` bits as a number, the first bit its highest. */
  number(count: number): bigint {
    let value = 0n;
    for (let k = 0; k < count; k++) value = (value << 1n) | BigInt(this.bit());
    return value;
  }
}
