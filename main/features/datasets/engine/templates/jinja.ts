import { Template } from '@huggingface/jinja'
import { followPython, pythonFunctions } from './jinja-python.ts'
import type { TemplateMessage } from './template-messages.ts'
import type { Span, SpecialTokens } from './template-types.ts'

/** The template refused the conversation, or cannot be read at all. */
export class TemplateRefusal extends Error {}

/** A chat template ready to render. */
export interface JinjaTemplate {
  /** True when the template itself marks what is learned. */
  readonly hasTags: boolean
  /** Throws `TemplateRefusal` where the template objects. */
  render(messages: readonly TemplateMessage[], tools: readonly unknown[] | null, isPrompt: boolean): string
  /** The whole conversation with the spans that the template's own tags mark. */
  renderTagged(messages: readonly TemplateMessage[], tools: readonly unknown[] | null): { readonly text: string; readonly spans: Span[] }
}

const tagStart = '\ue000\ue002\ue000'
const tagEnd = '\ue000\ue003\ue000'
const tagPattern = /\{%([-+]?)\s*(end)?generation\s*([-+]?)%\}/g
const anyTag = /\ue000[\ue002\ue003]\ue000/g
/** Prepares a template; one with a fault in it refuses every conversation. */
export function createJinjaTemplate(templateText: string, { bos, eos }: SpecialTokens): JinjaTemplate {
  const hasTags = tagPattern.test(templateText)
  tagPattern.lastIndex = 0
  let parsed: Template | null = null
  const parse = (): Template => {
    if (parsed !== null) return parsed
    const template = new Template(templateText.replace(tagPattern, markTag))
    followPython(template.parsed)
    parsed = template
    return template
  }
  const renderRaw = (messages: readonly TemplateMessage[], tools: readonly unknown[] | null, isPrompt: boolean): string => {
    try {
      return parse().render({
        messages,
        tools,
        documents: null,
        add_generation_prompt: isPrompt,
        ...(bos === null ? {} : { bos_token: bos }),
        ...(eos === null ? {} : { eos_token: eos }),
        ...pythonFunctions,
      })
    } catch (error) {
      throw new TemplateRefusal(error instanceof Error ? error.message : String(error), { cause: error })
    }
  }
  return {
    hasTags,
    render(messages, tools, isPrompt) {
      const text = renderRaw(messages, tools, isPrompt)
      return hasTags ? text.replace(anyTag, '') : text
    },
    renderTagged: (messages, tools) => takeTags(renderRaw(messages, tools, false)),
  }
}

/** Writes a mark where a tag stands, as a block, so that the white space around it is treated like the tag's. */
function markTag(_tag: string, before: string, end: string | undefined, after: string): string {
  return `{%${before} if true %}{{ '${end === undefined ? tagStart : tagEnd}' }}{% endif ${after}%}`
}

function takeTags(marked: string): { text: string; spans: Span[] } {
  const spans: Span[] = []
  let text = ''
  let open = -1
  let from = 0
  for (const match of marked.matchAll(anyTag)) {
    text += marked.slice(from, match.index)
    from = match.index + match[0].length
    if (match[0] === tagStart) open = text.length
    else if (open >= 0) {
      spans.push({ start: open, end: text.length })
      open = -1
    }
  }
  return { text: text + marked.slice(from), spans }
}
