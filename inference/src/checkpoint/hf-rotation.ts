/** Rotations in a config.json: `rope_theta` with `rope_scaling`, or `rope_parameters`, the newer spelling of both. */
import { z } from 'zod';
import type { Rotation } from '../config.js';
import { refuseUnknown, unsupported } from './hf-config.js';

const rotationSchema = z.looseObject({
  type: z.string().optional(),
  rope_type: z.string().optional(),
  rope_theta: z.number().optional(),
});

const yarnSchema = z.looseObject({
  factor: z.number().min(1),
  original_max_position_embeddings: z.number().int().positive(),
  beta_fast: z.number().positive().default(32),
  beta_slow: z.number().positive().default(1),
  mscale: z.number().nonnegative().optional(),
  mscale_all_dim: z.number().nonnegative().optional(),
});

const THETA = 10_000;

interface Spelled {
  rope_theta?: number | null;
  rope_scaling?: unknown;
  rope_parameters?: unknown;
}

/** @throws UNSUPPORTED_CONFIG for scaling other than YaRN, and where two spellings disagree */
export function readRotation(hf: Spelled, where: string): Rotation {
  const found = (['rope_parameters', 'rope_scaling'] as const).flatMap((key) =>
    hf[key] === null || hf[key] === undefined ? [] : [{ key, ...rotationOf(hf[key], key, where) }],
  );
  const [first, second] = found;
  if (second && JSON.stringify(first.yarn) !== JSON.stringify(second.yarn))
    throw unsupported('rope_scaling', 'the same as rope_parameters', hf.rope_scaling, where);
  const thetas = [hf.rope_theta, ...found.map((f) => f.theta)].filter((theta) => theta != null);
  if (new Set(thetas).size > 1)
    throw unsupported('rope_theta', 'the same as in rope_parameters', hf.rope_theta, where);
  const yarn = first?.yarn;
  return { ropeTheta: thetas[0] ?? THETA, ...(yarn && { yarn }) };
}

function rotationOf(
  given: unknown,
  key: string,
  where: string,
): { theta?: number; yarn?: Rotation['yarn'] } {
  const parsed = rotationSchema.safeParse(given);
  if (!parsed.success) throw unsupported(key, 'an object with a type', given, where);
  const { type: older, rope_type: newer, rope_theta: theta, ...rest } = parsed.data;
  const [field, type] = newer === undefined ? ['type', older] : ['rope_type', newer];
  if (older !== undefined && newer !== undefined && older !== newer)
    throw unsupported(`${key}.type`, `"${newer}", as rope_type`, older, where);
  if (type === 'default' || (type === undefined && Object.keys(rest).length === 0)) {
    refuseUnknown(rest, [], `${key}.`, where);
    return { theta };
  }
  if (type !== 'yarn') throw unsupported(`${key}.${field}`, '"yarn" or "default"', type, where);
  const yarn = yarnSchema.safeParse(rest);
  if (!yarn.success) {
    const [{ path }] = yarn.error.issues;
    const name = String(path[0]);
    throw unsupported(`${key}.${name}`, 'a value that YaRN can use', rest[name], where);
  }
  // true is what everybody does: the ends of the ramp are whole numbers
  refuseUnknown(
    rest.truncate === true ? { ...rest, truncate: null } : rest,
    Object.keys(yarnSchema.shape),
    `${key}.`,
    where,
  );
  if (rest.truncate === false) throw unsupported(`${key}.truncate`, 'true', false, where);
  const { mscale, mscale_all_dim: all } = yarn.data;
  if ((mscale === undefined) !== (all === undefined))
    throw unsupported(
      `${key}.${mscale === undefined ? 'mscale_all_dim' : 'mscale'}`,
      'mscale and mscale_all_dim together: code differs where one is left out',
      mscale ?? all,
      where,
    );
  return {
    theta,
    yarn: {
      factor: yarn.data.factor,
      original: yarn.data.original_max_position_embeddings,
      betaFast: yarn.data.beta_fast,
      betaSlow: yarn.data.beta_slow,
      mscale: mscale ?? 1,
      mscaleAllDim: all ?? 0,
    },
  };
}
