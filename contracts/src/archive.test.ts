import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { fetchQueueBlocks } from './archive.js';
import { AnsweringNode } from './testing/answering-node.js';

let node: AnsweringNode;
beforeAll(async () => {
  node = await AnsweringNode.start();
});
afterAll(() => node.stop());
beforeEach(() => {
  node.status = 200;
});

const fetch = () =>
  fetchQueueBlocks({ url: node.url }, 'B62', { from: 5, to: 10 }, { timeoutMs: 500 });
const action = (accountUpdateId: string, value: string, sequenceNumber = 1, ids = [1, 2, 3]) => ({
  accountUpdateId,
  data: [value],
  transactionInfo: { hash: `tx ${sequenceNumber}`, sequenceNumber, zkappAccountUpdateIds: ids },
});
const block = (...actionData: unknown[]) => ({
  blockInfo: { height: 7, chainStatus: 'pending', timestamp: '1700000000000' },
  actionState: { actionStateOne: '11', actionStateTwo: '10' },
  actionData,
});

describe("an archive's answer", () => {
  it('is asked for with bounds, and sorted by transactions and updates', async () => {
    node.answer = {
      data: {
        actions: [
          block(action('9', '4', 2, [9]), action('3', '3'), action('1', '1'), action('1', '2')),
        ],
      },
    };
    const { blocks, skipped } = await fetch();
    expect(node.asked?.variables).toEqual({ input: { address: 'B62', from: 5, to: 10 } });
    expect(skipped).toBe(0);
    expect(blocks).toMatchObject([{ before: '10', after: '11', status: 'pending' }]);
    expect(blocks[0].updates.map(({ actions }) => actions)).toEqual([
      [['1'], ['2']],
      [['3']],
      [['4']],
    ]);
    expect(blocks[0].updates[2]).toMatchObject({ blockHeight: 7, transactionHash: 'tx 2' });
  });

  /** Ids of the account updates of a transaction, and the actions of each that is told of. */
  const updatesOf = async (...transactions: [ids: number[], told: [string, string][]][]) => {
    const actionData = transactions.flatMap(([ids, told], sequence) =>
      told.map(([id, value]) => action(id, value, sequence, ids)),
    );
    node.answer = { data: { actions: [block(...actionData)] } };
    const { blocks } = await fetch();
    return blocks[0].updates.map(({ actions }) => actions.map(([value]) => value));
  };

  it('tells of equal account updates once, and names them as often as they are there', async () => {
    // copied within a transaction, with another one in between
    expect(
      await updatesOf([
        [7, 3, 9, 7, 7],
        [
          ['7', '1'],
          ['9', '2'],
        ],
      ]),
    ).toEqual([['1'], ['2'], ['1'], ['1']]);
    // copied from one transaction into the next one
    expect(await updatesOf([[7], [['7', '1']]], [[4, 7], [['7', '1']]])).toEqual([['1'], ['1']]);
    // two actions of one update, twice
    expect(
      await updatesOf([
        [7, 7],
        [
          ['7', '1'],
          ['7', '2'],
        ],
      ]),
    ).toEqual([
      ['1', '2'],
      ['1', '2'],
    ]);
  });

  it('of a block with more updates than any block can have is not believed', async () => {
    node.answer = {
      data: { actions: [block(action('7', '1', 1, Array<number>(20_000).fill(7)))] },
    };
    expect(await fetch()).toEqual({ blocks: [], skipped: 1 });
  });

  it('that is huge is refused, so that fewer blocks are asked for', async () => {
    node.answer = { data: { actions: Array<unknown>(1000).fill(block(action('1', '1'))) } };
    const range = { from: 5, to: 10 };
    await expect(
      fetchQueueBlocks({ url: node.url }, 'B62', range, { maxBytes: 10_000 }),
    ).rejects.toMatchObject({ code: 'BAD_ANSWER', what: 'the answer is too large' });
  });

  it('is counted where it has a form that is not known, and used where it has', async () => {
    const odd = { ...block(action('1', '1')), actionState: { actionStateOne: 'x' } };
    node.answer = { data: { actions: [odd, null, 7, block(), block(action('1', '1'))] } };
    expect(await fetch()).toMatchObject({ skipped: 4, blocks: [{ after: '11' }] });
    node.answer = { data: { actions: null } };
    expect(await fetch()).toEqual({ skipped: 0, blocks: [] });
  });

  it.each<[string, unknown, string]>([
    ['no list', { data: { actions: 7 } }, 'BAD_ANSWER'],
    ['a refusal', { errors: [{ message: 'block range too large' }] }, 'BAD_ANSWER'],
    ['nothing in time', undefined, 'NODE_UNAVAILABLE'],
  ])('%s', async (_, answer, code) => {
    node.answer = answer;
    await expect(fetch()).rejects.toMatchObject({ code, where: node.url });
  });
});
