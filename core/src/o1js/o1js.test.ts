/** Fails where a version of o1js is not what `internals.ts` and `reference-strings.ts` take it for. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  AccountUpdate,
  Cache,
  Field,
  initializeBindings,
  Ledger,
  Mina,
  Poseidon,
  PrivateKey,
  Provable,
  setBackend,
  Transaction,
} from 'o1js';
import {
  analysis,
  hashNatively,
  hashZkappCommand,
  internals,
  type Internals,
  type MlAccount,
  type MlLedger,
} from './index.js';
import { internalModule } from './modules.js';
import { referenceStringModules } from './reference-strings.js';

setBackend('native');

let inside: Internals;
beforeAll(async () => {
  await initializeBindings();
  inside = await internals();
}, 60_000);

describe('bindings.js', () => {
  it('hashes zkApp commands as the network does', async () => {
    const chain = await Mina.LocalBlockchain({ proofsEnabled: false });
    Mina.setActiveInstance(chain);
    const [payer] = chain.testAccounts;
    const transaction = await Mina.transaction(payer, () => Promise.resolve());
    const sent = await transaction.sign([payer.key]).send();
    expect(sent.hash).toMatch(/^5J/);
    expect(await hashZkappCommand(transaction.toJSON())).toBe(sent.hash);
  });

  it('writes memos in base58', () => {
    expect(inside.memoToBase58('')).toBe('E4YM2vTHhWEg66xpj52JErHUBU4pZ1yageL4TVDDpTTSsv8mK6YaH');
  });
});

it('base58-encodings.js writes and reads hashes', () => {
  const { LedgerHash, StateHash, EpochSeed, ReceiptChainHash } = inside;
  const prefixes = { jw: LedgerHash, '3N': StateHash, '2v': EpochSeed, '2m': ReceiptChainHash };
  for (const [prefix, encoding] of Object.entries(prefixes)) {
    const text = encoding.toBase58(Field(12345));
    expect(text.slice(0, 2)).toBe(prefix);
    expect(encoding.fromBase58(text).toBigInt()).toBe(12345n);
  }
});

it('transaction-validation.js refuses what is too large for the network', async () => {
  expect(typeof inside.verifyTransactionLimits).toBe('function');
  const chain = await Mina.LocalBlockchain({ proofsEnabled: false });
  Mina.setActiveInstance(chain);
  const [payer] = chain.testAccounts;
  const transaction = await Mina.transaction(payer, () => Promise.resolve());
  const command = Transaction.fromJSON(
    JSON.parse(transaction.toJSON()) as Parameters<typeof Transaction.fromJSON>[0],
  ).transaction;
  inside.verifyTransactionLimits(command);
  const { accountUpdates } = command;
  const [update] = (
    await Mina.transaction(payer, () => {
      AccountUpdate.createSigned(PrivateKey.random().toPublicKey());
      return Promise.resolve();
    })
  ).transaction.accountUpdates;
  const large = { ...command, accountUpdates: [...accountUpdates, ...Array(40).fill(update)] };
  expect(() => inside.verifyTransactionLimits(large)).toThrow('too expensive');
});

it('a ledger keeps its accounts in a tree of records', () => {
  const ledger = Ledger.create();
  const { x, isOdd } = PrivateKey.random().toPublicKey();
  const key = [0, x.toConstant().value[1], isOdd.toBoolean() ? 1 : 0] as Parameters<
    Ledger['addAccount']
  >[0];
  ledger.addAccount(key, '7');
  const [, size, [, , tree]] = (ledger as unknown as MlLedger).value[1];
  expect(size).toBe(1);
  const [kind, location, record] = tree as [0, number, MlAccount];
  expect([kind, location, record[1]]).toEqual([0, 0, [0, [0, x.toBigInt()], key[2]]]);
});

it('the modules of reference strings have the functions that loading them takes', async () => {
  const { setSrsCache, unsetSrsCache, fp, fq } = await referenceStringModules();
  for (const each of [
    setSrsCache,
    unsetSrsCache,
    fp.create,
    fp.addLagrangeBasis,
    fq.create,
    fq.addLagrangeBasis,
  ])
    expect(typeof each).toBe('function');
  setSrsCache(Cache.None);
  unsetSrsCache();
});

it('provable-context.js tells an analysis from other runs of a method', async () => {
  const inAnalysis = await analysis();
  const seen: boolean[] = [inAnalysis()];
  const method = (): void => void seen.push(inAnalysis());
  await Provable.constraintSystem(method);
  await Provable.runAndCheck(method);
  seen.push(inAnalysis());
  expect(seen).toEqual([false, true, false, false]);
});

it('poseidon.js hashes natively as it does itself', async () => {
  const inputs = [0, 1, 2, 3, 4, 7].map((length) => Array.from({ length }, () => Field.random()));
  const edges = [Field(-1), Field(-1), Field(-1)];
  const hashes = () => [...inputs, edges].map((input) => Poseidon.hash(input).toBigInt());
  const states = () =>
    inputs.map((input) =>
      Poseidon.update([Field(-1), Field(-2), Field(5)], input).map((element) => element.toBigInt()),
    );
  const before = [hashes(), states()];
  const { Poseidon: inside } = await internalModule<{ Poseidon: { update: unknown } }>(
    'bindings/crypto/poseidon.js',
  );
  const { update } = inside;
  await hashNatively();
  expect(inside.update).not.toBe(update);
  expect([hashes(), states()]).toEqual(before);
});
