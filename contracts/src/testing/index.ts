/** What stands for the inference circuits where their work is not wanted: tests, examples, benchmarks. */
export { standIn, impostor, statementOf } from './stand-in-program.js';
export { makeStandInProofs, standInProofs } from './stand-in-proofs.js';
export { contractKeys } from './keys.js';
export { attestations, historyOf } from './histories.js';
export { FakeNetwork, fakeAttestation, type FakeBlock } from './fake-network.js';
