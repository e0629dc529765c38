import './testing/native-backend.js';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Field, VerificationKey } from 'o1js';
import { readContract } from './account.js';
import { Commitment } from './commitment.js';
import { genuineness, notGenuine, requireGenuine } from './genuine.js';
import { answering, LocalContract } from './testing/local-contract.js';

// proofs are off, and with them the contract's key
let local: LocalContract;
let contractKeyHash: Field;

beforeAll(async () => {
  local = await LocalContract.start(await VerificationKey.dummy(), false);
  await local.deploy();
  await local.submit(answering(7));
  ({ contractKeyHash } = await readContract(local.address));
});

describe('requireGenuine', () => {
  it('tells what held, and what was read', async () => {
    const { commitment } = local;
    const { checks, reading } = await requireGenuine(local.address, {
      commitment,
      contractKeyHash,
    });
    const held = { code: true, permissions: true, provedState: true };
    expect(checks).toEqual({ ...held, circuits: true, commitment: true, deployment: true });
    expect(reading.attestations).toHaveLength(1);
    const json = Commitment.toJSON(commitment);
    expect(genuineness(reading.contract, { commitment: json, contractKeyHash })).toEqual({
      ...checks,
      deployment: undefined,
    });
  });

  it('does not take a foreign contract for this one', async () => {
    await expect(requireGenuine(local.address)).rejects.toMatchObject({
      code: 'NOT_GENUINE',
      got: 'other code guards the account',
    });
  });

  it('names every other model and other circuits', async () => {
    const contract = await readContract(local.address);
    const differing = (change: Record<string, Field>) =>
      notGenuine(
        genuineness(contract, {
          contractKeyHash,
          commitment: new Commitment({ ...local.commitment, ...change }),
        }),
      );
    expect(differing({})).toBeUndefined();
    expect(differing({ modelRoot: Field(1) })).toBe('another model is committed to');
    expect(differing({ vocabularyRoot: Field(1) })).toBe('another model is committed to');
    expect(differing({ verifierKeyHash: Field(1) })).toBe('other circuits are committed to');
    const open = genuineness(
      { ...contract, locked: false, provedState: false },
      { contractKeyHash },
    );
    expect(notGenuine(open)).toMatch(/permissions.*; .*state/);
    expect(open).toMatchObject({ circuits: undefined, commitment: undefined });
  });
});
