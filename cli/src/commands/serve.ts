import { type Command } from 'commander';
import {
  cancellable,
  command,
  computing,
  positiveInteger,
  stopped,
  works,
  type Session,
} from '../command.js';
import { port } from './node.js';

interface Options {
  host: string;
  port: number;
  data: string;
  name?: string;
  cache?: string;
  answersOnly?: boolean;
  logPrompts?: boolean;
  parallel: number;
  waiting: number;
  answerSeconds: number;
  requestSeconds: number;
  bodyBytes: number;
  connections: number;
  perMinute: number;
  unfinished: number;
  unfinishedPerKey: number;
  keepDays: number;
}

const DATA = '.attensor/serve';

export function serveCommand(session: Session): Command {
  return computing('serve', 'Answer over HTTP like a model server, and prove the answers')
    .enablePositionalOptions()
    .argument('<model-dir>', 'imported model; committed, unless with --answers-only')
    .option('--port <n>', 'port to listen on; 0 lets the system choose', port, 8320)
    .option('--host <address>', 'address to listen on; others need API keys', '127.0.0.1')
    .option('--data <dir>', 'folder of API keys, accepted proofs and proof files', DATA)
    .option('--name <text>', "the model's name for clients (default: the name of its folder)")
    .option(
      '--cache <dir>',
      'where proving keys are kept (default: $ATTENSOR_CACHE or ~/.cache/attensor)',
    )
    .option('--answers-only', 'make no proofs')
    .option('--log-prompts', 'write prompts and answers into the log')
    .option('--parallel <n>', 'answers that are computed side by side', positiveInteger, 1)
    .option('--waiting <n>', 'requests that may wait for an answer', positiveInteger, 64)
    .option('--answer-seconds <n>', 'longest time of an answer', positiveInteger, 300)
    .option('--request-seconds <n>', 'longest time of receiving a request', positiveInteger, 30)
    .option('--body-bytes <n>', 'largest request', positiveInteger, 256 * 1024)
    .option('--connections <n>', 'most open connections', positiveInteger, 1024)
    .option('--per-minute <n>', 'requests a minute of each API key', positiveInteger, 120)
    .option('--unfinished <n>', 'most accepted proofs that are not made yet', positiveInteger, 256)
    .option('--unfinished-per-key <n>', 'the same, of one API key', positiveInteger, 32)
    .option('--keep-days <n>', 'days that finished proofs are kept', positiveInteger, 30)
    .addHelpText(
      'after',
      `
Speaks OpenAI's API (/v1/models, /v1/completions, /v1/chat/completions); /openapi.json describes all of it.
{"attensor": {"prove": true}} in a request asks for a proof, /v1/proofs/<id> tells how far it is.
Whoever runs the service learns all prompts and answers, and when which API key asked. A prompt is kept on disk
(mode 0600) from the answer until its proof is made, and never logged without --log-prompts. Proofs reveal
neither prompt nor answer unless the request says so.
The log is one JSON object a line on stderr. Runs until Ctrl-C or SIGTERM; what was accepted is proved after a restart.
JSON, once it listens: {url, keys, proofs, data}.`,
    )
    .action(
      cancellable<Options>(session, async ({ output, signal }, options, modelDir) => {
        const { startService } = await import('@attensor/serve');
        const proofs = options.answersOnly !== true;
        const service = await startService({
          modelDir,
          dataDir: options.data,
          host: options.host,
          port: options.port,
          name: options.name,
          cacheDir: options.cache,
          proofs,
          logPrompts: options.logPrompts ?? false,
          logTo: { write: (line) => void output.streams.stderr.write(line) },
          limits: {
            parallel: options.parallel,
            waiting: options.waiting,
            seconds: options.answerSeconds,
            requestSeconds: options.requestSeconds,
            bodyBytes: options.bodyBytes,
            connections: options.connections,
            perMinute: options.perMinute,
            unfinished: options.unfinished,
            unfinishedOfClient: options.unfinishedPerKey,
            days: options.keepDays,
          },
        });
        const { url, keys } = service;
        output.result({
          json: { url, keys, proofs, data: options.data },
          text: `${url}/v1, Ctrl-C stops`,
        });
        await stopped(signal);
        await service.close();
        return { json: {}, text: '', printed: true };
      }),
    )
    .addCommand(keysOfService(session));
}

interface AddOptions {
  data: string;
  perMinute?: number;
  metrics?: boolean;
}

function keysOfService(session: Session): Command {
  const own = (name: string, description: string) =>
    command(name, description).option('--data <dir>', "the service's folder", DATA);
  const add = own('add', 'Make an API key, and show it this once; only its hash is kept')
    .argument('<name>', 'whose key it is')
    .option('--per-minute <n>', "requests a minute (default: the service's)", positiveInteger)
    .option('--metrics', 'a key for /metrics, and for nothing else')
    .addHelpText('after', '\nA running service knows it after a second. JSON: {id, name, key}.')
    .action(
      works<AddOptions>(session, async (_context, { data, perMinute, metrics }, name) => {
        const { ApiKeys } = await import('@attensor/serve');
        const keys = await ApiKeys.open(data);
        const use = metrics ? 'metrics' : 'answers';
        const { id, key } = await keys.add({ name, use, perMinute });
        return { json: { id, name, key }, text: key };
      }),
    );
  const list = own('list', 'List the API keys, without what they are')
    .addHelpText('after', '\nJSON: {keys: [{id, name, use, created, perMinute}]}.')
    .action(
      works<{ data: string }>(session, async (_context, { data }) => {
        const { ApiKeys } = await import('@attensor/serve');
        const keys = (await ApiKeys.open(data)).list.map(({ hash: _, ...shown }) => shown);
        const text = keys.map(({ id, name, use, created }) => `${id}  ${created}  ${use}  ${name}`);
        return { json: { keys }, text: text.join('\n') };
      }),
    );
  const revoke = own('revoke', 'Make an API key worthless')
    .argument('<id>', 'as in the list')
    .addHelpText('after', '\nA running service knows it after a second. JSON: {id}.')
    .action(
      works<{ data: string }>(session, async (_context, { data }, id) => {
        const { ApiKeys } = await import('@attensor/serve');
        await (await ApiKeys.open(data)).revoke(id);
        return { json: { id }, text: `${id} is revoked` };
      }),
    );
  return command('keys', 'API keys of a service')
    .enablePositionalOptions()
    .addCommand(add)
    .addCommand(list)
    .addCommand(revoke);
}
