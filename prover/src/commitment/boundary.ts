/**
 * @module boundary
 * A tensor between two units of a model: committed once, by whoever runs the model, and opened in both neighbours. It is a small vector
 * of its own under a tree of its own; its salt keeps the activations from whoever sees a unit's statement.
 */
import type { FpVec, ProverEngine } from '@attensor/native';
import { dim, paddedTensor } from '../components/builder.js';
import { TREES } from '../hashing/trees.js';
import { BOUNDARY_DOMAIN, textHash, UNIT_DOMAIN } from '../protocol/domains.js';
import type { Scope } from '../protocol/scope.js';
import type { Side, Tensor } from '../protocol/tensor.js';
import type { IntTensor } from '../units/tensors.js';
import { CommittedVector, geometry, randomField, type Geometry } from './committed-vector.js';
import { LOG_CAP, LOG_LEAF } from './parameters.js';
import type { RootPurpose } from './vectors.js';

/** A constant, since neighbours of different sizes open one commitment; low, since the vector is small and queries cost both of them. */
const LOG_INV_RATE = 4;

/** log2 of the padded dimensions: positions, and entries of a row. */
export interface BoundarySize {
  logRows: number;
  logWidth: number;
}

export function boundaryGeometry({ logRows, logWidth }: BoundarySize): Geometry {
  const log = logRows + logWidth;
  return geometry(2 ** log, Math.max(log, LOG_LEAF + LOG_CAP), LOG_INV_RATE, TREES);
}

export function boundaryPurpose({ logRows, logWidth }: BoundarySize): RootPurpose {
  const text = JSON.stringify(['boundary', logRows, logWidth, LOG_INV_RATE]);
  return { domain: BOUNDARY_DOMAIN, purpose: textHash(UNIT_DOMAIN, text) };
}

/** The size of a unit's tensor at its end. */
export function boundarySize({ axes }: Tensor): BoundarySize {
  const [logRows, logWidth, ...others] = axes.map((a) => a.log);
  if (others.length > 0) throw new RangeError('boundary: a tensor of positions and one more axis');
  return { logRows, logWidth };
}

export interface CommittedBoundary {
  /** over (positions, hidden size), not padded */
  tensor: IntTensor;
  committed: CommittedVector<FpVec>;
  salt: bigint;
  /** as statements have it */
  root: bigint;
}

/** @param salt the default is random; the same tensor and salt have the same root on every machine */
export async function commitBoundary(
  engine: ProverEngine,
  tensor: IntTensor,
  salt = randomField(),
): Promise<CommittedBoundary> {
  const [logRows, logWidth] = tensor.dims.map((size) => dim('', size).log);
  const size = { logRows, logWidth };
  const shape = boundaryGeometry(size);
  const entries = new BigInt64Array(2 ** shape.partLog);
  entries.set(paddedTensor(tensor));
  const committed = await CommittedVector.commit(engine, engine.fromInts(entries), shape);
  return { tensor, committed, salt, root: committed.root(boundaryPurpose(size), salt) };
}

/** The unit's tensor is the boundary's: both have one value at a random point. */
export async function tieBoundary(scope: Scope, side: Side, tensor: Tensor): Promise<void> {
  const at = Object.fromEntries(
    tensor.axes.map(({ name, log }) => [name, scope.random(name, log)]),
  );
  const value = await scope.open(tensor, at, `boundary ${side}`);
  const point = tensor.axes.flatMap(({ name }) => at[name]);
  scope.ends.claims.add({ parts: [{ vector: side, offset: 0, coef: { c: 1n }, point }], value });
}
