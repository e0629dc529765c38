/** A process of its own, which settles with proofs off and may be killed: prints each step when it begins, and at last the statement. */
import { settlementStore } from '@attensor/chain';
import { Settlement, Settler } from '@attensor/contracts';
import { attestations, historyOf } from '@attensor/contracts/testing';

const [, , folder, submissions] = process.argv;
const print = (line: string) => process.stdout.write(`${line}\n`);

const history = historyOf(attestations(Number(submissions)));
const settler = new Settler({
  proofsEnabled: false,
  store: await settlementStore(folder, 'B62-of-nobody'),
  onStep: (step) => print(`step ${step}`),
});
print('ready');
const proved = await settler.prove(history);
// threads of o1js would keep the process alive
process.stdout.write(
  `done ${JSON.stringify(proved && Settlement.toJSON(proved.proof.publicInput))}\n`,
  () => process.exit(0),
);
