/**
 * What a query may cost. It is counted from the text alone, before it is validated or executed: both
 * can take seconds for a query that was written for that.
 */
import {
  type DocumentNode,
  GraphQLError,
  Kind,
  parse,
  type SelectionNode,
  type SelectionSetNode,
  type Source,
} from 'graphql';
import { AttensorError } from '@attensor/core';

/** Largest query, in words of the language. A transaction is one of some thousands. */
const MAX_TOKENS = 200_000;
/** Fields and fragments that are written down. Validation compares every two fields of one name. */
const MAX_SELECTIONS = 1000;
/** A level is a pair of braces; introspection has the most of them. */
const MAX_DEPTH = 20;
/** Of answers with fragments expanded; a field costs 1, and these more. Less than a second of work. */
const MAX_COST = 20_000;
const COSTS: Record<string, number> = {
  account: 20,
  accounts: 200,
  tokenOwner: 200,
  merklePath: 100,
  leafHash: 100,
  encodedSnarkedLedgerAccountMembership: 200,
  events: 200,
  actions: 200,
  block: 20,
  sendZkapp: 2000,
  sendPayment: 1000,
  sendDelegation: 1000,
  makeBlock: 1000,
};
/** Lists of the schema, which a question about it can nest; by what is in them. */
const LENGTHS: Record<string, number> = { types: 10, fields: 5, inputFields: 5, args: 3 };
/** A daemon remembers as many blocks. */
export const MAX_BLOCKS = 290;

/** @throws GraphQLError when the text is not a query, or costs too much */
export function parseQuery(
  source: string | Source,
  options: Parameters<typeof parse>[1],
): DocumentNode {
  let document: DocumentNode;
  try {
    document = parse(source, { ...options, maxTokens: MAX_TOKENS });
  } catch (error) {
    if (error instanceof GraphQLError) throw error;
    // the parser calls itself for every level
    throw tooLarge('levels', MAX_DEPTH, 'more than the parser can follow');
  }
  new Counter(document).check();
  return document;
}

class Counter {
  private readonly fragments: Map<string, SelectionSetNode>;
  /** Of fragments that were counted already: each is counted once, however often it is named. */
  private readonly known = new Map<string, number>();
  private selections = 0;

  constructor(private readonly document: DocumentNode) {
    const fragments = document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION);
    this.fragments = new Map(
      fragments.flatMap((each) =>
        each.kind === Kind.FRAGMENT_DEFINITION ? [[each.name.value, each.selectionSet]] : [],
      ),
    );
  }

  check(): void {
    let cost = 0;
    for (const definition of this.document.definitions) {
      if (definition.kind === Kind.OPERATION_DEFINITION) {
        cost = Math.max(cost, this.costOf(definition.selectionSet, 1));
      }
    }
    if (cost > MAX_COST) throw tooLarge('units of work', MAX_COST, String(cost));
  }

  private costOf({ selections }: SelectionSetNode, depth: number): number {
    if (depth > MAX_DEPTH) throw tooLarge('levels', MAX_DEPTH, 'more');
    this.selections += selections.length;
    if (this.selections > MAX_SELECTIONS) throw tooLarge('fields', MAX_SELECTIONS, 'more');
    return selections.reduce((sum, selection) => sum + this.costOfOne(selection, depth), 0);
  }

  private costOfOne(selection: SelectionNode, depth: number): number {
    if (selection.kind === Kind.INLINE_FRAGMENT) {
      return this.costOf(selection.selectionSet, depth + 1);
    }
    if (selection.kind === Kind.FRAGMENT_SPREAD) return this.costOfFragment(selection.name.value);
    const inside =
      selection.selectionSet === undefined ? 0 : this.costOf(selection.selectionSet, depth + 1);
    const name = selection.name.value;
    if (name !== 'bestChain') return (COSTS[name] ?? 1) + (LENGTHS[name] ?? 1) * inside;
    const length = selection.arguments?.find((argument) => argument.name.value === 'maxLength');
    const blocks = length?.value.kind === Kind.INT ? Number(length.value.value) : MAX_BLOCKS;
    return 1 + Math.min(Math.max(blocks, 0), MAX_BLOCKS) * inside;
  }

  private costOfFragment(name: string): number {
    const known = this.known.get(name);
    if (known !== undefined) return known;
    // one that names itself is refused by validation
    this.known.set(name, 0);
    const fragment = this.fragments.get(name);
    const cost = fragment === undefined ? 0 : this.costOf(fragment, 1);
    this.known.set(name, cost);
    return cost;
  }
}

function tooLarge(what: string, most: number, got: string): GraphQLError {
  const error = new AttensorError({
    code: 'QUERY_TOO_LARGE',
    what: 'the query asks for too much at once',
    expected: `at most ${most} ${what}`,
    got,
    hint: 'ask in several requests',
  });
  return new GraphQLError(error.message, { extensions: { ...error.toJSON() } });
}
