/** Everything that needs o1js. */
import { initializeBindings, setNumberOfWorkers } from 'o1js';
import stringsUrl from '../../generated/reference-strings.bin?url';
import { readChain, type ChainView } from '../chain/read-chain.js';
import { checkProof, type CheckRequest } from '../check/check.js';
import type { CheckResult } from '../check/verdict.js';
import type { Source } from '../link.js';
import type { Report } from './api.js';
import { fetchReferenceStrings, installReferenceStrings } from './reference-strings.js';

export { readChain };
export { buildSubmission } from '../wallet/submission.js';

export async function initialize(): Promise<void> {
  // o1js leaves one core to the page; here it runs beside it
  setNumberOfWorkers(navigator.hardwareConcurrency);
  const [strings] = await Promise.all([fetchReferenceStrings(stringsUrl), initializeBindings()]);
  installReferenceStrings(strings);
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
