/** How a model wants a conversation written: the template that was published with it. */
import { Template } from '@huggingface/jinja';
import { AttensorError } from '@attensor/core';
import { readJson } from '@attensor/core/files';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { RequestError } from './http/errors.js';

/** Writes a conversation, up to where the answer begins. */
export type ChatTemplate = (messages: { role: string; content: string }[]) => string;

const SETTINGS = 'tokenizer_config.json';
const token = z.union([z.string(), z.looseObject({ content: z.string() })]).nullish();
const settingsSchema = z.looseObject({
  chat_template: z.string().nullish(),
  bos_token: token,
  eos_token: token,
});

/** @returns nothing for a model without one. @throws BAD_TOKENIZER */
export async function readChatTemplate(dir: string): Promise<ChatTemplate | undefined> {
  const path = join(dir, SETTINGS);
  const file = { path, code: 'BAD_TOKENIZER' as const, hint: 'Import the checkpoint again' };
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return undefined;
  const settings = await readJson({ ...file, schema: settingsSchema });
  const own = await readFile(join(dir, 'chat_template.jinja'), 'utf8').catch(() => undefined);
  const source = own ?? settings.chat_template ?? undefined;
  if (source === undefined) return undefined;
  const template = parsed(source, dir);
  const text = (value: z.infer<typeof token>) =>
    (typeof value === 'string' ? value : value?.content) ?? '';
  const bos = text(settings.bos_token);
  return (messages) => {
    let written: string;
    try {
      written = template.render({
        messages,
        add_generation_prompt: true,
        bos_token: bos,
        eos_token: text(settings.eos_token),
      });
    } catch (error) {
      throw new RequestError({
        status: 400,
        code: 'invalid_value',
        param: 'messages',
        message: `The model's chat template refuses the conversation: ${(error as Error).message}`,
      });
    }
    // every prompt begins with this token
    return bos !== '' && written.startsWith(bos) ? written.slice(bos.length) : written;
  };
}

function parsed(source: string, where: string): Template {
  try {
    return new Template(source);
  } catch (cause) {
    throw new AttensorError({
      code: 'BAD_TOKENIZER',
      what: 'the chat template cannot be read',
      where,
      got: (cause as Error).message,
      hint: 'Correct chat_template in tokenizer_config.json, or take it out',
      cause,
    });
  }
}
