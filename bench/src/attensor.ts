/** The command line tool in a process of its own, whose memory and time are its own. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const cli = createRequire(import.meta.url).resolve('@attensor/cli/package.json');
export const ATTENSOR = join(dirname(cli), 'bin/attensor.js');
