/** Failures that a caller of the node can understand and act on. */

export { NodeError, type NodeErrorCode };

/** What clients may match on; see the table in docs/operations.md. */
type NodeErrorCode =
  | 'BAD_TRANSACTION'
  | 'BAD_ARGUMENT'
  | 'INVALID_SIGNATURE'
  | 'INVALID_PROOF'
  | 'INVALID_NONCE'
  | 'INSUFFICIENT_FUNDS'
  | 'EXPIRED'
  | 'DUPLICATE'
  | 'UNKNOWN_ACCOUNT'
  | 'UNKNOWN_TRANSACTION'
  | 'UNKNOWN_ACTION_STATE'
  | 'NO_ACCOUNT_LEFT'
  | 'BAD_DATA_DIR'
  | 'DATA_DIR_IN_USE'
  | 'LOG_WRITE_FAILED'
  | 'PORT_IN_USE'
  | 'UNSUPPORTED_O1JS';

type Details = Pick<NodeError, 'code' | 'what' | 'where' | 'expected' | 'got' | 'hint'>;

class NodeError extends Error {
  override readonly name = 'NodeError';
  readonly code: NodeErrorCode;
  readonly what: string;
  readonly where?: string;
  readonly expected?: string;
  readonly got?: string;
  readonly hint?: string;

  constructor(details: Details) {
    super(sentence(details));
    this.code = details.code;
    this.what = details.what;
    this.where = details.where;
    this.expected = details.expected;
    this.got = details.got;
    this.hint = details.hint;
  }
}

/** The whole of it in one line: o1js shows nothing of a GraphQL error but its message. */
function sentence({ code, what, where, expected, got, hint }: Details): string {
  const parts = [
    `${code}: ${what}`,
    where && `at ${where}`,
    expected && `expected ${expected}`,
    got && `got ${got}`,
    hint,
  ];
  return parts.filter((part) => part !== undefined && part !== '').join('; ');
}
