import { importCheckpoint } from '@attensor/inference';
import type { Command } from 'commander';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { computing, positiveInteger, works, type Context, type Session } from '../command.js';
import { ExitCode } from '../errors.js';
import { openModel } from '../model.js';
import { duration } from '../progress.js';
import { answerToProve, compileKeys, loadProver, peakRssBytes, proveAnswer } from '../proving.js';
import { commit } from './model-commit.js';

interface Options {
  checkpoint: string;
  work: string;
  prompt: string;
  maxTokens: number;
  cache?: string;
}

const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));

export function demoCommand(session: Session): Command {
  return computing(
    'demo',
    'Show the whole path, from checkpoint to attestation, on an embedded local chain',
  )
    .option('--checkpoint <dir>', 'Hugging Face checkpoint', join(REPOSITORY, 'models/tiny'))
    .option('--work <dir>', 'working folder, kept for later runs', '.attensor/demo')
    .option('--prompt <text>', 'what to ask', 'In the beginning God created')
    .option('--max-tokens <n>', 'tokens to generate', positiveInteger, 16)
    .option(
      '--cache <dir>',
      'where proving keys are kept (default: $ATTENSOR_CACHE or ~/.cache/attensor)',
    )
    .action(works<Options>(session, async (context, options) => await demo(options, context)));
}

/** Announces steps, and remembers how long each took. */
class Steps {
  readonly seconds: Record<string, number> = {};
  private count = 0;

  constructor(private readonly log: (line: string) => void) {}

  /** @param told what to say of the result @returns the result */
  async run<T>(name: string, title: string, work: () => Promise<T>, told?: (result: T) => string) {
    this.log(`${++this.count}. ${title}`);
    const start = performance.now();
    const result = await work();
    this.seconds[name] = (performance.now() - start) / 1000;
    const said = told?.(result);
    this.log(`   ${said === undefined ? '' : `${said}  `}(${duration(this.seconds[name])})`);
    return result;
  }
}

async function demo(options: Options, context: Context) {
  const { output, signal } = context;
  const { prompt, maxTokens } = options;
  const steps = new Steps((line) => output.log(line));
  const work = resolve(options.work);
  const modelDir = join(work, 'model');
  await mkdir(work, { recursive: true });

  await steps.run('import', `Import the checkpoint ${options.checkpoint}`, async () => {
    if (existsSync(modelDir)) return output.log('   kept from an earlier run');
    await importCheckpoint(options.checkpoint, modelDir, { signal });
  });
  await steps.run('commit', 'Commit to the model', async () => {
    if (existsSync(join(modelDir, 'commitment.json')))
      return output.log('   kept from an earlier run');
    await commit(modelDir, undefined, context);
  });
  const prover = await loadProver(modelDir, options.cache);
  const keys = await steps.run(
    'keys',
    'Compile the circuits, or load their keys',
    () => compileKeys(prover, context),
    ({ verifierKeyHash }) => `verifier key ${short(verifierKeyHash)}`,
  );

  const chain = await import('../local-chain.js');
  const contract = await steps.run(
    'deploy',
    'Compile the contract and deploy it on the embedded local chain',
    () =>
      chain.deploy(
        { ...prover.commitment, verifierKeyHash: keys.verifierKeyHash },
        prover.prover.cacheDir,
      ),
    ({ address }) => `contract ${address.toBase58()}`,
  );

  const opened = await openModel(modelDir);
  const answered = await steps.run(
    'generate',
    `Ask the model: ${JSON.stringify(prompt)}`,
    () => answerToProve(opened, { prompt, maxTokens }, prover.commitment.capacity, context),
    ({ text }) => `answer ${JSON.stringify(text)}`,
  );
  const out = join(work, 'proof.json');
  const proved = await steps.run(
    'prove',
    'Prove the answer',
    () => proveAnswer(prover, { ...answered, out, reveal: false }, context),
    (report) => `${report.pickles} proofs, ${report.proofBytes} bytes: ${out}`,
  );
  const transaction = await steps.run(
    'attest',
    'Prove and send the transaction that records it',
    () => chain.attest(contract, proved.file),
    (hash) => `transaction ${hash}`,
  );
  await steps.run(
    'settle',
    'Settle it into the record that other contracts read',
    () => chain.settle(contract, prover.prover.cacheDir),
    (hash) => `transaction ${hash}`,
  );
  const attestation = await steps.run(
    'read',
    'Read the attestation back, as anyone can',
    () => chain.readLatest(contract.address),
    ({ index, blockHeight }) => `attestation ${index}, block ${blockHeight ?? 'unknown'}`,
  );
  const { verifyProofFile } = await import('@attensor/prover');
  const verdict = await steps.run(
    'verify',
    'Verify the proof file against the chain, the prompt and the answer',
    () => verifyProofFile(proved.file, { commitment: attestation.commitment, ...answered }),
    ({ valid, reason }) => (valid ? 'valid' : `NOT VALID: ${reason}`),
  );

  const recorded =
    attestation.settled &&
    attestation.statement.inputHash === proved.statement.inputHash &&
    attestation.statement.outputHash === proved.statement.outputHash;
  const totalSeconds = performance.now() / 1000;
  const good = verdict.valid && recorded;
  return {
    json: {
      valid: verdict.valid,
      recorded,
      prompt,
      text: answered.text,
      statement: proved.statement,
      contract: contract.address.toBase58(),
      transaction,
      pickles: proved.pickles,
      proofBytes: proved.proofBytes,
      seconds: steps.seconds,
      totalSeconds,
      peakRssBytes: peakRssBytes(),
    },
    text: [
      '',
      `${prompt}${answered.text}`,
      '',
      good
        ? `The chain attests that the committed model gives this answer. ${duration(totalSeconds)} in all.`
        : `The attestation does not hold: ${verdict.reason ?? 'the chain recorded another statement'}.`,
    ].join('\n'),
    exitCode: good ? ExitCode.done : ExitCode.verificationFailed,
  };
}

function short(field: string): string {
  return field.length > 16 ? `${field.slice(0, 8)}...${field.slice(-6)}` : field;
}
