import { describe, expect, it } from 'vitest'
import { createRowTokens, type TemplateTokens } from '../../../../../../main/features/datasets/engine/templates/row-tokens.ts'
import { createLetterTokenizer } from './letter-tokenizer.ts'
import { chatRow } from './made-conversations.ts'

function tokensWith(templateText: string): TemplateTokens {
  return createRowTokens({
    templateText,
    specialTokens: { bos: '<s>', eos: '<end>' },
    family: 'letters',
    tokenizer: createLetterTokenizer(),
  })
}

function learnedTexts(tokens: TemplateTokens, row: Parameters<TemplateTokens['render']>[0]): string[] {
  const rendered = tokens.render(row)
  if (!rendered.ok) throw new Error(rendered.problem)
  return rendered.spans.map(({ start, end }) => rendered.text.slice(start, end))
}

const simple = `{{ bos_token }}{% for m in messages %}<{{ m.role }}>\n{{ m.content }}{% if m.role == 'assistant' %}{{ eos_token }}{% endif %}
{% endfor %}{% if add_generation_prompt %}<assistant>\n{% endif %}`
const chat = chatRow([
  { role: 'user', content: 'ab' },
  { role: 'assistant', content: 'cd' },
  { role: 'user', content: 'e' },
  { role: 'assistant', content: 'fg' },
])

describe('what is learned of a row', () => {
  it('counts the prompt, the header or what follows the end-of-turn token as learned', () => {
    const tokens = tokensWith(simple)
    const learned = tokens.tokens(chat).filter(({ isTrained }) => isTrained)
    expect(Buffer.concat(learned.map(({ bytes }) => bytes)).toString()).toBe('cd<end>fg<end>')
    expect(tokens.count(chat)).toEqual({ total: tokens.tokens(chat).length, trained: 6, problem: null })
  })

  it('learns an answer that the row leaves out of training', () => {
    const [question, answer, ...rest] = chat.messages
    if (question === undefined || answer === undefined) throw new Error('The row has too few messages.')
    expect(tokensWith(simple).count(chatRow([question, { ...answer, isTrained: false }, ...rest])).trained).toBe(3)
  })

  it('learns a line break that belongs half to the header', () => {
    const row = chatRow([
      { role: 'user', content: 'a' },
      { role: 'assistant', content: '\nb' },
    ])
    const learned = tokensWith(simple)
      .tokens(row)
      .filter(({ isTrained }) => isTrained)
    expect(Buffer.concat(learned.map(({ bytes }) => bytes)).toString()).toBe('b<end>')
  })

  it('loses the answers of a template that rewrites earlier turns', () => {
    const rewriting = `{% for m in messages %}<{{ m.role }}>\n{% if m.role == 'assistant' and loop.last %}(last) {% endif %}{{ m.content }}<end>\n{% endfor %}{% if add_generation_prompt %}<assistant>\n{% endif %}`
    expect(learnedTexts(tokensWith(rewriting), chat)).toEqual(['cd<end>', '(last) fg<end>\n'])
  })

  it('only reads a tool call in a history that the template rewrites', () => {
    const rewriting = `{% for m in messages %}<{{ m.role }}>\n{% if m.role == 'assistant' and loop.last %}(last) {% endif %}{{ m.content }}{% for c in m.tool_calls or [] %}{% if m.content %}\n{% endif %}[{{ c.function.name }}]{% endfor %}<end>\n{% endfor %}{% if add_generation_prompt %}<assistant>\n{% endif %}`
    const moving = `{% set plain = messages | selectattr("tool_calls", "undefined") | rejectattr("role", "equalto", "tool") | list %}{% for m in plain %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate.') }}{% endif %}{% endfor %}{% set asked = plain | selectattr("role", "equalto", "user") | list %}{% for m in messages %}{% if m.role == 'user' %}{% if m == asked[-1] %}(tools){% endif %}({{ m.content }}){% elif m.tool_calls is defined %}[{{ m.tool_calls[0].function.name }}]<end>{% else %}{{ m.content }}{% if m.role == 'assistant' %}<end>{% endif %}{% endif %}{% endfor %}`
    const row = chatRow([
      { role: 'user', content: 'a' },
      { role: 'assistant', content: '', toolCalls: [{ id: '1', name: 'f', arguments: '{}' }] },
      { role: 'tool', content: 'b' },
      { role: 'assistant', content: 'c' },
      { role: 'user', content: 'd' },
      { role: 'assistant', content: 'e' },
    ])
    expect(learnedTexts(tokensWith(rewriting), row)).toEqual(['[f]<end>', 'c<end>', '(last) e<end>\n'])
    expect(learnedTexts(tokensWith(moving), row)).toEqual(['[f]<end>', 'c<end>', 'e<end>'])
  })

  it('learns the first answer of a row that starts with it only from its second token on', () => {
    const bare = '{% for m in messages %}{{ m.content }}<end>{% endfor %}'
    expect(tokensWith(bare).count(chatRow([{ role: 'assistant', content: 'ab' }]))).toEqual({ total: 3, trained: 2, problem: null })
  })

  it('takes the template’s own generation tags for text, or ignores them', () => {
    const tagged = `{% for m in messages %}<{{ m.role }}>
    {% if m.role == 'assistant' %}
    {%- generation %}
{{ m.content }}<end>{% endgeneration %}
    {% else %}{{ m.content }}{% endif %}
{% endfor %}`
    const tokens = tokensWith(tagged)
    expect(learnedTexts(tokens, chat)).toEqual(['cd<end>', 'fg<end>'])
    const rendered = tokens.render(chat)
    expect(rendered.ok && rendered.text).toBe('<user>\nab<assistant>\ncd<end><user>\ne<assistant>\nfg<end>')
  })

  it('leaves a text alone without anything to learn, or learns its first token', () => {
    const row = { shape: 'text' as const, messages: [], rejected: null, text: 'abc', tools: null }
    expect(tokensWith(simple).count(row)).toEqual({ total: 4, trained: 3, problem: null })
    expect(
      tokensWith(simple)
        .tokens(row)
        .map(({ isTrained }) => isTrained),
    ).toEqual([false, true, true, true])
  })
})

describe('a template in JavaScript', () => {
  it('crashes on a row that the template refuses', () => {
    const strict = `{% if messages[0].role != 'user' %}{{ raise_exception('The first turn must be a question.') }}{% endif %}ok`
    const tokens = tokensWith(strict)
    expect(tokens.count(chatRow([{ role: 'assistant', content: 'a' }]))).toEqual({
      total: 0,
      trained: 0,
      problem: 'The first turn must be a question.',
    })
    expect(tokens.tokens(chatRow([{ role: 'assistant', content: 'a' }]))).toEqual([])
  })

  it('crashes on a template that is no template', () => {
    expect(tokensWith('{% for %}{{').count(chat).problem).toEqual(expect.any(String))
  })

  it('strips what JavaScript calls white space instead of what Python does', () => {
    const stripping = `{% for m in messages %}[{{ m.content | trim }}][{{ m.content.strip() }}][{{ m.content.lstrip('\\n') }}]{% endfor %}`
    const rendered = tokensWith(stripping).render(chatRow([{ role: 'user', content: '\n \u001c\ufeffa\u0085 ' }]))
    expect(rendered.ok && rendered.text).toBe('[\ufeffa][\ufeffa][ \u001c\ufeffa\u0085 ]')
  })

  it('skips the check of a template that chooses messages by an absent field', () => {
    const choosing = `{% for m in messages | selectattr("tool_calls", "undefined") %}{{ m.content }};{% endfor %}`
    const rendered = tokensWith(choosing).render(chat)
    expect(rendered.ok && rendered.text).toBe('ab;cd;e;fg;')
  })

  it('prints today’s date, so that the same row is another text tomorrow', () => {
    const rendered = tokensWith('{{ strftime_now("%d %b %Y") }} {{ strftime_now is defined }}').render(chat)
    expect(rendered.ok && rendered.text).toBe('26 Jul 2024 true')
  })

  it('writes tool arguments as text in text', () => {
    const calling = `{% for m in messages %}{% for c in m.tool_calls or [] %}{{ c.function.arguments | tojson }}{% endfor %}{% endfor %}{{ tools | tojson }}`
    const row = chatRow(
      [{ role: 'assistant', content: '', toolCalls: [{ id: '1', name: 'f', arguments: '{"town":"Zürich"}' }] }],
      [{ type: 'function' }],
    )
    const rendered = tokensWith(calling).render(row)
    expect(rendered.ok && rendered.text).toBe('{"town": "Zürich"}[{"type": "function"}]')
  })
})
