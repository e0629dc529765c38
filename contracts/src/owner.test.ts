/** What only the owner may do. Proofs are off: the ledger checks signatures all the same. */
import { present } from '@attensor/core';
import './testing/native-backend.js';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Field, VerificationKey } from 'o1js';
import { Commitment } from './commitment.js';
import { type ModelEvent, type OwnerEvent, ownerHash } from './owner.js';
import { readContract } from './account.js';
import { LocalContract, withoutSignatureOf } from './testing/local-contract.js';

let local: LocalContract;
beforeAll(async () => {
  local = await LocalContract.start(await VerificationKey.dummy(), false);
  await local.deploy();
});

const next = () => new Commitment({ ...local.commitment, modelRoot: Field(12) });

describe('the owner', () => {
  it('must sign to update the model', async () => {
    const { contract, owner, payer } = local;
    await expect(local.send(() => contract.updateModel(payer, next()))).rejects.toThrow(
      'only the owner',
    );
    const update = await local.build(() => contract.updateModel(owner, next()), payer, owner);
    await expect(withoutSignatureOf(owner, update).send()).rejects.toThrow(/signature/i);
    await update.send();
    const { commitment } = await readContract(local.address);
    expect(Commitment.toJSON(commitment)).toEqual(Commitment.toJSON(next()));
  });

  it('must sign to hand over, and is no owner afterwards', async () => {
    const { contract, owner, payer } = local;
    await expect(local.send(() => contract.rotateOwner(payer, payer))).rejects.toThrow(
      'only the owner',
    );
    const rotate = await local.build(() => contract.rotateOwner(owner, payer), payer, owner);
    await expect(withoutSignatureOf(owner, rotate).send()).rejects.toThrow(/signature/i);
    await rotate.send();
    await expect(local.send(() => contract.rotateOwner(owner, owner))).rejects.toThrow(
      'only the owner',
    );
    expect((await readContract(local.address)).owner.toBigInt()).toBe(ownerHash(payer).toBigInt());
  });

  it('is told of in events', async () => {
    const events = await local.contract.fetchEvents();
    const told = (type: string) => {
      const { event } = present(events.find((each) => each.type === type));
      return event.data as unknown;
    };
    const { previous, next: updated } = told('updateModel') as ModelEvent;
    expect(Commitment.toJSON(previous)).toEqual(Commitment.toJSON(local.commitment));
    expect(Commitment.toJSON(updated)).toEqual(Commitment.toJSON(next()));
    const owners = told('rotateOwner') as OwnerEvent;
    expect(owners.previous.toBase58()).toBe(local.owner.toBase58());
    expect(owners.next.toBase58()).toBe(local.payer.toBase58());
  });
});
