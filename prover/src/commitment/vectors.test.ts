/** Sizes that the reduction and the opening would get wrong are refused. */
import { expect, it } from '@jest/globals';
import { ProverOnly } from '../protocol/prover-only.js';
import { reduceClaims } from '../protocol/reduction.js';
import { Scope } from '../protocol/scope.js';
import { Session } from '../protocol/session.js';
import { openingParameters } from './parameters.js';
import { openVectors, type Sampled } from './vectors.js';

const scopeOf = (session: Session): Scope => new Scope(session, ProverOnly.none());

it('claims on blocks beyond the 2^31st', async () => {
  const session = new Session({});
  const scope = scopeOf(session);
  const [x, y] = session.challenges(2);
  const claimed = async (offset: number): Promise<unknown> => {
    scope.claims.list.length = 0;
    const part = { vector: 'witness' as const, offset, coef: { c: 1n }, point: [] };
    scope.claims.add({ parts: [part], value: y });
    return reduceClaims(scope, 33, [{ vector: 'witness', x, y }], 25);
  };
  await expect(claimed(2 ** 31)).rejects.toThrow(RangeError);
  await expect(claimed(2 ** 31 - 1)).resolves.toBeDefined();
});

it('a third vector, which would share the second one’s weight', async () => {
  const session = new Session({});
  const [x, y] = session.challenges(2);
  const parts = [{ cap: [], width: 16, commitment: ProverOnly.none<never>() }];
  const sampled: Sampled = { vector: 'witness', x, y, parts };
  const three = [sampled, sampled, sampled];
  await expect(openVectors(scopeOf(session), openingParameters(9, 2), three)).rejects.toThrow(
    'at most 2',
  );
});
