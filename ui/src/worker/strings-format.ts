/**
 * Files of o1js's constants: the reference strings of both curves, and their Lagrange bases. Affine points, x and y of 32 bytes,
 * least significant byte first, one list after another.
 */

export const POINT_BYTES = 64;

export interface PointList {
  kind: 'srs' | 'lagrange';
  /** of step proofs (fp) or wrap proofs (fq) */
  field: 'fp' | 'fq';
  size: number;
}

export interface StringsFile {
  lists: PointList[];
  /** of the whole file: a constant, as its contents are */
  sha256: string;
}

/** A reference string has its blinding generator besides. */
export const pointCount = ({ kind, size }: PointList): number => (kind === 'srs' ? size + 1 : size);

/** What verifying an inference proof takes: its program verifies at most one proof. */
export const VERIFYING: StringsFile = {
  lists: [
    { kind: 'srs', field: 'fp', size: 2 ** 16 },
    { kind: 'srs', field: 'fq', size: 2 ** 15 },
    { kind: 'lagrange', field: 'fq', size: 2 ** 14 },
  ],
  sha256: '65fc493cde16411b04e6434bd494e0abfb919ea53bffcf5e90cbe5a852c6ff09',
};

/** What compiling the attestation contract takes besides: the domains of its circuits, 2^11 and for those that verify a proof 2^14. */
export const COMPILING: StringsFile = {
  lists: [
    ...[11, 14].map((log): PointList => ({
      kind: 'lagrange',
      field: 'fp',
      size: 2 ** log,
    })),
    ...[13, 15].map((log): PointList => ({ kind: 'lagrange', field: 'fq', size: 2 ** log })),
  ],
  sha256: 'b53f03f4773883595b8c14986c8c44df9675b4d3153e38a11ea51c61f367f42b',
};
