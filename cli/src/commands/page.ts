import { readAlias, readKeyFile } from '@attensor/chain';
import { Model } from '@attensor/inference';
import type { Command } from 'commander';
import { cp, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { command, works, type Session } from '../command.js';
import { AttensorError } from '@attensor/core';
import { requireFree, writeManifest } from '../page-manifest.js';
import { networkId, networksOf } from '../page-networks.js';
import { allowOnly } from '../page-policy.js';
import { readPublished } from '../published.js';

interface Options {
  out: string;
  alias?: string[];
  config: string;
  node?: string[];
  archive?: string;
  otherNodes?: boolean;
  model?: string[];
  wallet?: string;
  force?: boolean;
}

const several = (value: string, before: string[] = []): string[] => [...before, value];

export function pageCommand(session: Session): Command {
  return command('page', 'Write a web page that checks answers: static files for any host')
    .requiredOption('--out <dir>', 'folder to write')
    .option(
      '--alias <name>',
      'deployment alias whose contract the page shows; repeat for more',
      several,
    )
    .option('--config <file>', "zkapp-cli's configuration", 'config.json')
    .option('--node <url>', 'another node of the network to compare with; repeat for more', several)
    .option('--archive <url>', "archive of the network, if it is not the alias's own")
    .option('--other-nodes', 'let visitors and links name other nodes: the page may then ask any')
    .option(
      '--model <model-dir>',
      'committed model whose name and tokenizer the page includes; repeat for more',
      several,
    )
    .option('--wallet <network>', "the network's name for wallets, for example mina:devnet")
    .option('--force', 'replace <dir> if it is a page that this command made')
    .addHelpText('after', '\nJSON: {out, networks, contracts, models, otherNodes}.')
    .action(
      works<Options>(session, async ({ output }, options) => {
        const out = resolve(options.out);
        const aliases = await Promise.all(
          (options.alias ?? []).map((name) => readAlias(options.config, name)),
        );
        await requireFree(out, options.force ?? false);
        const networks = networksOf(aliases, options);
        const site = await builtSite();
        const work = await mkdtemp(join(dirname(out), `.${basename(out)}-`)).catch(() => {
          throw new AttensorError({
            code: 'NOT_FOUND',
            what: 'the folder of the page does not exist or is not writable',
            where: dirname(out),
          });
        });
        try {
          await cp(site, work, { recursive: true });
          const contracts = await Promise.all(
            aliases.map(async ({ name, keyPath, networkId: signed }) => ({
              network: networkId(name),
              address: (
                await readKeyFile(keyPath, {
                  networkId: signed,
                  warn: (line) => output.log(line),
                })
              ).publicKey,
              name,
            })),
          );
          // without a contract, visitors choose all of it
          const otherNodes = options.otherNodes ?? networks.length === 0;
          const models = await Promise.all((options.model ?? []).map((dir) => addModel(work, dir)));
          const settings = {
            format: 'attensor-page',
            version: 1,
            networks: networks.length > 0 ? networks : await defaultNetworks(site),
            contracts,
            models,
            otherNodes,
          };
          if (!otherNodes)
            await allowOnly(
              work,
              networks.flatMap(({ nodes, archive }) => [...nodes, archive]),
            );
          await writeFile(join(work, 'attensor.json'), `${JSON.stringify(settings, null, 2)}\n`);
          await writeManifest(work);
          // again: what came into the folder meanwhile stays
          await requireFree(out, options.force ?? false);
          if (options.force) await rm(out, { recursive: true, force: true });
          await rename(work, out);
          return {
            json: {
              out,
              networks: networks.length,
              contracts,
              models: models.map(({ name }) => name),
              otherNodes,
            },
            text: `${out}: ${contracts.length} contracts, ${models.length} models; put it on a static host, or look at it with \`npm run preview --workspace ui -- --outDir ${out}\``,
          };
        } finally {
          await rm(work, { recursive: true, force: true });
        }
      }),
    );
}

/** @throws AttensorError NOT_FOUND */
async function builtSite(): Promise<string> {
  const missing = (what: string, where: string, hint: string): AttensorError =>
    new AttensorError({ code: 'NOT_FOUND', what, where, hint });
  let site: string;
  try {
    const ui = createRequire(import.meta.url).resolve('@attensor/ui/package.json');
    site = join(dirname(ui), 'site');
  } catch {
    throw missing('the page is not installed', '@attensor/ui', 'use a checkout of the repository');
  }
  await stat(join(site, 'index.html')).catch(() => {
    throw missing('the page is not built', site, '`npm run build:ui`');
  });
  return site;
}

async function defaultNetworks(site: string): Promise<unknown[]> {
  const settings = JSON.parse(await readFile(join(site, 'attensor.json'), 'utf8')) as {
    networks: unknown[];
  };
  return settings.networks;
}

/** The model's commitment, and its tokenizer as a file of the page. */
async function addModel(page: string, dir: string) {
  const { config } = await Model.open(dir);
  const { modelRoot, vocabularyRoot, verifierKeyHash } = await readPublished(
    join(dir, 'commitment.json'),
  );
  const read = async (name: string): Promise<unknown> =>
    JSON.parse(await readFile(join(dir, name), 'utf8'));
  const { bos, vocabSize, maxPositions } = config;
  const tokenizer = {
    format: 'attensor-tokenizer',
    version: 1,
    bos,
    vocabSize,
    maxPositions,
    tokenizer: await read('tokenizer.json'),
    settings: await read('tokenizer_config.json'),
  };
  // two models of one name have different roots
  const file = `models/${modelRoot.slice(0, 16)}.json`;
  await mkdir(join(page, 'models'), { recursive: true });
  await writeFile(join(page, file), JSON.stringify(tokenizer));
  return {
    name: basename(resolve(dir)),
    modelRoot,
    vocabularyRoot,
    verifierKeyHash,
    tokenizer: file,
  };
}
