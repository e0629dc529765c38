// Arguments of scripts/test.mjs, and what it says about jest's results. No effects: tested by report.test.mjs.
import { PROJECTS } from './suites.mjs';

const GiB = 2 ** 30;

/** `[--project NAME] [--watch] [paths] [jest options]`: the first other argument with a dash begins jest's. */
export function parseArguments(args) {
  const rest = [...args];
  let project;
  let watch = false;
  for (; rest[0] === '--project' || rest[0] === '--watch'; rest.shift()) {
    if (rest[0] === '--watch') watch = true;
    else {
      rest.shift();
      [project] = rest;
      if (!PROJECTS.includes(project))
        throw new Error(`--project is one of ${PROJECTS.join(', ')}; got ${project}`);
    }
  }
  const first = rest.findIndex((arg) => arg.startsWith('-'));
  const end = first < 0 ? rest.length : first;
  return { project, watch, paths: rest.slice(0, end), options: rest.slice(end) };
}

/**
 * Jest's settings of workers. Suites that prove nothing share a few processes. One that proves holds gigabytes, and whatever it leaves
 * behind (over the limit: always) must not be there when the next one starts. Two of them fill each other's pauses: a proof takes one
 * core for half of its time. A browser is measured, so it has the machine for itself.
 */
export function workersFor(project, { cores, memory }) {
  const [most, each, idle] = {
    unit: [8, 4 * GiB, '2GB'],
    whole: [8, 4 * GiB, '2GB'],
    proof: [2, 10 * GiB, '1MB'],
    browser: [1, GiB, '1MB'],
  }[project];
  const workers = Math.max(1, Math.min(cores, most, Math.floor(memory / each)));
  return [`--maxWorkers=${workers}`, `--workerIdleMemoryLimit=${idle}`];
}

/**
 * Counts of one jest run.
 * @param results jest's JSON report, if there is one
 * @param expected how many suites were to run: one that did not is one failure
 * @param status jest's exit status
 */
export function summary(results, expected, status) {
  if (results === undefined) return { passed: 0, failed: expected, suites: [] };
  const missing = Math.max(0, expected - results.testResults.length);
  const failed = results.numFailedTests + results.numRuntimeErrorTestSuites + missing;
  return {
    passed: results.numPassedTests,
    failed: failed === 0 && status !== 0 ? 1 : failed,
    suites: results.testResults.map(({ name, startTime, endTime }) => ({
      name,
      seconds: (endTime - startTime) / 1000,
    })),
  };
}

/** Seconds of every suite, slowest first, and of every project. */
export function timesOf(ran, shown) {
  const line = (seconds, name) => `${seconds.toFixed(1).padStart(8)} s  ${name}`;
  const suites = ran.flatMap(({ suites }) => suites).sort((a, b) => b.seconds - a.seconds);
  return [
    '',
    ...suites.map(({ name, seconds }) => line(seconds, shown(name))),
    ...ran.map(({ name, seconds, suites }) => line(seconds, `${name}: ${suites.length} suites`)),
    '',
  ].join('\n');
}
