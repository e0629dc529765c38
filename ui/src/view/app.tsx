/** The page. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { errorView, type ErrorView } from '../errors.js';
import { defaultSource, linkOf, parseLink, type Source } from '../link.js';
import { loadSettings, publishedModel, type Settings } from '../settings.js';
import { Attestations } from './attestations.js';
import { CheckForm } from './check-form.js';
import { ContractCard } from './contract-card.js';
import { Problem } from './parts.js';
import { useForm } from './session.js';
import { useChain } from './use-chain.js';
import { useCheck } from './use-check.js';
import { VerdictCard } from './verdict-card.js';
import { WalletCard } from './wallet-card.js';

export function App() {
  const [settings, setSettings] = useState<Settings>();
  const [problem, setProblem] = useState<ErrorView>();
  useEffect(() => {
    loadSettings().then(setSettings, (error: unknown) => setProblem(errorView(error)));
  }, []);
  return (
    <>
      <header>
        <img src="./icon.svg" alt="" width="32" height="32" />
        <div>
          <p class="brand">Attensor</p>
          <h1>Did the model say that?</h1>
        </div>
      </header>
      <main>
        <p class="lead">
          A model’s owner publishes a commitment to its weights. A proof shows that this model gave
          this answer to this prompt. It is checked here, in your browser: nothing is uploaded.
        </p>
        {problem && <Problem error={problem} />}
        {settings ? <Page settings={settings} /> : !problem && <p aria-busy="true">Loading…</p>}
      </main>
      <footer>
        <p>
          What you type and drop here stays in this browser; nodes and archives see which contract
          you read.
        </p>
      </footer>
    </>
  );
}

function Page({ settings }: { settings: Settings }) {
  const [{ source, selected, linkError }, setPlace] = useState(() => placeOf(settings));
  const check = useCheck();
  const { reset } = check;
  useEffect(() => {
    const moved = (): void => {
      // a verdict is about the contract it was made for
      reset();
      setPlace(placeOf(settings));
    };
    window.addEventListener('hashchange', moved);
    return () => window.removeEventListener('hashchange', moved);
  }, [settings, reset]);
  const [form, change] = useForm();
  const [chain, readAgain] = useChain(source);
  const model = useMemo(
    () => chain.view && publishedModel(settings.models, chain.view.commitment),
    [chain.view, settings],
  );

  const show = (next: Source): void => {
    check.reset();
    history.replaceState(null, '', linkOf(next));
    setPlace({ source: next });
  };
  const select = (outputHash: string | undefined): void => {
    if (source === undefined) return;
    history.replaceState(null, '', linkOf(source, outputHash));
    setPlace({ source, selected: outputHash });
  };
  const submit = (): void => {
    const { file, prompt, answer } = form;
    check.run({ file, prompt, answer, models: settings.models }, source);
  };

  return (
    <>
      {linkError && <Problem error={linkError} />}
      <CheckForm
        form={form}
        onChange={(next) => {
          check.reset();
          change(next);
        }}
        onCheck={submit}
        onCancel={check.stop}
        state={check.state}
        textHint={
          chain.view !== undefined && model?.tokenizer === undefined
            ? 'This site has no tokenizer for this model: text cannot be compared.'
            : undefined
        }
      />
      {check.state.is === 'failed' && <Problem error={check.state.error} />}
      {check.state.is === 'done' && (
        <VerdictCard result={check.state.result} foreign={source?.foreign ?? false} />
      )}
      <ContractCard
        settings={settings}
        source={source}
        chain={chain}
        model={model}
        onSource={show}
        onAgain={readAgain}
      />
      {source && chain.view && (
        <Attestations view={chain.view} source={source} selected={selected} onSelect={select} />
      )}
      {source && form.file !== '' && chain.view?.genuine !== false && (
        <WalletCard
          key={`${source.address} ${form.file}`}
          file={form.file}
          source={source}
          onSent={readAgain}
        />
      )}
    </>
  );
}

interface Place {
  source?: Source;
  /** output hash */
  selected?: string;
  linkError?: ErrorView;
}

function placeOf(settings: Settings): Place {
  try {
    const { source, attestation } = parseLink(location.hash, settings);
    return { source: source ?? defaultSource(settings), selected: attestation };
  } catch (error) {
    return { source: defaultSource(settings), linkError: errorView(error) };
  }
}
