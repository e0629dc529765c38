/** From single checks to one plain verdict, and the exact reason where it is no. Nothing here computes; see `check.ts`. */
import type { ErrorView } from '../errors.js';

export type StepId =
  | 'file'
  | 'statement'
  | 'key'
  | 'contract'
  | 'circuits'
  | 'model'
  | 'published'
  | 'prompt'
  | 'answer'
  | 'proof'
  | 'record';

/** What each step asks, in the order in which they are made: cheap ones first, so that most refusals are quick. */
export const STEPS: Record<StepId, string> = {
  file: 'The file is a proof file',
  statement: 'Its proof is about what it states, and of a finished run',
  key: 'Its verification key has the hash it gives',
  contract: 'The account is an Attensor contract',
  circuits: 'The circuits are those the contract is committed to',
  model: 'The model and vocabulary are those the contract is committed to',
  published: 'This site vouches for this model and its circuits',
  prompt: 'The prompt is the one that was proved',
  answer: 'The answer is the one that was proved',
  proof: 'The proof holds',
  record: 'The network has verified it too',
};

export interface Step {
  id: StepId;
  /** `open`: not asked, or not answerable; `words` says why */
  state: 'ok' | 'failed' | 'open';
  words: string;
}

export interface CheckResult {
  steps: Step[];
  /** what the proof states; absent if the file could not be read */
  statement?: Record<'modelRoot' | 'vocabularyRoot' | 'inputHash' | 'outputHash', string>;
  verifierKeyHash?: string;
  /** the contract it was compared with, as it was then */
  contract?: {
    address: string;
    /** as the node names it */
    block: { height: number; stateHash: string };
    /** what the site calls the model that it is committed to */
    model?: string;
  };
  /** the chain could not be read: why */
  chainError?: ErrorView;
  /** text that the file reveals */
  revealed?: { prompt: string; output: string };
  seconds: { load: number; proof?: number; total: number };
}

export type Tone = 'yes' | 'part' | 'no';

export interface Verdict {
  tone: Tone;
  /** one sentence */
  headline: string;
  /** the reason, or what remains open */
  reason?: string;
}

export function verdictOf({ steps, chainError }: CheckResult): Verdict {
  const find = (id: StepId): Step | undefined => steps.find((step) => step.id === id);
  const failed = steps.find(({ state }) => state === 'failed');
  if (failed !== undefined) {
    return { tone: 'no', headline: NOT[failed.id], reason: failed.words };
  }
  const ok = (...ids: StepId[]): boolean => ids.every((id) => find(id)?.state === 'ok');
  if (!ok('file', 'statement', 'key', 'proof')) {
    return { tone: 'no', headline: 'Nothing was shown', reason: 'The checks were not completed' };
  }
  if (!ok('contract', 'circuits', 'model')) {
    return {
      tone: 'part',
      headline: 'The proof holds, but whose model it is about is not known',
      reason:
        chainError === undefined
          ? find('contract')?.words
          : `The contract could not be read: ${chainError.what}`,
    };
  }
  if (!ok('published')) {
    return {
      tone: 'part',
      headline: 'The proof holds for this contract, whose model this site does not know',
      reason: find('published')?.words,
    };
  }
  const open = TEXTS.filter((id) => !ok(id));
  if (open.length > 0) {
    return {
      tone: 'part',
      headline: `This committed model gave an answer; the ${open.join(' and ')} ${open.length === 1 ? 'was' : 'were'} not compared`,
      reason: [...new Set(open.map((id) => find(id)?.words))].join(' '),
    };
  }
  return { tone: 'yes', headline: 'This text was produced by this committed model' };
}

const TEXTS: StepId[] = ['prompt', 'answer'];

const NOT: Record<StepId, string> = {
  file: 'Not shown: this is not a proof file',
  statement: 'Not shown: the file was edited',
  key: 'Not shown: the file was edited',
  contract: 'Not shown: this is not an Attensor contract',
  circuits: 'Not shown: the proof is of other circuits',
  model: 'Not shown: the proof is about another model',
  published: 'Not shown: the model is not known',
  prompt: 'Not shown: the proof is about another prompt',
  answer: 'Not shown: this is not the answer that was proved',
  proof: 'Not shown: the proof does not hold',
  record: 'Not shown',
};
