// What the tests of queues need: servers of Redis and PostgreSQL, which they start and stop themselves.
import { existsSync } from 'node:fs';
import { installDebian } from './debian.mjs';
import { say } from './setup.mjs';

/** Both, where they are missing. Without them the tests of queues fail, and say so. */
export function installDatabases() {
  const missing = [
    ...(existsSync('/usr/bin/redis-server') ? [] : ['redis-server']),
    ...(existsSync('/usr/lib/postgresql') ? [] : ['postgresql']),
  ];
  if (missing.length === 0) return;
  say(`${missing.join(', ')}: installing`);
  if (!installDebian(...missing)) say(`${missing.join(', ')}: could not be installed`);
}
