import { z } from 'zod'

/** Names are Hugging Face's (transformers, peft, trl); they travel to the trainer unchanged. */
export const hyperparametersSchema = z.strictObject({
  learning_rate: z.number().min(1e-6).max(1e-2),
  num_train_epochs: z.int().min(1).max(20),
  per_device_train_batch_size: z.int().min(1).max(64),
  gradient_accumulation_steps: z.int().min(1).max(64),
  max_length: z.int().min(64).max(32768),
  lora_r: z.int().min(1).max(256),
  lora_alpha: z.int().min(1).max(512),
  lora_dropout: z.number().min(0).max(0.5),
  lr_scheduler_type: z.enum(['linear', 'cosine', 'constant']),
  warmup_ratio: z.number().min(0).max(0.5),
  weight_decay: z.number().min(0).max(1),
  max_grad_norm: z.number().min(0.1).max(10),
  seed: z.int().min(0).max(2147483647),
  eval_fraction: z.number().min(0).max(0.3),
  evals_per_epoch: z.int().min(1).max(20),
  save_every_steps: z.int().min(1).max(10000),
  max_steps: z.int().min(1).max(1_000_000).nullable(),
  /** Short rows laid end to end where the model keeps them apart; changes the speed, not the loss. */
  packing: z.boolean().default(true),
  /** The frozen base in 4-bit NormalFloat; only the experts' weights where there are experts. */
  load_in_4bit: z.boolean().default(false),
  /** Evaluations without an improvement of 0.5 % after which the run ends with its best weights; null trains all steps. */
  early_stopping_patience: z.int().min(1).max(20).nullable().default(null),
})
export type Hyperparameters = z.infer<typeof hyperparametersSchema>

export const presetSchema = z.enum(['fast', 'balanced', 'quality', 'custom'])
export type Preset = z.infer<typeof presetSchema>
