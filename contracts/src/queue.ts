/** What the actions of an account say, if it is a contract of this version. */
import { AttensorError } from '@attensor/core';
import { Field } from 'o1js';
import { MARKER } from './actions.js';
import { Attestation } from './attestation.js';

/**
 * The attestations among all actions ever dispatched, oldest first: a marker, then attestations only.
 *
 * @param actions fields of each, in decimal, as an archive tells
 * @param where the archive or the contract, for errors
 * @throws ARCHIVE_MISMATCH
 */
export function attestationsOf(actions: readonly string[][], where: string): Attestation[] {
  const [marker, ...submitted] = actions;
  if (marker !== undefined && marker.join() !== MARKER.join())
    throw mismatch(
      "the queue does not begin with the marker of the contract's initialize",
      where,
      MARKER.join(),
      marker.join(),
    );
  const size = Attestation.sizeInFields();
  return submitted.map((fields) => {
    if (fields.length !== size)
      throw mismatch(
        'the archive returned an action that is not an attestation',
        where,
        `${size} fields`,
        `${fields.length} fields`,
      );
    return new Attestation(Attestation.fromFields(fields.map(Field)));
  });
}

function mismatch(what: string, where: string, expected: string, got: string): AttensorError {
  return new AttensorError({
    code: 'ARCHIVE_MISMATCH',
    what,
    where,
    expected,
    got,
    hint: 'Check that the address is that of an attestation contract of this version, or use another archive',
  });
}
