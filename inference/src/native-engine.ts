/** The native kernels as an engine. */
import { SHORT_ATTENTION } from './config.js';
import { isNativeFailure, loadNative } from './native-addon.js';
import { expTable, sigmoidTable } from './components/tables.js';
import { expectLength, place, type Site } from './components/site.js';
import type { Engine } from './engine.js';
import { AttensorError } from '@attensor/core';

/** @param signal stops kernels that run. @throws ENGINE_UNAVAILABLE */
export async function nativeEngine(signal?: AbortSignal): Promise<Engine> {
  const native = await loadNative();
  const guard = <T>(at: Site, run: () => T | Promise<T>): T | Promise<T> => {
    try {
      const result = run();
      return isPromise(result)
        ? result.catch((error: unknown) => Promise.reject(translate(error, at)))
        : result;
    } catch (error) {
      throw translate(error, at);
    }
  };
  return {
    name: 'native',
    gemm(x, w, shape, at) {
      expectLength(at, 'the input', x.length, shape.rows, shape.inner);
      expectLength(at, 'the weight', w.length, shape.outer, shape.inner);
      return guard(at, () => native.gemm(x, native.constant(w), shape, signal));
    },
    gemmAcc(x, w, shape, at) {
      expectLength(at, 'the input', x.length, shape.rows, shape.inner);
      expectLength(at, 'the weight', w.length, shape.outer, shape.inner);
      return guard(at, () => native.gemmAcc(x, native.constant(w), shape, signal));
    },
    gemmRows(x, from, w, shape, to, out, at) {
      expectLength(at, 'the weight', w.length, shape.outer, shape.inner);
      return guard(at, () => native.gemmRows(x, from, native.constant(w), shape, to, out, signal));
    },
    rmsNorm(x, g, rows, d, epsilon, at) {
      expectLength(at, 'the input', x.length, rows, d);
      expectLength(at, 'the weight', g.length, d);
      return guard(at, () => native.rmsNorm(x, g, rows, d, epsilon, signal));
    },
    rope(x, { cos, sin }, rows, heads, d, at) {
      expectLength(at, 'the input', x.length, rows, heads, d);
      expectLength(at, 'the cosine table', cos.length, rows, d / 2);
      expectLength(at, 'the sine table', sin.length, rows, d / 2);
      return guard(at, () => native.rope(x, cos, sin, rows, heads, d, signal));
    },
    mul1(inputs, shape, allPairs, at) {
      const { queries, keys, heads } = shape;
      expectLength(at, 'qn', inputs.qn.length, queries, heads, inputs.nope);
      expectLength(at, 'kn', inputs.kn.length, keys, heads, inputs.nope);
      expectLength(at, 'qr', inputs.qr.length, queries, heads, inputs.rope);
      expectLength(at, 'kr', inputs.kr.length, keys, inputs.rope);
      return guard(at, () => native.mul1(inputs, shape, allPairs, signal));
    },
    softmax(acc, scale, shape, at, digits = SHORT_ATTENTION) {
      expectLength(at, 'the scores', acc.length, shape.heads, shape.queries, shape.keys);
      return guard(at, () => native.softmax(acc, scale, expTable(), shape, digits, signal));
    },
    mul2(p, values, width, shape, at, digits = SHORT_ATTENTION) {
      expectLength(at, 'p', p.length, shape.heads, shape.queries, shape.keys);
      expectLength(at, 'the values', values.length, shape.keys, shape.heads, width);
      return guard(at, () => native.mul2(p, values, width, shape, digits.probability, signal));
    },
    sigmoid: (x) => native.sigmoid(x, sigmoidTable(), signal),
    add(terms, rows, width, at) {
      for (const term of terms) expectLength(at, 'a term', term.length, rows, width);
      return guard(at, () => native.add(terms, rows, width, signal));
    },
    multiply(a, b, rows, width, at) {
      expectLength(at, 'the first factor', a.length, rows, width);
      expectLength(at, 'the second factor', b.length, rows, width);
      return guard(at, () => native.multiply(a, b, rows, width, signal));
    },
    scaleRows(x, w, rows, width, at) {
      expectLength(at, 'the input', x.length, rows, width);
      expectLength(at, 'the factors', w.length, rows);
      return guard(at, () => native.scaleRows(x, w, rows, width, signal));
    },
    exponentials(x, rows, width, at) {
      expectLength(at, 'the input', x.length, rows, width);
      return guard(at, () => native.exponentials(x, expTable(), rows, width, signal));
    },
    gating(score, choice, bias, rows, router, at) {
      expectLength(at, 'the scores', score.length, rows, router.experts);
      expectLength(at, 'the choices', choice.length, rows, router.experts);
      expectLength(at, 'the bias', bias.length, router.experts);
      return guard(at, () => native.gating(score, choice, bias, rows, router, signal));
    },
    argmax(acc, rows, width, at) {
      expectLength(at, 'the logits', acc.length, rows, width);
      return guard(at, () => native.argmax(acc, rows, width, signal));
    },
  };
}

/** A failure of a kernel as the error the reference throws. */
function translate(error: unknown, at: Site): unknown {
  if (!isNativeFailure(error)) return error;
  const { code, row = 0, column = 0, expected = '', got = '' } = error;
  if (code === 'CANCELLED') {
    return new AttensorError({ code, what: 'the work was cancelled', where: at.component });
  }
  if (code === 'DEVICE_MISSING' || code === 'DEVICE_OUT_OF_MEMORY' || code === 'DEVICE_FAILED') {
    return new AttensorError({ code, what: error.message, where: at.component, cause: error });
  }
  return place(at, code, row, column, expected, got, error);
}

/** Also of promises from another realm. */
function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | undefined)?.then === 'function';
}
