// Packages of Debian that tests need, where they are missing.
import { spawnSync } from 'node:child_process';

const apt = (...args) =>
  spawnSync('apt-get', ['-qq', ...args], {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  }).status === 0;

/** @returns whether they are there now */
export const installDebian = (...packages) =>
  apt('update') && apt('install', '-y', '--no-install-recommends', ...packages);
