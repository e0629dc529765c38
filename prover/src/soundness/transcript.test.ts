/** Fiat-Shamir: every value that the prover supplies reaches the next challenge, but those that something else binds. */
import { describe, expect, it } from '@jest/globals';
import { TRANSCRIPT_DOMAIN } from '../protocol/domains.js';
import { Session } from '../protocol/session.js';
import type { Script } from '../script.js';
import { componentScript, modelScript, SMALL_SIZES } from '../testing/scripts.js';
import { transcriptOf } from '../testing/transcript.js';

/**
 * Bound by a root or hash in the statement, or by the root that a Merkle path leads to; never by the transcript. To add to this list
 * is to claim that nothing a prover could choose there helps him.
 */
const BOUND_OTHERWISE: Record<'model' | 'component', string[]> = {
  model: [
    ...['parameters: commitment', 'parameters sample and salt'],
    ...['tokens', 'input positions', 'active positions'],
    ...['opening: leaf', 'opening: path'],
  ],
  component: [
    ...['witness: commitment', 'witness sample and salt'],
    ...['parameters: commitment', 'parameters sample and salt'],
    ...['tokens', 'opening: leaf', 'opening: path'],
  ],
};

async function unbound(script: Script, exceptions: string[]) {
  const { statement, supplied, challenges } = await transcriptOf((session) => script.run(session));
  const late = supplied.filter(
    ({ before, reaches }) => before < challenges && reaches.some((first) => first !== before),
  );
  return {
    statement,
    challenges,
    supplied: supplied.length,
    late: [...new Set(late.map((s) => s.what))].filter((what) => !exceptions.includes(what)),
    atTheEnd: [
      ...new Set(supplied.filter((s) => s.before === challenges).map((s) => s.what)),
    ].filter((what) => !exceptions.includes(what)),
  };
}

describe('every message reaches the next challenge', () => {
  it.each([
    ['nano', 4],
    ['tiny', 32],
  ] as const)('of %s at %i positions', async (name, capacity) => {
    const script = await modelScript(name, capacity);
    const found = await unbound(script, BOUND_OTHERWISE.model);
    expect(found).toMatchObject({ statement: [0, 0, 0, 0], late: [], atTheEnd: [] });
    expect(found.challenges).toBeGreaterThan(100);
    expect(found.supplied).toBeGreaterThan(200);
  });

  it.each(Object.keys(SMALL_SIZES))('of %s', async (name) => {
    const script = componentScript(name, SMALL_SIZES[name]);
    const found = await unbound(script, BOUND_OTHERWISE.component);
    expect(found).toMatchObject({ statement: [0, 0, 0, 0], late: [], atTheEnd: [] });
  });
});

describe('the transcript', () => {
  it('starts from a state that no hash of the protocol starts from', async () => {
    const session = new Session({});
    await (await modelScript('nano', 4)).run(session);
    const { tape } = session;
    const domain = tape.constant(TRANSCRIPT_DOMAIN);
    const zero = tape.constant(0n);
    const capacities = tape.ops.flatMap((op) => (op.kind === 'permute' ? [op.state[2]] : []));
    expect(capacities.indexOf(domain)).toBe(0);
    expect(capacities.lastIndexOf(domain)).toBe(0);
    expect(capacities.filter((wire) => wire === zero).length).toBeGreaterThan(1000);
  });
});
