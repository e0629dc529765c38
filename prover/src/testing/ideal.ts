/**
 * @module testing/ideal
 * The protocol over an ideal commitment, for tests of what comes before the opening: a cap is a hash of the whole vector, and where
 * the opening would begin, the verifier looks up the vectors that the caps stand for and evaluates every claim on them. Hashing
 * codewords takes most of a small proof's time; suites that do not use this one test it.
 */
import { present } from '@attensor/core';
import { engine, type FpVec, type ProverEngine } from '@attensor/native';
import type { LeafSource } from '../commitment/opening.js';
import { LOG_CAP } from '../commitment/parameters.js';
import { mod } from '../protocol/field.js';
import type { ProverOnly } from '../protocol/prover-only.js';
import type { Scope } from '../protocol/scope.js';
import type { Session } from '../protocol/session.js';
import { VerificationError } from '../protocol/tape.js';
import type { ClaimPart, Vector } from '../protocol/tensor.js';
import { Script, type ScriptWitness } from '../script.js';
import type { Unit } from '../units/unit.js';
import { overriding } from './overriding.js';

/** Nodes that depend on all of a vector. */
export async function idealCap(vector: FpVec): Promise<bigint[]> {
  const digest = await engine.evalPow(vector, engine.hash([1n, 2n]));
  return Array.from({ length: 2 ** LOG_CAP }, (_, i) => engine.hash([digest, BigInt(i)]));
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

class Opening extends Error {}

/** Both parties' commitments. */
export class IdealCommitments {
  private readonly committed = new Map<bigint, FpVec>();

  /** Commits in no time. */
  readonly engine: ProverEngine = overriding(engine, {
    commit: async (vector) => {
      const cap = await idealCap(vector);
      // what is folded and disposed of later is not what was committed
      this.committed.set(cap[0], engine.linear([vector], [1n], 0n));
      const source: Pick<LeafSource, 'cap' | 'dispose'> = { cap, dispose: () => undefined };
      return source as Awaited<ReturnType<ProverEngine['commit']>>;
    },
  });

  script(unit: Unit): Script {
    const run = (...args: Parameters<IdealCommitments['run']>) => this.run(...args);
    return new (class extends Script {
      override run(session: Session, witness?: ProverOnly<ScriptWitness>): Promise<void> {
        return run(this.unit, session, witness);
      }
    })(unit, { logInvRate: 2 });
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
      await new Script(observed, { logInvRate: 2 }).run(session, witness);
    } catch (error) {
      if (!(error instanceof Opening)) throw error;
    }
    session.finish();
    if (session.role !== 'verify') return;
    const { claims } = present(scope, 'the scope');
    for (const { parts, value } of claims.list)
      if ((await trueValue(session, vectors, parts)) !== session.value(value))
        throw new VerificationError('opening: a claim does not hold');
  }

  dispose(): void {
    for (const vector of this.committed.values()) vector.dispose();
    this.committed.clear();
  }
}
