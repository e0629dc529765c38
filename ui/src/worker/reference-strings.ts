/**
 * Constants of the proof system that o1js takes a minute to compute in a browser: they come ready made with the page
 * (`scripts/reference-strings.mjs`) and are handed over where o1js would compute them. The files' hashes are built into the page.
 *
 * **Note**: this reaches into o1js, whose public interface has no such setting for `verify`. Where it does not find what it
 * expects, verification works as ever, only its first call is slow.
 */
import { AttensorError } from '@attensor/core';
import { bytes, fetchFile } from '../fetch-file.js';
import { POINT_BYTES, pointCount, type PointList, type StringsFile } from './strings-format.js';

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
interface Bindings {
  rustConversion(wasm: Wasm): Record<'fp' | 'fq', Conversion>;
  srs(wasm: Wasm): Record<'fp' | 'fq', Srs>;
}
interface Internals {
  kimchi_wasm?: Wasm;
  __snarkyTsBindings?: Bindings;
}

/** @throws LOADING_FAILED if the file is not the one that the page was built with */
export async function fetchStrings(url: string, { sha256 }: StringsFile): Promise<ArrayBuffer> {
  const failed = (got: string, cause?: unknown): AttensorError =>
    new AttensorError({
      code: 'LOADING_FAILED',
      what: 'a part of the verifier cannot be loaded',
      where: url,
      got,
      hint: 'Check the connection and try again',
      cause,
    });
  const content = await fetchFile(url, bytes, failed);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', content));
  const hex = [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  if (hex !== sha256) throw failed(`a file with SHA-256 ${hex}`);
  return content;
}

/** After o1js is initialised. @returns whether they were handed over */
export function installStrings(content: ArrayBuffer, { lists }: StringsFile): boolean {
  const { kimchi_wasm: wasm, __snarkyTsBindings: bindings } = globalThis as Internals;
  if (wasm === undefined || bindings === undefined) return false;
  try {
    const conversion = bindings.rustConversion(wasm);
    let offset = 0;
    for (const list of lists) {
      const length = pointCount(list) * POINT_BYTES;
      const points = readPoints(new Uint8Array(content, offset, length));
      offset += length;
      handOver(list, points, conversion[list.field], wasm, bindings.srs);
    }
    return true;
  } catch (error) {
    console.warn('constants: not handed over, o1js computes them', error);
    return false;
  }
}

/** o1js computes what it has not by functions of `wasm`; here a ready-made value takes their place. */
function handOver(
  { kind, field, size }: PointList,
  points: Point[],
  conversion: Conversion,
  wasm: Wasm,
  srsOf: Bindings['srs'],
): void {
  const instead = Object.create(wasm) as Wasm;
  const name = (what: string): string => `caml_${field}_srs_${what}`;
  instead[name('create_parallel')] = () =>
    wasm[name('set')](conversion.pointsToRust([0, ...points]));
  instead[name('lagrange_commitment')] = (srs, domain, index) => {
    const comms = points.map((point): [0, MlArray<Point>] => [0, [0, point]]);
    wasm[name('set_lagrange_basis')](srs, domain, conversion.polyCommsToRust([0, ...comms]));
    return wasm[name('maybe_lagrange_commitment')](srs, domain, index);
  };
  const srs = srsOf(instead)[field];
  if (kind === 'srs') srs.create(size);
  else srs.addLagrangeBasis(srs.create(FULL_SIZE[field]), Math.log2(size));
}

/** Of the reference strings; they are there before any basis. */
const FULL_SIZE = { fp: 2 ** 16, fq: 2 ** 15 };

function readPoints(list: Uint8Array): Point[] {
  const view = new DataView(list.buffer, list.byteOffset, list.byteLength);
  const coordinate = (at: number): bigint =>
    view.getBigUint64(at, true) |
    (view.getBigUint64(at + 8, true) << 64n) |
    (view.getBigUint64(at + 16, true) << 128n) |
    (view.getBigUint64(at + 24, true) << 192n);
  return Array.from({ length: list.byteLength / POINT_BYTES }, (_, i): Point => {
    const at = i * POINT_BYTES;
    return [0, [0, [0, coordinate(at)], [0, coordinate(at + POINT_BYTES / 2)]]];
  });
}
