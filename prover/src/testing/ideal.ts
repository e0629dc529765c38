/**
 * @module testing/ideal
 * The protocol over an ideal commitment, for tests of what comes before the opening: a root is a hash of the whole vector, and where
 * the opening would begin, the verifier looks up the vectors that the roots stand for and evaluates every claim on them; leaves of a
 * vocabulary that the prover opened are looked at in full. Hashing codewords takes most of a small proof's time; suites that do not
 * use this one test it.
 */
import { present } from '@attensor/core';
import { engine, type CommittedTree, type FpVec, type ProverEngine } from '@attensor/native';
import type { Read } from '../hashing/reads.js';
import type { OpenedGroup } from '../hashing/trace.js';
import { TreeHash } from '../hashing/tree-hash.js';
import { TREE_HASH, TREES } from '../hashing/trees.js';
import { mod } from '../protocol/field.js';
import { eqTable } from '../protocol/polynomials.js';
import type { ProverOnly } from '../protocol/prover-only.js';
import type { Scope } from '../protocol/scope.js';
import type { Session } from '../protocol/session.js';
import { VerificationError } from '../protocol/tape.js';
import type { ClaimPart, Vector } from '../protocol/tensor.js';
import { Script, type ScriptWitness } from '../script.js';
import type { Unit } from '../units/unit.js';
import { overriding } from './overriding.js';
import { TEST_RATES } from './scripts.js';

/** Nodes that depend on all of a vector. */
export async function idealCap(vector: FpVec): Promise<bigint[]> {
  const digest = await engine.evalPow(vector, engine.hash([1n, 2n]));
  return Array.from({ length: TREES.nodes }, (_, i) => engine.hash([digest, BigInt(i)]));
}

/** What a claim says about vectors, and what is true of them. */
export async function trueValue(
  session: Session,
  vectors: Partial<Record<Vector, FpVec>>,
  parts: ClaimPart[],
): Promise<bigint> {
  let total = 0n;
  for (const { vector, offset, coef, point } of parts) {
    const at = await engine.evalMle(
      present(vectors[vector], vector).slice(offset, 2 ** point.length),
      session.valuesOf(point),
    );
    total += at * coef.c * (coef.v === undefined ? 1n : session.value(coef.v));
  }
  return mod(total);
}

/** The plain hash, which computes a node once: forgeries of one run open the same leaves again and again. */
class RememberingHash extends TreeHash {
  private readonly nodes = new Map<string, bigint>();

  override node(children: bigint[]): bigint {
    const key = children.join();
    const known = this.nodes.get(key);
    if (known !== undefined) return known;
    const node = super.node(children);
    this.nodes.set(key, node);
    return node;
  }
}
const plainHash = new RememberingHash(TREE_HASH.width);

/** Whether leaves are where a read says, and are what it claims: what the second level proves of them. */
export function readHolds(
  session: Session,
  { shape, root, indexes, entry, leaves }: Read,
  { opened: [opened] }: OpenedGroup,
): boolean {
  const inTree = indexes.every((index, q) =>
    plainHash.verify(shape, session.value(root), Number(session.value(index)), opened[q]),
  );
  if ('answers' in leaves)
    return inTree && leaves.answers.every((v, q) => session.value(v) === opened[q].leaf[0]);
  const weights = session.valuesOf(eqTable(session.tape, leaves.query));
  const columns = session.valuesOf(eqTable(session.tape, entry));
  const claimed = weights.reduce((sum, w, q) => {
    const { leaf } = opened[q] ?? opened[0];
    return sum + w * mod(leaf.reduce((s, v, k) => s + v * columns[k], 0n));
  }, 0n);
  return inTree && mod(claimed) === session.value(leaves.value);
}

class Opening extends Error {}

/** Both parties' commitments. */
export class IdealCommitments {
  private readonly committed = new Map<bigint, FpVec>();
  /** The leaves that the prover opened. */
  private opened: OpenedGroup[] = [];

  /** Commits in no time. */
  readonly engine: ProverEngine = overriding(engine, {
    commitTree: async (vector) => {
      const [root] = await idealCap(vector);
      // what is folded and disposed of later is not what was committed
      this.committed.set(root, engine.linear([vector], [1n], 0n));
      const tree: Pick<CommittedTree, 'root' | 'dispose'> = { root, dispose: () => undefined };
      return tree as CommittedTree;
    },
  });

  script(unit: Unit): Script {
    const run = (...args: Parameters<IdealCommitments['run']>) => this.run(...args);
    return new (class extends Script {
      override run(session: Session, witness?: ProverOnly<ScriptWitness>): Promise<void> {
        return run(this.unit, session, witness);
      }
    })(unit, TEST_RATES);
  }

  private async run(
    unit: Unit,
    session: Session,
    witness?: ProverOnly<ScriptWitness>,
  ): Promise<void> {
    let scope: Scope | undefined;
    const observed: Unit = overriding(unit, {
      relations: (given, ...rest) => unit.relations((scope = given), ...rest),
    });
    const vectors: Partial<Record<Vector, FpVec>> = {};
    for (const how of ['send', 'hint'] as const) {
      const message = session[how].bind(session);
      session[how] = async (count, what, compute) => {
        if (/^(claims|opening)\b/.test(what)) throw new Opening();
        const values = await message(count, what, compute);
        const [vector, label] = what.split(': ');
        if (label === 'commitment')
          vectors[vector as Vector] = this.committed.get(session.value(values[0]));
        return values;
      };
    }
    try {
      await new Script(observed, TEST_RATES).run(session, witness);
    } catch (error) {
      if (!(error instanceof Opening)) throw error;
    }
    session.finish();
    const { claims, ends, reads } = present(scope, 'the scope');
    if (session.proving && reads.length > 0) this.opened = reads.map(({ opened }) => opened.value);
    if (session.role !== 'verify') return;
    reads.forEach((read, k) => {
      if (!readHolds(session, read, this.opened[k]))
        throw new VerificationError('embedding: the leaves are not what is claimed of them');
    });
    for (const { parts, value } of [...claims.list, ...ends.claims.list])
      if ((await trueValue(session, vectors, parts)) !== session.value(value))
        throw new VerificationError('opening: a claim does not hold');
  }

  dispose(): void {
    for (const vector of this.committed.values()) vector.dispose();
    this.committed.clear();
  }
}
