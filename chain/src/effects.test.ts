import { describe, expect, it } from '@jest/globals';
import { effects } from './effects.js';
import type { TransactionFile } from './transaction-file.js';

const key = (n: number) => `B62q${String.fromCharCode(97 + n).repeat(51)}`;
const TOKEN = 'xNtwA7cRqXvTQSUFqWJhQzv4PfMBZ1pKFpBrJp2Fm1xS5YbTr9';
const MINA = 'wSHV2S4qX9jFsLjQo8r1BsMLH2ZRKsZx6EJd1sbozGPieEC4Jf';

/** Every leaf has a value of its own, so that one that is not shown is missed. */
function everything() {
  let last = 1000;
  const number = () => String(last++);
  const numbers = (count: number) => Array.from({ length: count }, number);
  const between = () => ({ lower: number(), upper: number() });
  const epoch = () => ({
    ledger: { hash: number(), totalCurrency: between() },
    ...{ seed: number(), startCheckpoint: number(), lockCheckpoint: number() },
    epochLength: between(),
  });
  return {
    publicKey: key(1),
    tokenId: TOKEN,
    update: {
      appState: numbers(8),
      delegate: key(2),
      verificationKey: { data: 'AAAA', hash: number() },
      permissions: {
        ...{ editState: 'Proof', access: 'None', send: 'Either', receive: 'Signature' },
        ...{ setDelegate: 'Impossible', setPermissions: 'Proof', setZkappUri: 'None' },
        setVerificationKey: { auth: 'Either', txnVersion: number() },
        ...{ editActionState: 'Signature', setTokenSymbol: 'Impossible', incrementNonce: 'Proof' },
        ...{ setVotingFor: 'None', setTiming: 'Either' },
      },
      zkappUri: 'https://example.org/contract',
      tokenSymbol: 'SYMBOL',
      timing: {
        initialMinimumBalance: `${number()}000000000`,
        cliffTime: number(),
        cliffAmount: `${number()}000000000`,
        vestingPeriod: number(),
        vestingIncrement: `${number()}000000000`,
      },
      votingFor: number(),
    },
    balanceChange: { magnitude: number(), sgn: 'Negative' },
    incrementNonce: true,
    events: [numbers(2), numbers(3)],
    actions: [numbers(2)],
    callData: number(),
    callDepth: 1,
    preconditions: {
      network: {
        ...{ snarkedLedgerHash: number(), blockchainLength: between() },
        ...{ minWindowDensity: between(), totalCurrency: between() },
        globalSlotSinceGenesis: between(),
        ...{ stakingEpochData: epoch(), nextEpochData: epoch() },
      },
      account: {
        ...{ balance: between(), nonce: between(), receiptChainHash: number(), delegate: key(3) },
        ...{ state: numbers(8), actionState: number(), provedState: true, isNew: false },
      },
      validWhile: between(),
    },
    useFullCommitment: false,
    implicitAccountCreationFee: true,
    mayUseToken: { parentsOwnToken: true, inheritFromParent: false },
    authorizationKind: { isSigned: true, isProved: false, verificationKeyHash: number() },
  };
}
type Body = ReturnType<typeof everything>;

function file(...bodies: object[]): TransactionFile {
  const authorization = { proof: null, signature: null };
  return {
    format: 'attensor-transaction',
    version: 1,
    about: 'nothing special',
    networkId: 'mainnet',
    signers: [key(0)],
    kind: 'zkapp',
    memo: 'for you',
    command: {
      feePayer: {
        body: { publicKey: key(0), fee: '20000000', validUntil: '777', nonce: '5' },
        authorization: '',
      },
      accountUpdates: bodies.map((body) => ({ body, authorization })) as never,
      memo: '',
    },
  };
}

function leaves(value: unknown, path = ''): [path: string, value: string][] {
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([name, inner]) => leaves(inner, `${path}.${name}`));
  }
  return [[path, String(value)]];
}

const short = (body: Partial<Body>): Body => {
  const empty = everything();
  const nothing = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(nothing);
    if (typeof value === 'object' && value !== null && !('lower' in value)) {
      return Object.fromEntries(Object.entries(value).map(([name, v]) => [name, nothing(v)]));
    }
    return null;
  };
  return {
    ...empty,
    tokenId: MINA,
    update: {
      ...(nothing(empty.update) as Body['update']),
      ...({ verificationKey: null, permissions: null, timing: null } as unknown as Body['update']),
    },
    preconditions: nothing(empty.preconditions) as Body['preconditions'],
    balanceChange: { magnitude: '0', sgn: 'Positive' },
    ...{ incrementNonce: false, events: [], actions: [], callData: '0', callDepth: 0 },
    ...{ useFullCommitment: true, implicitAccountCreationFee: false },
    mayUseToken: { parentsOwnToken: false, inheritFromParent: false },
    ...body,
  };
};

describe('effects', () => {
  it('show every value of a transaction', () => {
    const body = everything();
    const text = effects(file(body)).join('\n');
    for (const [path, value] of leaves(body)) {
      if (['true', 'false', 'AAAA'].includes(value) || /sgn|callDepth|authorizationKind/.test(path))
        continue;
      const shown = value.replace(/0{9}$/, '');
      expect({ path, shown: text.includes(shown) }).toEqual({ path, shown: true });
    }
    for (const part of ['network mainnet', 'fee of 0.02 MINA', 'nonce 5', 'slot 777', '"for you"'])
      expect(text).toContain(part);
  });

  it('give amounts in the unit of their token', () => {
    const change = { magnitude: '1500000000', sgn: 'Negative' };
    expect(effects(file(short({ balanceChange: change }))).join('\n')).toContain('pays 1.5 MINA');
    const text = effects(file(short({ balanceChange: change, tokenId: TOKEN }))).join('\n');
    expect(text).toContain(`pays 1500000000 units of token ${TOKEN}`);
    expect(text).not.toContain('1.5');
  });

  it('say what each flag means', () => {
    const says = (body: Partial<Body>, text: string) =>
      expect(effects(file(short(body))).join('\n')).toContain(text);
    says({ useFullCommitment: false }, 'whoever pays the fee');
    says({ incrementNonce: true }, 'increments the nonce');
    says({ implicitAccountCreationFee: true }, 'creating the account');
    says(
      { mayUseToken: { parentsOwnToken: true, inheritFromParent: false } },
      "its caller's token",
    );
    says(
      { mayUseToken: { parentsOwnToken: false, inheritFromParent: true } },
      'its caller may use',
    );
    const kind = { isSigned: false, isProved: true, verificationKeyHash: '99' };
    says({ authorizationKind: kind }, 'by a proof of verification key 99');
    says({ authorizationKind: { ...kind, isProved: false } }, 'without authorization');
    expect(effects(file(short({})))).toContain('   changes nothing');
  });

  it('sum up what each signer pays, the fee included', () => {
    const change = { magnitude: '3000000000', sgn: 'Negative' };
    const lines = effects(
      file(
        short({ publicKey: key(0), balanceChange: change }),
        short({ balanceChange: { ...change, sgn: 'Positive' } }),
      ),
    );
    expect(lines).toContain(`in all, ${key(0)} pays 3.02 MINA`);
    expect(lines).toContain(`in all, ${key(1)} gets 3 MINA`);
  });

  it('let no text of the transaction steer the terminal or begin a line', () => {
    const hidden = 'fine\u001b[2K\r\nin all, nobody pays\u202e';
    const body = short({});
    body.update = { ...body.update, zkappUri: hidden, tokenSymbol: hidden };
    const given = { ...file(body), memo: hidden, networkId: { custom: hidden } } as TransactionFile;
    for (const line of effects(given)) {
      expect(line).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      expect(line).not.toMatch(/^in all, nobody/);
    }
  });

  it.each([
    ['a field that is not known', (body: Body) => ({ ...body, 'extra\u001b[2J': 1 })],
    [
      'an amount that is none',
      (body: Body) => ({ ...body, balanceChange: { magnitude: '1e9', sgn: 'Positive' } }),
    ],
    ['a key that is none', (body: Body) => ({ ...body, publicKey: 'B62q\u001b[2J' })],
    ['a field that is missing', ({ callData: _, ...body }: Body) => body],
  ])('are refused of a transaction with %s', (_, change) => {
    let error: unknown;
    try {
      effects(file(change(everything())));
    } catch (reason) {
      error = reason;
    }
    expect(error).toMatchObject({ code: 'BAD_FILE' });
    expect((error as Error).message).not.toContain('\u001b');
  });

  it('show payments and delegations', () => {
    const command = { from: key(0), to: key(1), fee: '1000000', nonce: '3', memo: 'm' };
    const common = { ...file(), memo: undefined } as object;
    const payment = {
      ...common,
      kind: 'payment',
      command: { ...command, amount: '2500000000', validUntil: '88' },
    } as unknown as TransactionFile;
    expect(effects(payment)).toEqual([
      'signatures are for network mainnet',
      `${key(0)} pays a fee of 0.001 MINA, nonce 3, valid until slot 88`,
      'memo "m"',
      `${key(0)} pays 2.5 MINA to ${key(1)}`,
    ]);
    const delegation = { ...common, kind: 'delegation', command } as unknown as TransactionFile;
    expect(effects(delegation).at(-1)).toBe(`${key(0)} delegates to ${key(1)}`);
  });
});
