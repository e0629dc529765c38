/** What the site knows: `attensor.json` beside the page, written by `attensor page` or by hand. */
import { z } from 'zod';
import { AttensorError, secretIn } from '@attensor/core';
import { fetchFile, json } from './fetch-file.js';

const field = z.string().regex(/^\d{1,78}$/, 'a field element in decimal');
const address = z.string().regex(/^B62[1-9A-HJ-NP-Za-km-z]{52}$/, 'an address (B62…)');
/** Everybody can read settings and links, and so every key in them. */
const endpoint = z
  .url({ protocol: /^https?$/, error: 'a http(s) URL' })
  .superRefine((url, context) => {
    const secret = secretIn(url);
    if (secret !== undefined) context.addIssue(`an address without ${secret}`);
  });

const networkSchema = z.strictObject({
  id: z.string().regex(/^[\w-]{1,40}$/, 'letters, digits, _ and -'),
  name: z.string().min(1).max(60),
  /** GraphQL of daemons; all are asked, and compared */
  nodes: z.array(endpoint).min(1).max(8),
  archive: endpoint,
  /** what a wallet calls it, `mina:devnet` say */
  walletId: z.string().max(40).optional(),
  /** what signatures are made for */
  networkId: z.string().max(40).default('testnet'),
});

const contractSchema = z.strictObject({ network: z.string(), address, name: z.string().max(80) });

/** A model as its publisher commits to it. */
const modelSchema = z.strictObject({
  name: z.string().min(1).max(80),
  modelRoot: field,
  vocabularyRoot: field,
  verifierKeyHash: field,
  /** file with tokenizer, see `tokenizer-file.ts`; relative to the page */
  tokenizer: z.string().max(300).optional(),
});

const settingsSchema = z.strictObject({
  format: z.literal('attensor-page'),
  version: z.literal(1),
  networks: z.array(networkSchema).min(1),
  contracts: z.array(contractSchema),
  models: z.array(modelSchema),
  /** visitors and links may name other nodes; the page's Content-Security-Policy must then allow any */
  otherNodes: z.boolean().default(false),
});

export type Settings = z.infer<typeof settingsSchema>;
export type Network = z.infer<typeof networkSchema>;
export type PublishedModel = z.infer<typeof modelSchema>;

export const SETTINGS_FILE = 'attensor.json';

export const isAddress = (text: string): boolean => address.safeParse(text).success;
/** What is wrong with it as an endpoint, in words; undefined if nothing is. */
export const endpointProblem = (text: string): string | undefined =>
  endpoint.safeParse(text).error?.issues[0].message;

/** @throws BAD_SETTINGS */
export function parseSettings(value: unknown): Settings {
  const parsed = settingsSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new AttensorError({
    code: 'BAD_SETTINGS',
    what: `the site's settings are not valid: ${issue.message}`,
    where: `${SETTINGS_FILE}: ${issue.path.join('.') || '(root)'}`,
    hint: 'Tell whoever runs this site; the field is described in ui/README.md',
  });
}

/** With absolute addresses of tokenizers. @throws BAD_SETTINGS */
export async function loadSettings(): Promise<Settings> {
  const failed = (got: string, cause?: unknown): AttensorError =>
    new AttensorError({
      code: 'BAD_SETTINGS',
      what: "the site's settings cannot be read",
      where: SETTINGS_FILE,
      got,
      hint: 'Load the page again; if that does not help, tell whoever runs this site',
      cause,
    });
  const value = await fetchFile(SETTINGS_FILE, json, failed, { cache: 'no-cache' });
  const settings = parseSettings(value);
  const models = settings.models.map(({ tokenizer, ...model }) => ({
    ...model,
    // a worker's relative addresses begin elsewhere
    ...(tokenizer !== undefined && { tokenizer: new URL(tokenizer, location.href).href }),
  }));
  return { ...settings, models };
}

/** The published model that a commitment is of; its name is a claim of this site. */
export function publishedModel(
  models: readonly PublishedModel[],
  commitment: Record<'modelRoot' | 'vocabularyRoot' | 'verifierKeyHash', string>,
): PublishedModel | undefined {
  return models.find(
    (model) =>
      model.modelRoot === commitment.modelRoot &&
      model.vocabularyRoot === commitment.vocabularyRoot &&
      model.verifierKeyHash === commitment.verifierKeyHash,
  );
}
