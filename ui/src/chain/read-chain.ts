/** All that the page knows of a contract, and how far each part is to be trusted. */
import {
  Attestation,
  AttestationHistory,
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
import { checkMembership, type Membership } from './membership.js';
import { fetchSubmissions, type Submission } from './submissions.js';

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
  /** as the archive tells */
  height: number;
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
  count: number;
  /** oldest first */
  attestations: AttestationView[];
  block: LedgerView['block'];
  nodes: NodeView[];
  membership: Membership;
}

/**
 * @throws NODE_UNAVAILABLE if no node answers, NODES_DISAGREE, NO_CONTRACT, BAD_ANSWER, ARCHIVE_MISMATCH
 */
export async function readChain(source: Source): Promise<ChainView> {
  const view = await readOnce(source);
  if (view.membership.staged) return view;
  // the node may have been between two blocks
  await pause();
  return await readOnce(source);
}

async function readOnce(source: Source): Promise<ChainView> {
  const { view, nodes } = await compareNodes(source);
  const { account, block } = view;
  const [submissions, snarkedPath] = await Promise.all([
    fetchSubmissions(source.archive, source.address),
    fetchSnarkedPath(view).catch(() => undefined),
  ]);
  const state = historyState(account);
  const commitment = commitmentOf(account);
  const history = replay(state, submissions, source);
  const notGenuine = foreignness(account);
  return {
    address: source.address,
    commitment,
    genuine: notGenuine === undefined,
    notGenuine,
    contractKeyHash: present(account.verificationKey, "the contract's key").hash,
    count: state.count,
    attestations: history.attestations.map(({ index, attestation, settled }) => {
      const { height, time, transaction } = submissions[index];
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
        time,
        transaction,
      };
    }),
    block,
    nodes,
    membership: checkMembership(view, submissions.at(-1)?.slot ?? 0, snarkedPath),
  };
}

export const sameCommitment = (a: CommitmentView, b: CommitmentView): boolean =>
  a.modelRoot === b.modelRoot &&
  a.vocabularyRoot === b.vocabularyRoot &&
  a.verifierKeyHash === b.verifierKeyHash;

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2000));

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
      await pause();
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
  const [, , , , root, count, settledActions, pinnedActions] = present(
    zkappState,
    "the contract's state",
  ).map((text) => Field(text));
  return {
    root,
    count: Number(count.toBigInt()),
    settledActions,
    pinnedActions,
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
): AttestationHistory {
  const size = Attestation.sizeInFields();
  const odd = submissions.find(({ fields }) => fields.length !== size);
  if (odd !== undefined) {
    throw new AttensorError({
      code: 'ARCHIVE_MISMATCH',
      what: 'the archive returned a submission that is not an attestation',
      where: source.archive,
      expected: `${size} fields`,
      got: `${odd.fields.length} fields`,
      hint: 'Choose another archive',
    });
  }
  const attestations = submissions.map(
    ({ fields }) => new Attestation(Attestation.fromFields(fields.map((text) => Field(text)))),
  );
  return AttestationHistory.replay(state, attestations);
}
