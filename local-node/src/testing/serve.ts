/** A node of its own process: `node serve.js <data dir> [block seconds] [block range] [cut]`; prints its URL. */
import '@attensor/contracts/testing/native-backend';
import { keyCache } from '@attensor/core/o1js';
import { startNode } from '../node.js';

const [data, blockSeconds = '0', blockRange = '10000', cut] = process.argv.slice(2);
const node = await startNode({
  data,
  port: 0,
  host: '127.0.0.1',
  blockSeconds: Number(blockSeconds),
  blockRange: Number(blockRange),
  cutsRanges: cut === 'cut',
  // where the client's process keeps them: they take most of a minute to compute
  cache: keyCache(),
  accounts: 12,
  balance: 1000,
  log: (line) => console.error(line),
});
console.log(JSON.stringify({ url: node.url, accountManager: node.accountManager }));
process.once('SIGTERM', () => {
  void node.close().then(() => process.exit());
});
