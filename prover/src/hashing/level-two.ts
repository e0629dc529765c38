/**
 * @module hashing/level-two
 * Opened leaves, proved: S is committed, its relations leave claims, and S is opened at one point (docs/protocol.md, section 15). Roots,
 * indices and answers must be fixed by what the transcript absorbed before.
 */
import type { FpVec } from '@attensor/native';
import { CommittedVector } from '../commitment/committed-vector.js';
import type { OpeningParameters } from '../commitment/parameters.js';
import { CAPS } from '../commitment/scheme.js';
import { bindByMessage, commitmentMessages, openVectors } from '../commitment/vectors.js';
import { ProverOnly } from '../protocol/prover-only.js';
import { Scope } from '../protocol/scope.js';
import type { Session } from '../protocol/session.js';
import type { HashingLayout } from './layout.js';
import { hashingRelations, type Hashed } from './relations.js';
import { filledTrace, type OpenedGroup } from './trace.js';

/**
 * @param parameters for vectors of the layout's size; their queries have to count the rounds of level 1 as well
 * @param opened all leaves that were opened, in the layout's order
 * @throws RangeError where what is hashed, or the parameters, do not fit the layout
 */
export async function proveHashing(
  session: Session,
  layout: HashingLayout,
  parameters: OpeningParameters,
  { hashed, opened }: { hashed: Hashed; opened: ProverOnly<OpenedGroup[]> },
): Promise<void> {
  const filled = opened.present
    ? ProverOnly.of(await filledTrace(session.engine, layout, opened.value))
    : ProverOnly.none<FpVec>();
  await proveTrace(session, layout, parameters, hashed, filled);
}

/** The same for S as it is. */
export async function proveTrace(
  session: Session,
  layout: HashingLayout,
  parameters: OpeningParameters,
  hashed: Hashed,
  filled: ProverOnly<FpVec>,
): Promise<void> {
  const { logSize, width } = layout;
  if (parameters.logSize !== logSize)
    throw new RangeError(
      `hashing: parameters for 2^${parameters.logSize} entries, the layout has 2^${logSize}`,
    );
  const committed = filled.present
    ? ProverOnly.of(
        await CommittedVector.commit(session.engine, filled.value, {
          partLog: logSize,
          logInvRate: parameters.rounds[0].logInvRate,
          widths: [width],
          scheme: CAPS,
        }),
      )
    : ProverOnly.none<CommittedVector>();
  const bound = await commitmentMessages(
    session,
    'send',
    'witness',
    { widths: [width], scheme: CAPS },
    committed,
  );
  const sampled = await bindByMessage(session, bound, committed);
  const scope = new Scope(
    session,
    filled.map((witness) => ({ witness, parameters: witness })),
  );
  await hashingRelations(scope, layout, hashed);
  await openVectors(scope, parameters, [sampled]);
  await committed.each(({ parts }) => {
    for (const part of parts) part.dispose();
  });
}
