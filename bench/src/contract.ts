/**
 * What the contract's transactions cost, on the embedded chain with proofs on.
 *
 * A small program stands for inference: a side-loaded proof costs the contract the same whatever
 * program made it.
 */
import { present } from '@attensor/core';
import {
  Attestation,
  AttestationContract,
  Commitment,
  InferenceProof,
  inputHash,
  outputHash,
  readHistory,
  Statement,
} from '@attensor/contracts';
import { standIn } from '@attensor/contracts/testing';
import { settlementFigures } from './settlement.js';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AccountUpdate, Cache, Field, initializeBindings, Mina } from 'o1js';

export interface Figure {
  figure: string;
  measured: number;
  unit: string;
  /** It should not exceed this. */
  bound?: number;
}

/** Different answers that are attested, each with a proof. */
const ATTESTED = 3;
const COMPILE = fileURLToPath(new URL('./compile.js', import.meta.url));

/** @param onStep told what is being measured, with the fraction done before it */
export async function contractFigures(onStep: (step: string, fraction: number) => void) {
  const cache = await mkdtemp(join(tmpdir(), 'attensor-bench-'));
  try {
    return await figuresWith(cache, onStep);
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
}

/** @param cache an empty folder */
async function figuresWith(cache: string, onStep: (step: string, fraction: number) => void) {
  const figures: Figure[] = [];
  const steps = ATTESTED + 10;
  let done = 0;
  const timed = async <T>(step: string, run: () => Promise<T>): Promise<[number, T]> => {
    onStep(step, done++ / steps);
    const start = performance.now();
    const result = await run();
    return [(performance.now() - start) / 1000, result];
  };
  const add = (figure: string, measured: number, bound?: number) =>
    figures.push({ figure, measured, unit: 's', ...(bound !== undefined && { bound }) });

  const [, cold] = await timed('compile, empty cache', () => compileElsewhere(cache));
  add('contract compile, cold', cold);
  await initializeBindings();
  const [warm] = await timed('compile, from the cache', () =>
    AttestationContract.compile({ cache: Cache.FileSystem(cache) }),
  );
  add('contract compile, warm', warm);

  const chain = await Mina.LocalBlockchain({ proofsEnabled: true });
  Mina.setActiveInstance(chain);
  const [payer] = chain.testAccounts;
  const { verificationKey } = await standIn.compile();
  const commitment = new Commitment({
    modelRoot: Field(1),
    vocabularyRoot: Field(2),
    verifierKeyHash: verificationKey.hash,
  });
  const address = Mina.TestPublicKey.random();
  const contract = new AttestationContract(address);

  /** @returns the seconds of proving alone, and the transaction */
  const proved = async (
    step: string,
    run: () => Promise<void>,
    ...signers: Mina.TestPublicKey[]
  ): Promise<[number, Mina.Transaction<true, true>]> => {
    const transaction = await Mina.transaction(payer, run);
    const [seconds, proved] = await timed(step, () => transaction.prove());
    const signed = proved.sign([payer, ...signers].map(({ key }) => key));
    await (await signed.send()).wait();
    return [seconds, signed];
  };
  const prove = async (...given: Parameters<typeof proved>) => (await proved(...given))[0];

  const deploy = await prove(
    'deploy',
    async () => {
      AccountUpdate.fundNewAccount(payer);
      await contract.deploy({ commitment });
    },
    address,
  );
  add('deploy, proving', deploy);

  const statements = Array.from({ length: ATTESTED }, (_, i) => {
    const { modelRoot, vocabularyRoot } = commitment;
    const hashes = { inputHash: inputHash([1]), outputHash: outputHash([i]) };
    return new Statement({ modelRoot, vocabularyRoot, ...hashes });
  });
  const attests: number[] = [];
  let last: Mina.Transaction<true, true> | undefined;
  for (const [i, statement] of statements.entries()) {
    const proof = InferenceProof.fromProof((await standIn.whole(statement)).proof);
    const attest = () => contract.attest(proof, verificationKey);
    const [seconds, transaction] = await proved(`attest ${i + 1} of ${ATTESTED}`, attest);
    attests.push(seconds);
    last = transaction;
  }
  add(`attest, proving, median of ${ATTESTED}`, median(attests), 15);
  add('attest, proving, first', attests[0]);

  const submitted = present(last, 'a submission');
  await settlementFigures({ payer, address, submitted, cache, timed, add });

  const [{ inputHash: asked, outputHash: answered }] = statements;
  const { verifierKeyHash } = commitment;
  const history = await readHistory(address);
  const witness = history.witness(new Attestation({ statement: statements[0], verifierKeyHash }));
  const required = await prove('requireAttested', () =>
    contract.requireAttested(asked, answered, witness),
  );
  add('requireAttested, proving', required);
  return figures;
}

/** In a process that has done nothing else. @returns the seconds it took */
async function compileElsewhere(cache: string): Promise<number> {
  const child = spawn(process.execPath, [COMPILE, cache], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
  const [status] = (await once(child, 'close')) as [number | null];
  if (status !== 0) throw Error(`compile: the process ended with status ${String(status)}`);
  return (JSON.parse(text) as { seconds: number }).seconds;
}

export function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
