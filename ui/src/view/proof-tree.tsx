/** What the proof ties together, as a picture; the list of checks says the same in words. */
import { present } from '@attensor/core';
import type { CheckResult, Step, StepId } from '../check/verdict.js';
import { short } from './parts.js';

interface Node {
  title: string;
  text: string;
  /** the checks that this part stands for */
  by: StepId[];
}

export function ProofTree({ result }: { result: CheckResult }) {
  const { statement, verifierKeyHash } = result;
  if (statement === undefined) return null;
  const leaves: Node[] = [
    { title: 'weights', text: statement.modelRoot, by: ['model'] },
    { title: 'vocabulary', text: statement.vocabularyRoot, by: ['model'] },
    { title: 'prompt', text: statement.inputHash, by: ['prompt'] },
    { title: 'answer', text: statement.outputHash, by: ['answer'] },
  ];
  const proof: Node = {
    title: 'one proof',
    text: present(verifierKeyHash, 'the verifier key'),
    by: ['key', 'circuits', 'published', 'proof'],
  };
  const chain: Node = {
    title: 'contract',
    text: 'records the answer',
    by: ['contract', 'record'],
  };
  const label =
    'Picture: weights, vocabulary, prompt and answer lead to one proof, and that to the contract. The list above says what holds';
  return (
    <figure class="tree">
      <svg viewBox="0 0 340 300" role="img" aria-label={label}>
        <rect class="frame" x={1} y={1} width={338} height={142} rx={10} />
        <path class="edge" d="M170 143 V168 M170 220 V244" />
        {leaves.map((leaf, i) => (
          <Box
            key={leaf.title}
            x={i % 2 === 0 ? 10 : 180}
            y={i < 2 ? 14 : 78}
            width={150}
            node={leaf}
            steps={result.steps}
          />
        ))}
        <Box x={80} y={168} width={180} node={proof} steps={result.steps} />
        <Box x={80} y={244} width={180} node={chain} steps={result.steps} />
      </svg>
      <figcaption class="legend">
        <span class="ok">holds</span> <span class="failed">does not hold</span>{' '}
        <span class="open">not compared</span>
      </figcaption>
    </figure>
  );
}

interface BoxProps {
  x: number;
  y: number;
  width: number;
  node: Node;
  steps: Step[];
}

function Box({ x, y, width, node, steps }: BoxProps) {
  const states = node.by.map((id) => steps.find((step) => step.id === id)?.state ?? 'open');
  const state = states.includes('failed') ? 'failed' : states.includes('open') ? 'open' : 'ok';
  return (
    <g class={`box ${state}`}>
      <rect x={x} y={y} width={width} height={52} rx={8} />
      <text x={x + width / 2} y={y + 22} class="title">
        {node.title}
      </text>
      <text x={x + width / 2} y={y + 40} class="hash">
        {/^\d+$/.test(node.text) ? short(node.text, 6, 5) : node.text}
      </text>
    </g>
  );
}
