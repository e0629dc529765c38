import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { askNode } from './graphql.js';
import { AnsweringNode } from './testing/answering-node.js';

let node: AnsweringNode;

beforeAll(async () => {
  node = await AnsweringNode.start();
});
afterAll(() => node.stop());

async function ask(answer: unknown, status = 200) {
  Object.assign(node, { answer, status });
  return await askNode(node.url, 'query', { a: 1 }, { timeoutMs: 500 });
}

describe('askNode', () => {
  it("returns the answer's data, unchecked", async () => {
    expect(await ask({ data: { b: [2] } })).toEqual({ b: [2] });
    expect(node.asked).toEqual({ query: 'query', variables: { a: 1 } });
    expect(await ask({ data: null, errors: [] })).toBeNull();
    expect(await ask({})).toBeUndefined();
  });

  it('names a question that the node refuses', async () => {
    const refused = { data: null, errors: [{ message: `Cannot query field${'.'.repeat(999)}` }] };
    for (const status of [200, 400]) {
      await expect(ask(refused, status)).rejects.toMatchObject({
        code: 'BAD_ANSWER',
        where: node.url,
        got: expect.stringMatching(/^Cannot query field\.{1,300}$/) as unknown,
      });
    }
    await expect(ask({ errors: [null] })).rejects.toMatchObject({ code: 'BAD_ANSWER' });
  });

  it.each([
    ['no JSON', 'hello', 200, 'BAD_ANSWER'],
    ['nothing', '', 200, 'BAD_ANSWER'],
    ['a number', 7, 200, 'BAD_ANSWER'],
    ['null', null, 200, 'BAD_ANSWER'],
    ['a page that is not there', '<html>', 404, 'BAD_ANSWER'],
    ["a proxy's page", '<html>', 502, 'NODE_UNAVAILABLE'],
    ['no answer in time', undefined, 200, 'NODE_UNAVAILABLE'],
  ])('%s', async (_, answer, status, code) => {
    await expect(ask(answer, status)).rejects.toMatchObject({ code, where: node.url });
  });

  it('a node that is down, and what is no URL', async () => {
    const gone = await AnsweringNode.start();
    await gone.stop();
    await expect(askNode(gone.url, '', {})).rejects.toMatchObject({
      code: 'NODE_UNAVAILABLE',
      got: expect.stringContaining('ECONNREFUSED') as unknown,
    });
    await expect(askNode('nowhere', '', {})).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' });
  });
});
