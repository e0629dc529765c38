/**
 * Runs an example on a chain in this process: `node examples/dist/run.js <name> [--proofs]`.
 */
import { inputHash, outputHash, readContract } from '@attensor/contracts';
import { Mina, UInt32, UInt64 } from 'o1js';
import { Bounty, BountyTerms } from './bounty.js';
import { checkAnswer } from './check-answer.js';
import { claimBounty, offerBounty } from './claim-bounty.js';
import { ANSWER, PROMPT, Sandbox } from './sandbox.js';
import { watch } from './watch.js';

type Print = (line: string) => void;

export const examples: Record<string, (sandbox: Sandbox, print: Print) => Promise<void>> = {
  'check-answer': async (sandbox, print) => {
    // here proofs may be off, and with them the contract's key; on a network, name the commitment only
    const { contractKeyHash } = await readContract(sandbox.address);
    const expected = { commitment: sandbox.commitment, contractKeyHash };
    const check = () => checkAnswer(sandbox.address, expected, PROMPT, ANSWER);
    print(await check());
    await sandbox.attest();
    print(await check());
    await sandbox.settle();
    print(await check());
  },

  watch: async (sandbox, print) => {
    const abort = new AbortController();
    let seen = 0;
    const show = (line: string) => {
      print(line);
      if (++seen === 2) abort.abort();
    };
    const watching = watch(sandbox.address, { 'four, five': ANSWER }, show, {
      signal: abort.signal,
      intervalMs: 100,
    });
    await sandbox.attest();
    await sandbox.attest([6]);
    await watching;
  },

  'claim-bounty': async (sandbox, print) => {
    const { chain, address, payer, commitment } = sandbox;
    const [, funder, beneficiary] = chain.testAccounts;
    const bounty = Mina.TestPublicKey.random();
    if (chain.proofsEnabled) await Bounty.compile();
    const terms = new BountyTerms({
      oracle: address,
      commitment,
      inputHash: inputHash(PROMPT),
      outputHash: outputHash(ANSWER),
      beneficiary,
      funder,
      amount: UInt64.from(5e9),
      deadline: UInt32.from(1000),
    });
    const offer = await offerBounty(payer, bounty, terms);
    await offer.sign([payer.key, bounty.key, funder.key]).send();
    print(`offered ${Mina.getBalance(bounty).toString()}`);
    await claimBounty(payer, bounty, terms).catch((error: Error) => print(error.message));

    await sandbox.attest();
    await sandbox.settle();
    const before = Mina.getBalance(beneficiary);
    const claim = await claimBounty(payer, bounty, terms);
    await claim.sign([payer.key]).send();
    print(`paid ${Mina.getBalance(beneficiary).sub(before).toString()}`);
  },
};

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const example = examples[process.argv[2]];
  if (example === undefined) {
    console.error(`usage: run.js <${Object.keys(examples).join(' | ')}> [--proofs]`);
    process.exitCode = 1;
  } else {
    const sandbox = await Sandbox.start({ proofs: process.argv.includes('--proofs') });
    await example(sandbox, console.log);
  }
}
