/**
 * The commands that put a contract on a network and use it, against a node in a process of its own, with
 * real proofs: deploy, submit, settle, read, rotate; interrupted and taken up again.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Statement } from '@attensor/contracts';
import { standInProofs } from '@attensor/contracts/testing';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PrivateKey, setBackend } from 'o1js';
import { keyFile, LocalNetwork } from './local-network.js';

setBackend('native');

const contract = PrivateKey.random();
const nextOwner = PrivateKey.random();

let folder: string;
let network: LocalNetwork;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attensor-deployment-'));
  network = await LocalNetwork.start(folder, contract);
  const { standIn: verificationKey, finished } = await standInProofs();
  const [proof] = finished;
  await network.json('commitment.json', commitment('11', verificationKey.hash.toString()));
  await network.json('other.json', commitment('12', verificationKey.hash.toString()));
  await network.json('proof.json', {
    format: 'attensor-proof',
    version: 1,
    statement: Statement.toJSON(proof.publicInput),
    verificationKey: { data: verificationKey.data, hash: verificationKey.hash.toString() },
    proof: proof.toJSON(),
  });
});
afterAll(async () => {
  await network.stop();
  await rm(folder, { recursive: true, force: true });
});

function commitment(modelRoot: string, verifierKeyHash: string) {
  const sizes = { configHash: '1', capacity: 4, logSize: 18, logInvRate: 3, hashingLogInvRate: 2 };
  const format = { format: 'attensor-commitment', version: 4 };
  return { ...format, ...sizes, modelRoot, vocabularyRoot: '22', verifierKeyHash };
}

const path = (name: string) => network.path(name);
const attensor = (...args: string[]) => network.attensor(...args);
const withBlocks = <T>(work: Promise<T>) => network.withBlocks(work);

describe('deployment', () => {
  it('that is interrupted is taken up, and not made twice', async () => {
    const deploy = ['deploy', '--commitment', path('commitment.json')];
    const first = await attensor(...deploy, '--no-wait');
    expect(first.json).toMatchObject({ deployed: true, resumed: false });
    expect(first.json.block).toBeUndefined();

    const second = await withBlocks(attensor(...deploy));
    expect(second.json).toMatchObject({ resumed: true, transaction: first.json.transaction });
    expect(second.json.block).toBeGreaterThan(1);

    const third = await attensor(...deploy);
    expect(third.json).toEqual({ contract: keyFile(contract).publicKey, deployed: false });

    const other = await attensor('deploy', '--commitment', path('other.json'));
    expect(other.json).toMatchObject({ error: { code: 'ALREADY_DEPLOYED' } });
  });

  it('a proof is submitted once, settled, and found', async () => {
    const submit = ['submit', path('proof.json'), '--fee', '0.2', '--confirmations', '1'];
    const submitted = await withBlocks(attensor(...submit));
    expect(submitted.json).toMatchObject({ submitted: true, fee: '0.2', resumed: false });
    expect(submitted.json.depth).toBeGreaterThanOrEqual(1);
    expect((await attensor('submit', path('proof.json'))).json).toMatchObject({ submitted: false });

    const listed = await attensor('attestations', 'list', '--pending');
    expect(listed.json).toMatchObject({ count: 1, settled: 0, attestations: [{ index: 0 }] });
    expect(listed.json).toMatchObject({ provedState: true, locked: true });
    expect(listed.log).not.toContain('warning');

    const settled = await withBlocks(attensor('settle', '--memo', 'settle'));
    expect(settled.json).toMatchObject({ settled: 1, pending: 0 });
    expect((await attensor('settle')).json).toMatchObject({ settled: 0, transactions: [] });

    const found = await attensor('attestations', 'get', '--proof', path('proof.json'));
    expect(found.json).toMatchObject({
      found: true,
      attestation: { settled: true, transaction: submitted.json.transaction },
    });
    // from the event of the contract's own proof
    const { transactions } = settled.json as { transactions: { transaction: string }[] };
    expect(found.json).toMatchObject({
      attestation: { settledIn: { transactionHash: transactions[0].transaction } },
    });
    const deep = (minDepth: number) =>
      attensor('attestations', 'list', '--min-depth', String(minDepth));
    expect((await deep(0)).json).toMatchObject({ count: 1, settled: 1 });
    // its settlement is in one of the last blocks
    const { depth } = (found.json as { attestation: { depth: number } }).attestation;
    expect((await deep(depth)).json).toMatchObject({ count: 1, settled: 0 });
    expect((await deep(1000)).json).toMatchObject({ count: 0, settled: 0 });
    const none = await attensor('attestations', 'get', '7');
    expect(none.json).toMatchObject({ found: false });
    expect(none.exitCode).toBe(2);
  });

  it('only the owner changes the owner and the model', async () => {
    await network.json('next.json', keyFile(nextOwner));
    const next = keyFile(nextOwner).publicKey;
    const stranger = ['rotate', '--owner', next, '--owner-key', path('payer.json')];
    expect((await attensor(...stranger)).json).toMatchObject({ error: { code: 'WRONG_OWNER' } });

    const rotated = await withBlocks(attensor('rotate', '--owner', next));
    expect(rotated.json).toMatchObject({ changed: true });
    expect((await attensor('rotate', '--owner', next)).json).toMatchObject({ changed: false });
    const before = await attensor('rotate', '--commitment', path('other.json'));
    expect(before.json).toMatchObject({ error: { code: 'WRONG_OWNER' } });
  });
});
