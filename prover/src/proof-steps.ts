/**
 * @module proof-steps
 * The steps of one proof: run, witness, commit, messages, and a circuit for each segment of the tape.
 */
import type { EngineName } from '@attensor/inference';
import type { FpVec, ProverEngine } from '@attensor/native';
import type { JsonProof, ProvablePure } from 'o1js';
import { createHash } from 'node:crypto';
import { proveSegment, type ChainProof, type Circuits } from './circuits/program.js';
import { CommittedVector, randomField } from './commitment/committed-vector.js';
import type { CommittedWeights } from './commitment/weights.js';
import { P } from './protocol/field.js';
import { ProverOnly } from './protocol/prover-only.js';
import { Session } from './protocol/session.js';
import type { Permutation } from './protocol/tape.js';
import type { Script } from './script.js';
import type { Codec, Step, StepContext } from './steps.js';
import { statementFrom } from './units/statements.js';
import type { Run, RunnableUnit } from './units/unit.js';
import { valuesOf, witnessInts } from './units/witness.js';

/** Where committed weights come from; they are opened only when a step needs them, and every time: `open` must remember. */
export interface Weights<Source> {
  root: bigint;
  open(): Promise<CommittedWeights<Source>>;
}

/** What steps run on. */
export interface Engines {
  prover: ProverEngine;
  /** of exact runs */
  model: EngineName;
}

/** A statement with the session that proved or checked its messages. */
export interface Transcript {
  statement: bigint[];
  session: Session;
}

interface CommittedWitness {
  committed: CommittedVector<FpVec>;
  /** of the witness's root */
  salt: bigint;
  /** of hashed rows */
  states: FpVec[];
}

export interface ProofSteps {
  run: Step<Run>;
  witness: Step<BigInt64Array>;
  commit: Step<CommittedWitness>;
  messages: Step<Transcript>;
}

/** The native part of a proof: everything up to the last message. */
export function nativeSteps<Request, Source, Statement>(
  engines: Engines,
  unit: RunnableUnit<Request, Source, Statement>,
  script: Script,
  request: Request,
  weights: Weights<Source>,
): ProofSteps {
  const engine = engines.prover;
  const key = digestOf([script.hash, weights.root, unit.requestKey(request)]);

  const run: Step<Run> = {
    name: 'run',
    key,
    inputs: [],
    async run(context) {
      const { source } = await context.waitFor(weights.open());
      return unit.run(engines.model, request, source, context.signal);
    },
  };

  const values = async (context: StepContext) =>
    valuesOf(unit, await context.get(run), (await weights.open()).filling);

  const witness: Step<BigInt64Array> = {
    name: 'witness',
    key,
    inputs: [run],
    // gigabytes, beside the vector that is made of them
    readOnce: true,
    run: async (context) => witnessInts(unit, await values(context), script.logSize),
  };

  const commit: Step<CommittedWitness> = {
    name: 'commit',
    key,
    inputs: [witness],
    async run(context) {
      const vector = engine.fromInts(await context.get(witness));
      const states = await unit.complete(engine, vector);
      const committed = await CommittedVector.commit(engine, vector, script.witness, {
        signal: context.signal,
        onProgress: context.progress,
      });
      return { committed, salt: unit.statement.witness ? randomField() : 0n, states };
    },
    dispose({ committed, states }) {
      committed.dispose();
      states.forEach((s) => {
        s.dispose();
      });
    },
  };

  const messages: Step<Transcript> = {
    name: 'messages',
    key,
    inputs: [run, commit],
    codec: transcriptCodec(script, (state) => engine.permute(state)),
    async run(context) {
      const { tokens } = await context.get(run);
      const ends = unit.ends?.(request);
      const { committed, salt, states } = await context.get(commit);
      const { parameters, vocabulary, salt: weightsSalt } = await weights.open();
      // positions without a token hold token 0
      const read = [0, ...tokens.flatMap((own) => [...own.promptIds, ...own.outputIds])];
      const { witness: rooted } = unit.statement;
      const statement = unit.statement.fields({
        hash: script.hash,
        weights: weights.root,
        vocabulary: vocabulary?.root ?? 0n,
        witness: rooted
          ? committed.root({ domain: rooted.domain, purpose: script.hash }, salt)
          : 0n,
        tokens,
        ends,
      });
      const session = new Session({
        engine,
        permute: (state) => engine.permute(state),
        statement,
        signal: context.signal,
      });
      await script.run(
        session,
        ProverOnly.of({
          witness: committed,
          salt,
          values: await values(context),
          tokens,
          states,
          ends,
          parameters: parameters && { committed: parameters, salt: weightsSalt },
          vocabulary: await vocabulary?.open(read),
        }),
      );
      return { statement, session };
    },
  };
  return { run, witness, commit, messages };
}

/**
 * The circuits' part: proof k covers the segments up to k.
 *
 * @param options.prefix of the steps' names, where one scheduler runs those of several units
 */
export function circuitSteps<Statement>(
  circuits: Circuits<Statement>,
  type: ProvablePure<Statement>,
  /** hash of the compiled circuits' key */
  verifierKeyHash: string,
  /** in the same scheduler; absent where another one ran it */
  messages: Step<Transcript> | undefined,
  /** what `messages` resulted in: another run of it may draw another salt */
  transcript: Transcript,
  { prefix = '' }: { prefix?: string } = {},
): Step<ChainProof<Statement>>[] {
  const { statement, session } = transcript;
  const key = digestOf([verifierKeyHash, ...statement, ...session.messages]);
  const steps: Step<ChainProof<Statement>>[] = [];
  for (const segment of circuits.segments) {
    const before = steps.at(-1);
    steps.push({
      name: `${prefix}circuit-${segment.index}`,
      key,
      inputs: [messages, before].filter((step) => step !== undefined),
      codec: {
        encode: (proof) => new TextEncoder().encode(JSON.stringify(proof.toJSON())),
        async decode(bytes) {
          try {
            return await circuits.program.Proof.fromJSON(
              JSON.parse(new TextDecoder().decode(bytes)) as JsonProof,
            );
          } catch {
            return undefined; // proved again
          }
        },
      },
      async run(context) {
        const previous = before && (await context.get(before));
        return proveSegment(circuits, segment, statementFrom(type, statement), session, previous);
      },
    });
  }
  return steps;
}

export const digestOf = (parts: (bigint | string)[]): string =>
  createHash('sha256')
    .update(JSON.stringify(parts.map(String)))
    .digest('hex');

const FIELD_BYTES = 32;

/** Statement and messages as 32-byte numbers. What does not verify counts as absent. */
function transcriptCodec(script: Script, permute: Permutation): Codec<Transcript> {
  const { length } = script.unit.statement.names;
  return {
    encode: ({ statement, session }) =>
      Buffer.from(
        [...statement, ...session.messages].map((v) => v.toString(16).padStart(64, '0')).join(''),
        'hex',
      ),
    async decode(bytes) {
      if (bytes.length % FIELD_BYTES !== 0) return undefined;
      const fields: bigint[] = [];
      const hex = Buffer.from(bytes).toString('hex');
      for (let at = 0; at < hex.length; at += 2 * FIELD_BYTES)
        fields.push(BigInt(`0x${hex.slice(at, at + 2 * FIELD_BYTES)}`));
      if (fields.length < length || fields.some((v) => v >= P)) return undefined;
      const statement = fields.slice(0, length);
      try {
        const session = await replay(script, permute, statement, fields.slice(length));
        return { statement, session };
      } catch {
        return undefined;
      }
    },
  };
}

/** Runs the plain verifier over recorded messages. @throws VerificationError */
export async function replay(
  script: Script,
  permute: Permutation,
  statement: bigint[],
  messages: bigint[],
): Promise<Session> {
  const session = new Session({ permute, statement, messages });
  await script.run(session);
  return session;
}
