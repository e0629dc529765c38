/**
 * @module component-prover
 * Proves components: the unit prover with the components' proof files, and the roots of public tables.
 */
import { AttensorError } from '@attensor/core';
import { engine } from '@attensor/native';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { randomField } from './commitment/committed-vector.js';
import { commitWeights, type CommittedWeights } from './commitment/weights.js';
import { componentProofFile, type ComponentProofFile } from './component-file.js';
import { UnitProver, type PlanOptions, type ProofResult, type ProveOptions } from './prover.js';
import { Script } from './script.js';
import { FileStore, type Store } from './store.js';
import { tableComponent } from './units/catalog.js';
import type { Component, ComponentConfig } from './units/component.js';
import type { ComponentStatement } from './units/statements.js';
import { tensorDigest, type Tensors, type Weights } from './units/tensors.js';

export type ComponentProver = UnitProver<Tensors, Weights, ComponentStatement>;

export interface ComponentResult extends Omit<ProofResult, 'proof' | 'statement'> {
  file: ComponentProofFile;
}

/** @throws UNSUPPORTED_CONFIG when circuits do not hold the component */
export const planComponent = (
  component: Component,
  options: PlanOptions = {},
): Promise<ComponentProver> => UnitProver.plan(component, options);

export interface CommittedForProof {
  weights: CommittedWeights<Weights>;
  /** Forgets the salt, once the proof is kept. */
  done(): Promise<void>;
}

/**
 * Commits weights for one proof. Their salt is kept until the proof is: under another salt the same weights have another root, and an
 * interrupted proof could not go on.
 *
 * @throws MISSING_TENSOR, BAD_SHAPE
 */
export async function commitForProof(
  component: Component,
  prover: ComponentProver,
  tensors: Weights,
  options: ProveOptions & { store?: Store } = {},
): Promise<CommittedForProof> {
  const { store = new FileStore(join(prover.cacheDir, 'jobs')), ...rest } = options;
  if (Object.keys(component.weights).length === 0)
    return { weights: await prover.commitWeights(tensors, rest), done: () => Promise.resolve() };
  const digest = createHash('sha256').update(`${prover.script.hash} ${tensorDigest(tensors)}`);
  const name = `salt-${digest.digest('hex').slice(0, 32)}`;
  const kept = await store.get(name);
  const salt = kept ? BigInt(new TextDecoder().decode(kept)) : randomField();
  if (!kept) await store.put(name, new TextEncoder().encode(salt.toString()));
  return {
    weights: await prover.commitWeights(tensors, { ...rest, salt }),
    done: () => store.remove(name),
  };
}

export async function proveComponent(
  component: Component,
  prover: ComponentProver,
  inputs: Tensors,
  weights: CommittedWeights<Weights>,
  options: ProveOptions & { store?: Store } = {},
): Promise<ComponentResult> {
  const { proof, statement, ...rest } = await prover.prove(inputs, weights, options);
  const { verificationKey } = await prover.compile();
  const [unit, tensors, root, tokens] = statement.map(String);
  const file = componentProofFile(
    proof,
    verificationKey,
    { ...component.config, ...prover.script.numbers },
    { component: unit, tensors, weights: root, tokens },
  );
  return { ...rest, file };
}

/** What `weights` must be in a proof whose parameters are the public tables; undefined for other components. */
export async function tablesRoot({
  logInvRate,
  hashingLogInvRate,
  logSize,
  ...config
}: ComponentProofFile['component']): Promise<string | undefined> {
  requireSmallTables(config);
  const component = tableComponent(config);
  if (!component) return undefined;
  const script = new Script(component, { logInvRate, hashingLogInvRate });
  if (script.logSize !== logSize) return undefined;
  const { root, parameters } = await commitWeights(engine, script, component, {});
  parameters?.dispose();
  return root.toString();
}

/** Entries of the largest public table that is made to check a proof: four seconds' work. */
const MAX_TABLE_ENTRIES = 2 ** 20;

/** A file may name any sizes: those that no proof is made for are refused before their tables fill the memory. */
function requireSmallTables(config: ComponentConfig): void {
  if (config.kind !== 'rope') return;
  const entries = (Number(config.rows) * Number(config.dim)) / 2;
  if (!(entries <= MAX_TABLE_ENTRIES))
    throw new AttensorError({
      code: 'BAD_FILE',
      what: 'the tables are larger than those that are checked',
      where: JSON.stringify(config),
      expected: `at most ${MAX_TABLE_ENTRIES} entries`,
      got: String(entries),
    });
}
