import { Wrench } from 'lucide-react'
import type { ChatMessage } from '../../../preload/contract/datasets.ts'
import { indentJson } from './json-text.ts'

interface ConversationViewProps {
  readonly messages: readonly ChatMessage[]
  readonly isCompact?: boolean
  readonly label?: string
}

/** A conversation as plain text, turn by turn; answers are marked because they are what is trained. */
export function ConversationView({ messages, isCompact = false, label = 'Conversation' }: ConversationViewProps) {
  return (
    // A long conversation scrolls, so the list takes the keyboard.
    <ol className="conversation" data-compact={isCompact} tabIndex={0} aria-label={label}>
      {messages.map((message, index) => (
        // Turns have no identity but their place.
        <Turn key={`${index}-${message.role}`} message={message} />
      ))}
    </ol>
  )
}

function Turn({ message }: { readonly message: ChatMessage }) {
  const isTrained = message.role === 'assistant' && message.isTrained !== false
  return (
    <li data-role={message.role} data-trained={isTrained}>
      <div className="turn-head">
        <b>{message.role}</b>
        {message.name !== undefined && <span>{message.name}</span>}
        {message.toolCallId !== undefined && <span className="mono">answers {message.toolCallId}</span>}
        {message.isTrained === false && <span className="turn-note">not trained</span>}
      </div>
      {message.reasoning !== undefined && message.reasoning !== '' && (
        <details className="turn-reasoning" open>
          <summary>Reasoning</summary>
          <p dir="auto">{message.reasoning}</p>
        </details>
      )}
      {message.content !== '' && <p dir="auto">{message.content}</p>}
      {message.toolCalls?.map((call) => (
        <div key={call.id} className="turn-call">
          <span>
            <Wrench size={12} aria-hidden="true" />
            calls <b>{call.name}</b>
          </span>
          <pre>{indentJson(call.arguments)}</pre>
        </div>
      ))}
    </li>
  )
}
