/**
 * The page in Chromium: the production build, a node, a contract, and an answer that was really proved. What a person does, and
 * what can go wrong.
 */
import { present } from '@attensor/core';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { run } from '@attensor/cli';
import { PrivateKey, setBackend } from 'o1js';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { preview as startPreview } from 'vite';
import { LocalNetwork, keyFile } from '../local-network.js';
import { sharedAnswer, type ProvedAnswer } from '../run-folder.js';
import { accessibilityProblems, launch, openPage, rendererPeak } from './chromium.js';
import { figure, printFigures } from './figures.js';
import {
  anotherAccount,
  anotherModel,
  anotherProgram,
  ProxyNode,
  shiftedFields,
  wideNumber,
} from './proxy-node.js';
import { proveAnswer } from './prove-answer.js';
import { serve, type StaticServer } from './static-server.js';
import { FakeWallet } from './fake-wallet.js';

setBackend('native');

const SCREENSHOTS = fileURLToPath(new URL('../../../.attensor/screenshots', import.meta.url));
const YES = 'This text was produced by this committed model.';
const MINUTE = 60_000;

const contract = PrivateKey.random();

let folder: string;
let network: LocalNetwork;
let answer: ProvedAnswer;
let proof: string;
let browser: Browser;
/** Tabs of it share what was loaded. */
let visitor: BrowserContext;
let site: StaticServer;
/** The page of a site that vouches for no model, and lets visitors name other nodes. */
let bare: StaticServer;
let second: ProxyNode;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attensor-browser-'));
  await mkdir(SCREENSHOTS, { recursive: true });
  answer = (await sharedAnswer()) ?? (await proveAnswer(folder));
  proof = await readFile(answer.proofPath, 'utf8');
  network = await LocalNetwork.start(folder, contract);
  const commitment = join(answer.modelDir, 'commitment.json');
  const deployed = await network.withBlocks(network.attensor('deploy', '--commitment', commitment));
  expect(deployed.json).toMatchObject({ deployed: true });
  const submitted = await network.withBlocks(network.attensor('submit', answer.proofPath));
  expect(submitted.json).toMatchObject({ submitted: true });

  second = await ProxyNode.start(network.url);
  const page = await attensor(
    ...['page', '--out', join(folder, 'site'), '--model', answer.modelDir],
    ...[
      '--node',
      named(second.url, 'node.one.example'),
      '--node',
      named(network.url, 'two.example'),
    ],
    ...['--alias', 'local', '--config', network.path('config.json'), '--wallet', 'mina:testnet'],
  );
  expect(page).toMatchObject({ models: ['model'], contracts: [{ network: 'local' }] });
  site = await serve(join(folder, 'site'), { headers: true });
  await attensor(
    ...['page', '--out', join(folder, 'bare'), '--other-nodes'],
    ...['--alias', 'local', '--config', network.path('config.json')],
  );
  bare = await serve(join(folder, 'bare'), { headers: true });
  browser = await launch();
  visitor = (await openPage(browser)).page.context();
});
afterAll(async () => {
  printFigures();
  await browser?.close();
  await site?.close();
  await bare?.close();
  await second?.stop();
  await network?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The same address by another name. */
const named = (url: string, hostname: string): string =>
  url.replace(new URL(url).hostname, hostname);

async function attensor(...args: string[]): Promise<unknown> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  await run([...args, '--json'], { stdin: Readable.from(['']), stdout, stderr });
  return JSON.parse(String(stdout.read()));
}

// --- what a person does ---

let dropped = 0;

/** Gives the page a file, and waits until it has read it. */
async function dropFile(page: Page, text: string): Promise<void> {
  const name = `proof-${dropped++}.json`;
  const file = { name, mimeType: 'application/json', buffer: Buffer.from(text) };
  await page.getByLabel('Proof file', { exact: true }).setInputFiles(file);
  await page.getByText(name, { exact: true }).waitFor();
}

async function fill(page: Page, texts: { prompt?: string; answer?: string } = {}): Promise<void> {
  await page.getByLabel('Prompt', { exact: true }).fill(texts.prompt ?? answer.prompt);
  await page.getByLabel('Answer you were given').fill(texts.answer ?? answer.answer);
}

const check = (page: Page) => page.getByRole('button', { name: 'Check', exact: true }).click();
const verdict = (page: Page) => page.locator('.verdict h2');

/** The contract was read: the model's name is there. */
async function contractRead(page: Page): Promise<void> {
  await page.getByText(/^Committed to/).waitFor({ timeout: MINUTE });
}

async function expectVerdict(page: Page, headline: string, reason?: RegExp): Promise<void> {
  await verdict(page).waitFor({ timeout: MINUTE });
  expect(await verdict(page).innerText()).toContain(headline);
  if (reason) expect(await page.locator('.verdict .reason').innerText()).toMatch(reason);
}

/** A page in the visitor's browser, which has been on these sites before. */
async function open(hash = '', host = site): Promise<Page> {
  const page = await visitor.newPage();
  await page.goto(host.url + hash);
  return page;
}

/** A copy of the proof file with one change. */
function edited(change: (file: ProofJson) => void): string {
  const copy = JSON.parse(proof) as ProofJson;
  change(copy);
  return JSON.stringify(copy);
}

interface ProofJson {
  statement: Record<'modelRoot' | 'outputHash', string>;
  verificationKey: { data: string; hash: string };
  proof: { proof: string; publicInput: string[]; publicOutput: string[] };
}

const plusOne = (field: string): string => (BigInt(field) + 1n).toString();

// --- tests ---

describe('happy path', () => {
  test('the text was produced by this model; weight, times and memory', async () => {
    const { page, problems } = await openPage(browser);
    const start = performance.now();
    await page.goto(site.url);
    await page.getByRole('button', { name: 'Check', exact: true }).waitFor();
    figure('time to interactive', (performance.now() - start) / 1000, 's');
    const first = [...site.sent].filter(([path]) => !/engine|reference-strings/.test(path));
    const weight = first.reduce((sum, [, bytes]) => sum + bytes, 0) / 1000;
    figure('first paint, compressed', weight, 'kB', 200);
    expect(weight).toBeLessThan(200);

    await contractRead(page);
    const total = [...site.sent.values()].reduce((sum, bytes) => sum + bytes, 0) / 1000;
    figure('everything, compressed', total, 'kB');
    expect(await page.getByText('1 submission attested, 0 of them settled').count()).toBe(1);
    expect(await page.locator('.trust summary').innerText()).toContain('3 of 4 levels');
    await page.close();

    // files are in the browser's cache now, nothing is compiled or loaded
    const cold = await page.context().newPage();
    await cold.goto(site.url);
    await dropFile(cold, proof);
    await fill(cold);
    const coldStart = performance.now();
    await check(cold);
    await expectVerdict(cold, YES);
    const coldSeconds = (performance.now() - coldStart) / 1000;
    figure('check, cold', coldSeconds, 's', 8);

    const warmStart = performance.now();
    await check(cold);
    await cold.locator('.verdict').waitFor({ state: 'detached' });
    await expectVerdict(cold, YES);
    figure('check, warm', (performance.now() - warmStart) / 1000, 's', 4);
    figure('peak memory, page and worker', await rendererPeak(browser), 'MB');

    await cold.getByText('What was checked').click();
    const steps = await cold.locator('.verdict .steps').first().innerText();
    expect(steps).toContain('Submitted in block');
    expect(steps).not.toContain('open');
    await cold.screenshot({ path: join(SCREENSHOTS, 'yes-desktop-light.png'), fullPage: true });
    expect(problems).toEqual([]);
    await cold.context().close();
  });

  test('on a phone, in the dark, by keyboard alone', async () => {
    const { page } = await openPage(browser, {
      viewport: { width: 375, height: 740 },
      colorScheme: 'dark',
      deviceScaleFactor: 2,
    });
    await page.goto(site.url);
    await contractRead(page);
    await dropFile(page, proof);
    await page.getByLabel('Prompt', { exact: true }).focus();
    await page.keyboard.type(answer.prompt);
    await page.keyboard.press('Tab');
    await page.keyboard.type(answer.answer);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await expectVerdict(page, YES);
    // a screen reader goes on with the verdict
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('verdict-title');
    await page.screenshot({ path: join(SCREENSHOTS, 'yes-phone-dark.png'), fullPage: true });
    expect(await accessibilityProblems(page)).toEqual([]);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(wide).toBeLessThanOrEqual(375);
    await page.context().close();
  });

  test('on a host that serves files and no headers: the service worker keeps them, and mends them', async () => {
    const plain = await serve(join(folder, 'site'), { headers: false });
    try {
      const { page, problems } = await openPage(browser);
      await page.goto(plain.url);
      await contractRead(page);
      expect(problems).toEqual([]);
      // a file of an older build, and a damaged one
      const engine = await page.evaluate(async () => {
        const [name] = await caches.keys();
        const store = await caches.open(name);
        const stored = (await store.keys()).map(({ url }) => url);
        const engine = stored.find((url) => url.includes('/engine-')) ?? 'none';
        await store.put(engine, new Response('damaged'));
        await store.put(new URL('old.js', engine), new Response('old'));
        // as a browser does when the build has changed
        const registration = await navigator.serviceWorker.ready;
        await registration.unregister();
        return engine;
      });
      await page.goto('about:blank');
      await page.goto(plain.url);
      await contractRead(page);
      const sizes = await page.evaluate(async () => {
        const store = await caches.open((await caches.keys())[0]);
        const stored = await Promise.all(
          (await store.keys()).map(async (request) => {
            const content = await (await store.match(request))?.arrayBuffer();
            return [request.url, content?.byteLength] as const;
          }),
        );
        return Object.fromEntries(stored);
      });
      expect(sizes[engine]).toBeGreaterThan(1_000_000);
      expect(Object.keys(sizes).filter((url) => url.includes('old.js'))).toEqual([]);
      await dropFile(page, proof);
      await fill(page);
      await check(page);
      await expectVerdict(page, YES);
      expect(problems).toEqual([]);
      await page.context().close();
    } finally {
      await plain.close();
    }
  });

  test('a link leads to one attestation', async () => {
    const { outputHash } = (JSON.parse(proof) as ProofJson).statement;
    const address = keyFile(contract).publicKey;
    const page = await open(`#network=local&contract=${address}&attestation=${outputHash}`);
    await page.locator('.attestations details[open]').waitFor({ timeout: MINUTE });
    expect(await page.locator('.attestations details[open]').innerText()).toContain(
      outputHash.slice(0, 8),
    );
    expect(await page.locator('.timeline circle.selected').count()).toBe(1);
    await page.close();
  });
});

describe('what is not so', () => {
  let page: Page;
  beforeAll(async () => {
    page = await open();
    await contractRead(page);
  });
  afterAll(() => page.close());

  const flipped = (base64: string): string => {
    const at = Math.floor(base64.length / 2);
    return base64.slice(0, at) + (base64[at] === 'A' ? 'B' : 'A') + base64.slice(at + 1);
  };

  test.each<[string, () => string, string, RegExp]>([
    ['no JSON', () => proof.slice(0, -5), 'this is not a proof file', /not JSON/],
    [
      'another statement',
      () => edited((file) => (file.statement.outputHash = plusOne(file.statement.outputHash))),
      'the file was edited',
      /not the one its proof is about/,
    ],
    [
      'an unfinished run',
      () => edited((file) => (file.proof.publicOutput[0] = '7')),
      'the file was edited',
      /not the one its proof is about/,
    ],
    [
      'another key',
      () => edited((file) => (file.verificationKey.hash = plusOne(file.verificationKey.hash))),
      'the file was edited',
      /key is not the one/,
    ],
    [
      'another model',
      () =>
        edited((file) => {
          file.statement.modelRoot = plusOne(file.statement.modelRoot);
          file.proof.publicInput[0] = file.statement.modelRoot;
        }),
      'another model',
      /committed to another model/,
    ],
    [
      'the proof itself',
      () => edited((file) => (file.proof.proof = flipped(file.proof.proof))),
      'the proof does not hold',
      /edited, or made for something else/,
    ],
  ])('an edited proof: %s', async (_, file, headline, reason) => {
    await dropFile(page, file());
    await fill(page);
    await check(page);
    await expectVerdict(page, headline, reason);
  });

  test('another answer, or another prompt', async () => {
    await dropFile(page, proof);
    await fill(page, { answer: `${answer.answer}!` });
    await check(page);
    await expectVerdict(page, 'this is not the answer that was proved', /every character counts/);
    await page.screenshot({ path: join(SCREENSHOTS, 'no-desktop-light.png'), fullPage: true });
    expect(await accessibilityProblems(page)).toEqual([]);
    expect(answer.answer).toMatch(/^ /);
    await fill(page, { answer: answer.answer.trim() });
    await check(page);
    await expectVerdict(page, 'not the answer', /only in spaces at its beginning or end/);
    await fill(page, { prompt: 'Un' });
    await check(page);
    await expectVerdict(page, 'another prompt', /every character counts/);
  });

  test('text that is not given is not compared, and the verdict says so', async () => {
    await fill(page, { prompt: '', answer: '' });
    await check(page);
    await expectVerdict(page, 'the prompt and answer were not compared', /No prompt was given/);
  });

  test('a verdict goes with the contract it was made for', async () => {
    await fill(page);
    await check(page);
    await expectVerdict(page, YES);
    const { publicKey } = JSON.parse(await readFile(network.path('payer.json'), 'utf8')) as {
      publicKey: string;
    };
    const hash = `#network=local&contract=${publicKey}`;
    await page.evaluate((hash) => (location.hash = hash), hash);
    await page.getByText('This account has no contract.').waitFor({ timeout: MINUTE });
    expect(await verdict(page).count()).toBe(0);
  });

  test('a model that the site does not vouch for', async () => {
    const unknown = await open('', bare);
    await unknown.getByText('a model that this site does not know').waitFor({ timeout: MINUTE });
    await dropFile(unknown, proof);
    await fill(unknown);
    await check(unknown);
    await expectVerdict(unknown, 'whose model this site does not know', /owner’s word/);
    await unknown.close();
  });

  test('an account without a contract, and what is no address', async () => {
    const { publicKey } = JSON.parse(await readFile(network.path('payer.json'), 'utf8')) as {
      publicKey: string;
    };
    await readAnother(page, publicKey);
    await page.getByText('This account has no contract.').waitFor({ timeout: MINUTE });
    await page.getByLabel('Address of the contract').fill('B62nonsense');
    await page.getByRole('button', { name: 'Read it' }).click();
    await page.getByText('This is not the address of a contract.').waitFor();
  });

  test('links that mean nothing', async () => {
    const bad = await open('#contract=nonsense');
    await bad.getByText('The link names no contract.').waitFor();
    await bad.goto('about:blank');
    const address = keyFile(contract).publicKey;
    await bad.goto(`${site.url}#network=nowhere&contract=${address}`);
    await bad.getByText('This site does not know the network.').waitFor();
    await bad.goto('about:blank');
    await bad.goto(`${site.url}#node=${second.url}&contract=${address}`);
    await bad.getByText('This site reads from its own nodes only.').waitFor();
    await bad.close();
  });
});

async function readAnother(page: Page, address: string): Promise<void> {
  const field = page.getByLabel('Address of the contract');
  if (!(await field.isVisible())) await page.getByText(/^Another contract/).click();
  await field.fill(address);
  await page.getByRole('button', { name: 'Read it' }).click();
}

describe('nodes', () => {
  /** The second node lies meanwhile. */
  async function withLiar(lie: ProxyNode['lie'], work: () => Promise<void>): Promise<void> {
    second.lie = lie;
    try {
      await work();
    } finally {
      second.lie = undefined;
    }
  }

  test('two that disagree: no verdict about the model, and both are named', () =>
    withLiar(anotherModel, async () => {
      const page = await open();
      await page.getByText('The nodes disagree about this contract.').waitFor({ timeout: MINUTE });
      await dropFile(page, proof);
      await fill(page);
      await check(page);
      await expectVerdict(page, 'whose model it is about is not known', /nodes disagree/);
      await page.screenshot({ path: join(SCREENSHOTS, 'disagree.png'), fullPage: true });
      await page.close();
    }));

  /** The contract as the second node alone tells of it. */
  const openSecond = (): Promise<Page> => {
    const address = keyFile(contract).publicKey;
    const nodes = new URLSearchParams({ node: second.url, archive: network.url });
    return open(`#${nodes.toString()}&contract=${address}`, bare);
  };

  test('one that lies is found out by the ledger hash', () =>
    withLiar(anotherModel, async () => {
      const page = await openSecond();
      await page.getByText('not a network of this site').waitFor({ timeout: MINUTE });
      await page.getByText('does not lead to the ledger hash').waitFor({ timeout: MINUTE });
      await dropFile(page, proof);
      await fill(page);
      await check(page);
      await expectVerdict(page, 'whose model it is about is not known', /not in the ledger/);
      await page.close();
    }));

  test.each([
    ['a number too wide', wideNumber, 'does not lead to the ledger hash'],
    ['fields in other places', shiftedFields, 'answer is malformed'],
    ['another account', anotherAccount, 'The node answered about another account.'],
  ])('one that makes up an account with the same hash: %s', (_, lie, words) =>
    withLiar(lie, async () => {
      const page = await openSecond();
      await page.getByText(words).waitFor({ timeout: MINUTE });
      await page.close();
    }),
  );

  test("another program's account is not shown as a contract that attests", () =>
    withLiar(anotherProgram, async () => {
      const page = await openSecond();
      await page.getByText('This is not to be relied on:').waitFor({ timeout: MINUTE });
      await page.getByText('It claims to be committed to').waitFor();
      await page.getByText('Not shown: this is not an Attensor contract').waitFor();
      expect(await page.locator('.attestations').count()).toBe(0);
      expect(await page.getByText(/attested,|rely on it|list is complete/).count()).toBe(0);
      await dropFile(page, proof);
      await check(page);
      await expectVerdict(page, 'this is not an Attensor contract', /program guards this account/);
      await page.screenshot({ path: join(SCREENSHOTS, 'foreign.png'), fullPage: true });
      expect(await accessibilityProblems(page)).toEqual([]);
      await page.close();
    }));

  test('an archive that is down: the contract is shown, and what stays open', async () => {
    const address = keyFile(contract).publicKey;
    const nodes = new URLSearchParams({ node: network.url, archive: 'http://127.0.0.1:9/' });
    const page = await open(`#${nodes.toString()}&contract=${address}`, bare);
    await page.getByText('Not known, because the archive did not give them.').waitFor({
      timeout: MINUTE,
    });
    await page.getByText('The archive does not answer.').waitFor();
    await page.getByText('According to the node, committed to').waitFor();
    await dropFile(page, proof);
    await check(page);
    await expectVerdict(page, 'whose model it is about is not known', /archive did not give/);
    await page.screenshot({ path: join(SCREENSHOTS, 'archive-down.png'), fullPage: true });
    await page.close();
  });

  test('one that is down: the other is enough; both: the proof is checked all the same', async () => {
    second.down = true;
    try {
      const page = await open();
      await contractRead(page);
      await page.locator('.trust summary').click();
      await page.getByText('1 did not answer').waitFor();
      const address = keyFile(contract).publicKey;
      const gone = new URLSearchParams({ node: second.url, contract: address });
      await page.goto('about:blank');
      await page.goto(`${bare.url}#${gone.toString()}`);
      await page.getByText('The node does not answer.').waitFor({ timeout: MINUTE });
      await dropFile(page, proof);
      await check(page);
      await expectVerdict(page, 'whose model it is about is not known', /could not be read/);
      await page.close();
    } finally {
      second.down = false;
    }
  });
});

test('what is injected into the page does not run, and nothing leaves it for another address', async () => {
  const page = await open();
  await contractRead(page);
  const refused = await page.evaluate(async () => {
    const refused: string[] = [];
    document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) =>
      refused.push(`${effectiveDirective} ${blockedURI}`),
    );
    const inline = document.createElement('script');
    inline.textContent = 'window.injected = 1';
    const elsewhere = Object.assign(document.createElement('script'), {
      src: 'https://elsewhere.example/script.js',
    });
    document.body.append(inline, elsewhere);
    document.body.insertAdjacentHTML('beforeend', '<img src="data:," onerror="injected = 2">');
    setTimeout('window.injected = 3', 0);
    await fetch('https://elsewhere.example/what-was-typed').catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 500));
    return refused;
  });
  expect(await page.evaluate(() => 'injected' in window)).toBe(false);
  expect(refused).toEqual(
    expect.arrayContaining([
      'script-src-elem inline',
      'script-src-elem https://elsewhere.example/script.js',
      'script-src-attr inline',
      'script-src eval',
      'connect-src https://elsewhere.example/what-was-typed',
    ]),
  );
  // the verifier's worker is held to it too
  const worker = present(page.workers().find((each) => each.url().includes('checker')));
  const sent = await worker.evaluate(async () => {
    const refused = new Promise<string>((resolve) =>
      self.addEventListener('securitypolicyviolation', (event) =>
        resolve(event.effectiveDirective),
      ),
    );
    await fetch('https://elsewhere.example/what-was-typed').catch(() => undefined);
    return await refused;
  });
  expect(sent).toBe('connect-src');
  await page.close();
});

describe('interruptions', () => {
  let page: Page;
  beforeAll(async () => {
    page = await open();
    await contractRead(page);
    await dropFile(page, proof);
    await fill(page);
  });
  afterAll(() => page.close());

  const verifying = () => page.getByText('Verifying the proof').waitFor({ timeout: MINUTE });

  test('cancel', async () => {
    await check(page);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Cancel' }).waitFor({ state: 'detached' });
    expect(await verdict(page).count()).toBe(0);
  });

  test('the worker dies: a clear error, and the next check works', async () => {
    // it ends while it waits for a node: while it computes, it would not hear
    second.delayMs = 5000;
    try {
      await check(page);
      await page.locator('.progress').getByText('Reading the contract').waitFor();
      const [worker] = page.workers().filter((each) => each.url().includes('checker'));
      // not awaited: its answer dies with it
      worker
        .evaluate(() => (self as unknown as Worker & { close(): void }).close())
        .catch(() => undefined);
      await page.getByText('The verifier stopped unexpectedly.').first().waitFor();
    } finally {
      second.delayMs = 0;
    }
    await check(page);
    await expectVerdict(page, YES);
  });

  test('a reload while verifying: what was typed is kept', async () => {
    await check(page);
    await verifying();
    await page.reload();
    expect(await page.getByLabel('Answer you were given').inputValue()).toBe(answer.answer);
    await contractRead(page);
    await check(page);
    await expectVerdict(page, YES);
  });
});

describe('wallet', () => {
  test('submits a proof: what the wallet is asked, and what it refuses', async () => {
    const payer = JSON.parse(await readFile(network.path('payer.json'), 'utf8')) as {
      publicKey: string;
      privateKey: string;
    };
    const { page } = await openPage(browser);
    const wallet = await FakeWallet.install(page, payer, network);
    await page.goto(site.url);
    await contractRead(page);
    await dropFile(page, proof);
    const submit = page.getByRole('button', { name: 'Submit with a wallet' });

    wallet.refuse = { method: 'requestAccounts', code: 1002, message: 'User rejected' };
    await submit.click();
    await page.getByText('You declined in the wallet.').waitFor();
    wallet.refuse = undefined;
    wallet.network = 'mina:mainnet';
    await submit.click();
    await page.getByText('The wallet is on another network than the contract.').waitFor();
    wallet.network = 'mina:testnet';

    const start = performance.now();
    wallet.calls.length = 0;
    await submit.click();
    await page.getByText('sent as').waitFor({ timeout: 15 * MINUTE });
    figure('submission, all of it', (performance.now() - start) / 1000, 's');
    const [compile, prove] = present(
      (await page.getByText('Contract compiled in').innerText()).match(/\d+/g),
    );
    figure('submission: compiling the contract', Number(compile), 's');
    figure('submission: proving the transaction', Number(prove), 's');
    expect(wallet.calls.map(({ method }) => method)).toEqual([
      'requestAccounts',
      'requestNetwork',
      'sendTransaction',
    ]);
    expect(wallet.calls[2].args).toMatchObject({ feePayer: { fee: 0.1, memo: 'attensor' } });
    await network.makeBlock();
    await page.reload();
    await page.getByText('2 submissions attested').waitFor({ timeout: MINUTE });
    await page.context().close();
  });

  test('there is none', async () => {
    const page = await open();
    await dropFile(page, proof);
    await page.getByText('No Mina wallet was found').waitFor();
    await page.getByRole('button', { name: 'Submit with a wallet' }).click();
    await page.getByText('There is no Mina wallet in this browser.').waitFor();
    await page.close();
  });
});

test('the preview sends what a host would', async () => {
  const preview = await startPreview({
    root: fileURLToPath(new URL('../../../ui', import.meta.url)),
    build: { outDir: join(folder, 'site') },
    preview: { port: 0, host: '127.0.0.1' },
    logLevel: 'silent',
  });
  try {
    const { port } = preview.httpServer.address() as AddressInfo;
    const { headers } = await fetch(`http://127.0.0.1:${port}/`);
    const policy = headers.get('content-security-policy');
    expect(await readFile(join(folder, 'site', '_headers'), 'utf8')).toContain(`: ${policy}\n`);
    expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval';");
    expect(policy).toContain(`connect-src 'self' ${network.url} `);
    expect(headers.get('cross-origin-embedder-policy')).toBe('require-corp');
  } finally {
    await preview.close();
  }
});

test('the page command refuses to overwrite, and replaces only pages', async () => {
  const out = join(folder, 'site-again');
  expect(await attensor('page', '--out', out)).toMatchObject({ contracts: [], models: [] });
  expect(await attensor('page', '--out', out)).toMatchObject({ error: { code: 'OUTPUT_EXISTS' } });
  expect(await attensor('page', '--out', out, '--force')).toMatchObject({ out });
  const mine = join(folder, 'mine');
  await mkdir(mine);
  await writeFile(join(mine, 'thesis.txt'), 'mine');
  expect(await attensor('page', '--out', mine, '--force')).toMatchObject({
    error: { code: 'OUTPUT_EXISTS' },
  });
  expect(await readFile(join(mine, 'thesis.txt'), 'utf8')).toBe('mine');
});
