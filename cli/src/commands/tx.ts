import {
  ChainSession,
  deliver,
  effects,
  endpointsOf,
  inMina,
  missingSignatures,
  nanomina,
  Network,
  readAlias,
  readKeyFile,
  readTransactionFile,
  report,
  requireSigned,
  sign,
  type TransactionFile,
  withHash,
  writeTransactionFile,
} from '@attensor/chain';
import {
  publicKeyOption,
  type TransactionOptions,
  withDelivery,
  withNetwork,
  withTransaction,
} from '../chain-options.js';
import { Argument, Command } from 'commander';
import { command, works, type Context, type Session } from '../command.js';
import { AttensorError, present, printable } from '@attensor/core';
import { confirm } from '../confirm.js';
import { requireWritable } from '@attensor/core/files';
import { readPublished } from '../published.js';
import { told } from './deploy.js';
import { requireOne } from './rotate.js';
import { readProof } from './submit.js';

const KINDS = ['deploy', 'submit', 'settle', 'rotate', 'payment', 'delegation'] as const;
type Kind = (typeof KINDS)[number];

interface BuildOptions extends TransactionOptions {
  out: string;
  commitment?: string;
  proof?: string;
  owner?: string;
  presentOwner?: string;
  to?: string;
  amount?: string;
}

export function txCommand(session: Session): Command {
  return new Command('tx')
    .description(
      'Make transactions in steps: build with a network, show and sign without one, send',
    )
    .addCommand(buildCommand(session))
    .addCommand(showCommand(session))
    .addCommand(signCommand(session))
    .addCommand(sendCommand(session));
}

function buildCommand(session: Session): Command {
  return withTransaction(
    command('build', 'Build and prove a transaction; no private key is needed'),
  )
    .addArgument(new Argument('<what>', 'what the transaction does').choices(KINDS))
    .requiredOption('--out <file>', 'where to write it')
    .option(
      '--fee-payer <key>',
      "default: the public key in the alias's feepayerKeyPath",
      publicKeyOption,
    )
    .option('--commitment <file>', 'deploy, rotate: commitment.json')
    .option('--proof <file>', 'submit: proof file')
    .option('--owner <key>', 'deploy, rotate: the (next) owner', publicKeyOption)
    .option(
      '--present-owner <key>',
      'rotate: who signs (default: the contract key)',
      publicKeyOption,
    )
    .option('--to <key>', 'payment, delegation: the receiver', publicKeyOption)
    .option('--amount <mina>', 'payment: how much')
    .addHelpText(
      'after',
      '\nJSON: {out, about, fee, nonce, signers}; or {out: null} if there is nothing to do.',
    )
    .action(
      works<BuildOptions>(session, async (context, options, what) => {
        await requireWritable(options.out);
        const file = await build(what as Kind, options, context);
        if (file === undefined) return { json: { out: null }, text: 'there is nothing to do' };
        await writeTransactionFile(options.out, file);
        const { fee, nonce } = file.kind === 'zkapp' ? file.command.feePayer.body : file.command;
        const { about, signers } = file;
        return {
          json: { out: options.out, about, fee: inMina(fee), nonce: Number(nonce), signers },
          text: `${about}\nfee ${inMina(fee)} MINA, nonce ${nonce}\nto be signed by ${signers.join(', ')}\n${options.out}`,
        };
      }),
    );
}

async function build(
  what: Kind,
  options: BuildOptions,
  context: Context,
): Promise<TransactionFile | undefined> {
  const need = (name: 'commitment' | 'proof' | 'to' | 'amount'): string => {
    const value = options[name];
    if (value !== undefined) return value;
    throw new AttensorError({ code: 'USAGE', what: `tx build ${what} needs --${name}` });
  };
  // before the network is asked
  const commitment =
    options.commitment === undefined ? undefined : await readPublished(options.commitment);
  switch (what) {
    case 'payment': {
      const [to, amount] = [need('to'), nanomina(need('amount'), '--amount')];
      const chain = await ChainSession.open(options, context);
      return await chain.buildTransfer('payment', to, amount);
    }
    case 'delegation': {
      const to = need('to');
      return await (await ChainSession.open(options, context)).buildTransfer('delegation', to);
    }
    case 'deploy': {
      need('commitment');
      const chain = await ChainSession.open(options, context);
      const { planDeploy } = await import('@attensor/chain/plans');
      const plan = await planDeploy(
        await chain.address(),
        present(commitment, '--commitment'),
        options.owner,
      );
      return plan && (await chain.build(plan));
    }
    case 'submit': {
      const file = await readProof(need('proof'));
      const chain = await ChainSession.open(options, context);
      const { planSubmit } = await import('@attensor/chain/plans');
      const plan = await planSubmit(await chain.address(), file, { again: false });
      return plan && (await chain.build(plan));
    }
    case 'settle': {
      const chain = await ChainSession.open(options, context);
      const { planSettle } = await import('@attensor/chain/plans');
      const { cacheDir } = chain;
      const { signal, output } = context;
      const log = (line: string) => output.log(line);
      const plan = await planSettle(await chain.address(), { cacheDir, signal, log });
      return plan && (await chain.build(plan));
    }
    case 'rotate': {
      requireOne(options);
      const chain = await ChainSession.open(options, context);
      const contract = await chain.address();
      const owner = options.presentOwner ?? contract;
      const { planRotate, planUpdate } = await import('@attensor/chain/plans');
      const plan =
        commitment === undefined
          ? await planRotate(contract, owner, present(options.owner, '--owner'))
          : await planUpdate(contract, owner, commitment);
      return plan && (await chain.build(plan));
    }
  }
}

function showCommand(session: Session): Command {
  return command('show', 'Show everything that a transaction does, without a network or a key')
    .argument('<file>', 'file from `tx build`')
    .addHelpText(
      'after',
      '\n`effects` are read from the transaction itself; `about` is what its maker claims. JSON: {about, effects, signers, missing}.',
    )
    .action(
      works<object>(session, async (_context, _options, path) => {
        const file = await readTransactionFile(path);
        const { signers } = file;
        const [lines, missing] = [effects(file), missingSignatures(file)];
        return {
          json: { about: printable(file.about), effects: lines, signers, missing },
          text: [...shown(file, lines), stillToSign(missing, path)].join('\n'),
        };
      }),
    );
}

function signCommand(session: Session): Command {
  return command('sign', 'Sign a transaction, without a network')
    .argument('<file>', 'file from `tx build`, possibly signed by others')
    .requiredOption('--key <file...>', 'key files, as `zk config` makes them')
    .option('--out <file>', 'file to write (default: replaces the given file)')
    .option('--yes', 'sign without asking; needed where no terminal can be asked')
    .addHelpText(
      'after',
      '\nShows what `tx show` shows, asks, and then signs. `effects` are read from the transaction itself; `about` is what its maker claims. JSON: {out, about, effects, signed, missing}.',
    )
    .action(
      works<{ key: string[]; out?: string; yes?: boolean }>(
        session,
        async ({ output }, options, path) => {
          const out = options.out ?? path;
          await requireWritable(out);
          const file = await readTransactionFile(path);
          const keys = await Promise.all(
            options.key.map((key) =>
              readKeyFile(key, { networkId: file.networkId, warn: (line) => output.log(line) }),
            ),
          );
          const stranger = keys.find(({ publicKey }) => !file.signers.includes(publicKey));
          if (stranger !== undefined) {
            throw new AttensorError({
              code: 'USAGE',
              what: 'the transaction does not ask for the signature of this key',
              where: path,
              expected: printable(file.signers.join(', ')),
              got: stranger.publicKey,
            });
          }
          const lines = effects(file);
          const by = keys.map(({ publicKey }) => publicKey);
          for (const line of shown(file, lines)) output.log(line);
          if (!options.yes) await confirm(output, `sign this with ${by.join(', ')}?`);
          const signed = sign(file, keys);
          await writeTransactionFile(out, signed);
          const missing = missingSignatures(signed);
          return {
            json: { out, about: printable(file.about), effects: lines, signed: by, missing },
            text: [`signed by ${by.join(', ')}`, stillToSign(missing, out)].join('\n'),
          };
        },
      ),
    );
}

function shown(file: TransactionFile, lines: string[]): string[] {
  return [`its maker says: ${printable(file.about)}`, ...lines.map((line) => `  ${line}`)];
}

function stillToSign(missing: string[], path: string): string {
  return missing.length > 0 ? `still to sign: ${missing.join(', ')}` : `complete: ${path}`;
}

type SendOptions = Pick<
  TransactionOptions,
  'alias' | 'config' | 'endpoints' | 'confirmations' | 'wait'
>;

function sendCommand(session: Session): Command {
  return withDelivery(
    withNetwork(command('send', 'Send a signed transaction, and wait until it is in a block')),
  )
    .argument('<file>', 'file signed by all its signers')
    .addHelpText(
      'after',
      '\nSending a transaction twice is harmless. JSON: {transaction, block, depth, fee, nonce}.',
    )
    .action(
      works<SendOptions>(session, async ({ output, signal }, options, path) => {
        const file = await readTransactionFile(path);
        requireSigned(file, path);
        const { wait, confirmations } = options;
        const alias = await readAlias(options.config, options.alias);
        const { nodes } = await endpointsOf(alias, options.endpoints);
        const network = new Network(alias, (line) => output.log(line), signal, nodes);
        const sealed = await withHash(file);
        const how = { wait, confirmations, output, signal };
        const done = report(sealed, await deliver(network, sealed, how));
        return { json: done, text: told({ ...done, resumed: false }) };
      }),
    );
}
