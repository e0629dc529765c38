/**
 * Options of a config.json that do not change what greedy inference computes: training, names, tokens, sampling, and what the library
 * wrote in its own version. Whatever is in none of these lists has to be known or switched off.
 */

const TRAINING = [
  'attention_dropout',
  'aux_loss_alpha',
  'embedding_initializer_range',
  'ep_size',
  'hidden_dropout_prob',
  'initializer_range',
  'output_router_logits',
  'pretraining_tp',
  'router_aux_loss_coef',
  'seq_aux',
];

const LIBRARY = [
  '_attn_implementation_autoset',
  '_name_or_path',
  'auto_map',
  'dtype',
  'id2label',
  'keys_to_ignore_at_inference',
  'label2id',
  'problem_type',
  'return_dict',
  'torch_dtype',
  'transformers_version',
  'unsloth_fixed',
  'use_cache',
];

const TOKENS = ['decoder_start_token_id', 'pad_token_id', 'sep_token_id', 'unk_token_id'];

/** Sampling, and bounds of it: they were written here before they had a file of their own. */
const SAMPLING = [
  'chunk_size_feed_forward',
  'diversity_penalty',
  'do_sample',
  'early_stopping',
  'encoder_no_repeat_ngram_size',
  'length_penalty',
  'max_length',
  'min_length',
  'no_repeat_ngram_size',
  'num_beam_groups',
  'num_beams',
  'num_return_sequences',
  'repetition_penalty',
  'temperature',
  'top_k',
  'top_p',
  'typical_p',
];

export const HARMLESS: readonly string[] = [...TRAINING, ...LIBRARY, ...TOKENS, ...SAMPLING];

/** How activations would be scaled, and which layers are left as they are: the file's tensors say so themselves. */
export const HARMLESS_OF_QUANTIZATION: readonly string[] = [
  'ignored_layers',
  'modules_to_not_convert',
  'scale_fmt',
];
