// What the browser's tests need: the page built, and Chromium.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installDebian } from './debian.mjs';
import { files, hashOf, root, say, step } from './setup.mjs';

/** Where Debian's package has it; another one can be named. */
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Both, where they are missing. Without Chromium the browser's tests fail, and say so. */
export async function prepareBrowser() {
  await buildPage();
  installChromium();
}

/** `ui/site`, if anything that is bundled into it has changed. */
export async function buildPage() {
  const ui = join(root, 'ui');
  const stamp = join(ui, 'site/.sources.sha256');
  const wanted = hashOf([
    ...['ui', 'core', 'contracts', 'inference', 'prover'].flatMap((name) =>
      files(join(root, name, 'dist')).filter((file) => /(?<!\.test)\.js$/.test(file)),
    ),
    ...files(join(ui, 'src')).filter((file) => file.endsWith('.css')),
    ...files(join(ui, 'public')),
    ...['index.html', 'vite.config.mjs', 'scripts/site-files.mjs', 'package.json'].map((name) =>
      join(ui, name),
    ),
    join(root, 'package-lock.json'),
  ]);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return say('page: up to date');
  await step('page: building', 'npm', ['run', '--silent', 'build:ui']);
  writeFileSync(stamp, wanted);
}

function installChromium() {
  if (existsSync(CHROMIUM)) return;
  say('Chromium: installing');
  if (!installDebian('chromium')) {
    say('Chromium: could not be installed; install it, or name one in CHROMIUM');
  }
}
