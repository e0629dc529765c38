import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AttensorError } from '@attensor/core';
import { agreedAnswers, asEndpoint, askNode, firstAnswer } from './graphql.js';
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

  it('an answer that comes byte by byte', async () => {
    node.dripMs = 20;
    try {
      const start = performance.now();
      await expect(ask({ data: '.'.repeat(1000) })).rejects.toMatchObject({
        code: 'NODE_UNAVAILABLE',
      });
      expect(performance.now() - start).toBeLessThan(5000);
    } finally {
      node.dripMs = undefined;
    }
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

describe('endpoints', () => {
  const KEY = 'a-key-that-nobody-should-see';

  it('get their own headers, and no other', async () => {
    Object.assign(node, { answer: { data: 7 }, status: 200 });
    await askNode({ url: node.url, headers: { 'x-api-key': KEY } }, 'query', {});
    expect(node.headers).toMatchObject({ 'x-api-key': KEY, 'content-type': 'application/json' });
    await askNode(node.url, 'query', {});
    expect(node.headers).not.toHaveProperty('x-api-key');
  });

  it('keep their keys to themselves', async () => {
    const { port } = new URL(node.url);
    const url = `http://127.0.0.1:${port}/${KEY}?key=${KEY}`;
    const headers = { authorization: `Bearer ${KEY}` };
    node.status = 200;
    for (const answer of [{ errors: [{ message: `unknown key ${KEY} at ${url}` }] }, KEY]) {
      node.answer = answer;
      const error: unknown = await askNode({ url, headers }, '', {}).catch(
        (caught: unknown) => caught,
      );
      expect(error).toMatchObject({ code: 'BAD_ANSWER' });
      expect(JSON.stringify(error) + String(error)).not.toContain(KEY);
    }
    const gone: unknown = await askNode(
      { url: `http://127.0.0.1:1/${KEY}`, headers },
      '',
      {},
    ).catch((caught: unknown) => caught);
    expect(gone).toMatchObject({ code: 'NODE_UNAVAILABLE' });
    expect(JSON.stringify(gone) + String(gone)).not.toContain(KEY);
  });

  it('are asked one after the other, until one answers', async () => {
    const gone = await AnsweringNode.start();
    await gone.stop();
    Object.assign(node, { answer: { data: 7 }, status: 200 });
    const ask = (urls: string[]) =>
      firstAnswer(urls.map(asEndpoint), (endpoint) =>
        askNode(endpoint, '', {}, { timeoutMs: 500 }),
      );
    expect(await ask([gone.url, node.url])).toBe(7);
    await expect(ask([gone.url, 'nowhere'])).rejects.toMatchObject({ where: gone.url });
  });

  it('need not be listened to for ever', async () => {
    node.answer = { data: '.'.repeat(5000) };
    await expect(askNode(node.url, '', {}, { maxBytes: 1000 })).rejects.toMatchObject({
      code: 'BAD_ANSWER',
      got: 'more than 1000 bytes',
    });
  });
});

describe('nodes that must agree', () => {
  const A = { state: 'a', block: 7 };
  const B = { state: 'b', block: 9 };
  const fails = (code: 'NODE_UNAVAILABLE' | 'NO_CONTRACT') =>
    new AttensorError({ code, what: 'no answer' });
  type Answer = typeof A | AttensorError;

  /** @param answers of each node, in the order in which it is asked; its last one from then on */
  async function agreed(needed: number, ...answers: Answer[][]) {
    const asked = answers.map(() => 0);
    const found = await agreedAnswers(
      answers.map((_, i) => ({ url: `http://node-${i}/` })),
      ({ url }) => {
        const i = Number(url[12]);
        const answer = answers[i][Math.min(asked[i]++, answers[i].length - 1)];
        return answer instanceof AttensorError ? Promise.reject(answer) : Promise.resolve(answer);
      },
      {
        needed,
        alike: ({ state }) => state,
        inWords: ({ block }) => `block ${block}`,
        pauseMs: 1,
      },
    );
    return { found, asked };
  }

  it('give the answers that agree, whatever one says that lies', async () => {
    const { found, asked } = await agreed(2, [B], [A], [{ ...A, block: 8 }]);
    expect(found).toEqual([A, { ...A, block: 8 }]);
    expect(asked).toEqual([1, 1, 1]);
  });

  it('are asked again if one has seen a block that another has not', async () => {
    const { found, asked } = await agreed(2, [A, B], [B]);
    expect(found).toEqual([B, B]);
    expect(asked).toEqual([2, 2]);
  });

  it('are named if they go on disagreeing', async () => {
    const disagree = {
      code: 'NODES_DISAGREE',
      got: 'http://node-0/: block 7; http://node-1/: block 9',
    };
    await expect(agreed(2, [A], [B])).rejects.toMatchObject(disagree);
    // as many on either side
    await expect(agreed(2, [A], [B], [A], [B])).rejects.toMatchObject({ code: 'NODES_DISAGREE' });
    await expect(agreed(2, [A], [fails('NO_CONTRACT')])).rejects.toMatchObject({
      code: 'NODES_DISAGREE',
      got: 'http://node-0/: block 7; http://node-1/: NO_CONTRACT',
    });
  });

  it('may agree that there is no contract', async () => {
    const none = fails('NO_CONTRACT');
    await expect(agreed(2, [none], [none], [A])).rejects.toBe(none);
  });

  it('may be down, as long as enough of them answer', async () => {
    const down = fails('NODE_UNAVAILABLE');
    expect((await agreed(2, [down], [A], [A])).found).toEqual([A, A]);
    await expect(agreed(2, [down], [A])).rejects.toBe(down);
  });
});
