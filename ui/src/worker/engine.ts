/** Everything that needs o1js. */
import { initializeBindings, setNumberOfWorkers } from 'o1js';
import verifyingUrl from '../../generated/verifying.bin?url';
import { readChain, type ChainView } from '../chain/read-chain.js';
import { checkProof, type CheckRequest } from '../check/check.js';
import type { CheckResult } from '../check/verdict.js';
import type { Source } from '../link.js';
import type { Report } from './api.js';
import { fetchStrings, installStrings } from './reference-strings.js';
import { VERIFYING } from './strings-format.js';

export { readChain } from '../chain/read-chain.js';
export { buildSubmission } from './submission.js';

let bindings: Promise<void> | undefined;

export async function initialize(): Promise<void> {
  // o1js leaves one core to the page; here it runs beside it
  setNumberOfWorkers(navigator.hardwareConcurrency);
  // once: o1js takes itself for initialised even where that failed, and then computes wrong hashes
  bindings ??= initializeBindings();
  const [strings] = await Promise.all([fetchStrings(verifyingUrl, VERIFYING), bindings]);
  installStrings(strings, VERIFYING);
}

/** @param begin when the page asked, of `performance.now()` */
export async function check(
  request: CheckRequest,
  source: Source | undefined,
  report: Report,
  begin: number,
): Promise<CheckResult> {
  const loaded = performance.now();
  const chain = async (): Promise<ChainView | undefined> => source && (await readChain(source));
  const { proofSeconds, ...result } = await checkProof(request, chain, report);
  const seconds = (from: number, to: number): number => (to - from) / 1000;
  return {
    ...result,
    seconds: {
      load: seconds(begin, loaded),
      proof: proofSeconds,
      total: seconds(begin, performance.now()),
    },
  };
}
