/** What comes before every transaction of a contract: its keys, which must be those that readers know. Nothing is compiled here. */
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { AttestationContract, CONTRACT_KEY_HASH } from '@attensor/contracts';
import { tmpdir } from 'node:os';
import { Field, VerificationKey } from 'o1js';
import { compileContract } from './plans.js';

const compile = jest.spyOn(AttestationContract, 'compile');
afterEach(() => {
  compile.mockReset();
});

const compilesTo = (hash: string) =>
  compile.mockResolvedValue({
    verificationKey: new VerificationKey({ data: '', hash: Field(hash) }),
    provers: [],
    verify: () => Promise.resolve(true),
  });

// in this order: a process that has the right key does not compile again
describe('the keys of the contract', () => {
  it('are refused when it compiles to a key that readers do not know', async () => {
    const other = (BigInt(CONTRACT_KEY_HASH) + 1n).toString();
    compilesTo(other);
    await expect(compileContract(tmpdir())).rejects.toMatchObject({
      code: 'NOT_GENUINE',
      expected: CONTRACT_KEY_HASH,
      got: other,
    });
  });

  it('are compiled again after a failure, and then kept', async () => {
    compile.mockRejectedValueOnce(Error('no space left on device'));
    await expect(compileContract(tmpdir())).rejects.toThrow('no space left');
    compilesTo(CONTRACT_KEY_HASH);
    await compileContract(tmpdir());
    await compileContract(tmpdir());
    expect(compile).toHaveBeenCalledTimes(2);
  });
});
