/** Proof file, prompt and answer; the check's progress. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { STEPS, type StepId } from '../check/verdict.js';
import type { Stage } from '../worker/api.js';
import type { CheckState } from './use-check.js';
import type { Form } from './session.js';

/** As the command line refuses it too. */
const MAX_FILE_BYTES = 1 << 20;
/** Far more than any capacity holds. */
const MAX_TEXT = 1 << 20;

const STAGES: Partial<Record<Stage, string>> = {
  loading: 'Loading the verifier (11 MB, once)',
  starting: 'Starting the verifier',
  contract: 'Reading the contract',
  proof: 'Verifying the proof',
};

interface Props {
  form: Form;
  onChange: (change: Partial<Form>) => void;
  onCheck: () => void;
  onCancel: () => void;
  state: CheckState;
  textHint?: string;
}

export function CheckForm({ form, onChange, onCheck, onCancel, state, textHint }: Props) {
  const running = state.is === 'running';
  const [fileError, setFileError] = useState<string>();
  const [over, setOver] = useState(false);
  const [pasting, setPasting] = useState(false);
  const input = useRef<HTMLInputElement>(null);

  const take = (file: File | undefined): void => {
    if (file === undefined) return;
    if (file.size > MAX_FILE_BYTES) {
      setFileError(`“${file.name}” is larger than 1 MiB: this is not a proof file.`);
      return;
    }
    file.text().then(
      (text) => {
        setFileError(undefined);
        setPasting(false);
        onChange({ file: text, fileName: file.name });
      },
      () => setFileError(`“${file.name}” cannot be read.`),
    );
  };

  return (
    <section aria-labelledby="check-title">
      <h2 id="check-title">Check an answer</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onCheck();
        }}
      >
        <div
          class={`drop${over ? ' over' : ''}${form.file === '' ? '' : ' filled'}`}
          onDragOver={(event) => {
            event.preventDefault();
            setOver(true);
          }}
          onDragLeave={() => setOver(false)}
          onDrop={(event) => {
            event.preventDefault();
            setOver(false);
            take(event.dataTransfer?.files[0]);
          }}
        >
          <p>
            {form.file === '' ? (
              'Drop the proof file here'
            ) : (
              <>
                <strong>{form.fileName || 'Pasted proof'}</strong>,{' '}
                {Math.ceil(form.file.length / 1000)} kB
              </>
            )}
          </p>
          <p class="row">
            <input
              ref={input}
              id="file"
              type="file"
              accept=".json,application/json"
              class="hidden"
              aria-label="Proof file"
              onChange={(event) => {
                take(event.currentTarget.files?.[0]);
                event.currentTarget.value = '';
              }}
            />
            <button type="button" onClick={() => input.current?.click()}>
              {form.file === '' ? 'Choose a file' : 'Another file'}
            </button>
            <button
              type="button"
              class="quiet"
              onClick={() => setPasting(!pasting)}
              aria-expanded={pasting}
            >
              paste it
            </button>
            {form.file !== '' && (
              <button
                type="button"
                class="quiet"
                onClick={() => onChange({ file: '', fileName: '' })}
              >
                remove
              </button>
            )}
          </p>
          {pasting && (
            <textarea
              aria-label="Proof as text"
              rows={4}
              spellcheck={false}
              value={form.file}
              maxLength={MAX_FILE_BYTES}
              onInput={(event) => onChange({ file: event.currentTarget.value, fileName: '' })}
            />
          )}
          {fileError && <p role="alert">{fileError}</p>}
        </div>
        <label for="prompt">Prompt</label>
        <textarea
          id="prompt"
          rows={2}
          maxLength={MAX_TEXT}
          value={form.prompt}
          onInput={(event) => onChange({ prompt: event.currentTarget.value })}
        />
        <label for="answer">Answer you were given</label>
        <textarea
          id="answer"
          rows={3}
          maxLength={MAX_TEXT}
          value={form.answer}
          onInput={(event) => onChange({ answer: event.currentTarget.value })}
        />
        <p class="hint">
          {textHint ?? 'Enter them exactly, including spaces. Empty fields are not compared.'}
        </p>
        <p class="row">
          <button type="submit" class="main" disabled={running || form.file === ''}>
            Check
          </button>
          {running && (
            <button type="button" onClick={onCancel}>
              Cancel
            </button>
          )}
          {form.file === '' && <span class="hint">A proof file is needed.</span>}
        </p>
        <div role="status" aria-live="polite">
          {state.is === 'running' && <Progress stage={state.stage} since={state.since} />}
        </div>
      </form>
    </section>
  );
}

function Progress({ stage, since }: { stage: Stage; since: number }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const order = ['loading', 'starting', ...Object.keys(STEPS)];
  const words = STAGES[stage] ?? STEPS[stage as StepId];
  return (
    <div class="progress">
      <progress max={order.length} value={order.indexOf(stage) + 1} aria-label="Progress" />
      <span>{words}</span>{' '}
      <span class="hint" aria-hidden="true">
        {Math.round((now - since) / 1000)} s
      </span>
    </div>
  );
}
