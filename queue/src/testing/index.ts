export { FakeS3 } from './fake-s3.js';
export { sumStep, type SumParams } from './fake-kinds.js';
export { SERVERS, type TestServer } from './servers.js';

/** What workers of cheap steps are given as `kinds`. */
export const FAKE_KINDS = new URL('./fake-kinds.js', import.meta.url).href;
