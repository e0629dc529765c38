/**
 * Constants of the proof system that every verification needs and o1js takes a minute to compute in a browser: they come ready
 * made with the page (`scripts/reference-strings.mjs`) and are handed over where o1js would compute them. The file's hash is
 * built into the page.
 *
 * **Note**: this reaches into o1js, whose public interface has no such setting for `verify`. Where it does not find what it
 * expects, verification works as ever, only its first call is slow.
 */
import { PageError } from '../errors.js';
import { POINT_BYTES, STRINGS, STRINGS_SHA256 } from './strings-format.js';

type Point = [0, [0, [0, bigint], [0, bigint]]];
type MlArray<T> = [0, ...T[]];
type Wasm = Record<string, (...args: unknown[]) => unknown>;
interface Conversion {
  pointsToRust(points: MlArray<Point>): Uint32Array;
  polyCommsToRust(comms: MlArray<[0, MlArray<Point>]>): Uint32Array;
}
interface Srs {
  create(size: number): unknown;
  addLagrangeBasis(srs: unknown, logSize: number): void;
}
interface Internals {
  kimchi_wasm?: Wasm;
  __snarkyTsBindings?: {
    rustConversion(wasm: Wasm): Record<'fp' | 'fq', Conversion>;
    srs(wasm: Wasm): Record<'fp' | 'fq', Srs>;
  };
}

/** @throws LOADING_FAILED if the file is not the one that the page was built with */
export async function fetchReferenceStrings(url: string): Promise<ArrayBuffer> {
  const failed = (got: string, cause?: unknown): PageError =>
    new PageError({
      code: 'LOADING_FAILED',
      what: 'a part of the verifier cannot be loaded',
      where: url,
      got,
      hint: 'Check the connection and try again',
      cause,
    });
  let bytes: ArrayBuffer;
  try {
    const response = await fetch(url);
    if (!response.ok) throw Error(`HTTP ${response.status}`);
    bytes = await response.arrayBuffer();
  } catch (cause) {
    throw failed(cause instanceof Error ? cause.message : String(cause), cause);
  }
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  const hex = [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  if (hex !== STRINGS_SHA256) throw failed(`a file with SHA-256 ${hex}`);
  return bytes;
}

/** After o1js is initialised. @returns whether they were handed over */
export function installReferenceStrings(bytes: ArrayBuffer): boolean {
  const { kimchi_wasm: wasm, __snarkyTsBindings: bindings } = globalThis as Internals;
  if (wasm === undefined || bindings === undefined) return false;
  try {
    const { fp, fq } = bindings.rustConversion(wasm);
    const points = (name: keyof typeof STRINGS): MlArray<Point> => {
      const { offset, count } = STRINGS[name];
      return [0, ...readPoints(new Uint8Array(bytes, offset * POINT_BYTES, count * POINT_BYTES))];
    };
    // o1js computes by these functions what it has not; the ready-made values take their place
    const handover = Object.create(wasm) as Wasm;
    handover.caml_fp_srs_create_parallel = () =>
      wasm.caml_fp_srs_set(fp.pointsToRust(points('step')));
    handover.caml_fq_srs_create_parallel = () =>
      wasm.caml_fq_srs_set(fq.pointsToRust(points('wrap')));
    handover.caml_fq_srs_lagrange_commitment = (srs, size, index) => {
      const [, ...basis] = points('lagrange');
      const comms = basis.map((point): [0, MlArray<Point>] => [0, [0, point]]);
      wasm.caml_fq_srs_set_lagrange_basis(srs, size, fq.polyCommsToRust([0, ...comms]));
      return wasm.caml_fq_srs_maybe_lagrange_commitment(srs, size, index);
    };
    const srs = bindings.srs(handover);
    srs.fp.create(STRINGS.step.size);
    srs.fq.addLagrangeBasis(srs.fq.create(STRINGS.wrap.size), Math.log2(STRINGS.lagrange.size));
    return true;
  } catch (error) {
    console.warn('reference strings: not handed over, the first verification is slow', error);
    return false;
  }
}

function readPoints(bytes: Uint8Array): Point[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const coordinate = (at: number): bigint =>
    view.getBigUint64(at, true) |
    (view.getBigUint64(at + 8, true) << 64n) |
    (view.getBigUint64(at + 16, true) << 128n) |
    (view.getBigUint64(at + 24, true) << 192n);
  return Array.from({ length: bytes.byteLength / POINT_BYTES }, (_, i): Point => {
    const at = i * POINT_BYTES;
    return [0, [0, [0, coordinate(at)], [0, coordinate(at + POINT_BYTES / 2)]]];
  });
}
