/**
 * @module units/part
 * What the units that a model is cut into have in common: their hash, the requests that they are asked, and how they name weights.
 */
import type { EngineName, Model } from '@attensor/inference';
import { createHash } from 'node:crypto';
import type { CommittedBoundary } from '../commitment/boundary.js';
import type { TokenColumns, TokenInput, TokenSizes } from '../components/tokens.js';
import { textHash, TOKENS_DOMAIN, UNIT_DOMAIN } from '../protocol/domains.js';
import type { ProverOnly } from '../protocol/prover-only.js';
import type { Session } from '../protocol/session.js';
import type { Wire } from '../protocol/tape.js';
import type { ComponentConfig } from './component.js';
import { bindRequests, hashesOf, type UnitStatement } from './statements.js';
import type { CommitmentNumbers, Ends, Run, RunnableUnit, UnitWitness } from './unit.js';

/** What one unit is asked, by whoever ran the model: prompts and outputs are the whole requests', and so is their salt. */
export interface PartRequest extends Ends {
  requests: readonly TokenInput[];
}

/** What a unit's run reads of it: a tensor that need not be committed. */
export interface PartInput extends Pick<PartRequest, 'requests'> {
  in?: Pick<CommittedBoundary, 'tensor'>;
}

/** Weights of a unit: the model's, from a layer on. */
export interface PartSource {
  model: Model;
  /** number of the unit's first layer; 0 where there are none */
  layer: number;
}

/** A unit of a model that is cut into several. */
export interface Part extends RunnableUnit<PartRequest, PartSource, UnitStatement> {
  /** Name of the traced tensor that the next unit reads; absent for the last unit. */
  readonly result?: string;
  run(
    engine: EngineName,
    request: PartInput,
    source: PartSource,
    signal?: AbortSignal,
  ): Promise<Run>;
}

export type PartKind = 'first' | 'layers' | 'last';

/** Everything the circuits depend on; the position of a unit in the model is not among it, so equal units have equal circuits. */
export type PartConfig = ComponentConfig & { kind: PartKind; capacity: number };

/** What a unit's configuration says of batches: nothing where a proof has one request. */
export const batchSize = (batch: number): { batch?: number } => (batch > 1 ? { batch } : {});

export function partHash(config: PartConfig, numbers: CommitmentNumbers): bigint {
  const { logSize, logInvRate, hashingLogInvRate } = numbers;
  const sorted = Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1));
  return textHash(UNIT_DOMAIN, JSON.stringify([sorted, logSize, logInvRate, hashingLogInvRate]));
}

/** What all units of a kind are made of, but layout and relations. */
export const partOf = (
  config: PartConfig,
): Pick<Part, 'description' | 'hash' | 'programName' | 'requestKey' | 'ends'> => ({
  ends: (request) => request,
  description: JSON.stringify(config),
  hash: (numbers) => partHash(config, numbers),
  programName(numbers, ends) {
    const text = JSON.stringify([partHash(config, numbers).toString(), ends]);
    return `attensor-unit-${createHash('sha256').update(text).digest('hex').slice(0, 12)}`;
  },
  requestKey: ({ requests, tokenSalt, in: before, out: after }) =>
    JSON.stringify([
      ...requests.flatMap(({ promptIds, outputIds }) => [promptIds, outputIds]),
      ...[tokenSalt, before?.root, after?.root].map(String),
    ]),
});

/** The tensor that a unit reads. @throws if the request does not bring it */
export function inputOf({ in: boundary }: PartInput): CommittedBoundary['tensor'] {
  if (!boundary) throw new Error("unit: the request has no tensor 'in'");
  return boundary.tensor;
}

/** The tokens whose salted hash the statement has. */
export async function bindTokens(
  session: Session,
  sizes: TokenSizes & { batch: number },
  stated: Wire,
  witness: ProverOnly<UnitWitness>,
): Promise<TokenColumns> {
  const { tape } = session;
  const [input, output, salt] = await session.hint(3, 'hashes of tokens, and their salt', () => {
    const { tokens, ends } = witness.value;
    const hashes = hashesOf(tokens);
    return [hashes.input, hashes.output, ends?.tokenSalt ?? 0n];
  });
  tape.assertEqual(
    tape.hash([tape.constant(TOKENS_DOMAIN), input, output, salt]),
    stated,
    'unit: the tokens have another hash',
  );
  const tokens = witness.map((w) => w.tokens);
  return bindRequests(session, sizes, { input, output }, tokens);
}
