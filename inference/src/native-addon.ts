/** The native package, loaded on first use: the reference engine and the file formats work without it. */
import type { model } from '@attensor/native';
import { AttensorError } from '@attensor/core';

let loaded: typeof model | undefined;

/** @throws ENGINE_UNAVAILABLE */
export async function loadNative(): Promise<typeof model> {
  if (loaded) return loaded;
  try {
    const native = await import('@attensor/native');
    native.loadAddon();
    return (loaded = native.model);
  } catch (cause) {
    throw new AttensorError({
      code: 'ENGINE_UNAVAILABLE',
      what: 'the native engine cannot be loaded',
      got: cause instanceof Error ? cause.message : String(cause),
      hint: "Build it with 'npm run build:native', or choose the reference engine",
      cause,
    });
  }
}

export function isNativeFailure(error: unknown): error is model.KernelError {
  return loaded?.isKernelError(error) ?? false;
}
