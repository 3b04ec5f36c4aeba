import type { ChatMessage } from '../../../preload/contract/datasets.ts'

interface ConversationViewProps {
  readonly messages: readonly ChatMessage[]
  readonly isCompact?: boolean
}

/** A conversation as plain text, turn by turn; answers are marked because they are what is trained. */
export function ConversationView({ messages, isCompact = false }: ConversationViewProps) {
  return (
    // A long conversation scrolls, so the list takes the keyboard.
    <ol className="conversation" data-compact={isCompact} tabIndex={0} aria-label="Conversation">
      {messages.map((message, index) => (
        // Turns have no identity but their place.
        <li key={`${index}-${message.role}`} data-role={message.role}>
          <b>{message.role}</b>
          <p>{message.content}</p>
        </li>
      ))}
    </ol>
  )
}
