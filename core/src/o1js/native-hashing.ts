/**
 * Poseidon on constants by o1js's native backend: o1js itself computes it on bigints in JavaScript, twelve times slower. Tests that
 * build ledgers, queues and records spend most of their time there. **Note**: it reaches into o1js.
 */
import { internalModule, unsupportedO1js } from './modules.js';

interface PoseidonModule {
  Poseidon: {
    initialState(): bigint[];
    hash(input: bigint[]): bigint;
    update(state: bigint[], input: bigint[]): bigint[];
  };
}
interface NativeModule {
  /** A state of three elements of 32 bytes, to the state after the permutation. */
  wasm: { caml_pasta_fp_poseidon_block_cipher?: (state: Uint8Array) => Uint8Array };
}

const WIDTH = 3;
const RATE = 2;
const LIMBS = 4;
const LIMB_BITS = 64n;
const MODULUS = 0x40000000000000000000000000000000224698fc094cf91b992d30ed00000001n;

/** Makes o1js hash constants natively in this process, with the same results. @throws AttensorError when this o1js does not let it */
export async function hashNatively(): Promise<void> {
  const { Poseidon } = await internalModule<PoseidonModule>('bindings/crypto/poseidon.js');
  const { wasm } = await internalModule<NativeModule>('bindings/js/node/native-backend.js');
  const { caml_pasta_fp_poseidon_block_cipher: permute } = wasm;
  if (permute === undefined) throw unsupportedO1js('o1js has no native Poseidon');
  Poseidon.update = (before, input) => {
    let state = before;
    for (let at = 0; at < Math.max(input.length, 1); at += RATE) {
      const absorbed = state.map((v, i) => (i < RATE ? (v + (input[at + i] ?? 0n)) % MODULUS : v));
      state = fromBytes(permute(toBytes(absorbed)));
    }
    return state;
  };
  Poseidon.hash = (input) => Poseidon.update(Poseidon.initialState(), input)[0];
}

function toBytes(state: bigint[]): Uint8Array {
  const limbs = new BigUint64Array(WIDTH * LIMBS);
  state.forEach((element, i) => {
    for (let k = 0; k < LIMBS; k++)
      limbs[LIMBS * i + k] = BigInt.asUintN(64, element >> (BigInt(k) * LIMB_BITS));
  });
  return new Uint8Array(limbs.buffer);
}

function fromBytes(bytes: Uint8Array): bigint[] {
  const limbs = new BigUint64Array(Uint8Array.from(bytes).buffer);
  return Array.from({ length: WIDTH }, (_, i) =>
    limbs
      .subarray(LIMBS * i, LIMBS * (i + 1))
      .reduceRight((element, limb) => (element << LIMB_BITS) | limb, 0n),
  );
}
