/** A component by itself with a real Pickles proof: interrupted, its file, and edits of it. Its messages are in component-messages.whole.test.ts. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { present } from '@attensor/core';
import { defaultCacheDir } from '@attensor/core/files';
import { setBackend } from 'o1js';
import { mkdtemp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  componentProofIn,
  verifyComponentProof,
  type ComponentProofFile,
} from '../component-file.js';
import {
  commitForProof,
  planComponent,
  proveComponent,
  type ComponentProver,
  type ComponentResult,
} from '../component-prover.js';
import { FileStore, type Store } from '../store.js';
import { componentByName } from './catalog.js';
import { Sample } from './sample.js';

describe('a proof', () => {
  let prover: ComponentProver;
  let result: ComponentResult;
  let interrupted: string;
  let folder: string;
  let verifierKeyHash: string;
  beforeAll(async () => {
    setBackend('native');
    // sizes that are no powers of two where they may be
    const component = componentByName('embedding', { rows: 3, dim: 11, vocabulary: 5 });
    prover = await planComponent(component, {
      cacheDir: defaultCacheDir(),
    });
    ({ verifierKeyHash } = await prover.compile());
    const { inputs, weights } = component.sample(new Sample(3));
    // The first run is interrupted when its messages are complete; the next one goes on from there.
    folder = await mkdtemp(join(tmpdir(), 'attensor-jobs-'));
    const store = new FileStore(folder);
    const abort = new AbortController();
    const first = await commitForProof(component, prover, weights, { store });
    const interrupting: Store = {
      get: (name) => store.get(name),
      remove: (name) => store.remove(name),
      async put(name, bytes) {
        await store.put(name, bytes);
        if (name.startsWith('messages')) abort.abort();
      },
    };
    interrupted = await proveComponent(component, prover, inputs, first.weights, {
      store: interrupting,
      signal: abort.signal,
    }).then(
      () => 'proved',
      (error: Error) => error.name,
    );
    const { weights: committed, done } = await commitForProof(component, prover, weights, {
      store,
    });
    result = await proveComponent(component, prover, inputs, committed, { store });
    await done();
  }, 600_000);

  const verdict = (file: ComponentProofFile, expected = {}) =>
    verifyComponentProof(file, { verifierKeyHash, ...expected });

  it('went on where it was interrupted, and left nothing behind', async () => {
    expect(interrupted).toBe('AbortError');
    expect(result.resumed).toBe(true);
    expect(result.pickles).toBe(1);
    expect(await readdir(folder)).toEqual([]);
  });

  it('verifies from its file', async () => {
    const text = JSON.stringify(result.file);
    expect(Buffer.byteLength(text)).toBeLessThan(36_000);
    const file = present(componentProofIn(text));
    expect(await verdict(file)).toMatchObject({
      valid: true,
      checked: ['component', 'verifierKeyHash', 'proof'],
    });
    const { statement } = file;
    expect(await verdict(file, { statement })).toMatchObject({ valid: true });
    // Without a trusted key nothing binds the component.
    expect(await verifyComponentProof(file)).toMatchObject({
      result: 'unverified program',
      valid: false,
      checked: ['proof'],
    });
  });

  it('is refused when edited, of another circuit, or about something else', async () => {
    const { file } = result;
    const statement = { ...file.statement, tensors: '5' };
    const publicInput = [statement.component, '5', statement.weights, statement.tokens];
    const edits: ComponentProofFile[] = [
      { ...file, statement },
      { ...file, statement, proof: { ...file.proof, publicInput } },
      { ...file, proof: { ...file.proof, publicOutput: ['1'] } },
      { ...file, component: { ...file.component, rows: 4 } },
      { ...file, proof: { ...file.proof, proof: `${file.proof.proof.slice(0, -9)}AAAAAAAA=` } },
      { ...file, verificationKey: { ...file.verificationKey, hash: '1' } },
    ];
    for (const edit of edits) expect((await verifyComponentProof(edit)).valid).toBe(false);
    expect((await verdict(file, { verifierKeyHash: '1' })).reason).toContain('another circuit');
    expect((await verdict(file, { statement: { tokens: '1' } })).reason).toContain("'tokens'");
  });
});
