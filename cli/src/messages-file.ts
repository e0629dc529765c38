/** What `--messages` writes: everything a verifier reads, for programs that check it on their own, such as `spec/verify.py`. */
import { writeAtomic } from '@attensor/core/files';
import type { Script, Transcript, Unit } from '@attensor/prover';

/** What the statement's circuits are made from, besides the numbers of the commitments. */
export type MessagesOf =
  | { kind: 'component'; component: Record<string, unknown> }
  | { kind: 'model'; config: Record<string, unknown>; capacity: number };

/** Messages tell about weights and activations (soundness.md, section 12), so only the owner may read the file. */
export async function writeMessages(
  path: string,
  of: MessagesOf,
  { logSize, logInvRate, hashingLogInvRate }: Script,
  names: Unit['statement']['names'],
  { statement, session }: Transcript,
): Promise<void> {
  const file = {
    format: 'attensor-messages',
    version: 1,
    ...of,
    ...{ logSize, logInvRate, hashingLogInvRate },
    statement: Object.fromEntries(names.map((name, i) => [name, String(statement[i])])),
    messages: session.messages.map(String),
  };
  await writeAtomic(path, `${JSON.stringify(file)}\n`, 0o600);
}
