#!/usr/bin/env node
// Committed, so that npm can link the command before anything is compiled.
import { existsSync } from 'node:fs';

const main = new URL('../dist/main.js', import.meta.url);
if (existsSync(main)) {
  await import(main.href);
} else {
  console.error('attensor: not compiled yet. Run `npm run setup` in the repository first.');
  process.exitCode = 3;
}
