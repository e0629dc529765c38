/**
 * The statement's tokens, private but hashed in the circuit: input and output lists of a capacity's positions, lengths bound by
 * the hashes, `inputHash` and `outputHash` as in the contracts package. Masks and successor columns follow from them. Several requests
 * have lists of their own, each at positions of its own.
 */
import { INPUT_DOMAIN, OUTPUT_DOMAIN } from '@attensor/contracts';
import { ceilLog2 } from '../protocol/field.js';
import { eqTable } from '../protocol/polynomials.js';
import type { ProverOnly } from '../protocol/prover-only.js';
import type { Session } from '../protocol/session.js';
import type { Wire } from '../protocol/tape.js';

export interface TokenInput {
  promptIds: number[];
  outputIds: number[];
}

/** `inputHash` and `outputHash` of a request. */
export interface TokenHashes {
  input: Wire;
  output: Wire;
}

/** What the positions of one request hold. */
interface Lists {
  ids: Wire[];
  /** bits of each token, lowest first */
  bits: Wire[][];
  /** 1 where the next position holds an output token */
  mask: Wire[];
}

export interface TokenSizes {
  /** positions of a request */
  capacity: number;
  /** number of tokens */
  vocabulary: number;
}

export class TokenColumns {
  /** bits of each token, lowest first */
  readonly bits: Wire[][];
  private readonly mask: Wire[];
  private readonly ids: Wire[];
  private readonly capacity: number;

  private constructor(
    private readonly session: Session,
    lists: Lists[],
  ) {
    this.bits = lists.flatMap(({ bits }) => bits);
    this.mask = lists.flatMap(({ mask }) => mask);
    this.ids = lists.flatMap(({ ids }) => ids);
    this.capacity = lists[0].ids.length;
  }

  /** One request, with the hashes that its lists must have. */
  static async bind(
    session: Session,
    sizes: TokenSizes,
    hashes: TokenHashes,
    tokens: ProverOnly<TokenInput>,
  ): Promise<TokenColumns> {
    const names = { input: 'the prompt', output: 'the output' };
    const require = (list: keyof TokenHashes, hash: Wire): void => {
      const message = `tokens: ${names[list]} does not hash to ${list}Hash`;
      session.tape.assertEqual(hash, hashes[list], message);
    };
    return new TokenColumns(session, [await this.lists(session, sizes, tokens, require)]);
  }

  /** Several requests. @returns the hashes of each, in order; whoever calls requires what they must be */
  static async bindAll(
    session: Session,
    sizes: TokenSizes,
    requests: number,
    tokens: ProverOnly<readonly TokenInput[]>,
  ): Promise<{ columns: TokenColumns; hashes: Record<keyof TokenHashes, Wire[]> }> {
    const lists: Lists[] = [];
    const hashes: Record<keyof TokenHashes, Wire[]> = { input: [], output: [] };
    for (let r = 0; r < requests; r++) {
      const own = tokens.map((all) => all[r]);
      const keep = (list: keyof TokenHashes, hash: Wire): void => void hashes[list].push(hash);
      lists.push(await this.lists(session, sizes, own, keep));
    }
    return { columns: new TokenColumns(session, lists), hashes };
  }

  private static async lists(
    session: Session,
    { capacity, vocabulary }: TokenSizes,
    input: ProverOnly<TokenInput>,
    hashed: (list: keyof TokenHashes, hash: Wire) => void,
  ): Promise<Lists> {
    const { tape } = session;
    const perPosition = (f: (input: TokenInput, t: number) => number) => () =>
      Array.from({ length: capacity }, (_, t) => BigInt(f(input.value, t)));
    const tokens = await session.hint(
      capacity,
      'tokens',
      perPosition(({ promptIds, outputIds }, t) => [...promptIds, ...outputIds][t] ?? 0),
    );
    const isInput = await session.hint(
      capacity,
      'input positions',
      perPosition(({ promptIds }, t) => (t < promptIds.length ? 1 : 0)),
    );
    const isActive = await session.hint(
      capacity,
      'active positions',
      perPosition(({ promptIds, outputIds }, t) =>
        t < promptIds.length + outputIds.length ? 1 : 0,
      ),
    );
    const one = tape.constant(1n);
    const zero = tape.constant(0n);
    // Both are runs of ones from position 0, the input's within the active one, and neither part is empty.
    for (const run of [isInput, isActive]) {
      run.forEach((b) => tape.assertBit(b, 'tokens: a position flag is not a bit'));
      for (let t = 1; t < capacity; t++)
        tape.assertZero(
          tape.mul(run[t], tape.sub(one, run[t - 1])),
          'tokens: positions are not consecutive',
        );
    }
    for (let t = 0; t < capacity; t++)
      tape.assertZero(
        tape.mul(isInput[t], tape.sub(one, isActive[t])),
        'tokens: an input position is not active',
      );
    // Padding is token 0. Left free it could be chosen after the embedding's random point, to patch a false claim.
    for (let t = 0; t < capacity; t++)
      tape.assertZero(
        tape.mul(tokens[t], tape.sub(one, isActive[t])),
        'tokens: a padding position holds a token',
      );
    tape.assertEqual(isInput[0], one, 'tokens: the prompt is empty');
    const inputLength = tape.sum(isInput);
    const outputLength = tape.sub(tape.sum(isActive), inputLength);
    tape.inverse(outputLength);

    const start = (domain: bigint, length: Wire): [Wire, Wire, Wire] =>
      tape.permute([tape.constant(domain), length, zero]);
    let state = start(INPUT_DOMAIN.toBigInt(), inputLength);
    const outputStart = start(OUTPUT_DOMAIN.toBigInt(), outputLength);
    const captured: Wire[] = [];
    const ended: Wire[] = [];
    for (let t = 0; t < capacity; t++) {
      if (t > 0) {
        // At the first output position the input's hash is complete and the output's begins.
        const first = tape.sub(isInput[t - 1], isInput[t]);
        captured.push(tape.mul(first, state[0]));
        state = state.map((s, k) => tape.select(first, outputStart[k], s)) as [Wire, Wire, Wire];
      }
      state = tape.permute([tape.add(state[0], tokens[t]), state[1], state[2]]);
      // The output's hash is complete at the last active position; what follows is not read.
      const last = t + 1 < capacity ? tape.sub(isActive[t], isActive[t + 1]) : isActive[t];
      ended.push(tape.mul(last, state[0]));
    }
    hashed('input', tape.sum(captured));
    hashed('output', tape.sum(ended));

    const mask = Array.from({ length: capacity }, (_, t) =>
      t + 1 < capacity ? tape.sub(isActive[t + 1], isInput[t + 1]) : zero,
    );
    const log = ceilLog2(vocabulary);
    const bits = tokens.map((v) => tape.bits(v, log));
    // An id in the padded part of the vocabulary could win an argmax that does not look there.
    if (vocabulary !== 2 ** log)
      for (const v of tokens) tape.bits(tape.linear([[v, -1n]], BigInt(vocabulary - 1)), log);
    return { ids: tokens, bits, mask };
  }

  readonly outputMask = (): bigint[] => this.session.valuesOf(this.mask);

  outputMaskAt(t: Wire[]): Wire {
    return this.session.tape.inner(this.mask, this.weights(t));
  }

  /** Whether another position of the same request follows. */
  private readonly hasNext = (_: unknown, row: number): boolean => (row + 1) % this.capacity !== 0;

  /** t -> token at t + 1, 0 for a request's last position */
  readonly nextIds = (): bigint[] =>
    this.ids.map((_, row) =>
      this.hasNext(_, row) ? this.session.valuesOf([this.ids[row + 1]])[0] : 0n,
    );

  nextIdAt(t: Wire[]): Wire {
    const next = this.ids.flatMap((_, row) => (this.hasNext(_, row) ? [this.ids[row + 1]] : []));
    return this.session.tape.inner(next, this.weights(t).filter(this.hasNext));
  }

  private readonly tables = new Map<string, Wire[]>();
  private weights(t: Wire[]): Wire[] {
    const key = t.join(',');
    let table = this.tables.get(key);
    if (!table) this.tables.set(key, (table = eqTable(this.session.tape, t)));
    return table;
  }

  /** (t, v) -> mask(t) [v = next token of t] */
  readonly successors = (): bigint[] => {
    const vocabulary = 2 ** this.bits[0].length;
    const next = this.nextIds();
    const out = new Array<bigint>(next.length * vocabulary).fill(0n);
    this.outputMask().forEach((m, t) => {
      if (m === 1n) out[t * vocabulary + Number(next[t])] = 1n;
    });
    return out;
  };

  successorsAt(t: Wire[], v: Wire[]): Wire {
    const { tape } = this.session;
    const weights = this.weights(t);
    return tape.sum(
      this.mask.flatMap((m, row) => {
        if (!this.hasNext(m, row)) return [];
        const next = this.bits[row + 1];
        const match = v.map((r, i) => {
          const bit = next[v.length - 1 - i];
          // bit r + (1 - bit)(1 - r)
          return tape.linear(
            [
              [tape.mul(bit, r), 2n],
              [bit, -1n],
              [r, -1n],
            ],
            1n,
          );
        });
        return [tape.mul(tape.mul(weights[row], m), tape.product(match))];
      }),
    );
  }
}
