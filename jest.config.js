export default {
  testEnvironment: 'node',
  testMatch: ['**/dist/**/*.test.js'],
  testPathIgnorePatterns: ['/node_modules/'],
  transform: {},
  testSequencer: './scripts/test-sequence.cjs',
  // circuits take minutes to compile
  testTimeout: 20 * 60_000,
  // One suite at a time, each in a fresh process: a proving suite holds gigabytes, and whatever it
  // leaves behind (over this limit: always) must not be there when the next one starts.
  maxWorkers: 1,
  workerIdleMemoryLimit: '1MB',
};
