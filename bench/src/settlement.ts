/** What settling costs: a hundred submissions, most of them copies of one, as a flooder would send them. */
import {
  AttestationContract,
  readHistory,
  Settler,
  type ProofStore,
  type ProvedSettlement,
} from '@attensor/contracts';
import { present } from '@attensor/core';
import { Cache, Mina, type JsonProof, type PublicKey } from 'o1js';

/** Submissions that are settled at once. */
const SETTLED = 100;
/** Account updates with a proof that fit into one transaction. */
const COPIES = 5;
/** Seconds, all in all. */
const BOUND = 360;

type Sent = Mina.Transaction<true, true>;

interface Bench {
  payer: Mina.TestPublicKey;
  address: PublicKey;
  /** The last submission. */
  submitted: Sent;
  /** Folder of keys. */
  cache: string;
  timed: <T>(step: string, run: () => Promise<T>) => Promise<[seconds: number, result: T]>;
  add: (figure: string, seconds: number, bound?: number) => void;
}

export async function settlementFigures(bench: Bench): Promise<void> {
  const { payer, address, submitted, cache, timed, add } = bench;
  const store = memoryStore();
  const start = async () => {
    const settler = new Settler({ cache: Cache.FileSystem(cache), store });
    await settler.compile();
    return settler;
  };
  const [compiling, settler] = await timed('keys of settlements, empty cache', start);
  add('keys of settlements, cold', compiling);

  const copies = SETTLED - (await readHistory(address)).attestations.length;
  await timed(`${copies} copies of a submission`, () => flood(payer, submitted, copies));
  const [reading, history] = await timed('read', () => readHistory(address));
  add(`reading a history of ${SETTLED}`, reading);
  const [settling] = await timed(`settlement of ${SETTLED}`, () => settler.prove(history));
  add(`settlement of ${SETTLED}, proving`, settling);
  const [resuming] = await timed('settlement, kept', async () => (await start()).prove(history));
  add('the same after a restart, from kept proofs', resuming);

  await flood(payer, submitted, COPIES);
  const [reaching, proved] = await timed('settlement, gone on', async () =>
    settler.prove(await readHistory(address), SETTLED),
  );
  add(`going on over ${COPIES} later submissions, proving`, reaching);
  const { proof, verificationKey }: ProvedSettlement = present(proved, 'a settlement');
  const transaction = await Mina.transaction(payer, () =>
    new AttestationContract(address).settle(proof, verificationKey),
  );
  const [sending] = await timed('settle', () => transaction.prove());
  add('settle, proving', sending);
  await (await transaction.sign([payer.key]).send()).wait();
  add(`settling ${SETTLED}, all in all`, settling + reaching + sending, BOUND);
}

/** Sends the submission's account update again, with the proof it has, several times in each transaction. */
async function flood(payer: Mina.TestPublicKey, submitted: Sent, copies: number): Promise<void> {
  for (let left = copies; left > 0; left -= COPIES) {
    const copy = Mina.Transaction.fromJSON(submitted.toJSON());
    const { feePayer, accountUpdates } = copy.transaction;
    copy.transaction.accountUpdates = Array.from(
      { length: Math.min(COPIES, left) },
      () => accountUpdates[0],
    );
    feePayer.body.publicKey = payer;
    feePayer.body.nonce = Mina.getAccount(payer).nonce;
    feePayer.lazyAuthorization = { kind: 'lazy-signature' };
    await (await copy.sign([payer.key]).send()).wait();
  }
}

/** As files would keep proofs. */
function memoryStore(): ProofStore {
  const kept = new Map<string, string>();
  return {
    names: () => Promise.resolve([...kept.keys()]),
    read: (name) => {
      const text = kept.get(name);
      return Promise.resolve(text === undefined ? undefined : (JSON.parse(text) as JsonProof));
    },
    write: (name, proof) => Promise.resolve(void kept.set(name, JSON.stringify(proof))),
    remove: (name) => Promise.resolve(void kept.delete(name)),
  };
}
