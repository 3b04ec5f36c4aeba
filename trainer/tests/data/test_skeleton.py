"""One rendering must find the same learned text as rendering up to every answer, for every template at hand."""

from pathlib import Path
from typing import Any

import pytest
from data.families import FAMILIES, template_of, tokenizer_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import chat

from data.chat_template import ChatTemplate, TemplateRefusal
from data.encoder import end_of_turn_ids
from data.learned_spans import AnswerFinder
from data.training_file import Message
from model.loading import load_tokenizer

# Families of the catalogue and some whose templates do unusual things: think marks in the prompt, channels, pasted system texts.
TEMPLATES = [
    *FAMILIES,
    *(
        "trl:deepseek_r1_distill",
        "trl:deepseekv3",
        "trl:gptoss",
        "trl:phi3_5",
        "trl:qwen3_5_think",
        "trl:cohere2",
        "trl:glm4moe",
        "trl:gemma",
    ),
]
# What templates look for in a text, next to ordinary words.
WORDS = ["<think>", "</think>", "<tool_response>", "</tool_response>", " ", "\n", "a", "é", "<|im_end|>", "\ue0101\ue011", "</s>"]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=5).map("".join)
CONVERSATIONS = st.lists(st.tuples(st.sampled_from(["user", "assistant", "system", "tool"]), TEXTS, st.booleans()), min_size=1, max_size=3)


def _tokenizer(tiny: Path, name: str) -> Any:
    if not name.startswith("trl:"):
        return tokenizer_of(tiny, name)
    tokenizer = load_tokenizer(tiny)
    tokenizer.bos_token = "<|im_start|>"
    tokenizer.chat_template = template_of(name)
    return tokenizer


@pytest.mark.parametrize("name", TEMPLATES)
def test_one_rendering_finds_what_the_rule_finds(tiny: Path, name: str) -> None:
    """A shortcut that is wrong for one kind of text would learn prompts, or lose ends, in those rows only."""
    tokenizer = _tokenizer(tiny, name)
    template = ChatTemplate(tokenizer)
    ends = tokenizer.convert_ids_to_tokens(sorted(end_of_turn_ids(tokenizer, None)))
    finder = AnswerFinder(template, ends)
    found = 0

    @settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.tuples(TEXTS, TEXTS, st.booleans()), min_size=1, max_size=4), CONVERSATIONS)
    def holds(turns: list[tuple[str, str, bool]], more: list[tuple[str, str, bool]]) -> None:
        nonlocal found
        messages: list[Message] = []
        for asked, answer, is_learned in turns:
            messages += [{"role": "user", "content": asked}, {"role": "assistant", "content": answer, "weight": int(is_learned)}]
        unusual: list[Message] = [{"role": role, "content": text, "weight": int(weight)} for role, text, weight in more]
        head: Message = {"role": "system", "content": turns[0][0]}
        for conversation in (messages, [head, *messages], [*messages, *unusual], [*unusual, *messages]):
            try:
                text = template.render(conversation)
            except TemplateRefusal:
                continue
            found += 1
            assert finder.find(conversation, None).spans == finder.find_one_by_one(text, conversation, None).spans

    holds()
    assert found > 0


@pytest.mark.parametrize("name", FAMILIES)
def test_rows_of_a_known_order_of_roles_are_rendered_once(tiny: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty turns of 100,000 rows rendered up to every answer would keep a rented GPU waiting for the better part of an hour."""
    finder = AnswerFinder(ChatTemplate(tokenizer_of(tiny, name)), [FAMILIES[name].end])
    finder.find(chat(*"abcdefgh"), None)
    rendered: list[int] = []
    render = ChatTemplate.render

    def counted(self: ChatTemplate, messages: list[Message], tools: None = None, *, prompt: bool = False) -> str:
        rendered.append(len(messages))
        return render(self, messages, tools, prompt=prompt)

    monkeypatch.setattr(ChatTemplate, "render", counted)
    assert len(finder.find(chat(" ", *"jklmno", " p\n"), None).spans) == 4
    assert rendered == [8]
