/** Base models by the packed vocabulary and chat template that are exactly theirs. */
const families: readonly (readonly [RegExp, string])[] = [
  // Qwen3-Next and the dated Qwen3 releases share the vocabulary but not the chat template.
  [/^Qwen\/Qwen3-(0\.6B|1\.7B|4B|8B|14B|32B|30B-A3B|235B-A22B)$/, 'qwen3'],
  [/^Qwen\/Qwen2\.5-(0\.5B|1\.5B|3B|7B|14B|32B|72B)-Instruct$/, 'qwen2_5'],
  [/^meta-llama\/Llama-3\.(1-(8|70|405)B|2-[13]B|3-70B)-Instruct$/, 'llama3'],
  [/^HuggingFaceTB\/SmolLM2-(135M|360M|1\.7B)-Instruct$/, 'smollm2'],
  [/^deepseek-ai\/DeepSeek-V3$/, 'deepseek_v3'],
  [/^openai\/gpt-oss-(20|120)b$/, 'gpt_oss'],
  // Mistral 7B is SentencePiece, and Mistral Small has special tokens of its own.
  [/^mistralai\/Mistral-Nemo-Instruct-2407$/, 'tekken'],
  [/^google\/gemma-3-(270m|1b|4b|12b|27b)-it$/, 'gemma3'],
]

/** Name of the packed vocabulary of a base model; null where none is shipped and its own `tokenizer.json` is needed. */
export function familyOf(modelId: string): string | null {
  return families.find(([pattern]) => pattern.test(modelId))?.[1] ?? null
}
