import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readChatTemplate } from './chat-template.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'attensor-template-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const settings = (value: object) =>
  writeFile(join(dir, 'tokenizer_config.json'), JSON.stringify(value));
const TEMPLATE = `{{ bos_token }}{% for m in messages %}{% if m.role == 'tool' %}{{ raise_exception('no tools') }}{% endif %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}`;

it('writes a conversation as its model wants it, the token that begins every prompt left to the tokenizer', async () => {
  await settings({ chat_template: TEMPLATE, bos_token: { content: '<s>' } });
  const template = await readChatTemplate(dir);
  const said = [
    { role: 'system', content: 'be short' },
    { role: 'user', content: 'hello' },
  ];
  expect(template?.(said)).toBe('<system>be short<user>hello<assistant>');
});

it('a conversation that the template refuses is the asker’s mistake', async () => {
  await settings({ chat_template: TEMPLATE });
  const template = await readChatTemplate(dir);
  expect(() => template?.([{ role: 'tool', content: '' }])).toThrow('no tools');
});

it('there is none where the tokenizer has none, and a damaged one is an error', async () => {
  await settings({});
  expect(await readChatTemplate(dir)).toBeUndefined();
  await settings({ chat_template: '{% for %}' });
  await expect(readChatTemplate(dir)).rejects.toMatchObject({ code: 'BAD_TOKENIZER' });
});
