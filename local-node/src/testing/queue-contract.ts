/** A small contract with state, events and actions: what a node has to carry. */
import { Field, method, Reducer, SmartContract, State, state } from 'o1js';

export class QueueContract extends SmartContract {
  @state(Field) total = State<Field>();

  override readonly events = { added: Field };
  reducer = Reducer({ actionType: Field });

  /** Depends on no state: any number of these fit into a block. */
  @method async add(value: Field) {
    this.reducer.dispatch(value);
    this.emitEvent('added', value);
  }

  @method async setTotal(total: Field) {
    this.total.getAndRequireEquals();
    this.total.set(total);
  }
}
