import { importCheckpoint } from '@attensor/inference';
import { defaultCacheDir } from '@attensor/core/files';
import type { Command } from 'commander';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ChainProcess } from '../chain-process.js';
import { computing, positiveInteger, works, type Context, type Session } from '../command.js';
import { ExitCode } from '../errors.js';
import { openModel } from '@attensor/inference';
import { duration } from '../progress.js';
import { answerToProve, compileKeys, loadProver, peakRssBytes, proveAnswers } from '../proving.js';
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

  /** @param failed rejects when work in the background fails, which ends the step that is being done */
  constructor(
    private readonly log: (line: string) => void,
    private readonly failed: Promise<never>,
  ) {}

  /** @param told what to say of the result @returns the result */
  async run<T>(name: string, title: string, work: () => Promise<T>, told?: (result: T) => string) {
    this.log(`${++this.count}. ${title}`);
    const start = performance.now();
    const result = await Promise.race([work(), this.failed]);
    this.seconds[name] = (performance.now() - start) / 1000;
    const said = told?.(result);
    this.log(`   ${said === undefined ? '' : `${said}  `}(${duration(this.seconds[name])})`);
    return result;
  }
}

async function demo(options: Options, context: Context) {
  const { ChainProcess } = await import('../chain-process.js');
  const chain = ChainProcess.start(options.cache ?? defaultCacheDir());
  try {
    return await withChain(chain, options, context);
  } finally {
    chain.stop();
  }
}

async function withChain(chain: ChainProcess, options: Options, context: Context) {
  const { output, signal } = context;
  const { prompt, maxTokens } = options;
  const steps = new Steps((line) => output.log(line), chain.failed);
  const work = resolve(options.work);
  const modelDir = join(work, 'model');
  await mkdir(work, { recursive: true });

  output.log('Meanwhile, a second process compiles the contract and the settlement program.');
  await steps.run('import', `Import the checkpoint ${options.checkpoint}`, async () => {
    if (existsSync(modelDir)) return output.log('   kept from an earlier run');
    await importCheckpoint(options.checkpoint, modelDir, { signal });
  });
  await steps.run('commit', 'Commit to the model', async () => {
    if (existsSync(join(modelDir, 'commitment.json')))
      return output.log('   kept from an earlier run');
    await commit(modelDir, {}, context);
  });
  const prover = await loadProver(modelDir, options.cache);
  const keys = await steps.run(
    'keys',
    'Compile the circuits, or load their keys',
    () => compileKeys(prover, context),
    ({ verifierKeyHash }) => `verifier key ${short(verifierKeyHash)}`,
  );
  const deploying = chain.deploy({
    ...prover.commitment,
    verifierKeyHash: keys.verifierKeyHash,
  });

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
    () => proveAnswers(prover, [answered], { out, reveal: false }, context),
    (report) => `${report.pickles} proofs, ${report.proofBytes} bytes: ${out}`,
  );
  const contract = await steps.run(
    'deploy',
    'Deploy the contract on the embedded local chain, once the second process has its keys',
    () => deploying,
    (address) => `contract ${address}`,
  );
  const transaction = await steps.run(
    'attest',
    'Prove and send the transaction that records the answer',
    () => chain.attest(proved.file),
    (hash) => `transaction ${hash}`,
  );
  await steps.run(
    'settle',
    'Settle it into the record that other contracts read',
    () => chain.settle(),
    (hash) => `transaction ${hash}`,
  );
  const attestation = await steps.run(
    'read',
    'Read the attestation back, as anyone can',
    () => chain.readLatest(),
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
      contract,
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
