import './native-backend.js';
import { expect, it } from '@jest/globals';
import { circuitDigests, standInFile } from './stand-in-proofs.js';

it('proofs that are kept are of the programs as they are; `npm run proofs:stand-in` makes them anew', async () => {
  expect(await circuitDigests()).toEqual((await standInFile()).digests);
});
