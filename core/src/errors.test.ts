import { describe, expect, it } from '@jest/globals';
import { AttensorError, errorJson, present, throwIfAborted } from './errors.js';

const error = new AttensorError({
  code: 'BAD_SHAPE',
  what: 'the tensor has another shape',
  where: 'layers.0.wq',
  expected: '4 x 8',
  got: '8 x 4',
  hint: 'Transpose it',
});

describe('AttensorError', () => {
  it('says everything in one line', () => {
    expect(error.message).toBe(
      'BAD_SHAPE: the tensor has another shape (layers.0.wq); expected 4 x 8, got 8 x 4. Transpose it',
    );
    expect(new AttensorError({ code: 'INTERNAL', what: 'a fault', got: '3' }).message).toBe(
      'INTERNAL: a fault; got 3',
    );
  });

  it('goes through JSON and back', () => {
    const again = AttensorError.fromJSON(JSON.parse(JSON.stringify(error)) as typeof error);
    expect(again).toBeInstanceOf(AttensorError);
    expect(again.toJSON()).toEqual(error.toJSON());
    expect(again.message).toBe(error.message);
  });

  it('has no field for what is absent', () => {
    const json = new AttensorError({ code: 'CANCELLED', what: 'it was cancelled' }).toJSON();
    expect(Object.keys(json)).toEqual(['code', 'what']);
  });
});

it('errors of others are INTERNAL', () => {
  expect(errorJson(error)).toEqual(error.toJSON());
  expect(errorJson(TypeError('no'))).toEqual({ code: 'INTERNAL', what: 'no' });
  expect(errorJson('no')).toEqual({ code: 'INTERNAL', what: 'no' });
});

it('throwIfAborted throws for an aborted signal only', () => {
  const controller = new AbortController();
  throwIfAborted(undefined, 'here');
  throwIfAborted(controller.signal, 'here');
  controller.abort();
  expect(() => throwIfAborted(controller.signal, 'here')).toThrow('CANCELLED');
});

it('present gives what is there, and an error for what is not', () => {
  expect([present(0), present(''), present(false)]).toEqual([0, '', false]);
  for (const absent of [undefined, null])
    expect(() => present(absent, 'the key')).toThrow('INTERNAL: the key is missing');
});
