"""The chat template of a model: rendering that is the same on every day, and what a model without one gets."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from data.training_file import Message
from protocol import RunFailure

Span = tuple[int, int]

# Tools and calls are written as Qwen and its relatives write them, which most base models have read.
_TOOLS = "{% if tools %}{{ OPEN }}{% for tool in tools %}{{ tool | tojson + '\n' }}{% endfor %}{{ CLOSE }}{% endif %}"
_CALLS = (
    "{% for call in message['tool_calls'] or [] %}{{ '' if loop.first and not message['content'] else '\n' }}"
    "{{ '<tool_call>\n' + (call['function'] or call) | tojson + '\n</tool_call>' }}{% endfor %}"
)
PLAIN_TEMPLATE = (
    _TOOLS.replace("OPEN", "'### tools\n'").replace("CLOSE", "'\n'")
    + "{% for message in messages %}{{ '### ' + message['role'] + '\n' + message['content'] }}"
    + _CALLS
    + "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}{{ '\n\n' }}{% endfor %}"
    + "{% if add_generation_prompt %}{{ '### assistant\n' }}{% endif %}"
)
CHATML_TEMPLATE = (
    _TOOLS.replace("OPEN", "'<|im_start|>tools\n'").replace("CLOSE", "'<|im_end|>\n'")
    + "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] }}"
    + _CALLS
    + "{{ '<|im_end|>\n' }}{% endfor %}"
    + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
_CHATML_TOKENS = ("<|im_start|>", "<|im_end|>")
_GENERATION_TAG = re.compile(r"\{%[-+]?\s*generation\s*[-+]?%\}")
# A template that prints the date gets one that never changes: a run that is continued tomorrow must read the same rows.
_FIXED_DAY = datetime(2024, 7, 26)


class TemplateRefusal(Exception):
    """The template objects to a conversation, or cannot be read at all; the text is the template's own reason."""


class ChatTemplate:
    """A tokenizer's chat template, ready to render many conversations."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._variables: dict[str, Any] = {**tokenizer.special_tokens_map, "strftime_now": _FIXED_DAY.strftime}
        self._texts: dict[bool, str] = {}

    def render(self, messages: Sequence[Message], tools: Sequence[Any] | None = None, *, prompt: bool = False) -> str:
        """The conversation as the model reads it; with `prompt`, up to where its next answer begins."""
        return self._render(messages, tools, prompt=prompt, tagged=False)[0]

    def render_tagged(self, messages: Sequence[Message], tools: Sequence[Any] | None) -> tuple[str, list[Span]]:
        """The conversation and the character spans that the template's own tags mark as the model's words."""
        return self._render(messages, tools, prompt=False, tagged=True)

    def has_tags(self, tools: Sequence[Any] | None) -> bool:
        """Whether the template marks by itself what is learned."""
        return _GENERATION_TAG.search(self._text(tools)) is not None

    def _render(self, messages: Sequence[Message], tools: Sequence[Any] | None, *, prompt: bool, tagged: bool) -> tuple[str, list[Span]]:
        from jinja2 import TemplateError
        from transformers.utils.chat_template_utils import render_jinja_template

        try:
            rendered, spans = render_jinja_template(
                conversations=[messages],
                tools=tools,
                chat_template=self._text(tools),
                add_generation_prompt=prompt,
                return_assistant_tokens_mask=tagged,
                **self._variables,
            )
        except (TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise TemplateRefusal(str(error) or type(error).__name__) from error
        return str(rendered[0]), [(int(start), int(end)) for start, end in spans[0]] if tagged else []

    def _text(self, tools: Sequence[Any] | None) -> str:
        """Some models have a second template for conversations with tools."""
        wanted = tools is not None
        if wanted not in self._texts:
            self._texts[wanted] = str(self._tokenizer.get_chat_template(None, tools))
        return self._texts[wanted]


def ensure_chat_template(tokenizer: Any) -> str | None:
    """Gives a base model without a template ChatML where its tokens exist, else a plain one; returns what to tell the user."""
    if tokenizer.chat_template:
        return None
    vocabulary: Mapping[str, int] = tokenizer.get_vocab()
    if all(token in vocabulary for token in _CHATML_TOKENS):
        tokenizer.chat_template = CHATML_TEMPLATE
        # Answers end with this token, so whoever generates with this tokenizer must stop at it.
        tokenizer.eos_token = _CHATML_TOKENS[1]
        return "This base model has no chat template; ChatML, whose tokens it knows, is used and saved with the adapter."
    if not tokenizer.eos_token:
        message = "This base model has neither a chat template nor an end token, so it cannot learn where an answer ends."
        raise RunFailure("MASK_EMPTY", message, "Choose a base model with a chat template, usually one whose name ends in Instruct or it.")
    tokenizer.chat_template = ("{{ bos_token }}" if _begins_with_bos(tokenizer) else "") + PLAIN_TEMPLATE
    return "This base model has no chat template; a plain one is used and saved with the adapter."


def _begins_with_bos(tokenizer: Any) -> bool:
    """Whether the model has been trained on texts that begin with its start token."""
    ids: list[int] = tokenizer("a")["input_ids"]
    return tokenizer.bos_token_id is not None and ids[:1] == [tokenizer.bos_token_id]
