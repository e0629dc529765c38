import '@attensor/contracts/testing/native-backend';
import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  Attestation,
  Commitment,
  attestationWitness,
  inputHash,
  outputHash,
} from '@attensor/contracts';
import { Field, Mina, UInt32, UInt64 } from 'o1js';
import { Bounty, BountyTerms } from './bounty.js';
import { checkAnswer } from './check-answer.js';
import { claimBounty, offerBounty } from './claim-bounty.js';
import { examples } from './run.js';
import { ANSWER, PROMPT, Sandbox } from './sandbox.js';

// proofs are off: `node examples/dist/run.js <name> --proofs` makes them
let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.start();
});

async function printed(name: string): Promise<string[]> {
  const lines: string[] = [];
  await examples[name](sandbox, (line) => lines.push(line));
  return lines;
}

describe('the examples say', () => {
  it('check-answer', async () => {
    expect(await printed('check-answer')).toEqual(['unknown', 'pending', 'settled']);
    // proofs are off, so its key is not the contract's
    const { address, commitment } = sandbox;
    await expect(checkAnswer(address, { commitment }, PROMPT, ANSWER)).rejects.toMatchObject({
      code: 'NOT_GENUINE',
    });
  });

  it('watch', async () => {
    expect(await printed('watch')).toEqual(['0: four, five', '1: an answer unknown to us']);
  });

  it('claim-bounty', async () => {
    expect(await printed('claim-bounty')).toEqual([
      'offered 5000000000',
      expect.stringContaining('NOT_SETTLED'),
      'paid 5000000000',
    ]);
  });
});

describe('a bounty', () => {
  const bounty = Mina.TestPublicKey.random();
  let terms: BountyTerms;

  beforeEach(async () => {
    const [payer, funder, beneficiary] = sandbox.chain.testAccounts;
    terms = new BountyTerms({
      oracle: sandbox.address,
      commitment: sandbox.commitment,
      inputHash: inputHash(PROMPT),
      outputHash: outputHash(ANSWER),
      beneficiary,
      funder,
      amount: UInt64.from(5e9),
      deadline: UInt32.from(10),
    });
    const offer = await offerBounty(payer, bounty, terms);
    await offer.sign([payer.key, bounty.key, funder.key]).send();
    await sandbox.attest([6]);
    await sandbox.settle();
  });

  const claim = async (given = terms) => {
    const { payer } = sandbox;
    await (await claimBounty(payer, bounty, given)).sign([payer.key]).send();
  };
  const refund = () => sandbox.send(() => new Bounty(bounty).refund(terms));

  it('is paid once', async () => {
    await sandbox.attest();
    await sandbox.settle();
    await claim();
    expect(Mina.getBalance(bounty).toBigInt()).toBe(0n);
    await expect(claim()).rejects.toThrow('the bounty was paid');
    sandbox.chain.setGlobalSlot(10);
    await expect(refund()).rejects.toThrow('the bounty was paid');
  });

  it('is not paid for another answer, with its witness or with other terms', async () => {
    const { commitment } = sandbox;
    const other = new BountyTerms({ ...terms, outputHash: outputHash([6]) });
    await expect(claim(other)).rejects.toThrow('these are not the terms');
    const witness = await attestationWitness(
      sandbox.address,
      Attestation.of(commitment, inputHash(PROMPT), outputHash([6])),
    );
    const wrong = sandbox.send(() => new Bounty(bounty).claim(terms, witness));
    await expect(wrong).rejects.toThrow('not in the record');
  });

  it('is not paid for the answer of a model that took the place of the agreed one', async () => {
    const { contract, commitment, payer, address } = sandbox;
    const next = new Commitment({ ...commitment, modelRoot: Field(12) });
    await sandbox.send(() => contract.updateModel(payer, next));
    await sandbox.attest(ANSWER, next);
    await sandbox.settle();
    const witness = await attestationWitness(
      address,
      Attestation.of(next, inputHash(PROMPT), outputHash(ANSWER)),
    );
    const swapped = sandbox.send(() => new Bounty(bounty).claim(terms, witness));
    await expect(swapped).rejects.toThrow('not in the record');
  });

  it('goes back to the funder after the deadline, not before', async () => {
    await expect(refund()).rejects.toThrow(/precondition_unsatisfied/i);
    const before = Mina.getBalance(terms.funder);
    sandbox.chain.setGlobalSlot(10);
    await refund();
    expect(Mina.getBalance(terms.funder).sub(before).toBigInt()).toBe(BigInt(5e9));
  });

  it('can not be opened twice', async () => {
    const again = sandbox.send(() => new Bounty(bounty).open(terms), sandbox.chain.testAccounts[1]);
    await expect(again).rejects.toThrow(/precondition_unsatisfied/i);
  });
});
