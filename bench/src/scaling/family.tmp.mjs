import { setBackend } from 'o1js';
import { parseHfConfig } from '@attensor/inference';
import { deepseekCosts } from '../../dist/scaling/deepseek-v3.js';
setBackend('native');
const V3={architectures:['DeepseekV3ForCausalLM'],model_type:'deepseek_v3',vocab_size:129280,hidden_size:7168,num_hidden_layers:61,num_attention_heads:128,q_lora_rank:1536,kv_lora_rank:512,qk_nope_head_dim:128,qk_rope_head_dim:64,v_head_dim:128,intermediate_size:18432,moe_intermediate_size:2048,n_routed_experts:256,n_group:8,topk_group:4,num_experts_per_tok:8,n_shared_experts:1,first_k_dense_replace:3,hidden_act:'silu',rms_norm_eps:1e-6,rope_theta:10000,rope_scaling:{beta_fast:32,beta_slow:1,factor:40,mscale:1,mscale_all_dim:1,original_max_position_embeddings:4096,type:'yarn'},scoring_func:'sigmoid',topk_method:'noaux_tc',norm_topk_prob:true,routed_scaling_factor:2.5,bos_token_id:0,eos_token_id:1,max_position_embeddings:163840};
const moon={...V3,vocab_size:163840,hidden_size:2048,num_hidden_layers:27,num_attention_heads:16,q_lora_rank:null,intermediate_size:11264,moe_intermediate_size:1408,n_routed_experts:64,n_group:1,topk_group:1,num_experts_per_tok:6,n_shared_experts:2,first_k_dense_replace:1,rms_norm_eps:1e-5,rope_theta:50000,rope_scaling:null,routed_scaling_factor:2.446,max_position_embeddings:8192};
const v2l={...V3,architectures:['DeepseekV2ForCausalLM'],model_type:'deepseek_v2',vocab_size:102400,hidden_size:2048,num_hidden_layers:27,num_attention_heads:16,q_lora_rank:null,intermediate_size:10944,moe_intermediate_size:1408,n_routed_experts:64,n_group:1,topk_group:1,num_experts_per_tok:6,n_shared_experts:2,first_k_dense_replace:1,routed_scaling_factor:1,scoring_func:'softmax',topk_method:'greedy',norm_topk_prob:false,rope_scaling:{...V3.rope_scaling,mscale:0.707,mscale_all_dim:0.707}};
for (const [n,c] of Object.entries({moon,v2l,V3})) {
  const t=performance.now();
  const {config}=parseHfConfig(c,n);
  const costs=await deepseekCosts(24,28,config);
  for (const k of costs) console.log(n,k.kind,k.count,'weights',k.weights/1e9,'parts',k.parts,'circuits',k.circuits,'peak',(k.peakBytes/1e9).toFixed(1),'disk',(k.diskBytes/1e9).toFixed(1));
  console.log((performance.now()-t)/1000);
}
