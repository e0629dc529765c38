/** From a protocol to its circuits: record the tape, plan it, make the program. */
import { Statement } from '@attensor/contracts';
import { createHash } from 'node:crypto';
import type { ModelProtocol } from '../model/protocol.js';
import { Session } from '../protocol/session.js';
import type { Tape } from '../protocol/tape.js';
import { plan, type Segment } from './planner.js';
import { chainProgram, type ChainProgram } from './program.js';

/** The circuits of a shape: tape, segments and program. */
export interface Circuits {
  tape: Tape;
  segments: Segment[];
  program: ChainProgram<Statement>;
  name: string;
}

/** @returns the chain of circuits for a protocol; the same for every machine */
export async function buildCircuits(protocol: ModelProtocol): Promise<Circuits> {
  const session = new Session({});
  await protocol.script(session);
  const segments = plan(session.tape);
  // The proof file and the contract expect a proof that verified a predecessor.
  if (segments.length < 2)
    throw new RangeError('circuits: the model fits one circuit; a chain has at least two');
  const { config, capacity, logSize, logInvRate } = protocol.shape;
  const digest = createHash('sha256')
    .update(JSON.stringify([config, capacity, logSize, logInvRate, segments.map((s) => s.end)]))
    .digest('hex')
    .slice(0, 12);
  const name = `attensor-${digest}`;
  return {
    tape: session.tape,
    segments,
    program: chainProgram(name, Statement, session.tape, segments),
    name,
  };
}
