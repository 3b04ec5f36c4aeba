"""What a chat template leaves out of a conversation without saying so."""

from collections.abc import Sequence
from typing import Any

from data.training_file import Message

SYSTEM, REASONING, CALLS, TOOLS = "system prompts", "the reasoning of answers", "tool calls", "lists of tools"


def lost_parts(messages: Sequence[Message], tools: Sequence[Any] | None, text: str) -> frozenset[str]:
    """The kinds of content that do not appear in the rendered text, in words for a message."""
    lost = set()
    first = messages[0]
    if first["role"] == "system" and first["content"].strip() not in text:
        lost.add(SYSTEM)
    # Templates drop the reasoning of earlier answers on purpose, so only the last answer tells.
    last = messages[-1]
    reasoning = last.get("reasoning_content")
    if isinstance(reasoning, str) and reasoning.strip() not in text:
        lost.add(REASONING)
    if any(_name(call) not in text for message in messages for call in message.get("tool_calls") or ()):
        lost.add(CALLS)
    if any(_name(tool) not in text for tool in tools or ()):
        lost.add(TOOLS)
    return frozenset(lost)


def _name(value: Any) -> str:
    """The name of a tool or of a call to it; both stand bare or under `function`."""
    inner = value.get("function", value) if isinstance(value, dict) else None
    name = inner.get("name") if isinstance(inner, dict) else None
    return name if isinstance(name, str) else ""
