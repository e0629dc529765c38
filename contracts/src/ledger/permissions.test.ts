import { present } from '@attensor/core';
import { describe, expect, it } from '@jest/globals';
import { Permissions, Types } from 'o1js';
import { attestationPermissions, isLocked } from '../attestation-contract.js';
import {
  parsePermissions,
  PERMISSIONS_SELECTION,
  permissionsFromJson,
  type PermissionsJson,
} from './permissions.js';

/** As the daemon writes them. */
function toJson(permissions: Permissions): PermissionsJson {
  const account = Types.Account.empty();
  return Types.Account.toJSON({ ...account, permissions }).permissions;
}

const locked = toJson(attestationPermissions());

describe('permissions', () => {
  it.each([
    ['those of the contract', attestationPermissions(), true],
    ['those of a new account', Permissions.initial(), false],
    ['those of a zkApp', Permissions.default(), false],
    ['any', Permissions.dummy(), false],
  ])('%s are read as they were written', (_, permissions, isFinal) => {
    const read = permissionsFromJson(parsePermissions(toJson(permissions)));
    expect(toJson(read)).toEqual(toJson(permissions));
    expect(isLocked(read)).toBe(isFinal);
  });

  it('all that o1js knows are asked for', () => {
    const asked = present(PERMISSIONS_SELECTION.match(/\w+/g));
    const known = Object.keys(Permissions.initial());
    expect([...asked].sort()).toEqual(['permissions', 'auth', 'txnVersion', ...known].sort());
  });

  it('of another kind or network version are not locked', () => {
    const { setVerificationKey } = locked;
    const older = { ...setVerificationKey, txnVersion: '2' };
    for (const other of [
      { setVerificationKey: older },
      { setVerificationKey: { ...setVerificationKey, auth: 'Signature' } },
      { editState: 'Either' },
      { send: 'None' },
    ])
      expect(isLocked(permissionsFromJson(parsePermissions({ ...locked, ...other })))).toBe(false);
  });

  it('words in another case and numbers that are no text are understood', () => {
    const { auth, txnVersion } = locked.setVerificationKey;
    const other = {
      ...locked,
      send: 'IMPOSSIBLE',
      editState: 'proof',
      setVerificationKey: { auth: auth.toLowerCase(), txnVersion: Number(txnVersion) },
    };
    expect(parsePermissions(other)).toEqual(locked);
  });

  it.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /^permissions: expected an object, got nothing$/],
    ['null', null, /^permissions: .* got null/],
    ['a list', [], /^permissions: /],
    ['none of them', {}, /^setVerificationKey: /],
    ['one less', { ...locked, setTiming: undefined }, /^setTiming: .* got nothing/],
    ['an unknown word', { ...locked, send: 'Perhaps' }, /^send: .* got "Perhaps"/],
    ["a name of every object's", { ...locked, access: 'constructor' }, /^access: /],
    ['no word', { ...locked, access: ['None'] }, /^access: /],
    ["the key's as a word", { ...locked, setVerificationKey: 'Impossible' }, /^setVerificationKey/],
    ['the key without version', { ...locked, setVerificationKey: { auth: 'Proof' } }, /txnVersion/],
    ['the key without word', { ...locked, setVerificationKey: { txnVersion: '3' } }, /Key\.auth/],
  ])('%s is refused', (_, json, message) => {
    expect(() => parsePermissions(json)).toThrow(RangeError);
    expect(() => parsePermissions(json)).toThrow(message);
  });

  it.each(['', '-1', '1.5', '4294967296', '0x3', 'three', null, NaN, 1e30])(
    'the network version %p is refused',
    (txnVersion) => {
      const setVerificationKey = { ...locked.setVerificationKey, txnVersion };
      const parse = () => parsePermissions({ ...locked, setVerificationKey });
      expect(parse).toThrow(/^setVerificationKey\.txnVersion: expected a number of 32 bits/);
    },
  );
});
