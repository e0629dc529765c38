import { describe, expect, test } from '@jest/globals';
import {
  allSuites,
  compiled,
  dependencies,
  needsOf,
  projectOf,
  PROJECTS,
  select,
} from './suites.mjs';

const suites = allSuites();

describe('suites', () => {
  test('every project has some, and this one is among them', () => {
    expect(new Set(suites.map(projectOf))).toEqual(new Set(PROJECTS));
    expect(suites).toContain('scripts/suites.test.mjs');
  });

  test('belong to a project by their names', () => {
    expect(
      ['a/src/b.test.ts', 'a/src/b.whole.test.ts', 'a/src/whole.test.ts', 'a/src/b.proof.test.ts']
        .concat('tests/src/browser/page.test.ts', 'scripts/c.test.mjs')
        .map(projectOf),
    ).toEqual(['unit', 'whole', 'unit', 'proof', 'browser', 'unit']);
  });

  test('a path selects by source and by compiled file', () => {
    const [one] = suites.filter((suite) => suite.startsWith('contracts/'));
    for (const path of [one, compiled(one), `./${one}`])
      expect(select(suites, [path])).toEqual([one]);
    expect(select(suites, [])).toEqual(suites);
    expect(select(suites, ['no such suite'])).toEqual([]);
    const both = select(suites, ['native/', 'inference/dist']);
    expect(new Set(both.map((suite) => suite.split('/')[0]))).toEqual(
      new Set(['native', 'inference']),
    );
  });
});

describe('what is built', () => {
  const nothing = {
    ...{ addon: false, programs: false, emulatedDevice: false, cudaLibrary: false },
    databases: false,
  };

  test('for the contracts: no C++, no page', () => {
    const needs = needsOf(['contracts/src/read.test.ts']);
    expect(needs).toEqual({ ...nothing, workspaces: ['contracts'], browser: false });
  });

  test('for scripts: nothing', () => {
    expect(needsOf(['scripts/suites.test.mjs'])).toEqual({
      ...nothing,
      workspaces: [],
      browser: false,
    });
  });

  test('for the prover: the addon alone', () => {
    const needs = needsOf(select(suites, ['prover/src/protocol/']));
    expect(needs).toEqual({ ...nothing, addon: true, workspaces: ['prover'], browser: false });
  });

  test('for devices: the emulated one', () => {
    expect(needsOf(['inference/src/forward/device.whole.test.ts'])).toMatchObject({
      emulatedDevice: true,
      cudaLibrary: false,
    });
    expect(needsOf(['native/src/device.whole.test.ts'])).toMatchObject({
      programs: true,
      emulatedDevice: true,
      cudaLibrary: true,
    });
  });

  test('for the browser: the page; for all: everything', () => {
    expect(needsOf(['tests/src/browser/page.test.ts'])).toMatchObject({ browser: true });
    const { workspaces, ...all } = needsOf(suites);
    expect(Object.values(all).every(Boolean)).toBe(true);
    expect(workspaces).toContain('ui');
  });

  test('dependencies are followed to their end', () => {
    expect(dependencies('contracts')).toEqual(new Set(['contracts', 'core']));
    expect([...dependencies('cli')]).toEqual(expect.arrayContaining(['prover', 'native']));
  });
});
