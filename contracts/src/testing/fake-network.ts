/**
 * A node and an archive at one address that tell of a contract which a test makes up: what was submitted and settled, in which blocks,
 * and what the chain took back. Nothing of it was proved.
 */
import { PrivateKey, Types } from 'o1js';
import { EMPTY_ACTION_STATE, MARKER, RECORD_VERSION } from '../actions.js';
import { attestationPermissions } from '../attestation-contract.js';
import { Attestation } from '../attestation.js';
import { CONTRACT_KEY_HASH } from '../contract-key.js';
import { BLOCK_RANGE, linkUpdates } from '../queue-walk.js';
import { RecordState } from '../settlement/statement.js';
import { AnsweringNode } from './answering-node.js';
import { attestation, historyOf, stateOf } from './histories.js';

/** A block of the queue. */
export interface FakeBlock {
  height: number;
  /** Answers that were submitted in it; none in the one that deployed the contract. */
  answers: number[];
}

/** An attestation of the fake contract's model. */
export const fakeAttestation = (answer: number): Attestation => attestation(1, 2, 3, answer, 5);

const { permissions } = Types.Account.toJSON({
  ...Types.Account.empty(),
  permissions: attestationPermissions(),
});
const EMPTY = EMPTY_ACTION_STATE.toString();
/** Places of the events among the contract's. */
const [ATTEST, SETTLE] = ['0', '3'];

interface Question {
  query: string;
  variables: { input?: { from?: number; to?: number } };
}

export class FakeNetwork {
  readonly address = PrivateKey.random().toPublicKey();
  /** Of the node's last block. */
  height = 100;
  /** The queue's blocks after the deployment, oldest first. */
  blocks: FakeBlock[] = [];
  /** How many submissions are in the record, after which blocks. */
  settlements: { height: number; count: number }[] = [];
  /** Heights of blocks that were left, by those of the blocks that have the same submissions now. */
  orphans = new Map<number, number>();
  /** The archive tells of the left ones only. */
  hidesCanonical = false;
  /** Hash of the code that guards the account. */
  contractKeyHash = CONTRACT_KEY_HASH;
  /** What the archive answers is no answer. */
  isArchiveDown = false;

  private constructor(private readonly node: AnsweringNode) {
    node.answer = (question: Question) => this.answer(question);
  }

  static async start(): Promise<FakeNetwork> {
    return new FakeNetwork(await AnsweringNode.start());
  }

  get url(): string {
    return this.node.url;
  }

  async stop(): Promise<void> {
    await this.node.stop();
  }

  private answer({ query, variables: { input } }: Question): unknown {
    if (query.includes('syncStatus')) return { data: { syncStatus: 'SYNCED' } };
    if (input === undefined) return { data: this.account() };
    if (this.isArchiveDown) return '<html>';
    const { to = this.height + 1, from = to - BLOCK_RANGE } = input;
    if (to - from > BLOCK_RANGE) return { errors: [{ message: 'the block range is too large' }] };
    const inWindow = (each: { blockInfo: { height: number } }) =>
      each.blockInfo.height >= from && each.blockInfo.height < to;
    return query.includes('actions')
      ? { data: { actions: this.actions().filter(inWindow) } }
      : { data: { events: this.events().filter(inWindow) } };
  }

  private get submitted(): Attestation[] {
    return this.blocks.flatMap(({ answers }) => answers.map(fakeAttestation));
  }

  private get settled(): number {
    return this.settlements.at(-1)?.count ?? 0;
  }

  /** With the state after each. */
  private linked() {
    const opening = { height: 1, actions: [MARKER.map(String)] };
    const blocks = this.blocks.map(({ height, answers }) => ({
      height,
      actions: answers.map((answer) => Attestation.toFields(fakeAttestation(answer)).map(String)),
    }));
    return [opening, ...blocks].reduce<
      { height: number; actions: string[][]; before: string; after: string }[]
    >((linked, { height, actions }) => {
      const before = linked.at(-1)?.after;
      const updates = linkUpdates(
        actions.map((action) => ({ actions: [action] })),
        before,
      );
      const after = updates[updates.length - 1].actionState;
      return [...linked, { height, actions, before: before ?? EMPTY, after }];
    }, []);
  }

  private account() {
    const { root, count, settledActions } = stateOf(this.submitted, this.settled);
    const states = this.linked().map(({ after }) => after);
    const commitment = ['1', '2', '5', '4'];
    const record = [root, count, settledActions, RECORD_VERSION].map(String);
    const account = {
      publicKey: this.address.toBase58(),
      zkappState: [...commitment, ...record],
      provedState: true,
      actionState: [1, 2, 3, 4, 5].map((i) => states.at(-i) ?? EMPTY),
      verificationKey: { hash: this.contractKeyHash },
      permissions,
    };
    const consensusState = { blockHeight: String(this.height) };
    return { account, bestChain: [{ protocolState: { consensusState } }] };
  }

  private actions() {
    return this.linked().flatMap(({ height, actions, before, after }) => {
      const told = {
        actionState: { actionStateOne: after, actionStateTwo: before },
        actionData: actions.map((data, i) => ({
          accountUpdateId: String(100 * height + i),
          data,
          transactionInfo: { hash: `tx ${height}`, sequenceNumber: i, zkappAccountUpdateIds: [] },
        })),
      };
      const left = this.orphans.get(height);
      return [
        ...(left === undefined ? [] : [{ ...told, blockInfo: blockInfo(left, 'orphaned') }]),
        ...(left !== undefined && this.hidesCanonical
          ? []
          : [{ ...told, blockInfo: blockInfo(height) }]),
      ];
    });
  }

  private events() {
    const history = historyOf(this.submitted, this.settled);
    const event = (height: number, data: string[]) => ({
      blockInfo: blockInfo(height),
      eventData: [
        {
          data,
          transactionInfo: { status: 'applied', hash: `tx ${height}`, authorizationKind: 'Proof' },
        },
      ],
    });
    return [
      ...this.blocks.flatMap(({ height, answers }) =>
        answers.map((answer) => event(height, [ATTEST, '1', '2', '3', String(answer), '5'])),
      ),
      ...this.settlements.map(({ height, count }) => {
        const after = history.recordState(Math.min(count, history.attestations.length));
        return event(height, [SETTLE, ...RecordState.toFields(after).map(String)]);
      }),
    ];
  }
}

const blockInfo = (height: number, chainStatus = 'canonical') => ({
  ...{ height, chainStatus, timestamp: String(1_700_000_000_000 + 180_000 * height) },
  globalSlotSinceGenesis: height,
});
