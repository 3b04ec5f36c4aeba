"""Conversations to token ids: template rendering, the assistant-only mask, truncation."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from data.chat_template import ChatTemplate, TemplateRefusal
from data.learned_spans import AnswerFinder, LearnedText
from data.lost_parts import lost_parts
from data.training_file import Conversation, Message


@dataclass(frozen=True)
class Row:
    """One conversation as tokens; `labels` are the positions whose token is learned."""

    index: int
    ids: list[int]
    labels: list[int]
    prompt_messages: list[Message]
    tools: list[Any] | None = None


@dataclass(frozen=True)
class Encoded:
    """What became of one conversation; `tokens` is its length before anything was cut, 0 where the template refused it."""

    row: Row | None
    tokens: int
    was_truncated: bool = False
    refusal: str | None = None
    answers_lost: int = 0
    answers_without_end: int = 0
    lost: frozenset[str] = field(default_factory=frozenset)


class RowEncoder:
    """Turns conversations into rows with the model's own chat template."""

    def __init__(self, tokenizer: Any, end_ids: set[int], max_length: int) -> None:
        self._tokenizer = tokenizer
        self._max_length = max_length
        self._ends = end_ids
        self._template = ChatTemplate(tokenizer)
        tokens = tokenizer.convert_ids_to_tokens(sorted(end_ids))
        self._finder = AnswerFinder(self._template, [token for token in tokens if isinstance(token, str)])
        self.history_rewritten = False

    @property
    def max_length(self) -> int:
        """Tokens that a row may have."""
        return self._max_length

    def encode(self, index: int, messages: list[Message], tools: list[Any] | None = None) -> tuple[Row | None, bool]:
        """The row, shortened from its oldest turns if need be; (None, …) when its answer does not fit."""
        [encoded] = self.encode_many(index, [Conversation(messages, tools)])
        if encoded.refusal is not None:
            raise TemplateRefusal(encoded.refusal)
        return encoded.row, encoded.was_truncated

    def encode_many(self, first_index: int, conversations: Sequence[Conversation]) -> list[Encoded]:
        """Encodes neighbouring rows, the first of which has the number `first_index`; many at once take far less time each."""
        found: list[LearnedText | TemplateRefusal] = []
        for conversation in conversations:
            try:
                found.append(self._finder.find(conversation.messages, conversation.tools))
            except TemplateRefusal as refusal:
                found.append(refusal)
        tokenized = iter(self._tokenize([learned.text for learned in found if isinstance(learned, LearnedText)]))
        result = []
        for index, (conversation, learned) in enumerate(zip(conversations, found, strict=True), start=first_index):
            if isinstance(learned, TemplateRefusal):
                result.append(Encoded(None, 0, refusal=str(learned)))
                continue
            ids, starts = next(tokenized)
            if len(ids) <= self._max_length:
                result.append(self._encoded(index, conversation, learned, ids, starts, len(ids), was_truncated=False))
            else:
                result.append(self._shortened(index, conversation, len(ids)))
        return result

    def render(self, messages: list[Message], *, prompt: bool = False, tools: list[Any] | None = None) -> str:
        """The conversation as the model reads it."""
        return self._template.render(messages, tools, prompt=prompt)

    def _encoded(
        self,
        index: int,
        conversation: Conversation,
        learned: LearnedText,
        ids: list[int],
        starts: list[int],
        tokens: int,
        *,
        was_truncated: bool,
    ) -> Encoded:
        self.history_rewritten = self.history_rewritten or learned.history_rewritten
        labels, without_end = self._label_positions(ids, starts, learned)
        messages = conversation.messages
        last_answer = max((i for i, message in enumerate(messages) if message["role"] == "assistant"), default=len(messages))
        row = Row(index=index, ids=ids, labels=labels, prompt_messages=messages[:last_answer], tools=conversation.tools)
        lost = lost_parts(messages, conversation.tools, learned.text)
        return Encoded(row, tokens, was_truncated, None, learned.answers_lost, without_end, lost)

    def _label_positions(self, ids: list[int], starts: list[int], learned: LearnedText) -> tuple[list[int], int]:
        labels: list[int] = []
        without_end = 0
        for start, end in learned.spans:
            first, stop = bisect_left(starts, start), bisect_left(starts, end)
            last = next((i for i in range(stop - 1, first - 1, -1) if ids[i] in self._ends), None)
            without_end += last is None
            # What a template puts after the end-of-turn token is not something the model should say; token 0 follows nothing.
            labels.extend(range(max(first, 1), stop if last is None else last + 1))
        return labels, without_end

    def _shortened(self, index: int, conversation: Conversation, tokens: int) -> Encoded:
        """Leaves out as few of the oldest turns as will do; without a row where even the last exchange is too long."""
        candidates = _shorter_conversations(conversation.messages)
        low, high = 0, len(candidates)
        try:
            while low < high:
                middle = (low + high) // 2
                if self._length(candidates[middle], conversation.tools) <= self._max_length:
                    high = middle
                else:
                    low = middle + 1
            if low == len(candidates):
                return Encoded(None, tokens)
            kept = Conversation(candidates[low], conversation.tools)
            learned = self._finder.find(kept.messages, kept.tools)
        except TemplateRefusal as refusal:
            return Encoded(None, tokens, refusal=str(refusal))
        [(ids, starts)] = self._tokenize([learned.text])
        return self._encoded(index, kept, learned, ids, starts, tokens, was_truncated=True)

    def _length(self, messages: list[Message], tools: list[Any] | None) -> int:
        return len(self._tokenizer(self._template.render(messages, tools), add_special_tokens=False, verbose=False)["input_ids"])

    def _tokenize(self, texts: list[str]) -> list[tuple[list[int], list[int]]]:
        """Ids of each text with the character at which each token begins."""
        if not texts:
            return []
        encoded = self._tokenizer(
            texts,
            add_special_tokens=False,
            return_offsets_mapping=True,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,
        )
        offsets = encoded["offset_mapping"]
        return [(list(ids), [start for start, _ in pairs]) for ids, pairs in zip(encoded["input_ids"], offsets, strict=True)]


def _shorter_conversations(messages: list[Message]) -> list[list[Message]]:
    """The conversation without its oldest turn, its two oldest turns, …; the system prompt and the last exchange always stay."""
    head = [message for message in messages[:1] if message["role"] == "system"]
    body = messages[len(head) :]
    last_answer = max((i for i, message in enumerate(body) if message["role"] == "assistant"), default=-1)
    return [[*head, *body[i:]] for i, message in enumerate(body) if 0 < i < last_answer and message["role"] == "user"]


def end_of_turn_ids(tokenizer: Any, generation_eos: int | list[int] | None) -> set[int]:
    """Tokens that end a turn: the end tokens of the model and every special token of the vocabulary."""
    ends = {int(i) for i in tokenizer.all_special_ids}
    ends |= {int(i) for i, token in tokenizer.added_tokens_decoder.items() if token.special}
    if generation_eos is not None:
        ends |= set(generation_eos) if isinstance(generation_eos, list) else {generation_eos}
    return ends
