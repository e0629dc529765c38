/**
 * What one suite made and another can use: `npm test` gives all suites of a run one folder. A suite that runs by itself makes
 * what it needs.
 */
import { cp, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A proved answer of a small model. */
export interface ProvedAnswer {
  /** imported and committed, with the verifier key's hash */
  modelDir: string;
  proofPath: string;
  prompt: string;
  answer: string;
}

const folder = process.env.ATTENSOR_TEST_RUN;
const NAME = 'proved-answer';

/** For the suites after this one. */
export async function shareAnswer(
  modelDir: string,
  file: object,
  texts: Pick<ProvedAnswer, 'prompt' | 'answer'>,
): Promise<void> {
  if (folder === undefined) return;
  const part = join(folder, `${NAME}.part`);
  await mkdir(part, { recursive: true });
  await cp(modelDir, join(part, 'model'), { recursive: true });
  await writeFile(join(part, 'proof.json'), JSON.stringify(file));
  await writeFile(join(part, 'texts.json'), JSON.stringify(texts));
  await rename(part, join(folder, NAME));
}

/** The answer that an earlier suite of this run proved, if one did. */
export async function sharedAnswer(): Promise<ProvedAnswer | undefined> {
  if (folder === undefined) return undefined;
  const shared = join(folder, NAME);
  const exists = await stat(shared).catch(() => undefined);
  if (exists === undefined) return undefined;
  const texts = JSON.parse(await readFile(join(shared, 'texts.json'), 'utf8')) as Pick<
    ProvedAnswer,
    'prompt' | 'answer'
  >;
  return { modelDir: join(shared, 'model'), proofPath: join(shared, 'proof.json'), ...texts };
}
