/** What is counted, for Prometheus. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

const ANSWER_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const PROOF_SECONDS = [10, 20, 30, 60, 120, 300, 600, 1800, 3600, 4 * 3600, 24 * 3600];

export class Metrics {
  readonly registry = new Registry();
  private readonly registers = [this.registry];
  readonly requests = new Counter({
    name: 'attensor_http_requests_total',
    help: 'Requests answered, by route, method and status',
    labelNames: ['route', 'method', 'status'] as const,
    registers: this.registers,
  });
  readonly requestSeconds = new Histogram({
    name: 'attensor_http_request_seconds',
    help: 'From a request to the end of its answer',
    labelNames: ['route'] as const,
    buckets: ANSWER_SECONDS,
    registers: this.registers,
  });
  readonly tokens = new Counter({
    name: 'attensor_tokens_total',
    help: 'Tokens of prompts and of answers',
    labelNames: ['kind'] as const,
    registers: this.registers,
  });
  readonly proofs = new Counter({
    name: 'attensor_proofs_total',
    help: 'Proofs by the state that they came into',
    labelNames: ['state'] as const,
    registers: this.registers,
  });
  readonly proofSeconds = new Histogram({
    name: 'attensor_proof_seconds',
    help: 'Proving time of a proof',
    buckets: PROOF_SECONDS,
    registers: this.registers,
  });

  /** @param now what is read when somebody asks */
  constructor(now: { answers: () => number; proofs: () => number }) {
    const registers = this.registers;
    collectDefaultMetrics({ register: this.registry });
    new Gauge({
      name: 'attensor_answers_busy',
      help: 'Answers that are computed or wait',
      registers,
      collect() {
        this.set(now.answers());
      },
    });
    new Gauge({
      name: 'attensor_proofs_unfinished',
      help: 'Proofs that are accepted and not finished',
      registers,
      collect() {
        this.set(now.proofs());
      },
    });
  }
}
