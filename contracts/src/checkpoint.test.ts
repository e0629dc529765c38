import { describe, expect, it } from '@jest/globals';
import { type Checkpoint, makeCheckpoint, openCheckpoint } from './checkpoint.js';
import { linkUpdates } from './queue-walk.js';

const ADDRESS = `B62${'q'.repeat(52)}`;
const updates = linkUpdates([
  { actions: [['1', '2']], blockHeight: 5, transactionHash: '5J' },
  { actions: [['3', '4']], blockHeight: 9, transactionHash: '5K' },
]);
const checkpoint = makeCheckpoint(ADDRESS, 10, updates);

describe('a checkpoint', () => {
  it('survives JSON', () => {
    const copy: unknown = JSON.parse(JSON.stringify(checkpoint));
    expect(openCheckpoint(copy, ADDRESS)).toEqual(updates);
  });

  it.each<[string, (copy: Checkpoint) => unknown]>([
    ['nothing', () => null],
    ['text', () => 'checkpoint'],
    ['another format', (copy) => ({ ...copy, format: 'else' })],
    ['no actions', (copy) => ({ ...copy, updates: [{ actions: [] }] })],
    ['a number that is none', (copy) => ({ ...copy, updates: [{ actions: [['-1']] }] })],
    ['a changed action', (copy) => ((copy.updates[1].actions[0][0] = '5'), copy)],
    ['an action less', (copy) => (copy.updates.pop(), copy)],
    ['another state', (copy) => ({ ...copy, actionState: '5' })],
    ['another contract', (copy) => ({ ...copy, address: `B62${'r'.repeat(52)}` })],
  ])('is refused with %s', (_, change) => {
    expect(() => openCheckpoint(change(structuredClone(checkpoint)), ADDRESS)).toThrow(
      expect.objectContaining({ code: 'BAD_FILE' }),
    );
  });

  it('of another version is named', () => {
    expect(() => openCheckpoint({ ...checkpoint, version: 2 }, ADDRESS)).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED_VERSION', got: '2' }),
    );
  });
});
