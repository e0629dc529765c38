export default {
  testEnvironment: 'node',
  testMatch: ['**/dist/**/*.test.js'],
  testPathIgnorePatterns: ['/node_modules/'],
  transform: {},
  // circuits take minutes to compile, gigabytes to prove
  testTimeout: 20 * 60_000,
  maxWorkers: 1,
};
