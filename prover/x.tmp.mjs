import { importCheckpoint, Model } from '@attensor/inference';
import { modelScript, requiredLogSize } from './dist/commitment/model-commitment.js';
for (const [n,c] of [['nano',2],['nano',4],['tiny',2]]) { await importCheckpoint('models/'+n,'/tmp/house/m-'+n).catch(e=>console.log(e.code)); const m=await Model.open('/tmp/house/m-'+n); 
const {unit,script}=modelScript(m.config,c,requiredLogSize(m.config,c,18)); console.log(n,c,script.logInvRate,script.logSize,script.parameters,script.witness,unit.builder.parameters.end,unit.builder.witness.end, script.opening.rounds.map(r=>r.logDomain+':'+r.queries).join(' '), m.config.layers)}
