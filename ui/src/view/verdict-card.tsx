/** The verdict: one sentence, then as much as one wants to know. */
import { present } from '@attensor/core';
import { useEffect, useRef } from 'preact/hooks';
import { verdictOf, type CheckResult, type Step } from '../check/verdict.js';
import { Problem, sentence, short, Value } from './parts.js';
import { ProofTree } from './proof-tree.js';

interface Props {
  result: CheckResult;
  /** the contract's nodes were named by a link or by hand */
  foreign: boolean;
}

const MARKS = { yes: '✓', part: '?', no: '✗' };

export function VerdictCard({ result, foreign }: Props) {
  const { tone, headline, reason } = verdictOf(result);
  const title = useRef<HTMLHeadingElement>(null);
  // screen readers go on where the answer is
  useEffect(() => title.current?.focus(), [result]);
  const { statement, verifierKeyHash, revealed, seconds, contract } = result;
  return (
    <section class={`verdict ${tone}`} aria-labelledby="verdict-title">
      <h2 id="verdict-title" ref={title} tabIndex={-1}>
        <span class="mark" aria-hidden="true">
          {MARKS[tone]}
        </span>{' '}
        {sentence(headline)}
      </h2>
      {reason !== undefined && <p class="reason">{sentence(reason)}</p>}
      {tone === 'yes' && (
        <p>
          This site names the model <strong>{contract?.model}</strong>. Its contract is{' '}
          <code>{short(contract?.address ?? '')}</code>.
        </p>
      )}
      {revealed && (
        <details>
          <summary>Text in the file</summary>
          <p class="hint">
            According to the file’s maker, this was asked and answered. Compare it above.
          </p>
          <dl>
            <dt>Prompt</dt>
            <dd class="said">{revealed.prompt}</dd>
            <dt>Answer</dt>
            <dd class="said">{revealed.output}</dd>
          </dl>
        </details>
      )}
      <details open={tone === 'no'}>
        <summary>What was checked</summary>
        <ol class="steps">
          {result.steps.map((step) => (
            <StepLine key={step.id} step={step} />
          ))}
        </ol>
      </details>
      {statement && (
        <>
          <ProofTree result={result} />
          <details>
            <summary>Statement and hashes</summary>
            <dl>
              {Object.entries(statement).map(([name, text]) => (
                <Value key={name} label={name} text={text} />
              ))}
              <Value label="verifierKeyHash" text={present(verifierKeyHash, 'the verifier key')} />
              {contract && (
                <>
                  <Value label="contract" text={contract.address} />
                  <Value
                    label={`block ${contract.block.height}, as the node names it`}
                    text={contract.block.stateHash}
                  />
                </>
              )}
            </dl>
            <p class="hint">
              Checked in {seconds.total.toFixed(1)} s
              {seconds.proof !== undefined && `, the proof itself in ${seconds.proof.toFixed(1)} s`}
              .
            </p>
          </details>
        </>
      )}
      {result.chainError && <Problem error={result.chainError} />}
      <details>
        <summary>What is still trusted</summary>
        <ul>
          <li>This page and this browser.</li>
          <li>
            Mina’s proof system, and the circuits with this verification key
            {contract?.model === undefined
              ? '. Compare its hash with the one that the model’s publisher gives.'
              : ': this site says they are Attensor’s.'}
          </li>
          <li>
            The nodes, as far as the levels below say
            {foreign && '; they were named by the link or by you, not by this site'}.
          </li>
          <li>
            Whoever deployed the contract, in one respect: earlier code of the same account may have
            prepared its record. A block explorer shows the account’s first transaction.
          </li>
          <li>The answer may be cut off: a proof covers as many tokens as its maker asked for.</li>
          <li>A proof does not show that the model is good, or that what it says is true.</li>
        </ul>
      </details>
    </section>
  );
}

const STATES = { ok: 'yes', failed: 'no', open: 'open' };

function StepLine({ step: { state, words } }: { step: Step }) {
  return (
    <li class={state}>
      <span class="badge">{STATES[state]}</span> {sentence(words)}
    </li>
  );
}
