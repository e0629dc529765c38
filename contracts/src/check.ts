/** A proof file and the chain: does the contract know what the file states? */
import { AttensorError } from '@attensor/core';
import { Field, type PublicKey } from 'o1js';
import { Attestation } from './attestation.js';
import { Commitment } from './commitment.js';
import { isDeep } from './depth.js';
import { readAll, type Reading, type ReadOptions } from './read.js';
import { readSettledIn, type SettledIn } from './settlement-blocks.js';
import { proofProblem } from './stated-proof.js';
import { Statement } from './statement.js';

/** The parts of a proof file that are compared with the chain. */
export interface AttestedFile {
  statement: Record<'modelRoot' | 'vocabularyRoot' | 'inputHash' | 'outputHash', string>;
  verificationKey: { data: string; hash: string };
  proof: {
    publicInput: string[];
    publicOutput: string[];
    maxProofsVerified: 0 | 1 | 2;
    proof: string;
  };
}

export interface CheckOptions extends ReadOptions {
  /** Verify the file's own proof too, as the network did on submission. */
  proof?: boolean;
  /** Count as attested only what has so many blocks on top of its own, and as settled what has them on top of its settlement's. */
  minDepth?: number;
}

/** What the chain knows of a proof file's statement. */
export interface AttestationCheck {
  attestation: Attestation;
  /** Has it been submitted, at least `minDepth` deep, so that the network verified a proof of it? */
  attested: boolean;
  /** Is it in the record, settled at least `minDepth` deep, so that contracts can rely on it? */
  settled: boolean;
  /** Is it of the model that the contract is committed to now? */
  current: boolean;
  /** Is the file's own proof valid? Undefined if that was not asked. */
  proofValid: boolean | undefined;
  /** Of the node's last block. */
  blockHeight?: number;
  /** Blocks on top of the first submission's, as the archive tells; undefined if it is not submitted, or on a chain without blocks. */
  depth?: number;
  /** Where it went into the record, as archives tell: undefined if it is not settled, or none tells. It is not proved. */
  settledIn?: SettledIn;
  /** True if the archive has not seen the last submissions: what it has not seen yet counts as not attested. */
  behind: boolean;
}

/**
 * Compares a proof file with the chain. Whether the contract is the one that you trust, `requireGenuine` says.
 *
 * @param file as `attensor prove` writes it
 * @throws BAD_ARGUMENT, as `readAll`
 */
export async function checkAttestation(
  address: PublicKey,
  file: AttestedFile,
  { proof = false, minDepth = 0, ...options }: CheckOptions = {},
): Promise<AttestationCheck> {
  const attestation = attestationOf(file);
  const proofValid = proof ? await isProofValid(file) : undefined;
  const reading = await readAll(address, options);
  const { contract, history, attestations, behind } = reading;
  const position = history.find(attestation)?.index;
  const found = position === undefined ? undefined : attestations[position];
  const deep = found !== undefined && isDeep(found, minDepth);
  const settledIn = found?.settled
    ? await settlementOf(address, reading, found.index, { minDepth, ...options })
    : undefined;
  const model = Commitment.toFields(Attestation.commitment(attestation));
  return {
    attestation,
    attested: deep,
    settled: deep && found.settled && isDeep(settledIn, minDepth),
    current: Commitment.toFields(contract.commitment).every(
      (field, i) => field.toBigInt() === model[i].toBigInt(),
    ),
    proofValid,
    blockHeight: contract.blockHeight,
    depth: found?.depth,
    settledIn,
    behind,
  };
}

/** @throws only where it matters to the answer */
async function settlementOf(
  address: PublicKey,
  reading: Reading,
  index: number,
  { minDepth, ...options }: ReadOptions & { minDepth: number },
): Promise<SettledIn | undefined> {
  try {
    return (await readSettledIn(address, reading, { ...options, only: index })).get(index);
  } catch (error) {
    if (minDepth > 0) throw error;
    return undefined;
  }
}

function attestationOf({ statement, verificationKey }: AttestedFile): Attestation {
  try {
    return new Attestation({
      statement: new Statement({
        modelRoot: Field(statement.modelRoot),
        vocabularyRoot: Field(statement.vocabularyRoot),
        inputHash: Field(statement.inputHash),
        outputHash: Field(statement.outputHash),
      }),
      verifierKeyHash: Field(verificationKey.hash),
    });
  } catch (cause) {
    throw new AttensorError({
      code: 'BAD_ARGUMENT',
      what: 'this is not a proof file',
      where: 'statement, verificationKey',
      expected: 'field elements in decimal',
      got: cause instanceof Error ? cause.message : String(cause),
      hint: 'Get the file again from its maker',
      cause,
    });
  }
}

/** Is the file's own proof valid, for its statement and under its key? Whose key that is, it does not say. */
export async function isProofValid(file: AttestedFile): Promise<boolean> {
  return (await proofProblem(file, statedFields(file))) === undefined;
}

/** The statement's fields in the order of a proof's public input. */
export const statedFields = ({ statement }: Pick<AttestedFile, 'statement'>): string[] => {
  const { modelRoot, vocabularyRoot, inputHash, outputHash } = statement;
  return [modelRoot, vocabularyRoot, inputHash, outputHash];
};
