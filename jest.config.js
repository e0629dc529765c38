/**
 * Three projects; scripts/suites.mjs has the rule by which a suite belongs to one, and scripts/test.mjs runs them. Workers and
 * their memory are settings of a whole jest run, not of a project: those of scripts/test.mjs hold for `npm test`, those here for a
 * plain `npx jest`, which may run anything: one suite at a time, each in a fresh process.
 */
const project = (displayName, testMatch, testTimeout, testPathIgnorePatterns = []) => ({
  displayName,
  testMatch,
  testTimeout,
  testPathIgnorePatterns: ['/node_modules/', ...testPathIgnorePatterns],
  testEnvironment: 'node',
  transform: {},
});

const MINUTE = 60_000;

export default {
  projects: [
    project(
      'unit',
      ['<rootDir>/*/dist/**/*.test.js', '<rootDir>/scripts/**/*.test.mjs'],
      5 * MINUTE,
      ['\\.proof\\.test\\.js$', '<rootDir>/tests/dist/browser/'],
    ),
    // circuits take minutes to compile
    project('proof', ['<rootDir>/*/dist/**/*.proof.test.js'], 20 * MINUTE),
    project('browser', ['<rootDir>/tests/dist/browser/**/*.test.js'], 20 * MINUTE),
  ],
  maxWorkers: 1,
  workerIdleMemoryLimit: '1MB',
};
