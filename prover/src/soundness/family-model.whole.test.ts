/**
 * A whole model of the family by its prover and the plain verifier: no size is a power of two, the router is a softmax with groups, the
 * rotations are YaRN's. `family.test.ts` has the forgers.
 */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { generate, importCheckpoint, Model } from '@attensor/inference';
import { engine } from '@attensor/native';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { modelScript, requiredLogSize } from '../commitment/model-commitment.js';
import { TEST_RATES } from '../testing/scripts.js';
import { commitWeights } from '../commitment/weights.js';
import { nativeSteps, replay, type Transcript } from '../proof-steps.js';
import { Scheduler } from '../steps.js';
import { NO_STORE } from '../store.js';
import { writeRandomCheckpoint } from '../testing/random-checkpoint.js';

const YARN = {
  ...{ type: 'yarn', factor: 40, original_max_position_embeddings: 64 },
  ...{ beta_fast: 32, beta_slow: 1, mscale: 1, mscale_all_dim: 1 },
};
const CONFIG = {
  ...{ architectures: ['DeepseekV2ForCausalLM'], model_type: 'deepseek_v2' },
  ...{ vocab_size: 19, hidden_size: 12, num_hidden_layers: 2, num_attention_heads: 3 },
  ...{ q_lora_rank: 6, kv_lora_rank: 5, qk_nope_head_dim: 6, qk_rope_head_dim: 4, v_head_dim: 3 },
  ...{ intermediate_size: 9, moe_intermediate_size: 5, n_routed_experts: 6, n_shared_experts: 1 },
  ...{ n_group: 3, topk_group: 2, num_experts_per_tok: 3, first_k_dense_replace: 1 },
  ...{ hidden_act: 'silu', rms_norm_eps: 1e-6, rope_theta: 10_000, rope_scaling: YARN },
  ...{ scoring_func: 'softmax', topk_method: 'group_limited_greedy', norm_topk_prob: false },
  ...{ routed_scaling_factor: 16, max_position_embeddings: 2560 },
  ...{ bos_token_id: 17, eos_token_id: [18, 3] },
};
const CAPACITY = 4;

let dir: string;
let planned: ReturnType<typeof modelScript>;
let proved: Transcript;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'attensor-family-'));
  await writeRandomCheckpoint(join(dir, 'hf'), CONFIG, 1);
  await importCheckpoint(join(dir, 'hf'), join(dir, 'model'));
  const model = await Model.open(join(dir, 'model'));
  planned = modelScript(model.config, CAPACITY, {
    logSize: requiredLogSize(model.config, CAPACITY),
    ...TEST_RATES,
  });
  const { script, unit } = planned;
  const weights = await commitWeights(engine, script, unit, model);
  const promptIds = [17, 5];
  const request = { promptIds, outputIds: await generate(model, promptIds, 2) };
  const { messages } = nativeSteps({ prover: engine, model: 'native' }, unit, script, [request], {
    root: weights.root,
    open: async () => weights,
  });
  proved = await new Scheduler(NO_STORE).get(messages);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

it('a model of the family is proved, and verified by the plain verifier', async () => {
  const { statement, session } = proved;
  const permute = engine.permute.bind(engine);
  await expect(replay(planned.script, permute, statement, session.messages)).resolves.toBeDefined();
});
