/** The lightnet account manager: hands out the genesis accounts with their keys. */
import type { GenesisAccount } from './data-dir.js';
import { NodeError } from './errors.js';

export { TestAccounts, type TestAccount };

/** In the manager's own terms. */
interface TestAccount {
  pk: string;
  sk: string;
  used: boolean;
}

class TestAccounts {
  private readonly acquired = new Set<string>();

  constructor(
    private readonly accounts: GenesisAccount[],
    private readonly isZkapp: (publicKey: string) => boolean,
  ) {}

  /**
   * @param regular an account without a verification key, or one with
   * @throws NodeError when all such accounts are taken
   */
  acquire(regular: boolean): TestAccount {
    const free = this.accounts.find(
      ({ publicKey }) => !this.acquired.has(publicKey) && this.isZkapp(publicKey) !== regular,
    );
    if (free === undefined) {
      throw new NodeError({
        code: 'NO_ACCOUNT_LEFT',
        what: `no ${regular ? 'regular' : 'zkApp'} test account is free`,
        got: `${this.acquired.size} of ${this.accounts.length} are acquired`,
        hint: regular
          ? 'release one, or start a new chain with more --accounts'
          : 'deploy a contract to a regular test account: it counts as a zkApp account from then on',
      });
    }
    this.acquired.add(free.publicKey);
    return view(free);
  }

  /** @throws NodeError when it is not acquired */
  release(publicKey: string): { code: number; message: string } {
    if (!this.acquired.delete(publicKey)) {
      throw new NodeError({
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
}

function view({ publicKey, privateKey }: GenesisAccount): TestAccount {
  return { pk: publicKey, sk: privateKey, used: true };
}
