/** Asking whoever sits at the terminal. */
import { createInterface } from 'node:readline';
import { AttensorError } from '@attensor/core';
import type { Output } from './output.js';

/** @throws AttensorError USAGE where nobody can be asked, CANCELLED unless the answer is yes */
export async function confirm(output: Output, question: string): Promise<void> {
  const { stdin, stderr } = output.streams;
  if (!stdin.isTTY) {
    throw new AttensorError({
      code: 'USAGE',
      what: 'there is no terminal to ask whether to go on',
      hint: 'read what is shown, and give --yes',
    });
  }
  const terminal = createInterface({ input: stdin, output: stderr });
  const answer = await new Promise<string>((resolve) => {
    terminal.question(`${question} [y/N] `, resolve);
    // an end of input answers nothing
    terminal.once('close', () => resolve(''));
  });
  terminal.close();
  if (/^y(es)?$/i.test(answer.trim())) return;
  throw new AttensorError({ code: 'CANCELLED', what: 'nothing was signed' });
}
