/** A daemon's GraphQL: what the commands ask, with retries where a failure is likely to pass. */
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { AttensorError, shownUrl } from '@attensor/core';
import {
  type Endpoint,
  MAX_ANSWER_BYTES,
  textOf,
  withoutSecrets,
} from '@attensor/contracts/graphql';
import type { Alias } from './alias.js';
import type { FailureReason } from './failures.js';
import type { TransactionFile } from './transaction-file.js';

/** What a network knows of an account that pays. */
export interface Payer {
  /** Next nonce, transactions in the pool counted. */
  nonce: number;
  /** Next nonce as of the last block. */
  includedNonce: number;
  /** nanomina */
  balance: bigint;
}

export type Standing =
  | {
      state: 'included';
      block: number;
      /** Blocks on top of that one. */
      depth: number;
      failure: FailureReason[] | undefined;
    }
  | { state: 'pending' }
  | { state: 'unknown' };

const ATTEMPTS = 6;
const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 15_000;
const REQUEST_TIMEOUT_MS = 60_000;
const UNKNOWN_SLOT_MS = 30_000;
/** How far back a transaction is looked for when it may be old; a daemon remembers no more. */
export const ALL_BLOCKS = 290;

const answerSchema = z.object({
  data: z.record(z.string(), z.unknown()).nullish(),
  errors: z.array(z.looseObject({ message: z.string() })).optional(),
});
const failureSchema = z
  .array(z.object({ index: z.string().nullable(), failures: z.array(z.string()) }).nullable())
  .nullish();
const slotSchema = z.object({
  daemonStatus: z.object({
    consensusConfiguration: z.object({ slotDuration: z.coerce.number().positive() }),
  }),
});
const hashes = z.array(z.object({ hash: z.string() }));
const standingSchema = z.object({
  pooledZkappCommands: hashes,
  pooledUserCommands: hashes,
  bestChain: z
    .array(
      z.object({
        transactions: z.object({
          zkappCommands: z.array(z.object({ hash: z.string(), failureReason: failureSchema })),
          userCommands: z.array(
            z.object({ hash: z.string(), failureReason: z.string().nullish() }),
          ),
        }),
        protocolState: z.object({
          consensusState: z.object({ blockHeight: z.coerce.number() }),
        }),
      }),
    )
    .nullable(),
});
/** The pool first: what leaves it for a block in between is then found in the chain. */
const STANDING_QUERY = `query ($length: Int) {
  pooledZkappCommands { hash }
  pooledUserCommands { hash }
  bestChain(maxLength: $length) {
    transactions {
      zkappCommands { hash failureReason { index failures } }
      userCommands { hash failureReason }
    }
    protocolState { consensusState { blockHeight } }
  }
}`;

export class Network {
  private slotMilliseconds: number | undefined;
  /** Which of the nodes is asked. */
  private current = 0;

  /** @param nodes asked in turn where one does not answer; the alias's if not given */
  constructor(
    readonly alias: Pick<Alias, 'url' | 'network' | 'name'>,
    private readonly log: (line: string) => void,
    private readonly signal?: AbortSignal,
    private readonly nodes: readonly Endpoint[] = [{ url: alias.url }],
  ) {}

  private get node(): Endpoint {
    return this.nodes[this.current];
  }

  /** @throws AttensorError UNREACHABLE after several attempts, REJECTED with the daemon's own message */
  async query(text: string, variables: object = {}): Promise<Record<string, unknown>> {
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.request(text, variables);
      if ('data' in outcome) return outcome.data;
      if ('refused' in outcome) {
        throw new AttensorError({
          code: 'REJECTED',
          what: 'the network refused the request',
          where: shownUrl(this.node.url),
          got: withoutSecrets(outcome.refused, this.node),
        });
      }
      if (attempt === ATTEMPTS) {
        throw new AttensorError({
          code: 'UNREACHABLE',
          what: `${this.alias.network} does not answer`,
          where: this.nodes.map(({ url }) => shownUrl(url)).join(', '),
          got: `${outcome.transient}, ${ATTEMPTS} times`,
          hint: 'try again later (nothing is lost), or correct the url of the alias',
        });
      }
      const delay = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1));
      const failed = `${shownUrl(this.node.url)}: ${outcome.transient}`;
      this.current = (this.current + 1) % this.nodes.length;
      // each of several nodes once before waiting
      if (attempt < this.nodes.length) {
        this.log(`${failed}; asking ${shownUrl(this.node.url)}`);
        continue;
      }
      this.log(`${failed}; again in ${delay / 1000} s`);
      await pause(delay, this.signal);
    }
  }

  private async request(
    text: string,
    variables: object,
  ): Promise<{ data: Record<string, unknown> } | { refused: string } | { transient: string }> {
    let status: number;
    let answered: string;
    try {
      const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
      const response = await fetch(this.node.url, {
        method: 'POST',
        headers: {
          ...this.node.headers,
          'content-type': 'application/json',
          accept: 'application/json',
        },
        body: JSON.stringify({ query: text, variables }),
        signal: this.signal ? AbortSignal.any([timeout, this.signal]) : timeout,
      });
      ({ status } = response);
      answered = await textOf(response, MAX_ANSWER_BYTES, this.node);
    } catch (error) {
      this.signal?.throwIfAborted();
      if (error instanceof AttensorError) return { refused: error.message };
      const { message, cause } = error as Error;
      const reason = cause instanceof Error ? cause.message || message : message;
      return { transient: withoutSecrets(reason, this.node) };
    }
    if (status === 408 || status === 429 || status >= 500) return { transient: `HTTP ${status}` };
    const answer = answerSchema.safeParse(parsed(answered));
    if (!answer.success) return { refused: `HTTP ${status} without a GraphQL answer` };
    const { data, errors = [] } = answer.data;
    if (errors.length > 0) return { refused: errors.map(({ message }) => message).join('; ') };
    return data ? { data } : { refused: `HTTP ${status} without data` };
  }

  /** Milliseconds that a slot lasts here: what waiting is measured in. */
  async slotLength(): Promise<number> {
    return (this.slotMilliseconds ??= await this.fetchSlotLength());
  }

  private async fetchSlotLength(): Promise<number> {
    try {
      const data = await this.query('{ daemonStatus { consensusConfiguration { slotDuration } } }');
      return slotSchema.parse(data).daemonStatus.consensusConfiguration.slotDuration;
    } catch (error) {
      // networks without slots have no such question
      if (error instanceof AttensorError && error.code === 'REJECTED') return UNKNOWN_SLOT_MS;
      throw error;
    }
  }

  /** @returns nothing if the account does not exist */
  async payer(publicKey: string): Promise<Payer | undefined> {
    const data = await this.query(
      'query ($key: PublicKey!) { account(publicKey: $key) { nonce inferredNonce balance { total } } }',
      { key: publicKey },
    );
    const { account } = z
      .object({
        account: z
          .object({
            nonce: z.coerce.number().nullable(),
            inferredNonce: z.coerce.number().nullish(),
            balance: z.object({ total: z.string() }),
          })
          .nullable(),
      })
      .parse(data);
    if (account === null) return undefined;
    const includedNonce = account.nonce ?? 0;
    return {
      nonce: account.inferredNonce ?? includedNonce,
      includedNonce,
      balance: BigInt(account.balance.total),
    };
  }

  /** @param blocks how many of the last ones are searched */
  async standing(hash: string, blocks = ALL_BLOCKS): Promise<Standing> {
    const data = await this.query(STANDING_QUERY, { length: blocks });
    const { bestChain, pooledZkappCommands, pooledUserCommands } = standingSchema.parse(data);
    const heightOf = ({ protocolState }: NonNullable<typeof bestChain>[number]) =>
      protocolState.consensusState.blockHeight;
    const tip = Math.max(0, ...(bestChain ?? []).map(heightOf));
    for (const each of bestChain ?? []) {
      const { transactions } = each;
      const block = heightOf(each);
      const depth = tip - block;
      const zkapp = transactions.zkappCommands.find((each) => each.hash === hash);
      if (zkapp !== undefined) {
        const reasons = zkapp.failureReason?.filter((each) => each !== null);
        const failure = reasons?.map(({ index, failures }) => ({ index: index ?? '?', failures }));
        return { state: 'included', block, depth, failure: failure?.length ? failure : undefined };
      }
      const user = transactions.userCommands.find((each) => each.hash === hash);
      if (user !== undefined) {
        const failure = user.failureReason
          ? [{ index: '0', failures: [user.failureReason] }]
          : undefined;
        return { state: 'included', block, depth, failure };
      }
    }
    const pooled = [...pooledZkappCommands, ...pooledUserCommands].some(
      (each) => each.hash === hash,
    );
    return { state: pooled ? 'pending' : 'unknown' };
  }

  /** Hands a signed transaction to the daemon. @throws AttensorError REJECTED, UNREACHABLE */
  async send(file: TransactionFile): Promise<void> {
    if (file.kind === 'zkapp') {
      await this.query(
        'mutation ($command: ZkappCommandInput!) { sendZkapp(input: {zkappCommand: $command}) { zkapp { hash } } }',
        { command: file.command },
      );
      return;
    }
    const { kind, command, signature } = file;
    const [name, type] =
      kind === 'payment'
        ? ['sendPayment', 'SendPaymentInput']
        : ['sendDelegation', 'SendDelegationInput'];
    await this.query(
      `mutation ($input: ${type}!, $signature: SignatureInput) {
        ${name}(input: $input, signature: $signature) { ${kind} { hash } }
      }`,
      { input: command, signature },
    );
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @throws AbortError when the signal comes first */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  await setTimeout(milliseconds, undefined, { signal });
}
