"""Where the learned text of a rendered conversation stands: the answers with their end-of-turn token, for any template.

The app's preview finds it by the same rules (main/features/datasets/engine/templates/trained-spans.ts); both change together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from data.chat_template import ChatTemplate, Span, TemplateRefusal
from data.skeleton import Skeleton, make_skeleton, marked_texts
from data.training_file import Message

_SENTINEL = "\ue000\ue001\ue000"
_PLAIN_KEYS = frozenset(("role", "content", "weight"))


@dataclass
class LearnedText:
    """A rendered conversation and the character spans of it that are learned."""

    text: str
    spans: list[Span] = field(default_factory=list)
    history_rewritten: bool = False
    answers_lost: int = 0


class AnswerFinder:
    """Renders conversations and finds the learned spans; `end_tokens` are the texts of the tokens that end a turn."""

    def __init__(self, template: ChatTemplate, end_tokens: Sequence[str]) -> None:
        self._template = template
        self._end_tokens = sorted(end_tokens, key=len, reverse=True)
        self._skeletons: dict[tuple[str, ...], tuple[Skeleton, bool] | None] = {}

    def find(self, messages: Sequence[Message], tools: Sequence[Any] | None) -> LearnedText:
        """Raises TemplateRefusal where the template objects to the conversation."""
        if self._template.has_tags(tools):
            return self._find_tagged(messages, tools)
        text = self._template.render(messages, tools)
        is_plain = tools is None and all(_PLAIN_KEYS.issuperset(message) for message in messages)
        return (self._find_by_skeleton(text, messages) if is_plain else None) or self.find_one_by_one(text, messages, tools)

    def _find_by_skeleton(self, text: str, messages: Sequence[Message]) -> LearnedText | None:
        """One rendering tells where the answers are when the rest of it is what this order of roles always gives."""
        roles = tuple(message["role"] for message in messages)
        if roles not in self._skeletons:
            self._skeletons[roles] = self._skeleton(roles)
        known = self._skeletons[roles]
        spans = None if known is None else known[0].place(text, [message["content"] for message in messages])
        if known is None or spans is None:
            return None
        answers = [message for message in messages if message["role"] == "assistant"]
        learned = [span for span, message in zip(spans, answers, strict=True) if _is_learned(message)]
        return LearnedText(text, learned, history_rewritten=known[1] and bool(learned))

    def _skeleton(self, roles: tuple[str, ...]) -> tuple[Skeleton, bool] | None:
        """Found one by one in a conversation of marks; None where the template objects to marks or hides an answer."""
        messages: list[Message] = [{"role": role, "content": text} for role, text in zip(roles, marked_texts(len(roles)), strict=True)]
        rendered = self._try(messages, None)
        if rendered is None:
            return None
        found = self.find_one_by_one(rendered, messages, None)
        return None if found.answers_lost else (make_skeleton(rendered, found.spans), found.history_rewritten)

    def find_one_by_one(self, text: str, messages: Sequence[Message], tools: Sequence[Any] | None) -> LearnedText:
        """The rule itself, which renders the conversation up to every answer; `text` is the whole of it rendered."""
        found = LearnedText(text)
        cursor = 0
        for index, message in enumerate(messages):
            if not _is_learned(message):
                continue
            span = self._find_answer(found, messages, tools, index, cursor)
            if span is None:
                found.answers_lost += 1
            else:
                found.spans.append(span)
                cursor = span[1]
        return found

    def _find_tagged(self, messages: Sequence[Message], tools: Sequence[Any] | None) -> LearnedText:
        text, spans = self._template.render_tagged(messages, tools)
        answers = [message for message in messages if message["role"] == "assistant"]
        # One tagged part for each answer tells which part belongs to an answer that is left out.
        if len(spans) == len(answers):
            spans = [span for span, message in zip(spans, answers, strict=True) if _is_learned(message)]
        return LearnedText(text, spans)

    def _find_answer(
        self, found: LearnedText, messages: Sequence[Message], tools: Sequence[Any] | None, index: int, cursor: int
    ) -> Span | None:
        text = found.text
        last = index + 1 == len(messages)
        prompt = self._try(messages[:index], tools, prompt=True) if index > 0 else None
        answered = text if last else self._try(messages[: index + 1], tools) if index > 0 else None
        # The answer is what rendering it adds to the prompt, if rendering leaves the past as it was.
        if prompt is not None and answered is not None and answered.startswith(prompt) and text.startswith(answered):
            return len(prompt), len(answered)
        found.history_rewritten = found.history_rewritten or index > 0
        span = self._by_substitution(text, messages, tools, index)
        return span if span is not None or answered is None else self._verbatim(text, answered, messages[: index + 1], tools, cursor)

    def _by_substitution(self, text: str, messages: Sequence[Message], tools: Sequence[Any] | None, index: int) -> Span | None:
        """For templates that rewrite earlier turns: the answer is what changes when another one is put in its place."""
        bare: Message = {"role": "assistant", "content": _SENTINEL}
        kept: Message = {**messages[index], "content": _SENTINEL}
        for replacement in (bare, kept) if len(kept) > len(bare) else (bare,):
            other = self._try([*messages[:index], replacement, *messages[index + 1 :]], tools)
            start = -1 if other is None else other.find(_SENTINEL)
            if other is None or start < 0 or text[:start] != other[:start]:
                continue
            tail = other[start + len(_SENTINEL) :]
            end = len(text) - len(tail)
            if end >= start and text.endswith(tail):
                return start, end + self._end_token_length(tail)
        return None

    def _verbatim(self, text: str, answered: str, messages: Sequence[Message], tools: Sequence[Any] | None, cursor: int) -> Span | None:
        """For templates that move what stands in front of an answer, as Mistral's does: the same words after the answer before."""
        span = self._by_substitution(answered, messages, tools, len(messages) - 1)
        said = "" if span is None else answered[slice(*span)]
        start = text.find(said, cursor) if said else -1
        return (start, start + len(said)) if start >= 0 else None

    def _end_token_length(self, tail: str) -> int:
        return next((len(token) for token in self._end_tokens if tail.startswith(token)), 0)

    def _try(self, messages: Sequence[Message], tools: Sequence[Any] | None, *, prompt: bool = False) -> str | None:
        """Part of a conversation may be refused where the whole is not."""
        try:
            return self._template.render(messages, tools, prompt=prompt)
        except TemplateRefusal:
            return None


def _is_learned(message: Message) -> bool:
    """An answer with weight 0 is read, not learned."""
    return message["role"] == "assistant" and message.get("weight") != 0
