/**
 * Four projects; scripts/suites.mjs has the rule by which a suite belongs to one, and scripts/test.mjs runs them. Workers and
 * their memory are settings of a whole jest run, not of a project: those of scripts/test.mjs hold for `npm test`, those here for a
 * plain `npx jest`, which may run anything: one suite at a time, each in a fresh process.
 */
const project = (displayName, testMatch, rest = {}) => ({
  displayName,
  testMatch,
  testPathIgnorePatterns: ['/node_modules/'],
  testEnvironment: 'node',
  transform: {},
  ...rest,
});

// arithmetic in JavaScript is most of what these do; a process runs many of them
const many = {
  testEnvironment: '<rootDir>/scripts/jest-environment.mjs',
  runtime: '<rootDir>/scripts/jest-runtime.cjs',
};

export default {
  projects: [
    project('unit', ['<rootDir>/*/dist/**/*.test.js', '<rootDir>/scripts/**/*.test.mjs'], {
      testPathIgnorePatterns: [
        '/node_modules/',
        '\\.(whole|proof)\\.test\\.js$',
        '<rootDir>/tests/dist/browser/',
      ],
      ...many,
    }),
    project('whole', ['<rootDir>/*/dist/**/*.whole.test.js'], many),
    project('proof', ['<rootDir>/*/dist/**/*.proof.test.js']),
    project('browser', ['<rootDir>/tests/dist/browser/**/*.test.js']),
  ],
  // jest takes it from here alone, not from a project; circuits take minutes to compile
  testTimeout: 20 * 60_000,
  maxWorkers: 1,
  workerIdleMemoryLimit: '1MB',
};
