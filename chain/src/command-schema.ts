/**
 * A zkApp command in full, as o1js writes it. Whoever signs one has to see everything that is in it, so
 * a field that is not known here is an error, and so is a value that is not what it claims to be.
 */
import { z } from 'zod';

const digits = z.string().regex(/^\d{1,78}$/, 'expected a number');
const uint32 = z.string().regex(/^\d{1,10}$/, 'expected a number');
const uint64 = z.string().regex(/^\d{1,20}$/, 'expected a number');
const base58 = z.string().regex(/^[1-9A-HJ-NP-Za-km-z]{1,80}$/, 'expected base58');
/** Of a field element, in either form. */
const hash = digits.or(base58);
const publicKey = z.string().regex(/^B62[1-9A-HJ-NP-Za-km-z]{52}$/, 'expected a public key');
const auth = z.enum(['None', 'Either', 'Proof', 'Signature', 'Impossible']);
const between = <T extends z.ZodType>(type: T) =>
  z.strictObject({ lower: type, upper: type }).nullable();
const epochData = z.strictObject({
  ledger: z.strictObject({ hash: hash.nullable(), totalCurrency: between(uint64) }),
  seed: hash.nullable(),
  startCheckpoint: hash.nullable(),
  lockCheckpoint: hash.nullable(),
  epochLength: between(uint32),
});

const updateSchema = z.strictObject({
  appState: z.array(digits.nullable()),
  delegate: publicKey.nullable(),
  verificationKey: z.strictObject({ data: z.string(), hash: digits }).nullable(),
  permissions: z
    .strictObject({
      editState: auth,
      access: auth,
      send: auth,
      receive: auth,
      setDelegate: auth,
      setPermissions: auth,
      setVerificationKey: z.strictObject({ auth, txnVersion: uint32 }),
      setZkappUri: auth,
      editActionState: auth,
      setTokenSymbol: auth,
      incrementNonce: auth,
      setVotingFor: auth,
      setTiming: auth,
    })
    .nullable(),
  zkappUri: z.string().nullable(),
  tokenSymbol: z.string().nullable(),
  timing: z
    .strictObject({
      initialMinimumBalance: uint64,
      cliffTime: uint32,
      cliffAmount: uint64,
      vestingPeriod: uint32,
      vestingIncrement: uint64,
    })
    .nullable(),
  votingFor: hash.nullable(),
});

const preconditionsSchema = z.strictObject({
  network: z.strictObject({
    snarkedLedgerHash: hash.nullable(),
    blockchainLength: between(uint32),
    minWindowDensity: between(uint32),
    totalCurrency: between(uint64),
    globalSlotSinceGenesis: between(uint32),
    stakingEpochData: epochData,
    nextEpochData: epochData,
  }),
  account: z.strictObject({
    balance: between(uint64),
    nonce: between(uint32),
    receiptChainHash: hash.nullable(),
    delegate: publicKey.nullable(),
    state: z.array(digits.nullable()),
    actionState: digits.nullable(),
    provedState: z.boolean().nullable(),
    isNew: z.boolean().nullable(),
  }),
  validWhile: between(uint32),
});

export const accountUpdateSchema = z.strictObject({
  body: z.strictObject({
    publicKey,
    tokenId: base58,
    update: updateSchema,
    balanceChange: z.strictObject({ magnitude: uint64, sgn: z.enum(['Positive', 'Negative']) }),
    incrementNonce: z.boolean(),
    events: z.array(z.array(digits)),
    actions: z.array(z.array(digits)),
    callData: digits,
    callDepth: z.number().int().nonnegative(),
    preconditions: preconditionsSchema,
    useFullCommitment: z.boolean(),
    implicitAccountCreationFee: z.boolean(),
    mayUseToken: z.strictObject({ parentsOwnToken: z.boolean(), inheritFromParent: z.boolean() }),
    authorizationKind: z.strictObject({
      isSigned: z.boolean(),
      isProved: z.boolean(),
      verificationKeyHash: digits,
    }),
  }),
  authorization: z.strictObject({ proof: z.string().nullable(), signature: z.string().nullable() }),
});
export type AccountUpdateJson = z.infer<typeof accountUpdateSchema>;

/** What a signer of any transaction pays, and until when it can be included. */
export const zkappCommandSchema = z.strictObject({
  feePayer: z.strictObject({
    body: z.strictObject({ publicKey, fee: uint64, validUntil: uint32.nullable(), nonce: uint32 }),
    authorization: z.string(),
  }),
  accountUpdates: z.array(accountUpdateSchema),
  memo: z.string(),
});

const transfer = {
  from: publicKey,
  to: publicKey,
  fee: uint64,
  nonce: uint32,
  memo: z.string().optional(),
  validUntil: uint32.optional(),
};
export const paymentSchema = z.strictObject({ ...transfer, amount: uint64 });
export const delegationSchema = z.strictObject(transfer);
