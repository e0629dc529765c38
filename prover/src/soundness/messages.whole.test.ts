/**
 * The plain verifier against messages that are not the prover's: each kind changed once, arrays cut and extended, other statements,
 * messages of another run.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { serialize } from 'node:v8';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { present } from '@attensor/core';
import { engine } from '@attensor/native';
import { CommittedVector } from '../commitment/committed-vector.js';
import { P } from '../protocol/field.js';
import { ProverOnly } from '../protocol/prover-only.js';
import { VerificationError } from '../protocol/tape.js';
import { replay } from '../proof-steps.js';
import { honestRun, statementOf, type Honest } from '../testing/honest.js';
import { Noting, type Label } from '../testing/small-protocol.js';

let h: Honest;
let messages: bigint[];
let labels: Label[];

beforeAll(async () => {
  // Four positions: the same messages, fewer of them.
  h = await honestRun({ commit: true, capacity: 4 });
  const committed = await CommittedVector.commit(engine, engine.fromInts(h.ints), h.script.witness);
  const session = new Noting({
    engine,
    permute: (s) => engine.permute(s),
    statement: h.statement,
  });
  await h.script.run(session, ProverOnly.of(h.witness(committed)));
  messages = session.messages;
  labels = session.labels;
  expect(labels.reduce((n, l) => n + l.count, 0)).toBe(messages.length);
});
afterAll(() => h.dispose());

const verify = (m: bigint[], statement = h.statement): Promise<unknown> =>
  replay(h.script, (state) => engine.permute(state), statement, m);
const rejected = (m: bigint[], statement?: bigint[]): Promise<void> =>
  expect(verify(m, statement)).rejects.toThrow(VerificationError);

describe('replay', () => {
  it('accepts the prover’s messages', async () => {
    await verify(messages);
  });

  it('accepts them, and no others, where there is no native code', () => {
    const { config, capacity } = h.unit;
    const input = {
      shape: { config, capacity, numbers: h.script.numbers },
      statement: h.statement,
      messages,
    };
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [fileURLToPath(new URL('../testing/replay-without-addon.js', import.meta.url))],
      { env: { ...process.env, ATTENSOR_ADDON: 'none' }, input: serialize(input) },
    );
    expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout.toString())).toEqual({
      engine: 'ADDON_MISSING',
      honest: 'accepted',
      changed: 'VerificationError',
      longRows: 'recorded',
    });
  });

  it('rejects a change of any message', async () => {
    // Of messages that come many times (one name, many layers or queries): the first and the last.
    const kinds = new Map<string, Label[]>();
    for (const l of labels) {
      const kind = l.what.replace(/(layer|round) \d+/g, '$1').replace(/sumcheck \d+/, 'sumcheck');
      kinds.set(kind, [...(kinds.get(kind) ?? []), l]);
    }
    expect(kinds.size).toBeGreaterThan(60);
    const accepted: string[] = [];
    for (const all of kinds.values())
      for (const { what, start, count } of new Set([all[0], all[all.length - 1]])) {
        const changed = messages.slice();
        const i = start + (start % count);
        changed[i] = (changed[i] + 1n) % P;
        await verify(changed).then(
          () => accepted.push(what),
          (e: unknown) => {
            if (!(e instanceof VerificationError)) throw e;
          },
        );
      }
    expect(accepted).toEqual([]);
  });

  it('rejects missing, additional and non-canonical elements', async () => {
    await rejected([]);
    await rejected(messages.slice(0, -1));
    await rejected(messages.slice(1));
    await rejected(messages.slice(0, messages.length / 2));
    await rejected([...messages, 0n]);
    const high = messages.slice();
    high[3] += P;
    await rejected(high);
    high[3] = -1n;
    await rejected(high);
    high[3] = Number(messages[3]) as unknown as bigint;
    await rejected(high);
    high[3] = undefined as unknown as bigint;
    await rejected(high);
  });

  it('rejects swapped elements', async () => {
    const swapped = messages.slice();
    const { start } = present(labels.find((l) => l.what === 'GeMM: output'));
    [swapped[start], swapped[start + 1]] = [swapped[start + 1], swapped[start]];
    await rejected(swapped);
  });

  it('rejects every other statement', async () => {
    for (let k = 0; k < 4; k++)
      await rejected(
        messages,
        h.statement.map((v, i) => (i === k ? v + 1n : v)),
      );
    await rejected(messages, statementOf(h, h.outputIds, h.promptIds));
    await rejected(messages, statementOf(h, [...h.promptIds, 1], h.outputIds));
  });

  it('rejects a Merkle path whose leaf is another column', async () => {
    const leaves = labels.filter((l) => l.what === 'opening: leaf' || l.what === 'opening: path');
    const [leaf, path] = leaves;
    const other = present(leaves.slice(4).find((l) => l.count === leaf.count));
    const otherPath = leaves[leaves.indexOf(other) + 1];
    expect(otherPath.count).toBe(path.count);
    const moved = messages.slice();
    for (let i = 0; i < leaf.count; i++) moved[leaf.start + i] = messages[other.start + i];
    for (let i = 0; i < path.count; i++) moved[path.start + i] = messages[otherPath.start + i];
    await rejected(moved);
  });
});
