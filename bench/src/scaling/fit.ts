/** Power laws: cost = factor size^exponent. */
import { AttensorError } from '@attensor/core';

export interface PowerLaw {
  exponent: number;
  factor: number;
  /** share of the variance of the logarithms that the law explains */
  r2: number;
}

/**
 * Least squares on logarithms.
 * @param points (size, cost), both positive
 * @throws BAD_ARGUMENT with fewer than two sizes, or values that have no logarithm
 */
export function fitPower(points: [size: number, cost: number][]): PowerLaw {
  const bad = points.find(([x, y]) => !(x > 0 && y > 0 && Number.isFinite(x * y)));
  if (bad || new Set(points.map(([x]) => x)).size < 2)
    throw new AttensorError({
      code: 'BAD_ARGUMENT',
      what: 'no power law goes through these points',
      where: 'fitPower',
      expected: 'positive costs at two sizes or more',
      got: JSON.stringify(bad ?? points),
      hint: 'Measure more sizes',
    });
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)]);
  const mean = (k: 0 | 1): number => logs.reduce((sum, l) => sum + l[k], 0) / logs.length;
  const [mx, my] = [mean(0), mean(1)];
  const sum = (f: (dx: number, dy: number) => number): number =>
    logs.reduce((total, [x, y]) => total + f(x - mx, y - my), 0);
  const exponent = sum((dx, dy) => dx * dy) / sum((dx) => dx * dx);
  const total = sum((_, dy) => dy * dy);
  const rest = sum((dx, dy) => (dy - exponent * dx) ** 2);
  return {
    exponent,
    factor: Math.exp(my - exponent * mx),
    r2: total < 1e-18 ? 1 : 1 - rest / total,
  };
}
