/**
 * @module component-prover
 * Proves components: the unit prover with the components' proof files, and the roots of public tables.
 */
import { AttensorError } from '@attensor/core';
import { engine } from '@attensor/native';
import { commitWeights, type CommittedWeights } from './commitment/weights.js';
import { componentProofFile, type ComponentProofFile } from './component-file.js';
import { UnitProver, type PlanOptions, type ProofResult, type ProveOptions } from './prover.js';
import { Script } from './script.js';
import type { Store } from './store.js';
import { tableComponent } from './units/catalog.js';
import type { Component, ComponentConfig } from './units/component.js';
import type { ComponentStatement } from './units/statements.js';
import type { Tensors, Weights } from './units/tensors.js';

export type ComponentProver = UnitProver<Tensors, Weights, ComponentStatement>;

export interface ComponentResult extends Omit<ProofResult, 'proof' | 'statement'> {
  file: ComponentProofFile;
}

/** @throws UNSUPPORTED_CONFIG when circuits do not hold the component */
export const planComponent = (
  component: Component,
  options: PlanOptions = {},
): Promise<ComponentProver> => UnitProver.plan(component, options);

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
  const { logSize, logInvRate } = prover.script;
  const file = componentProofFile(
    proof,
    verificationKey,
    { ...component.config, logSize, logInvRate },
    { component: unit, tensors, weights: root, tokens },
  );
  return { ...rest, file };
}

/** What `weights` must be in a proof whose parameters are the public tables; undefined for other components. */
export async function tablesRoot({
  logInvRate,
  logSize,
  ...config
}: ComponentProofFile['component']): Promise<string | undefined> {
  requireSmallTables(config);
  const component = tableComponent(config);
  if (!component) return undefined;
  const script = new Script(component, { logInvRate });
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
