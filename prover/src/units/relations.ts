/**
 * @module units/relations
 * What a unit's layers leave to prove, by component, and the one order in which components are proved: a component's sumcheck may
 * leave claims that the next ones prove.
 */
import { Attention } from '../components/attention.js';
import { paddedTensor, type Values } from '../components/builder.js';
import { Exponentials } from '../components/exponentials.js';
import { Gating } from '../components/gating.js';
import { Gemm, type Product } from '../components/gemm.js';
import { CombinedExperts, ExpertGemms } from '../components/moe.js';
import { RmsNorm } from '../components/rms-norm.js';
import { Rope } from '../components/rope.js';
import { activationScript, type Sigmoid, type SwiGlu } from '../components/sigmoid.js';
import type { ProverOnly } from '../protocol/prover-only.js';
import type { Scope } from '../protocol/scope.js';

export class Relations {
  readonly norms: RmsNorm[] = [];
  readonly gemms: Gemm[] = [];
  readonly ropes: Rope[] = [];
  readonly attentions: Attention[] = [];
  readonly sigmoids: Sigmoid[] = [];
  readonly swiglus: SwiGlu[] = [];
  readonly exponentials: Exponentials[] = [];
  readonly gatings: Gating[] = [];
  readonly experts: ExpertGemms[] = [];
  readonly combinations: CombinedExperts[] = [];

  /** @param products that other components left, on the domains of matrix products */
  async script(scope: Scope, values: ProverOnly<Values>, products: Product[] = []): Promise<void> {
    await Attention.script(scope, this.attentions, ({ softmax }) =>
      scope.session.engine.fromInts(paddedTensor(values.value.get(softmax.scoresName))),
    );
    await Gemm.script(scope, this.gemms, products);
    await ExpertGemms.script(scope, this.experts);
    await CombinedExperts.script(scope, this.combinations);
    await RmsNorm.script(scope, this.norms);
    await Rope.script(scope, this.ropes);
    await activationScript(scope, this.sigmoids, this.swiglus);
    await Exponentials.script(scope, this.exponentials);
    await Gating.script(scope, this.gatings);
  }
}
