/** Sizes that the reduction and the opening would get wrong are refused. */
import { expect, it } from '@jest/globals';
import { openingParameters } from './parameters.js';
import { reduceClaims } from './reduction.js';
import { Scope } from './scope.js';
import { Session } from './session.js';
import { openVectors, type Openable } from './vectors.js';

it('claims on vectors of more than 2^30 entries', async () => {
  const scope = new Scope(new Session({}));
  await expect(reduceClaims(scope, 31, [], 25)).rejects.toThrow(RangeError);
});

it('a third vector, which would share the second one’s weight', async () => {
  const session = new Session({});
  const [x, y] = session.challenges(2);
  const openable: Openable = { vector: 'witness', x, y, parts: [{ cap: [], width: 16 }] };
  const three = [openable, openable, openable];
  await expect(openVectors(new Scope(session), openingParameters(9, 2), three)).rejects.toThrow(
    'a third one',
  );
});
