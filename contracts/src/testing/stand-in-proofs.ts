/**
 * Proofs of the programs of `stand-in-program.ts`, made once and kept in `fixtures/stand-in-proofs.json`: what happens to a proof
 * after it is made needs none made anew. `npm run proofs:stand-in` writes them, after a change of those programs or of o1js.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Field, type JsonProof, VerificationKey } from 'o1js';
import { InferenceProof } from '../inference-proof.js';
import { answering } from './local-contract.js';
import { impostor, standIn } from './stand-in-program.js';

/** Sources are beside the compiled tests: `dist` holds no fixtures. */
const FILE = fileURLToPath(new URL('../../src/fixtures/stand-in-proofs.json', import.meta.url));

/** Answers that are proved: the first in two segments, as inference is proved; the second in one, as a short one is. */
export const PROVED_ANSWERS = [4, 5];
/** The impostor's. */
export const FORGED_ANSWER = 9;

interface StandInProofs<Key, Proof> {
  standIn: Key;
  impostor: Key;
  /** The first segment of the first answer. */
  unfinished: Proof;
  /** Of the answers. */
  finished: Proof[];
  /** A valid proof of the impostor. */
  forged: Proof;
}
interface KeyJson {
  data: string;
  hash: string;
}
export type StandInFile = StandInProofs<KeyJson, JsonProof> & {
  /** Of the methods of both programs: other circuits have other keys. */
  digests: Record<string, string>;
};

export async function standInFile(): Promise<StandInFile> {
  return JSON.parse(await readFile(FILE, 'utf8')) as StandInFile;
}

export async function standInProofs(): Promise<StandInProofs<VerificationKey, InferenceProof>> {
  const file = await standInFile();
  const key = ({ data, hash }: KeyJson) => new VerificationKey({ data, hash: Field(hash) });
  const proof = async (json: JsonProof) => (await InferenceProof.fromJSON(json)) as InferenceProof;
  return {
    standIn: key(file.standIn),
    impostor: key(file.impostor),
    unfinished: await proof(file.unfinished),
    finished: await Promise.all(file.finished.map(proof)),
    forged: await proof(file.forged),
  };
}

export async function circuitDigests(): Promise<Record<string, string>> {
  const methods = { ...(await standIn.analyzeMethods()), ...(await impostor.analyzeMethods()) };
  return Object.fromEntries(Object.entries(methods).map(([name, { digest }]) => [name, digest]));
}

/** Compiles and proves what the file holds. @returns where it belongs, and what belongs there */
export async function makeStandInProofs(): Promise<{ path: string; file: StandInFile }> {
  const keyOf = async (program: typeof standIn | typeof impostor): Promise<KeyJson> => {
    const { data, hash } = (await program.compile()).verificationKey;
    return { data, hash: hash.toString() };
  };
  const keys = { standIn: await keyOf(standIn), impostor: await keyOf(impostor) };
  const [long, short] = PROVED_ANSWERS.map((answer) => answering(answer));
  const first = (await standIn.start(long)).proof;
  const finished = [await standIn.finish(long, first), await standIn.whole(short)];
  const forged = (await impostor.claim(answering(FORGED_ANSWER))).proof;
  const file = {
    digests: await circuitDigests(),
    ...keys,
    unfinished: first.toJSON(),
    finished: finished.map(({ proof }) => proof.toJSON()),
    forged: forged.toJSON(),
  };
  return { path: FILE, file };
}
