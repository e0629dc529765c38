/** All that the page knows of a contract, and how far each part is to be trusted. */
import {
  AttestationHistory,
  attestationsOf,
  CONTRACT_KEY_HASH,
  isLocked,
  type HistoryState,
} from '@attensor/contracts';
import { permissionsFromJson } from '@attensor/contracts/ledger';
import { Field } from 'o1js';
import { AttensorError, present } from '@attensor/core';
import { errorView, type ErrorView } from '../errors.js';
import type { Source } from '../link.js';
import {
  fetchLedgerView,
  fetchSnarkedPath,
  type LedgerAccount,
  type LedgerView,
} from './ledger-view.js';
import { browserStore, Memory } from './checkpoint.js';
import { checkMembership, type Membership } from './membership.js';
import { ownersOf } from './owners.js';
import { readSubmissions, type Submission } from './submissions.js';

export interface CommitmentView {
  modelRoot: string;
  vocabularyRoot: string;
  verifierKeyHash: string;
}

export interface AttestationView extends CommitmentView {
  index: number;
  inputHash: string;
  outputHash: string;
  settled: boolean;
  /** of the model that the contract is committed to now */
  current: boolean;
  /** of its block, as the archive tells; undefined where that is not known */
  height?: number;
  /** blocks on top of that one */
  depth?: number;
  time: number;
  transaction?: string;
}

export interface NodeView {
  url: string;
  height?: number;
  /** does it say the same as the first one that answered? */
  agrees?: boolean;
  error?: ErrorView;
}

export interface ChainView {
  address: string;
  commitment: CommitmentView;
  /** is the account guarded by the attestation contract, in the state that its own proofs made? */
  genuine: boolean;
  /** why not, in words */
  notGenuine?: string;
  contractKeyHash: string;
  /**
   * All submissions up to this block, oldest first. Empty for a contract that is not genuine, whose record means nothing, and where
   * the archive's list is not known.
   */
  attestations: AttestationView[];
  /** why the submissions are not known */
  archiveError?: ErrorView;
  block: LedgerView['block'];
  nodes: NodeView[];
  /** registered domains of the nodes that answered */
  owners: string[];
  /** the nodes were named by a link or by hand, not by the site */
  foreign: boolean;
  /** absent where it cannot be computed, for want of the archive's list, or says nothing, for another program's account */
  membership?: Membership;
}

export interface ReadChainOptions {
  memory?: Memory;
  /** before it is read again */
  pauseMs?: number;
}

/** Of this worker. */
let ours: Memory | undefined;

/**
 * Reads twice if the first time node and archive do not fit: either may have been between two blocks.
 *
 * @throws NODE_UNAVAILABLE if no node answers, NODES_DISAGREE, NO_CONTRACT, BAD_ANSWER
 */
export async function readChain(
  source: Source,
  { memory = (ours ??= new Memory(browserStore())), pauseMs = PAUSE_MS }: ReadChainOptions = {},
): Promise<ChainView> {
  const view = await readOnce(source, memory);
  if (!view.genuine || view.membership?.staged) return view;
  await pause(pauseMs);
  return await readOnce(source, memory);
}

async function readOnce(source: Source, memory: Memory): Promise<ChainView> {
  const { view, nodes } = await compareNodes(source);
  const { account, block } = view;
  const commitment = commitmentOf(account);
  const notGenuine = foreignness(account);
  const read = {
    address: source.address,
    commitment,
    genuine: notGenuine === undefined,
    notGenuine,
    contractKeyHash: present(account.verificationKey, "the contract's key").hash,
    attestations: [],
    block,
    nodes,
    owners: ownersOf(nodes),
    foreign: source.foreign,
  };
  if (notGenuine !== undefined) return read;
  try {
    return { ...read, ...(await readAttestations(source, view, commitment, memory)) };
  } catch (error) {
    return { ...read, archiveError: errorView(error) };
  }
}

/** @throws ARCHIVE_UNAVAILABLE, BAD_ANSWER, ARCHIVE_MISMATCH */
async function readAttestations(
  source: Source,
  view: LedgerView,
  commitment: CommitmentView,
  memory: Memory,
) {
  const [submissions, snarkedPath] = await Promise.all([
    readSubmissions(source, view, memory),
    fetchSnarkedPath(view).catch(() => undefined),
  ]);
  const { list } = submissions;
  const name = `${source.network || source.archive} ${source.address}`;
  const history = replay(historyState(view.account), list, source, replayed.get(name));
  replayed.set(name, history);
  const membership = checkMembership(view, list.at(-1)?.slot ?? 0, snarkedPath);
  if (membership.staged) await submissions.keep();
  else if (submissions.lastWasKept) await submissions.forget();
  // what was dispatched before the first attestation
  const before = list.length - history.attestations.length;
  return {
    attestations: history.attestations.map(({ index, attestation, settled }) => {
      const { height, time, transaction } = list[before + index];
      const { statement, verifierKeyHash } = attestation;
      const of = {
        modelRoot: statement.modelRoot.toString(),
        vocabularyRoot: statement.vocabularyRoot.toString(),
        verifierKeyHash: verifierKeyHash.toString(),
      };
      return {
        ...of,
        index,
        inputHash: statement.inputHash.toString(),
        outputHash: statement.outputHash.toString(),
        settled,
        current: sameCommitment(of, commitment),
        height,
        depth: height === undefined ? undefined : view.block.height - height,
        time,
        transaction,
      };
    }),
    membership,
  };
}

/** By network and address: what was replayed is not hashed again at the next reading. */
const replayed = new Map<string, AttestationHistory>();

export const sameCommitment = (a: CommitmentView, b: CommitmentView): boolean =>
  a.modelRoot === b.modelRoot &&
  a.vocabularyRoot === b.vocabularyRoot &&
  a.verifierKeyHash === b.verifierKeyHash;

const PAUSE_MS = 2000;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

// --- several nodes ---

/** What they are compared by: everything that the page's answers depend on. */
function digest({
  zkappState,
  actionState,
  verificationKey,
  provedState,
  permissions,
}: LedgerAccount) {
  return JSON.stringify([
    zkappState,
    actionState?.[0],
    verificationKey?.hash,
    provedState,
    permissions,
  ]);
}

/** All nodes at once; twice if they disagree, since one may have seen a block that another has not. */
async function compareNodes(source: Source): Promise<{ view: LedgerView; nodes: NodeView[] }> {
  for (let attempt = 0; ; attempt++) {
    const answers = await Promise.allSettled(
      source.nodes.map((node) => fetchLedgerView(node, source.address)),
    );
    const views = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    if (views.length === 0) throw (answers[0] as PromiseRejectedResult).reason;
    // a node that says there is no contract contradicts one that shows it
    const contradicts = answers.some(
      (answer) =>
        answer.status === 'rejected' &&
        answer.reason instanceof AttensorError &&
        answer.reason.code === 'NO_CONTRACT',
    );
    const nodes = answers.map((answer, i): NodeView =>
      answer.status === 'fulfilled'
        ? {
            url: source.nodes[i],
            height: answer.value.block.height,
            agrees: digest(answer.value.account) === digest(views[0].account),
          }
        : { url: source.nodes[i], error: errorView(answer.reason) },
    );
    if (!contradicts && nodes.every(({ agrees }) => agrees !== false))
      return { view: views[0], nodes };
    if (attempt === 0) {
      await pause(PAUSE_MS);
      continue;
    }
    throw new AttensorError({
      code: 'NODES_DISAGREE',
      what: 'the nodes disagree about this contract',
      where: source.address,
      expected: 'one state',
      got: nodes
        .map(
          ({ url, height }) =>
            `${url}: ${height === undefined ? 'no contract' : `block ${height}`}`,
        )
        .join('; '),
      hint: 'One of them is behind, on a fork, or lying. Ask again, or choose the nodes you trust',
    });
  }
}

// --- the contract ---

/** Places in the contract's state, as `AttestationContract` declares them. */
function commitmentOf({ zkappState }: LedgerAccount): CommitmentView {
  const [modelRoot, vocabularyRoot, verifierKeyHash] = present(zkappState, "the contract's state");
  return { modelRoot, vocabularyRoot, verifierKeyHash };
}

function historyState({ zkappState, actionState }: LedgerAccount): HistoryState {
  const [, , , , root, count, settledActions] = present(zkappState, "the contract's state").map(
    (text) => Field(text),
  );
  return {
    root,
    count: Number(count.toBigInt()),
    settledActions,
    actionState: Field(present(actionState, "the contract's action state")[0]),
  };
}

/** Why the account is not what its state claims; docs/threat-model.md has the list. */
function foreignness(account: LedgerAccount): string | undefined {
  if (present(account.verificationKey, "the contract's key").hash !== CONTRACT_KEY_HASH)
    return 'another program guards this account: its state may say anything';
  if (account.provedState !== true)
    return 'the state of this account was not made by the contract alone';
  if (!isLocked(permissionsFromJson(account.permissions)))
    return 'this account has other permissions than the contract sets: its state may be changed without a proof';
  return undefined;
}

/** The archive's list, if it is the one that the account commits to. */
function replay(
  state: HistoryState,
  submissions: Submission[],
  source: Source,
  known: AttestationHistory | undefined,
): AttestationHistory {
  const actions = submissions.map(({ fields }) => fields);
  return AttestationHistory.replay(state, attestationsOf(actions, source.archive), known);
}
