/**
 * @module cut-prover
 * Proves inferences of a model that is cut into units: messages and circuits of each, joins, and the model's last circuit, which makes
 * the same statement and file as a model of one unit. Each step's result is kept until the proof is whole. Circuits of units are proved
 * in a process for each kind of unit, after the messages of all: so memory holds vectors, or the keys of one kind, or those of joins.
 */
import { Statement } from '@attensor/contracts';
import { defaultCacheDir } from '@attensor/core/files';
import { keyCache } from '@attensor/core/o1js';
import type { Model } from '@attensor/inference';
import { mkdir } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { Field, VerificationKey, type JsonProof, type Proof } from 'o1js';
import {
  joinedJoins,
  modelProgram,
  proveJoin,
  proveLift,
  proveModel,
  unitJoins,
  type KeyedProof,
} from './circuits/joins.js';
import { openCut, type OpenCut } from './commitment/cut-commitment.js';
import { rememberKey, type CutCommitment } from './commitment/model-commitment.js';
import { estimateCut, type Estimate } from './estimate.js';
import {
  listOf,
  requestedFile,
  statementOf,
  type CompiledKeys,
  type LoadOptions,
  type ModelProver,
  type ProveRequests,
  type ProveResult,
} from './model-prover.js';
import { partRequest, provePart, runParts, runSteps, type PartTranscript } from './parts-prover.js';
import { circuitSteps, digestOf, type Transcript } from './proof-steps.js';
import { UnitProver, type NativeStages, type ProveOptions, type Stage } from './prover.js';
import { CIRCUIT_COST } from './rates.js';
import { Scheduler, type Codec, type Step } from './steps.js';
import { FileStore } from './store.js';
import { joinedModel } from './units/cut.js';
import { unitCircuits, type UnitCircuitsCall, type UnitCircuitsResult } from './unit-circuits.js';
import {
  fieldsOf,
  foldJoins,
  join,
  joinCount,
  joinTree,
  lift,
  unitFields,
  weightsPath,
  type JoinKeys,
  type Proven,
  type UnitFields,
} from './units/joins.js';
import type { PartRequest, PartSource } from './units/part.js';
import { requireRequests } from './units/positions.js';
import { statementFrom, UnitStatement } from './units/statements.js';

type PartProver = UnitProver<PartRequest, PartSource, UnitStatement>;

/** Keys of the circuits that join units. */
interface JoinPrograms {
  joins: { units: VerificationKey; joined: VerificationKey };
  model: VerificationKey;
  program: ReturnType<typeof modelProgram>;
}

/** A proof of units that is to be joined: how it is made, and what it says. */
interface Joinable {
  step: Step<Proof<UnitStatement, unknown>>;
  proven: Proven;
  key: VerificationKey;
  /** of its first and last unit */
  first: number;
  last: number;
}

const seconds = (since: number): number => (performance.now() - since) / 1000;
const sum = (values: Iterable<number>): number => [...values].reduce((a, b) => a + b, 0);

export class CutProver implements ModelProver {
  private compiled: Promise<JoinPrograms> | undefined;

  private constructor(
    readonly model: Model,
    readonly commitment: CutCommitment,
    private readonly opened: OpenCut,
    /** of each unit in order; equal units have one */
    readonly provers: PartProver[],
    readonly cacheDir: string,
  ) {}

  /** @throws WRONG_COMMITMENT, MODEL_CORRUPT, INSECURE_FILE, UNSUPPORTED_CONFIG */
  static async of(
    model: Model,
    commitment: CutCommitment,
    options: LoadOptions = {},
  ): Promise<CutProver> {
    const opened = await openCut(model, commitment);
    const planned = new Map<unknown, PartProver>();
    const provers: PartProver[] = [];
    for (const { unit, script } of opened.cut.places) {
      const prover =
        planned.get(script) ??
        (await UnitProver.plan(unit, {
          ...options,
          rates: script.numbers,
          partLog: script.numbers.logSize,
        }));
      planned.set(script, prover);
      provers.push(prover);
    }
    const { cacheDir = defaultCacheDir() } = options;
    return new CutProver(model, commitment, opened, provers, cacheDir);
  }

  /** Of the units' circuits, in order; equal units have the same ones. */
  get rows(): number[] {
    return this.provers.flatMap(({ rows }) => rows);
  }

  /** Keys are loaded after the units' messages are made: together they would take more memory than either. */
  prepare(): Promise<{ seconds: number }> {
    return Promise.resolve({ seconds: 0 });
  }

  async compile({ onProgress }: Pick<ProveOptions, 'onProgress'> = {}): Promise<CompiledKeys> {
    const start = performance.now();
    const report = this.keysProgress(onProgress);
    const units: VerificationKey[] = [];
    for (const [k, numbers] of this.equalUnits().entries()) {
      report(k);
      const { key } = await unitCircuits(this.call(numbers, [], this.jobsDir));
      numbers.forEach((unit) => (units[unit] = new VerificationKey(keyOf(key))));
    }
    const { model: key } = await this.compileJoins(units, report);
    const verifierKeyHash = key.hash.toString();
    return { verifierKeyHash, verificationKey: key.data, seconds: seconds(start) };
  }

  /** Numbers of units that have the same circuits. */
  private equalUnits(): number[][] {
    const groups = new Map<PartProver, number[]>();
    this.provers.forEach((prover, k) => groups.set(prover, [...(groups.get(prover) ?? []), k]));
    return [...groups.values()];
  }

  private call(
    [unit]: number[],
    transcripts: UnitCircuitsCall['transcripts'],
    jobsDir: string,
  ): UnitCircuitsCall {
    return { modelDir: this.model.dir, cacheDir: this.cacheDir, jobsDir, unit, transcripts };
  }

  private keysProgress(onProgress: ProveOptions['onProgress']) {
    const kinds = this.equalUnits().length;
    return (k: number): void =>
      onProgress?.({
        stage: 'compile',
        fraction: k / (kinds + 3),
        message: `keys of ${k < kinds ? `unit kind ${k + 1} of ${kinds}` : 'joins'}`,
      });
  }

  /** Once in a process: the model's circuits are those of its units' keys. */
  private compileJoins(
    units: VerificationKey[],
    report?: (k: number) => void,
  ): Promise<JoinPrograms> {
    this.compiled ??= this.compileJoinsOnce(units, report).catch((error: unknown) => {
      this.compiled = undefined; // a later call tries again
      throw error;
    });
    return this.compiled;
  }

  private async compileJoinsOnce(
    units: VerificationKey[],
    report?: (k: number) => void,
  ): Promise<JoinPrograms> {
    const kinds = this.equalUnits().length;
    await mkdir(joinPath(this.cacheDir, 'keys'), { recursive: true });
    const cache = keyCache(this.cacheDir);
    report?.(kinds);
    const joinsOfUnits = (await unitJoins.compile({ cache })).verificationKey;
    report?.(kinds + 1);
    const joinsOfJoined = (await joinedJoins.compile({ cache })).verificationKey;
    const joins = { units: joinsOfUnits, joined: joinsOfJoined };
    report?.(kinds + 2);
    const program = modelProgram(
      joinedModel(
        this.opened.cut,
        units.map(({ hash }) => hash.toBigInt()),
        joinHashes(joins),
      ),
    );
    const { verificationKey: model } = await program.compile({ cache });
    await rememberKey(this.model.dir, this.commitment, model.hash.toString());
    return { joins, model, program };
  }

  /** The circuits of equal units: what the process of `unitCircuits` does. */
  async proveCircuits(
    { unit, transcripts, jobsDir }: UnitCircuitsCall,
    onProved: (unit: number, circuit: number) => void,
  ): Promise<UnitCircuitsResult> {
    const prover = this.provers[unit];
    const { verificationKey, seconds: keySeconds } = await prover.compile();
    const start = performance.now();
    const scheduler = new Scheduler(new FileStore(jobsDir));
    const proofs: JsonProof[] = [];
    for (const { unit: k, statement, messages } of transcripts) {
      const session = await prover.replay(statement.map(BigInt), messages.map(BigInt));
      const steps = this.circuitSteps(k, verificationKey, {
        statement: statement.map(BigInt),
        session,
      });
      for (const [circuit, step] of steps.entries()) {
        const proof = await scheduler.get(step);
        onProved(k, circuit);
        if (circuit === steps.length - 1) proofs.push(proof.toJSON());
      }
    }
    const { data, hash } = verificationKey;
    return {
      key: { data, hash: hash.toString() },
      proofs,
      ran: scheduler.ran.size,
      loaded: scheduler.loaded.size,
      keySeconds,
      picklesSeconds: seconds(start),
      peakRssBytes: process.resourceUsage().maxRSS * 1024,
    };
  }

  private circuitSteps(k: number, key: VerificationKey, transcript: Transcript) {
    return circuitSteps(
      this.provers[k].circuits,
      UnitStatement,
      key.hash.toString(),
      undefined,
      transcript,
      { prefix: `unit-${k}-` },
    );
  }

  private get jobsDir(): string {
    return joinPath(this.cacheDir, 'jobs');
  }

  async prove(asked: ProveRequests, options: ProveOptions = {}): Promise<ProveResult> {
    const requests = listOf(asked);
    const { capacity, batch = 1 } = this.commitment;
    requireRequests(requests, { capacity, batch });
    const { onProgress, signal, jobsDir = this.jobsDir } = options;
    const start = performance.now();
    const store = new FileStore(jobsDir);
    const advance = this.progress(onProgress);
    const all = new Scheduler(store, {
      signal,
      onStep: (name) => {
        const k = Number(name.slice(name.indexOf('-') + 1));
        advance('messages', 0, 0, `unit ${k + 1} of ${units.length}: exact run`, `unit-${k} run`);
      },
    });
    const { engines } = this.provers[0];
    const { cut, salt, units } = this.opened;
    const modelRoot = BigInt(this.commitment.modelRoot);

    const ran = await runParts(engines, cut, requests, this.model, modelRoot, all);
    const transcripts: PartTranscript[] = [];
    for (const [k, place] of cut.places.entries()) {
      const { request, dispose } = await partRequest(engines.prover, ran, k);
      try {
        transcripts.push(
          await provePart(engines, place, request, this.model, units[k], store, {
            signal,
            onStep: (step, fraction) => {
              const part = step === 'messages' ? fraction : 0;
              const message = `unit ${k + 1} of ${units.length}: ${step}`;
              // all units have run before; this one runs again for its witness
              advance(
                'messages',
                k,
                part,
                message,
                step === 'run' ? undefined : `unit-${k} ${step}`,
              );
            },
          }),
        );
      } finally {
        dispose();
      }
      advance('messages', k, 1, `unit ${k + 1} of ${units.length}: messages`);
    }

    const keys: VerificationKey[] = [];
    const proofs: JsonProof[] = [];
    const spent = { keySeconds: 0, picklesSeconds: 0, ran: 0, loaded: 0 };
    let childPeakBytes = 0;
    for (const numbers of this.equalUnits()) {
      const steps = numbers.flatMap((k) => this.provers[k].rows.map((_, c) => stepOf(k, c)));
      const kind = `units ${numbers.map((k) => k + 1).join(', ')} of ${units.length}: circuits`;
      advance('circuit', numbers[0], 0, kind, steps[0]);
      const done = await unitCircuits(
        this.call(
          numbers,
          numbers.map((unit) => {
            const { statement, session } = transcripts[unit].transcript;
            return {
              unit,
              statement: statement.map(String),
              messages: session.messages.map(String),
            };
          }),
          jobsDir,
        ),
        {
          signal,
          onProved: (unit, circuit) => {
            const { length } = this.provers[unit].rows;
            const message = `unit ${unit + 1} of ${units.length}: circuit ${circuit + 1} of ${length}`;
            const running = steps[steps.indexOf(stepOf(unit, circuit)) + 1];
            advance('circuit', unit, (circuit + 1) / length, message, running);
          },
        },
      );
      numbers.forEach((unit, i) => {
        keys[unit] = new VerificationKey(keyOf(done.key));
        proofs[unit] = done.proofs[i];
      });
      for (const name of ['keySeconds', 'picklesSeconds', 'ran', 'loaded'] as const)
        spent[name] += done[name];
      childPeakBytes = Math.max(childPeakBytes, done.peakRssBytes);
    }
    const joinsStart = performance.now();
    const compiling = this.compiled === undefined;
    const programs = await this.compileJoins(keys);
    if (compiling) spent.keySeconds += seconds(joinsStart);
    const picklesStart = performance.now();
    const circuits = new Scheduler(store, { signal });
    const leaves: Joinable[] = [];
    for (const [k, { transcript }] of transcripts.entries()) {
      const proof = await this.provers[k].circuits.program.Proof.fromJSON(proofs[k]);
      leaves.push({
        step: given(`unit-${k}`, proof),
        proven: { fields: unitFields(transcript.statement), key: keys[k].hash.toBigInt() },
        key: keys[k],
        first: k,
        last: k,
      });
    }
    const joins: Step<unknown>[] = [];
    const top = joined(leaves, programs.joins, joins);
    for (const [k, step] of joins.entries()) {
      const message = `join ${k + 1} of ${joins.length}`;
      advance('circuit', units.length + k, 0, message, `join-${k}`);
      await circuits.get(step);
      advance('circuit', units.length + k, 1, message);
    }
    const statement = statementOf(this.commitment, requests);
    const { siblings } = weightsPath(units.map(({ root }) => root));
    const last: Step<Proof<Statement, unknown>> = {
      name: 'joined-model',
      key: digestOf([programs.model.hash.toBigInt(), ...fieldsOf(top.proven.fields)]),
      inputs: [top.step],
      codec: proofCodec((json) => programs.program.Proof.fromJSON(json)),
      run: async (context) =>
        proveModel(
          programs.program,
          statement,
          { proof: (await context.get(top.step)) as KeyedProof['proof'], key: top.key },
          { siblings, salts: { tokens: ran.runs[0].tokenSalt, model: salt } },
        ),
    };
    advance('circuit', units.length + joins.length, 0, 'the model', last.name);
    const proof = await circuits.get(last);
    const picklesSeconds = spent.picklesSeconds + seconds(picklesStart);
    const file = requestedFile(this.commitment, requests, {
      proof: proof.toJSON(),
      statement: Statement.toFields(proof.publicInput).map((field) => field.toBigInt()),
      verificationKey: programs.model,
    });
    await circuits.clear(...joins, last);
    for (const [k, { scheduler, step, transcript }] of transcripts.entries())
      await scheduler.clear(step, ...this.circuitSteps(k, keys[k], transcript));
    await all.clear(...runSteps(engines, cut, requests, this.model, modelRoot));
    onProgress?.({ stage: 'done', fraction: 1, message: 'proved' });

    const stage = (name: keyof NativeStages): number =>
      sum(transcripts.map(({ scheduler }) => scheduler.seconds.get(name) ?? 0));
    const stages: NativeStages = {
      run: stage('run') + sum(all.seconds.values()),
      witness: stage('witness'),
      commit: stage('commit'),
      messages: stage('messages'),
    };
    const nativeSeconds = sum(Object.values(stages));
    const { keySeconds } = spent;
    const schedulers = [all, circuits, ...transcripts.map(({ scheduler }) => scheduler)];
    return {
      file,
      rows: this.rows,
      childPeakBytes,
      stages,
      nativeSeconds,
      keySeconds,
      picklesSeconds,
      totalSeconds: nativeSeconds + picklesSeconds,
      proveSeconds: seconds(start) - keySeconds,
      pickles: spent.ran + [...joins, last].filter(({ name }) => circuits.ran.has(name)).length,
      resumed: spent.loaded > 0 || schedulers.some(({ loaded }) => loaded.size > 0),
    };
  }

  estimate(): Promise<Estimate> {
    return estimateCut(this.provers);
  }

  /** Tells how far a request is, by what its parts cost. */
  private progress(onProgress: ProveOptions['onProgress']) {
    const native = this.provers.map(({ script }) => script.permutations);
    const proofs = [
      ...this.provers.map(({ rows }) => CIRCUIT_COST * rows.length),
      ...Array.from({ length: joinCount(native.length) + 1 }, () => CIRCUIT_COST),
    ];
    const total = sum(native) + sum(proofs);
    return (
      stage: Extract<Stage, 'messages' | 'circuit'>,
      k: number,
      part: number,
      message: string,
      step?: string,
    ) => {
      const [before, costs] = stage === 'messages' ? [0, native] : [sum(native), proofs];
      const done = before + sum(costs.slice(0, k)) + part * costs[k];
      onProgress?.({ stage, fraction: done / total, message, step });
    };
  }
}

/** A unit's circuit, by its name in an estimate. */
const stepOf = (unit: number, circuit: number): string => `unit-${unit} circuit-${circuit}`;

const keyOf = ({ data, hash }: UnitCircuitsResult['key']) => ({ data, hash: Field(hash) });

/** A step whose result is there. */
const given = <T>(name: string, value: T): Step<T> => ({
  name,
  key: '',
  inputs: [],
  run: () => Promise.resolve(value),
});

const joinHashes = ({ units, joined }: JoinPrograms['joins']): JoinKeys => ({
  units: units.hash.toBigInt(),
  joined: joined.hash.toBigInt(),
});

function proofCodec<S>(fromJson: (json: JsonProof) => Promise<Proof<S, unknown>>) {
  const codec: Codec<Proof<S, unknown>> = {
    encode: (proof) => new TextEncoder().encode(JSON.stringify(proof.toJSON())),
    async decode(bytes) {
      try {
        return await fromJson(JSON.parse(new TextDecoder().decode(bytes)) as JsonProof);
      } catch {
        return undefined; // proved again
      }
    },
  };
  return codec;
}

/** All units, joined. @param steps gets the joins, each after those that it joins */
function joined(units: Joinable[], keys: JoinPrograms['joins'], steps: Step<unknown>[]): Joinable {
  const made = (
    below: Joinable[],
    program: keyof JoinPrograms['joins'],
    fields: UnitFields,
    run: (statement: UnitStatement, proofs: KeyedProof[]) => Promise<KeyedProof['proof']>,
  ): Joinable => {
    const key = keys[program];
    const [{ first }, { last }] = [below[0], below[below.length - 1]];
    const { Proof: OfProgram } = program === 'units' ? unitJoins : joinedJoins;
    const step: Step<Proof<UnitStatement, unknown>> = {
      name: `join-${first}-${last}`,
      key: digestOf([key.hash.toBigInt(), ...fieldsOf(fields)]),
      inputs: below.map((each) => each.step),
      codec: proofCodec((json) => OfProgram.fromJSON(json)),
      async run(context) {
        const proofs: KeyedProof[] = [];
        for (const each of below)
          proofs.push({
            proof: (await context.get(each.step)) as KeyedProof['proof'],
            key: each.key,
          });
        return run(statementFrom(UnitStatement, fieldsOf(fields)), proofs);
      },
    };
    steps.push(step);
    return { step, proven: { fields, key: key.hash.toBigInt() }, key, first, last };
  };
  return foldJoins<Joinable, Joinable>(joinTree(units.length), units, {
    pair: (left, right) =>
      made([left, right], 'units', join(left.proven, right.proven), (statement, [l, r]) =>
        proveJoin('pair', statement, l, r),
      ),
    lift: (unit) =>
      made([unit], 'units', lift(unit.proven), (statement, [proof]) => proveLift(statement, proof)),
    node: (left, right) =>
      made([left, right], 'joined', join(left.proven, right.proven), (statement, [l, r]) =>
        proveJoin('node', statement, l, r),
      ),
  });
}
