/** A node of its own process: `node serve.js <data dir> [block seconds] [block range] [cut]`; prints its URL. */
import '@attensor/contracts/testing/native-backend';
import { startNode } from '../node.js';

const [data, blockSeconds = '0', blockRange = '10000', cut] = process.argv.slice(2);
const node = await startNode({
  data,
  port: 0,
  host: '127.0.0.1',
  blockSeconds: Number(blockSeconds),
  blockRange: Number(blockRange),
  cutsRanges: cut === 'cut',
  accounts: 12,
  balance: 1000,
  log: (line) => console.error(line),
});
console.log(JSON.stringify({ url: node.url, accountManager: node.accountManager }));
process.once('SIGTERM', () => {
  void node.close().then(() => process.exit());
});
