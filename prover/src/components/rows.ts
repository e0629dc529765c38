/**
 * The rows of a unit: the positions of a request, or of several, one after the other. Most relations treat all rows alike. Those that mix
 * positions, or know them, are over (request, position): no row of one request has a place in the relations of another.
 */
import { axis, type Tensor } from '../protocol/tensor.js';
import { dim, type Dim } from './builder.js';

export interface Rows {
  /** all rows */
  t: Dim;
  /** positions of one request; the axis has the name of all rows */
  position: Dim;
  /** requests, where they are several */
  r?: Dim;
}

/** @param requests of so many positions each; both are powers of two */
export const rowsOf = (positions: number, requests = 1): Rows => ({
  t: dim('t', requests * positions),
  position: dim('t', positions),
  ...(requests > 1 && { r: dim('r', requests) }),
});

/** The requests' dimension, where there is one. */
export const requestDims = ({ r }: Rows): Dim[] => (r ? [r] : []);

/** A tensor over all rows as one over requests and positions. */
export const byRequest = (x: Tensor, { r, position }: Rows): Tensor =>
  r ? x.split('t', [axis('r', r.log), axis('t', position.log)]) : x;
