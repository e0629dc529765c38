// Runs node-gyp for the addon; with the headers of the running Node where its installation has them (no download).
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const gyp = findGyp();
const prefix = dirname(dirname(process.execPath));
const args =
  process.argv.length > 2
    ? process.argv.slice(2)
    : ['configure', 'build', '-j', `${cpus().length}`];
if (existsSync(join(prefix, 'include', 'node', 'node_api.h'))) args.push(`--nodedir=${prefix}`);
const { status } = spawnSync(process.execPath, [gyp, ...args], { cwd: root, stdio: 'inherit' });
process.exit(status ?? 1);

/** The repository's own; an installed package has the one that npm brings along. */
function findGyp() {
  try {
    return createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
  } catch {
    return process.env.npm_config_node_gyp ?? 'node-gyp';
  }
}
