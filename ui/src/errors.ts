/** Errors as the page shows them. */
import { AttensorError, errorJson, type ErrorJson } from '@attensor/core';

/** An error as it crosses from the worker, and as it is shown. */
export type ErrorView = ErrorJson;

/** Any error as the page shows it. */
export function errorView(error: unknown): ErrorView {
  if (error instanceof AttensorError) return error.toJSON();
  return {
    ...errorJson(error),
    hint: 'Load the page again; if it happens again, please report it',
  };
}
