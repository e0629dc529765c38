import { describe, expect, test } from '@jest/globals';
import { parseArguments, summary, timesOf, workersFor } from './report.mjs';

describe('arguments', () => {
  test('are a project, paths, and what jest gets', () => {
    expect(parseArguments([])).toEqual({
      project: undefined,
      watch: false,
      paths: [],
      options: [],
    });
    expect(parseArguments(['--project', 'unit', '--watch', 'a', 'b', '-t', 'name'])).toEqual({
      project: 'unit',
      watch: true,
      paths: ['a', 'b'],
      options: ['-t', 'name'],
    });
    expect(() => parseArguments(['--project', 'none'])).toThrow(
      'unit, whole, proof, browser; got none',
    );
  });
});

describe('workers', () => {
  const GiB = 2 ** 30;
  test('are as many as cores and memory allow, at most two for proofs, one for a browser', () => {
    expect(workersFor('unit', { cores: 2, memory: 24 * GiB })[0]).toBe('--maxWorkers=2');
    expect(workersFor('unit', { cores: 64, memory: 16 * GiB })[0]).toBe('--maxWorkers=4');
    expect(workersFor('unit', { cores: 1, memory: 2 * GiB })[0]).toBe('--maxWorkers=1');
    expect(workersFor('whole', { cores: 2, memory: 24 * GiB })[0]).toBe('--maxWorkers=2');
    expect(workersFor('proof', { cores: 64, memory: 256 * GiB })[0]).toBe('--maxWorkers=2');
    expect(workersFor('proof', { cores: 2, memory: 16 * GiB })[0]).toBe('--maxWorkers=1');
    expect(workersFor('browser', { cores: 64, memory: 256 * GiB })[0]).toBe('--maxWorkers=1');
  });
});

describe('a summary', () => {
  const suite = (name, seconds) => ({ name, startTime: 1000, endTime: 1000 + 1000 * seconds });
  const results = {
    numPassedTests: 7,
    numFailedTests: 0,
    numRuntimeErrorTestSuites: 0,
    testResults: [suite('a', 1), suite('b', 2.5)],
  };

  test('counts what passed', () => {
    expect(summary(results, 2, 0)).toEqual({
      passed: 7,
      failed: 0,
      suites: [
        { name: 'a', seconds: 1 },
        { name: 'b', seconds: 2.5 },
      ],
    });
  });

  test('counts a suite that could not run, did not run, or a run without a report, as failed', () => {
    expect(summary({ ...results, numRuntimeErrorTestSuites: 1 }, 2, 1).failed).toBe(1);
    expect(summary(results, 3, 0).failed).toBe(1);
    expect(summary(undefined, 3, 1)).toEqual({ passed: 0, failed: 3, suites: [] });
    // jest itself is not content
    expect(summary(results, 2, 1).failed).toBe(1);
    expect(summary({ ...results, numFailedTests: 2 }, 2, 1).failed).toBe(2);
  });

  test('of times has the slowest first', () => {
    const { suites } = summary(results, 2, 0);
    const text = timesOf([{ name: 'unit', seconds: 3.5, suites }], (name) => `x/${name}`);
    expect(text.trim().split('\n')).toEqual([
      '2.5 s  x/b',
      '     1.0 s  x/a',
      '     3.5 s  unit: 2 suites',
    ]);
  });
});
