// What `npm pack` and `npm publish` run in a package's folder: npm takes the licence of that folder only.
import { copyFileSync } from 'node:fs';

copyFileSync(new URL('../LICENSE', import.meta.url), 'LICENSE');
