/** The file that npm links as `attensor`: committed, so it is there before anything is compiled. */
import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('..', import.meta.url));
const { bin, version } = JSON.parse(await readFile(join(FOLDER, 'package.json'), 'utf8')) as {
  bin: { attensor: string };
  version: string;
};
const SHIM = join(FOLDER, bin.attensor);

describe('the attensor command', () => {
  it('is a file that can be run, outside of what is compiled', async () => {
    expect(bin.attensor).not.toContain('dist');
    expect((await stat(SHIM)).mode & 0o111).not.toBe(0);
  });

  it('runs the program and ends as it does', () => {
    const ran = spawnSync(SHIM, ['--version'], { encoding: 'utf8' });
    expect(ran.status).toBe(0);
    expect(ran.stdout.trim()).toBe(version);
    expect(spawnSync(SHIM, ['no-such-command'], { encoding: 'utf8' }).status).toBe(1);
  });

  it('says what to do where nothing is compiled yet', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'attensor-shim-'));
    try {
      await cp(SHIM, join(folder, bin.attensor));
      const ran = spawnSync(process.execPath, [join(folder, bin.attensor)], { encoding: 'utf8' });
      expect(ran.status).not.toBe(0);
      expect(ran.stderr).toContain('npm run setup');
      expect(ran.stderr).not.toMatch(/^\s+at /m);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
