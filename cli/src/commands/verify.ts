import { Model, openTokenizer, type Tokenizer } from '@attensor/inference';
import type { RevealedText, Verdict } from '@attensor/prover';
import type { Command } from 'commander';
import { dirname } from 'node:path';
import { command, positiveInteger, tokenList, works, type Done, type Session } from '../command.js';
import { AttensorError } from '@attensor/core';
import { ExitCode } from '../errors.js';
import { readTextFile } from '@attensor/core/files';

interface Options {
  verifierKeyHash?: string;
  repeat: number;
  checkTables?: boolean;
  commitment?: string;
  prompt?: string;
  output?: string;
  promptTokens?: number[];
  outputTokens?: number[];
  tokenizer?: string;
}

export function verifyCommand(session: Session): Command {
  return command('verify', 'Verify a proof file')
    .argument('<proof>', 'proof file')
    .option('--commitment <file>', "the model's commitment.json, from a source you trust")
    .option('--prompt <text>', 'require that the proof is about this prompt')
    .option('--output <text>', 'require that the proof is about this output')
    .option('--prompt-tokens <ids>', 'the prompt as token ids: 510,12,7', tokenList)
    .option('--output-tokens <ids>', 'the output as token ids', tokenList)
    .option('--tokenizer <dir>', 'folder with tokenizer.json (default: that of --commitment)')
    .option(
      '--verifier-key-hash <hash>',
      'require that the circuits have this key (proofs of components name no commitment); from a source you trust',
    )
    .option(
      '--check-tables',
      "for a component's proof: require that its tables are the public ones (takes seconds)",
    )
    .option('--repeat <n>', 'verify this many times, for timing', positiveInteger, 1)
    .addHelpText(
      'after',
      `
A proof is valid only if --commitment or --verifier-key-hash identifies its circuits. Without them, the result is 'unverified
program' and the exit code is 4: a program that checks nothing has proofs of every statement, which verify with its own key.
Of a batch, --prompt and --output name one of its requests. A text can be written with several token sequences. --output compares the one that the file reveals (prove --reveal), or else
the tokenizer's own.
Exit code 2 if the proof is not valid.
JSON: {result, valid, seconds, loadSeconds, warmSeconds, statement, verifierKeyHash, checked, reason?}; warmSeconds is the last of --repeat.`,
    )
    .action(
      works<Options>(session, async (_context, options, path) => {
        const { initializeBindings } = await import('o1js');
        const prover = await import('@attensor/prover');
        const text = await readTextFile(path, prover.MAX_PROOF_BYTES);
        const single = prover.componentProofIn(text, path);
        if (single) {
          requireComponentOptions(options);
          const { verifierKeyHash, checkTables } = options;
          // Tables are made for a file only once all else in it holds.
          const verdict = checkTables
            ? await prover.verifyComponentProof(single, { verifierKeyHash })
            : undefined;
          const makeTables = verdict !== undefined && verdict.result !== 'invalid';
          const weights = makeTables ? await prover.tablesRoot(single.component) : undefined;
          if (makeTables && weights === undefined)
            throw new AttensorError({
              code: 'USAGE',
              what: 'this component has no public tables',
              got: JSON.stringify(single.component),
              hint: 'Omit --check-tables',
            });
          const statement = weights === undefined ? undefined : { weights };
          return await repeated(options.repeat, () =>
            prover.verifyComponentProof(single, { verifierKeyHash, statement }),
          );
        }
        const file = prover.parseProofFile(text, path);
        const commitment =
          options.commitment === undefined
            ? undefined
            : await prover.readCommitment(options.commitment);
        const revealed = file.batch?.flatMap(({ text }) => text ?? []) ?? [];
        const tokens = await expectedTokens(options, file.text ? [file.text] : revealed);
        await initializeBindings();
        const { verifierKeyHash } = options;
        return await repeated(options.repeat, () =>
          prover.verifyProofFile(file, { commitment, verifierKeyHash, ...tokens }),
        );
      }),
    );
}

type AnyVerdict = Pick<Verdict, 'result' | 'valid' | 'reason' | 'seconds' | 'checked'>;

const EXIT_CODES = {
  valid: ExitCode.done,
  invalid: ExitCode.verificationFailed,
  'unverified program': ExitCode.unverifiedProgram,
} as const;

/** For people. */
function described({ result, reason, checked, seconds }: AnyVerdict): string {
  switch (result) {
    case 'valid':
      return `valid (${checked.join(', ')}), ${seconds.toFixed(2)} s`;
    case 'unverified program':
      return `UNVERIFIED PROGRAM (compared: ${checked.join(', ')}): ${reason}\n  hint: Give --commitment or --verifier-key-hash, from a source you trust`;
    case 'invalid':
      return `NOT VALID: ${reason}`;
  }
}

/** The first verdict, and how long the last of `times` took. */
async function repeated(times: number, verify: () => Promise<AnyVerdict>): Promise<Done> {
  const first = await verify();
  let { seconds: warmSeconds } = first;
  for (let i = 1; i < times; i++) warmSeconds = (await verify()).seconds;
  return {
    json: { ...first, warmSeconds },
    text: described(first),
    exitCode: EXIT_CODES[first.result],
  };
}

/** Options that only proofs of whole inferences have. */
function requireComponentOptions(options: Options): void {
  for (const name of ['commitment', 'prompt', 'output', 'promptTokens', 'outputTokens'] as const)
    if (options[name] !== undefined)
      throw new AttensorError({
        code: 'USAGE',
        what: "this is a component's proof: it has no prompt, output or model commitment",
        got: name,
        hint: 'Compare its statement, and give --verifier-key-hash',
      });
}

/** Token ids that the statement must be about, as far as the options name any. */
async function expectedTokens(options: Options, revealed: readonly RevealedText[]) {
  const { prompt, output, promptTokens, outputTokens } = options;
  for (const name of ['prompt', 'output'] as const) {
    if (options[name] !== undefined && options[`${name}Tokens`] !== undefined) {
      throw new AttensorError({
        code: 'USAGE',
        what: `give --${name} or --${name}-tokens, not both`,
      });
    }
  }
  if (prompt === undefined && output === undefined)
    return { promptIds: promptTokens, outputIds: outputTokens };
  const tokenizer = await modelTokenizer(options);
  return {
    promptIds: prompt === undefined ? promptTokens : tokenizer.encodePrompt(prompt),
    outputIds:
      output === undefined
        ? outputTokens
        : tokenizer.outputIds(output, revealedIds(revealed, prompt, output)),
  };
}

/** How a text that the file reveals was tokenized: of a batch, the one that gives this output, and to this prompt if one is named. */
const revealedIds = (
  revealed: readonly RevealedText[],
  prompt: string | undefined,
  output: string,
): number[] | undefined =>
  (revealed.length === 1
    ? revealed[0]
    : revealed.find(
        (text) => text.output === output && (prompt === undefined || text.prompt === prompt),
      )
  )?.outputIds;

async function modelTokenizer({ tokenizer, commitment }: Options): Promise<Tokenizer> {
  const dir = tokenizer ?? (commitment === undefined ? undefined : dirname(commitment));
  if (dir === undefined) {
    throw new AttensorError({
      code: 'USAGE',
      what: 'a text can only be compared with the tokenizer of the model',
      hint: 'Add --tokenizer <model-dir>, or give --prompt-tokens and --output-tokens',
    });
  }
  return await openTokenizer(dir, (await Model.open(dir)).config);
}
