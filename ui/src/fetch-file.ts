/** A file of the site. */
import type { AttensorError } from '@attensor/core';

/**
 * @param read what is wanted of the answer
 * @param failed makes the error, from what was got instead
 */
export async function fetchFile<T>(
  url: string,
  read: (response: Response) => Promise<T>,
  failed: (got: string, cause?: unknown) => AttensorError,
  options?: RequestInit,
): Promise<T> {
  try {
    const response = await fetch(url, options);
    if (!response.ok) throw Error(`HTTP ${response.status}`);
    return await read(response);
  } catch (cause) {
    throw failed(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

export const json = (response: Response): Promise<unknown> => response.json();
export const bytes = (response: Response): Promise<ArrayBuffer> => response.arrayBuffer();
