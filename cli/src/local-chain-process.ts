/** The process of `chain-process.ts`: `node local-chain-process.js <cache folder>`. */
import { errorJson } from '@attensor/core';
import { endWithParent } from '@attensor/core/parent-process';
import type { Answer, Call } from './chain-process.js';

endWithParent();

const answer = (message: Answer) => process.send?.(message);

async function answering(work: () => Promise<unknown>): Promise<void> {
  try {
    answer({ result: await work() });
  } catch (error) {
    const stack = error instanceof Error ? error.stack : undefined;
    answer({ error: errorJson(error), stack });
  }
}

const started = import('./local-chain.js').then(({ LocalChain }) =>
  LocalChain.start(process.argv[2]),
);
let work = answering(async () => void (await started));

process.on('message', (call: Call) => {
  work = work.then(() =>
    answering(async () => {
      const chain = await started;
      switch (call.call) {
        case 'deploy':
          return await chain.deploy(call.with);
        case 'attest':
          return await chain.attest(call.with);
        case 'settle':
          return await chain.settle();
        case 'read':
          return await chain.readLatest();
      }
    }),
  );
});
