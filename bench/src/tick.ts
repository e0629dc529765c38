/** The smallest contract with a proof: what a node spends on it is what it spends on any proof. */
import { Field, method, SmartContract } from 'o1js';

export class TickContract extends SmartContract {
  override readonly events = { tick: Field };

  @method async tick(value: Field) {
    this.emitEvent('tick', value);
  }
}
