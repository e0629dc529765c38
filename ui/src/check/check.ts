/** All checks of a proof file against a contract and a text. Runs in the worker. */
import { present } from '@attensor/core';
import {
  genuineKey,
  holdsPairs,
  inputHash,
  outputHash,
  statedFields,
  statementProblem,
  verifyProblem,
} from '@attensor/contracts';
import type { Tokenizer } from '@attensor/inference/tokenizer';
import { parseProofFile, type ProofFile } from '@attensor/prover/proof-format';
import type { ChainView } from '../chain/read-chain.js';
import { isReliable } from '../chain/trust.js';
import { errorView } from '../errors.js';
import { publishedModel, type PublishedModel } from '../settings.js';
import { loadTokenizer } from './tokenizer-file.js';
import { STEPS, type CheckResult, type Step, type StepId } from './verdict.js';

export interface CheckRequest {
  /** contents of the proof file */
  file: string;
  /** text to compare; empty is not compared */
  prompt: string;
  answer: string;
  /** those that the site vouches for */
  models: PublishedModel[];
}

type Report = (step: StepId) => void;

/** `chain`: the contract as it is, or why it is not known. */
export async function checkProof(
  request: CheckRequest,
  chain: () => Promise<ChainView | undefined>,
  report: Report,
): Promise<Omit<CheckResult, 'seconds'> & { proofSeconds?: number }> {
  const steps: Step[] = [];
  const add = (id: StepId, state: Step['state'], words = STEPS[id]): boolean => {
    steps.push({ id, state, words });
    return state !== 'failed';
  };
  const test = (id: StepId, holds: boolean, words: string): boolean =>
    add(id, holds ? 'ok' : 'failed', holds ? undefined : words);

  report('file');
  let file: ProofFile;
  try {
    file = parseProofFile(request.file, 'the file');
    add('file', 'ok');
  } catch (error) {
    const { what, where, got, hint } = errorView(error);
    const parts = [`${what} (${where ?? 'the file'})`, got && `got ${got}`, hint];
    add('file', 'failed', parts.filter(Boolean).join('. '));
    return { steps };
  }
  const { statement, verificationKey, text, batch } = file;
  const known = {
    statement,
    verifierKeyHash: verificationKey.hash,
    revealed: text && { prompt: text.prompt, output: text.output },
  };

  report('statement');
  const isAboutItself =
    statementProblem(file, statedFields(file)) === undefined &&
    (batch === undefined || holdsPairs(statement, batch));
  if (!test('statement', isAboutItself, 'Its statement is not the one its proof is about'))
    return { steps, ...known };
  report('key');
  const key = await genuineKey(file);
  if (!test('key', key !== undefined, 'The key is not the one with this hash'))
    return { steps, ...known };

  report('contract');
  let view: ChainView | undefined;
  let chainError: CheckResult['chainError'];
  try {
    view = await chain();
  } catch (error) {
    chainError = errorView(error);
  }
  const model = view && publishedModel(request.models, view.commitment);
  const contract = view && {
    address: view.address,
    block: { height: view.block.height, stateHash: view.block.stateHash },
    model: model?.name,
  };
  const found = { ...known, contract, chainError };
  if (!compareContract(view, file, { add, test })) return { steps, ...found };
  report('published');
  if (model === undefined) add('published', 'open', NOT_PUBLISHED);
  else add('published', 'ok');

  const texts = await compareTexts(request, file, { add, test }, report);
  if (!texts) return { steps, ...found };

  report('proof');
  const start = performance.now();
  const holds = key !== undefined && (await verifyProblem(file, key)) === undefined;
  const proofSeconds = (performance.now() - start) / 1000;
  test('proof', holds, 'It does not verify: the file was edited, or made for something else');
  if (holds && view !== undefined && isReliable(view)) compareRecord(view, file, add);
  return { steps, ...found, proofSeconds };
}

interface Steps {
  add(id: StepId, state: Step['state'], words?: string): boolean;
  test(id: StepId, holds: boolean, words: string): boolean;
}

const NOT_PUBLISHED =
  'What its circuits prove is its owner’s word. Compare its commitment with the one that the model’s publisher gives.';
const NOT_IN_BLOCK = 'What the node reports about this account is not in the ledger of its block.';
const NO_ARCHIVE =
  'The archive did not give the contract’s submissions, without which the account cannot be found in the ledger.';
const NOT_IN_LEDGER = 'The contract’s state is not known, so this stays open.';

function compareContract(view: ChainView | undefined, file: ProofFile, { add, test }: Steps) {
  if (view === undefined) {
    const words = 'No contract was read, so whose model this is stays open.';
    add('contract', 'open', words);
    add('circuits', 'open', words);
    return add('model', 'open', words);
  }
  const { commitment } = view;
  if (view.genuine && !isReliable(view)) {
    add('contract', 'open', view.membership === undefined ? NO_ARCHIVE : NOT_IN_BLOCK);
    add('circuits', 'open', NOT_IN_LEDGER);
    return add('model', 'open', NOT_IN_LEDGER);
  }
  return (
    test('contract', view.genuine, view.notGenuine ?? '') &&
    test(
      'circuits',
      commitment.verifierKeyHash === file.verificationKey.hash,
      'The contract is committed to a verification key with another hash: what these circuits prove is not known',
    ) &&
    test(
      'model',
      commitment.modelRoot === file.statement.modelRoot &&
        commitment.vocabularyRoot === file.statement.vocabularyRoot,
      'The contract is committed to another model than the one this proof is about',
    )
  );
}

async function compareTexts(
  request: CheckRequest,
  file: ProofFile,
  { add }: Steps,
  report: Report,
): Promise<boolean> {
  const { prompt, answer } = request;
  let tokenizer: Tokenizer | undefined;
  if (prompt !== '' || answer !== '') {
    const { statement, verificationKey } = file;
    const verifierKeyHash = verificationKey.hash;
    const model = publishedModel(request.models, { ...statement, verifierKeyHash });
    if (model?.tokenizer === undefined) {
      const words = 'This site has no tokenizer for the model, so text cannot be compared.';
      add('prompt', 'open', words);
      add('answer', 'open', words);
      return true;
    }
    tokenizer = await loadTokenizer(model.tokenizer);
  }
  /** Of a batch: its requests that agree with what was compared so far. */
  let { batch: asked = [{ ...file.statement, text: file.text }] } = file;
  const compare = (
    id: 'prompt' | 'answer',
    typed: string,
    matches: (typed: string) => boolean,
  ): boolean => {
    report(id);
    if (typed === '') return add(id, 'open', `No ${id} was given to compare.`);
    try {
      if (matches(typed)) return add(id, 'ok');
      const close = variants(typed).some(matches);
      return add(id, 'failed', close ? DIFFERS_AT_ENDS[id] : DIFFERS[id]);
    } catch (error) {
      return add(id, 'failed', errorView(error).what);
    }
  };
  return (
    compare('prompt', prompt, (typed) => {
      const ids = present(tokenizer, 'the tokenizer').encodePrompt(typed);
      const hash = inputHash(ids).toString();
      const same = asked.filter((each) => each.inputHash === hash);
      if (same.length > 0) asked = same;
      return same.length > 0;
    }) &&
    compare('answer', answer, (typed) => {
      const revealed = asked.find(({ text }) => text?.output === typed) ?? asked[0];
      const ids = present(tokenizer, 'the tokenizer').outputIds(typed, revealed.text?.outputIds);
      const hash = outputHash(ids).toString();
      return asked.some((each) => each.outputHash === hash);
    })
  );
}

/** What one may have lost or caught in copying. */
function variants(typed: string): string[] {
  const bare = typed.trim();
  return bare === '' ? [] : [bare, ` ${bare}`, `${bare} `, `${bare}\n`, ` ${bare}\n`];
}

const DIFFERS = {
  prompt:
    'The prompt differs from the one that was proved; every character counts, including spaces',
  answer:
    'The answer differs from the one that was proved; every character counts, including spaces',
};
const DIFFERS_AT_ENDS = {
  prompt:
    'The prompt differs from the one that was proved, but only in spaces at its beginning or end',
  answer:
    'The answer differs from the one that was proved, but only in spaces at its beginning or end',
};

function compareRecord(view: ChainView, file: ProofFile, add: Steps['add']): void {
  const { statement, verificationKey } = file;
  const found = view.attestations.find(
    (each) =>
      each.verifierKeyHash === verificationKey.hash &&
      each.modelRoot === statement.modelRoot &&
      each.vocabularyRoot === statement.vocabularyRoot &&
      each.inputHash === statement.inputHash &&
      each.outputHash === statement.outputHash,
  );
  if (found === undefined) {
    add('record', 'open', 'It was not submitted to the contract.');
    return;
  }
  const { height, depth } = found;
  const where =
    height === undefined
      ? 'Submitted in a block that the archive does not tell of now'
      : `Submitted in block ${height}, which has ${depth} blocks on top`;
  add('record', 'ok', `${where}, ${found.settled ? 'and settled' : 'not settled yet'}`);
}
