/** The transaction that submits a proof, built and proved in the worker; the wallet pays, signs and sends it. */
import { AttestationContract, InferenceProof, isProofValid } from '@attensor/contracts';
import { parseProofFile } from '@attensor/prover/proof-format';
import { Cache, Field, Mina, PublicKey, VerificationKey } from 'o1js';
import compilingUrl from '../../generated/compiling.bin?url';
import { AttensorError, present } from '@attensor/core';
import { readChain, sameCommitment } from '../chain/read-chain.js';
import type { Report, Submission, SubmissionRequest } from './api.js';
import { fetchStrings, installStrings } from './reference-strings.js';
import { COMPILING } from './strings-format.js';

let compiled: Promise<void> | undefined;

/** Once in the worker's life. */
async function compile(): Promise<void> {
  try {
    installStrings(await fetchStrings(compilingUrl, COMPILING), COMPILING);
    await AttestationContract.compile({ cache: Cache.None });
  } catch (error) {
    compiled = undefined;
    throw error;
  }
}

/** @throws BAD_FILE, BAD_INPUT, NO_CONTRACT, errors of reading the chain */
export async function buildSubmission(
  { file: text, source, sender }: SubmissionRequest,
  report: Report,
): Promise<Submission> {
  report('file');
  const file = parseProofFile(text, 'the file');
  report('contract');
  const view = await readChain(source);
  const refuse = (what: string, hint: string): AttensorError =>
    new AttensorError({ code: 'BAD_INPUT', what, where: source.address, hint });
  if (!view.genuine) throw refuse(present(view.notGenuine, 'the reason'), 'Check the address');
  const verifierKeyHash = file.verificationKey.hash;
  if (!sameCommitment({ ...file.statement, verifierKeyHash }, view.commitment))
    throw refuse('the contract is committed to another model', 'Choose the contract of its model');
  report('proof');
  // the fee of a refused transaction would be lost
  if (!(await isProofValid(file))) throw refuse('the proof does not hold', 'Get the file again');

  report('compiling');
  const begin = performance.now();
  await (compiled ??= compile());
  report('proving');
  const start = performance.now();
  const [node] = source.nodes;
  Mina.setActiveInstance(
    Mina.Network({
      networkId: source.networkId as 'testnet',
      mina: node,
      archive: source.archive,
    }),
  );
  const proof = await InferenceProof.fromJSON(file.proof);
  const { data, hash } = file.verificationKey;
  const key = new VerificationKey({ data, hash: Field(hash) });
  const contract = new AttestationContract(PublicKey.fromBase58(source.address));
  const transaction = await Mina.transaction(PublicKey.fromBase58(sender), () =>
    contract.attest(proof, key),
  );
  await transaction.prove();
  const seconds = (from: number, to: number): number => (to - from) / 1000;
  return {
    transaction: transaction.toJSON(),
    seconds: { compile: seconds(begin, start), prove: seconds(start, performance.now()) },
  };
}
