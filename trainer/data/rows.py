"""Rows to token ids: template rendering, the assistant-only mask, truncation, the held-out split."""

import hashlib
import json
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from protocol import DatasetRef, RunFailure
from storage import sha256_file

Message = dict[str, Any]

# Used only for base models that come without a template of their own.
PLAIN_TEMPLATE = (
    "{% for message in messages %}{{ '### ' + message['role'] + '\n' + message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}{{ '\n\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '### assistant\n' }}{% endif %}"
)
_MAX_EVAL_ROWS = 500
_MIN_ROWS_FOR_EVAL = 10
_SENTINEL = "\ue000\ue001\ue000"


@dataclass(frozen=True)
class Conversation:
    """One row of the training file."""

    messages: list[Message]
    tools: list[Any] | None = None


@dataclass(frozen=True)
class Row:
    """One conversation as tokens; `labels` are the positions whose token is learned."""

    index: int
    ids: list[int]
    labels: list[int]
    prompt_messages: list[Message]
    tools: list[Any] | None = None


@dataclass(frozen=True)
class Dataset:
    """The rows to train and to hold out, and what was done to them."""

    train: list[Row]
    held_out: list[Row]
    rows_truncated: int
    rows_dropped: int

    @property
    def tokens_total(self) -> int:
        """Tokens of one pass over the training rows."""
        return sum(len(row.ids) for row in self.train)

    @property
    def tokens_trained(self) -> int:
        """Tokens of one pass whose prediction is learned."""
        return sum(len(row.labels) for row in self.train)


def read_rows(volume: Path, reference: DatasetRef) -> list[Conversation]:
    """Reads the frozen training file after checking that it is the one the run was made for."""
    path = volume / reference.key
    advice = "Start the run again from the app, which uploads the dataset anew."
    if not path.is_file():
        raise RunFailure("DATASET_MISMATCH", f"The training file {reference.key} is not on the volume.", advice)
    size = path.stat().st_size
    if size != reference.bytes or sha256_file(path) != reference.sha256:
        raise RunFailure("DATASET_MISMATCH", f"The training file {reference.key} is not the one the run was made for.", advice)
    rows = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                rows.append(_conversation(line, number))
    if len(rows) != reference.rows:
        message = f"The training file has {len(rows)} rows; the run was made for {reference.rows}."
        raise RunFailure("DATASET_MISMATCH", message, advice)
    return rows


def _conversation(line: str, number: int) -> Conversation:
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    messages = row.get("messages") if isinstance(row, dict) else None
    tools = row.get("tools") if isinstance(row, dict) else None
    if isinstance(messages, list) and messages and all(_is_message(message) for message in messages):
        return Conversation([_with_arguments(message) for message in messages], tools if isinstance(tools, list) else None)
    advice = "Import the dataset again, then start a new run."
    raise RunFailure("DATASET_MISMATCH", f"Line {number} of the training file is not a conversation.", advice)


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("role"), str) and isinstance(value.get("content"), str)


def _with_arguments(message: Message) -> Message:
    """Templates write the arguments of a tool call as an object; the file keeps them as JSON text, as OpenAI's format has it."""
    calls = message.get("tool_calls")
    if not isinstance(calls, list):
        return message
    return {**message, "tool_calls": [_call_with_arguments(call) for call in calls]}


def _call_with_arguments(call: Any) -> Any:
    function = call.get("function") if isinstance(call, dict) else None
    text = function.get("arguments") if isinstance(function, dict) else None
    if not isinstance(function, dict) or not isinstance(text, str):
        return call
    try:
        arguments = json.loads(text)
    except ValueError:
        return call
    return {**call, "function": {**function, "arguments": arguments}} if isinstance(arguments, dict) else call


class RowEncoder:
    """Turns conversations into rows with the model's own chat template."""

    def __init__(self, tokenizer: Any, end_ids: set[int], max_length: int) -> None:
        self._tokenizer = tokenizer
        self._max_length = max_length
        self._ends = end_ids
        self._has_generation_tags = "generation %}" in str(tokenizer.chat_template)
        self.history_rewritten = False
        self._tools: list[Any] | None = None

    def encode(self, index: int, messages: list[Message], tools: list[Any] | None = None) -> tuple[Row | None, bool]:
        """The row, shortened from its oldest turns if need be; (None, …) when its answer does not fit."""
        self._tools = tools
        kept, truncated = messages, False
        while True:
            row = self._encode(index, kept)
            if len(row.ids) <= self._max_length:
                return row, truncated
            shorter = _without_oldest_turn(kept)
            if shorter is None:
                return None, truncated
            kept, truncated = shorter, True

    def _encode(self, index: int, messages: list[Message]) -> Row:
        text, spans = self._spans(messages)
        encoded = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        ids: list[int] = list(encoded["input_ids"])
        labels = self._label_positions(ids, list(encoded["offset_mapping"]), spans)
        last_user = max((i for i, message in enumerate(messages) if message["role"] == "assistant"), default=len(messages))
        return Row(index=index, ids=ids, labels=labels, prompt_messages=messages[:last_user], tools=self._tools)

    def _label_positions(self, ids: list[int], offsets: list[tuple[int, int]], spans: list[tuple[int, int]]) -> list[int]:
        labels: list[int] = []
        for start, end in spans:
            inside = [i for i, (a, b) in enumerate(offsets) if a < end and b > start and a >= start]
            # What a template puts after the end-of-turn token is not something the model should say.
            last = max((i for i in inside if ids[i] in self._ends), default=None)
            labels.extend(i for i in inside if i > 0 and (last is None or i <= last))
        return labels

    def _spans(self, messages: list[Message]) -> tuple[str, list[tuple[int, int]]]:
        if self._has_generation_tags:
            return self._tagged_spans(messages)
        text = self.render(messages)
        spans = []
        for i, message in enumerate(messages):
            # An answer with weight 0 is read, not learned.
            if message["role"] != "assistant" or message.get("weight") == 0:
                continue
            span = self._span_by_prefix(text, messages, i) or self._span_by_substitution(text, messages, i)
            if span is not None:
                spans.append(span)
        return text, spans

    def _tagged_spans(self, messages: list[Message]) -> tuple[str, list[tuple[int, int]]]:
        from transformers.utils.chat_template_utils import render_jinja_template

        rendered, indices = render_jinja_template(
            conversations=[messages],
            tools=self._tools,
            chat_template=self._tokenizer.chat_template,
            return_assistant_tokens_mask=True,
            **self._tokenizer.special_tokens_map,
        )
        text = str(rendered[0])
        spans = [(int(start), int(end)) for start, end in indices[0]]
        answers = [message for message in messages if message["role"] == "assistant"]
        if len(spans) == len(answers):
            spans = [span for span, message in zip(spans, answers, strict=True) if message.get("weight") != 0]
        return text, spans

    def _span_by_prefix(self, text: str, messages: list[Message], i: int) -> tuple[int, int] | None:
        """The answer is what rendering it adds to the prompt, if rendering leaves the past as it was."""
        if i == 0:
            return None
        prompt = self.render(messages[:i], prompt=True)
        answered = self.render(messages[: i + 1])
        if answered.startswith(prompt) and text.startswith(answered):
            return len(prompt), len(answered)
        self.history_rewritten = True
        return None

    def _span_by_substitution(self, text: str, messages: list[Message], i: int) -> tuple[int, int] | None:
        """For templates that rewrite earlier turns: the answer is what changes when it is replaced."""
        replaced = [*messages[:i], {**messages[i], "content": _SENTINEL}, *messages[i + 1 :]]
        other = self.render(replaced)
        start = other.find(_SENTINEL)
        if start < 0 or text[:start] != other[:start]:
            return None
        tail = other[start + len(_SENTINEL) :]
        if not text.endswith(tail) or len(text) - len(tail) < start:
            return None
        end = len(text) - len(tail)
        return start, end + self._end_token_length(tail)

    def _end_token_length(self, tail: str) -> int:
        for token in self._tokenizer.convert_ids_to_tokens(sorted(self._ends)):
            if isinstance(token, str) and tail.startswith(token):
                return len(token)
        return 0

    def render(self, messages: list[Message], *, prompt: bool = False) -> str:
        """The conversation as the model reads it."""
        return str(self._tokenizer.apply_chat_template(messages, tools=self._tools, tokenize=False, add_generation_prompt=prompt))


def build_dataset(
    rows: Sequence[Conversation],
    encoder: RowEncoder,
    *,
    dataset_sha256: str,
    eval_fraction: float,
    on_progress: Callable[[int], None],
) -> Dataset:
    """Encodes every row and splits them; stops the run when a row has nothing to learn."""
    kept: list[Row] = []
    truncated = dropped = 0
    without_answer: list[int] = []
    for index, conversation in enumerate(rows):
        row, was_truncated = encoder.encode(index, conversation.messages, conversation.tools)
        if row is None:
            dropped += 1
            continue
        truncated += was_truncated
        if not row.labels:
            without_answer.append(index + 1)
        kept.append(row)
        on_progress(index + 1)
    if without_answer:
        shown = ", ".join(map(str, without_answer[:10])) + (", …" if len(without_answer) > 10 else "")
        message = f"{len(without_answer)} rows have no answer to learn from (lines {shown})."
        raise RunFailure("MASK_EMPTY", message, "Remove these rows or give them an assistant turn, then start a new run.")
    if not kept:
        raise RunFailure("DATASET_EMPTY", "No row is left to train on.", "Raise max_length or choose a dataset with shorter answers.")
    held = held_out_indices([rows[row.index].messages for row in kept], dataset_sha256, eval_fraction)
    train = [row for i, row in enumerate(kept) if i not in held]
    return Dataset(train, [row for i, row in enumerate(kept) if i in held], truncated, dropped)


def held_out_indices(rows: Sequence[list[Message]], dataset_sha256: str, fraction: float) -> set[int]:
    """Chooses the rows to hold out: whole groups that share a first user turn, the same for ever."""
    if fraction <= 0 or len(rows) < _MIN_ROWS_FOR_EVAL:
        return set()
    wanted = min(max(1, round(fraction * len(rows))), _MAX_EVAL_ROWS)
    groups: dict[str, list[int]] = {}
    for index, messages in enumerate(rows):
        groups.setdefault(hashlib.sha256(f"{dataset_sha256}\n{_first_user_turn(messages)}".encode()).hexdigest(), []).append(index)
    held: set[int] = set()
    for _, members in sorted(groups.items()):
        if len(held) >= wanted:
            break
        # A group too large for what is still wanted would starve the training rows.
        if len(held) + len(members) <= max(wanted, 1) or (not held and len(members) <= len(rows) // 2):
            held.update(members)
    return held


def _first_user_turn(messages: list[Message]) -> str:
    for message in messages:
        if message["role"] == "user":
            return " ".join(unicodedata.normalize("NFKC", message["content"]).casefold().split())
    return ""


def _without_oldest_turn(messages: list[Message]) -> list[Message] | None:
    """Drops the oldest user turn and what answers it; None when only the last exchange is left."""
    head = [message for message in messages[:1] if message["role"] == "system"]
    body = messages[len(head) :]
    later = next((i for i, message in enumerate(body) if i > 0 and message["role"] == "user"), None)
    if later is None or not any(message["role"] == "assistant" for message in body[later:]):
        return None
    return [*head, *body[later:]]


def end_of_turn_ids(tokenizer: Any, generation_eos: int | list[int] | None) -> set[int]:
    """Tokens that end a turn: the end tokens of the model and every special token of the vocabulary."""
    ends = {int(i) for i in tokenizer.all_special_ids}
    ends |= {int(i) for i, token in tokenizer.added_tokens_decoder.items() if token.special}
    if generation_eos is not None:
        ends |= set(generation_eos) if isinstance(generation_eos, list) else {generation_eos}
    return ends
