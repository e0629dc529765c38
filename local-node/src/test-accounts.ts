/** The lightnet account manager: hands out the genesis accounts with their keys. */
import Client from 'mina-signer';
import { AccountUpdate, Bool, PublicKey, Types, VerificationKey } from 'o1js';
import type { Chain } from './chain.js';
import type { GenesisAccount } from './data-dir.js';
import { AttensorError, present } from '@attensor/core';
import { DEFAULT_TOKEN } from './ledger.js';

/** In the manager's own terms. */
export interface TestAccount {
  pk: string;
  sk: string;
  used: boolean;
}

/** nanomina */
const FEE = '10000000';

type SignerArgument = Parameters<Client['signZkappCommand']>[0];

export class TestAccounts {
  private readonly acquired = new Set<string>();

  constructor(private readonly chain: Chain) {}

  /**
   * @param regular an account without a verification key, or one with
   * @throws AttensorError when all accounts are taken
   */
  async acquire(regular: boolean): Promise<TestAccount> {
    const free = this.accounts.filter(({ publicKey }) => !this.acquired.has(publicKey));
    const account =
      free.find(({ publicKey }) => this.hasKey(publicKey) !== regular) ??
      // a zkApp account can be made of a regular one
      (regular ? undefined : free[0]);
    if (account === undefined) {
      throw new AttensorError({
        code: 'NO_ACCOUNT_LEFT',
        what: 'no free test account matches',
        got: `${this.acquired.size} of ${this.accounts.length} are acquired`,
        hint: 'release one, or start a new chain with a larger --accounts',
      });
    }
    this.acquired.add(account.publicKey);
    if (!regular && !this.hasKey(account.publicKey)) await this.giveKey(account);
    return view(account);
  }

  /** @throws AttensorError when it is not acquired */
  release(publicKey: string): { code: number; message: string } {
    if (!this.acquired.delete(publicKey)) {
      throw new AttensorError({
        code: 'BAD_ARGUMENT',
        what: 'the account is not acquired',
        where: publicKey,
      });
    }
    return { code: 200, message: `Account with public key ${publicKey} is released.` };
  }

  list(): TestAccount[] {
    return this.accounts.filter(({ publicKey }) => this.acquired.has(publicKey)).map(view);
  }

  private get accounts(): GenesisAccount[] {
    return this.chain.genesis.accounts;
  }

  private hasKey(publicKey: string): boolean {
    const account = this.chain.account({ publicKey, tokenId: DEFAULT_TOKEN });
    return Boolean(account?.zkapp?.verificationKey);
  }

  /** Sets a verification key that no proof is of, by a transaction of the account itself. */
  private async giveKey({ publicKey, privateKey }: GenesisAccount): Promise<void> {
    const update = AccountUpdate.default(PublicKey.fromBase58(publicKey));
    update.account.verificationKey.set(await VerificationKey.dummy());
    update.body.useFullCommitment = Bool(true);
    update.body.authorizationKind.isSigned = Bool(true);
    const { nonce } = present(
      this.chain.pendingAccount({ publicKey, tokenId: DEFAULT_TOKEN }),
      'a test account',
    );
    const empty = Types.ZkappCommand.toJSON(Types.ZkappCommand.empty());
    const command = { ...empty, accountUpdates: [update.toJSON()] };
    const argument = {
      zkappCommand: command,
      feePayer: { feePayer: publicKey, fee: FEE, nonce, memo: '', validUntil: null },
    } as unknown as SignerArgument;
    const signed = new Client({ network: 'devnet' }).signZkappCommand(argument, privateKey);
    await this.chain.submitZkapp(signed.data.zkappCommand);
    await this.chain.makeBlock();
  }
}

function view({ publicKey, privateKey }: GenesisAccount): TestAccount {
  return { pk: publicKey, sk: privateKey, used: true };
}
