"""For every family in the catalogue: what is learned is exactly the answers with their end-of-turn token."""

import re
from pathlib import Path
from typing import Any

import pytest
from data.families import FAMILIES, encoder_of, learned_texts, template_of, tokenizer_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import chat

from data.training_file import Conversation, Message

# Families that know tools, and how each writes a call.
CALLS = {
    "qwen3": '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call>',
    "qwen3-2507": '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call>',
    "qwen2.5": '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call>',
    "llama3.1": '{"name": "weather", "parameters": {"city": "Oslo"}}',
    "llama3.2": '{"name": "weather", "parameters": {"city": "Oslo"}}',
    "mistral": '[TOOL_CALLS][{"id": "abcdefgh1", "type": "function", "function": {"name": "weather", "arguments": {"city": "Oslo"}}}]',
    "qwen3-published": '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call>',
    "mistral-published": '[TOOL_CALLS][{"name": "weather", "arguments": {"city": "Oslo"}, "id": "abcdefgh1"}]',
}
TOOLS: list[Any] = [{"type": "function", "function": {"name": "weather", "description": "d", "parameters": {"type": "object"}}}]
ASKED: list[Message] = [
    {"role": "user", "content": "Hot in Oslo?"},
    {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": "abcdefgh1", "type": "function", "function": {"name": "weather", "arguments": {"city": "Oslo"}}}],
    },
    {"role": "tool", "content": "5 degrees", "tool_call_id": "abcdefgh1", "name": "weather"},
    {"role": "assistant", "content": "It is cold."},
]
# Any script, line breaks and the characters that templates and tokenizers trip over; a think mark would be read as one.
WORDS = st.text(st.sampled_from("ab Z9.,\n\t<>{}%&'\"\\|é日本語🪐ש"), max_size=24).map(lambda text: re.sub("</?think>", "", text))


def _expected(name: str, messages: list[Message]) -> list[str]:
    """The learned text of each answer, from what the family's template is published to write."""
    family = FAMILIES[name]
    texts = []
    for index, message in enumerate(messages):
        if message["role"] != "assistant" or message.get("weight") == 0:
            continue
        content = message["content"]
        if name.startswith(("llama", "gemma")):
            content = content.strip()
        if name.startswith("qwen3") and "2507" not in name and index == len(messages) - 1:
            content = "<think>\n\n</think>\n\n" + content.lstrip("\n")
        texts.append(content + family.end)
    return texts


@st.composite
def _conversations(draw: st.DrawFn) -> list[Message]:
    turns = draw(st.lists(st.tuples(WORDS, WORDS, st.booleans()), min_size=1, max_size=4))
    messages: list[Message] = [{"role": "system", "content": draw(WORDS)}] if draw(st.booleans()) else []
    for asked, answer, is_learned in turns:
        messages += [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]
        if not is_learned:
            messages[-1]["weight"] = 0
    return messages


@pytest.mark.parametrize("name", FAMILIES)
def test_exactly_the_answers_and_their_end_tokens_are_learned(tiny: Path, name: str) -> None:
    """A prompt token in the loss, or an answer without its end, never shows in the loss and ruins the adapter."""
    tokenizer = tokenizer_of(tiny, name)
    encoder = encoder_of(tokenizer)

    @settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
    @given(_conversations())
    def holds(messages: list[Message]) -> None:
        [encoded] = encoder.encode_many(0, [Conversation(messages)])
        assert encoded.row is not None
        expected = _expected(name, messages)
        assert learned_texts(tokenizer, encoded.row) == expected
        ends = [i for i in encoded.row.labels if encoded.row.ids[i] == tokenizer.eos_token_id]
        assert len(ends) == len(expected)
        assert encoded.answers_lost == encoded.answers_without_end == 0

    holds()


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("system", [False, True], ids=["", "system"])
def test_tools_calls_and_their_results_survive_and_calls_are_learned(tiny: Path, name: str, system: bool) -> None:
    """An earlier call that is only read, or a dropped tool result, teaches a model to answer from nothing."""
    tokenizer = tokenizer_of(tiny, name)
    head: list[Message] = [{"role": "system", "content": "Be brief."}] if system else []
    messages = [*head, *ASKED, *ASKED[:-1], {"role": "assistant", "content": "Still cold."}]
    [encoded] = encoder_of(tokenizer).encode_many(0, [Conversation(messages, TOOLS)])
    assert encoded.row is not None, encoded.refusal
    end, call = FAMILIES[name].end, CALLS[name]
    thought = "<think>\n\n</think>\n\n" if name in ("qwen3", "qwen3-published") else ""
    assert learned_texts(tokenizer, encoded.row) == [call + end, f"It is cold.{end}", call + end, f"{thought}Still cold.{end}"]
    whole = tokenizer.decode(encoded.row.ids)
    # Llama's writes a result as JSON text, with quotation marks.
    assert whole.count("5 degrees") == 2
    assert '"description": "d"' in whole
    assert encoded.lost == ({"system prompts"} if system and "mistral" in name else set())


@pytest.mark.parametrize("name", ["qwen3", "qwen3-published"])
@pytest.mark.parametrize("key", ["content", "reasoning_content"])
def test_thoughts_of_the_last_answer_are_learned_and_earlier_ones_leave_the_history(tiny: Path, name: str, key: str) -> None:
    """Qwen3's template drops earlier thoughts; a mask made from the turns one by one would stand in the wrong place."""
    tokenizer = tokenizer_of(tiny, name)

    def answer(thought: str, text: str) -> Message:
        if key == "reasoning_content":
            return {"role": "assistant", "content": text, key: thought}
        return {"role": "assistant", "content": f"<think>\n{thought}\n</think>\n\n{text}"}

    encoder = encoder_of(tokenizer)
    messages = [*chat("One?"), answer("hm 1", "First."), *chat("Two?"), answer("hm 2", "Second.")]
    row, _ = encoder.encode(0, messages)
    assert row is not None
    assert learned_texts(tokenizer, row) == ["First.<|im_end|>", "<think>\nhm 2\n</think>\n\nSecond.<|im_end|>"]
    assert "hm 1" not in tokenizer.decode(row.ids)
    assert encoder.history_rewritten


@pytest.mark.parametrize("name", [name for name in FAMILIES if not name.startswith(("qwen3", "mistral"))] + ["qwen3-2507"])
def test_a_longer_conversation_begins_with_the_tokens_of_the_shorter_one(tiny: Path, name: str) -> None:
    """Where history is not rewritten, what was learned in context must be what is read later."""
    tokenizer = tokenizer_of(tiny, name)
    encoder = encoder_of(tokenizer)
    messages = chat("a", "b", "c", "d", "e", "f", system="Be brief.")
    whole, _ = encoder.encode(0, messages)
    shorter, _ = encoder.encode(0, messages[:5])
    assert whole is not None and shorter is not None
    assert whole.ids[: len(shorter.ids)] == shorter.ids
    assert whole.labels[: len(shorter.labels)] == shorter.labels
    assert not encoder.history_rewritten


@pytest.mark.parametrize("name", ["qwen3_instruct_2507", "llama3", "gemma3", "qwen3"])
def test_the_rule_finds_what_a_template_with_tags_marks(tiny: Path, name: str) -> None:
    """Two independent ways to the mask: by rendering turn by turn, and by the tags of TRL's training templates."""
    tokenizer = tokenizer_of(tiny, "qwen3-2507" if name == "qwen3_instruct_2507" else name)
    messages = chat("a", "b") if name == "qwen3" else chat("a", "b", "c", "d", system="s")
    by_rule, _ = encoder_of(tokenizer).encode(0, messages)
    tokenizer.chat_template = template_of(f"trl:{name}_training")
    by_tags, _ = encoder_of(tokenizer).encode(0, messages)
    assert by_rule is not None and by_tags is not None
    assert by_rule.ids == by_tags.ids
    assert by_rule.labels == by_tags.labels


@pytest.mark.parametrize("name", ["llama3.1", "llama3.2"])
def test_a_template_that_prints_the_date_prints_the_same_on_every_day(tiny: Path, name: str) -> None:
    """A run continued on the next day would otherwise read other tokens than its checkpoint was made with."""
    row, _ = encoder_of(tokenizer_of(tiny, name)).encode(0, chat("a", "b"))
    assert row is not None
    assert "Today Date: 26 Jul 2024" in tokenizer_of(tiny, name).decode(row.ids)


@pytest.mark.parametrize("name", ["smollm2", "gemma3", "llama3"])
def test_what_a_template_leaves_out_is_said(tiny: Path, name: str) -> None:
    """A template that ignores calls would teach empty answers without a word."""
    messages: list[Message] = [*chat("a"), {**ASKED[1], "content": "Let me see.", "reasoning_content": "Weather? Tool."}]
    [encoded] = encoder_of(tokenizer_of(tiny, name)).encode_many(0, [Conversation(messages, TOOLS)])
    assert encoded.lost == {"tool calls", "lists of tools", "the reasoning of answers"}
