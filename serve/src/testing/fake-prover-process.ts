/** In the place of the process that proves: says what it was told, and ends when it is told to prove 'crash'. */
import type { FromProver, ProverSettings, ToProver } from '../proving/messages.js';

const { modelDir } = JSON.parse(process.argv[2]) as ProverSettings;
const tell = (message: FromProver) => process.send?.(message);

if (modelDir === 'nowhere') {
  const error = { code: 'NOT_FOUND', what: 'the model is not committed' };
  tell({ event: 'failed', error });
  process.disconnect();
} else {
  tell({ event: 'planned', steps: [{ step: 'run', seconds: 1 }] });
  tell({ event: 'ready' });
}

process.on('message', (message: ToProver) => {
  if (message.call === 'cancel') {
    const error = { code: 'CANCELLED', what: 'the proof was cancelled' };
    tell({ event: 'unproved', id: message.id, error });
    return;
  }
  const { id } = message.task;
  tell({ event: 'step', id, step: 'run' });
  if (id === 'crash') process.kill(process.pid, 'SIGKILL');
  if (id === 'wait') return;
  const file = { statement: { inputHash: String(process.pid) } } as never;
  tell({ event: 'proved', id, file });
});
