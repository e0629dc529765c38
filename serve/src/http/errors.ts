/** Failures as clients of OpenAI's API expect them: `{"error": {message, type, param, code}}` with a status. */
import { AttensorError, errorJson } from '@attensor/core';
import type { FastifyError } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { z } from 'zod';

export const errorBody = z.object({
  error: z.object({
    message: z.string(),
    type: z.string(),
    /** The parameter that is to blame, where one is. */
    param: z.string().nullable(),
    code: z.string(),
  }),
});
export type ErrorBody = z.infer<typeof errorBody>;

export interface Refusal {
  status: number;
  code: string;
  message: string;
  param?: string;
  /** Seconds after which asking again makes sense. */
  retryAfter?: number;
}

/** A request that is refused. */
export class RequestError extends Error {
  constructor(readonly refusal: Refusal) {
    super(refusal.message);
  }
}

/** By code of an AttensorError: the status, and OpenAI's code where there is one for it. */
const STATUS: Record<string, [status: number, code?: string]> = {
  TOO_LONG: [400, 'context_length_exceeded'],
  EMPTY_PROMPT: [400],
  BAD_TOKENS: [400],
  BAD_ARGUMENT: [400],
  OVERFLOW: [400],
  ZERO_SUM: [400],
  MODEL_CHANGED: [503],
  MODEL_CORRUPT: [503],
  WRITE_FAILED: [503],
  NOT_FOUND: [500],
};

const INTERNAL: Refusal = {
  status: 500,
  code: 'internal_error',
  message: 'The service failed. Its log says why, under the id of this request',
};

const typeOf = ({ status, code }: Refusal): string => {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 429)
    return code === 'rate_limit_exceeded' ? 'rate_limit_error' : 'overloaded_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
};

export function bodyOf(refusal: Refusal): ErrorBody {
  const { message, param = null, code } = refusal;
  return { error: { message, type: typeOf(refusal), param, code } };
}

/** Any failure as a refusal. What is not the asker's business is not told. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof RequestError) return error.refusal;
  if (hasZodFastifySchemaValidationErrors(error)) return invalid(error.validation);
  if (error instanceof AttensorError) return ofAttensor(error);
  const { statusCode, code, message } = error as Partial<FastifyError>;
  if (statusCode === undefined || statusCode >= 500) return INTERNAL;
  return { status: statusCode, code: nameOf(code), message: message ?? 'The request is refused' };
}

function ofAttensor(error: AttensorError): Refusal {
  const known = STATUS[error.code];
  if (known === undefined || known[0] === 500) return INTERNAL;
  const { what, expected, got, hint } = errorJson(error);
  const parts = [what, expected && `expected ${expected}`, got && `got ${got}`, hint];
  return {
    status: known[0],
    code: known[1] ?? error.code.toLowerCase(),
    message: parts.filter((part) => part !== undefined).join('; '),
  };
}

/** Names of Fastify's own errors. */
function nameOf(code: string | undefined): string {
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return 'body_too_large';
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return 'unsupported_media_type';
    default:
      return 'invalid_request';
  }
}

interface Issue {
  instancePath: string;
  message?: string;
  keyword: string;
  params: unknown;
}

/** The first thing that a schema does not allow. */
function invalid([issue]: Issue[]): Refusal {
  const path = issue.instancePath.split('/').filter((part) => part !== '');
  const unknown = (issue.params as { keys?: string[] }).keys;
  if (issue.keyword === 'unrecognized_keys' && unknown !== undefined) {
    const param = [...path, unknown[0]].join('.');
    return {
      status: 400,
      code: 'unsupported_parameter',
      param,
      message: `'${param}' is not supported by this service`,
    };
  }
  const param = path.join('.');
  return {
    status: 400,
    code: 'invalid_value',
    param: param === '' ? undefined : param,
    message: `${param === '' ? 'The request' : `'${param}'`} is not valid: ${issue.message ?? 'see the API'}`,
  };
}
