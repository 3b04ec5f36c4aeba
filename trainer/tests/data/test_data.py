"""What is learned: exactly the answers and their end-of-turn token, nothing else, for any template."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from data.families import learned_texts
from support import Volume, chat, planet_rows

from data.chat_template import CHATML_TEMPLATE, PLAIN_TEMPLATE, TemplateRefusal
from data.encoder import RowEncoder, end_of_turn_ids
from data.training_file import Conversation, read_rows
from model.loading import load_tokenizer
from protocol import DatasetRef, RunFailure

TAGGED = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}"
    "{% else %}{{ message['content'] + '<|im_end|>' }}{% endif %}{{ '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
# Like Qwen3's: the thoughts of all but the last answer disappear from the history.
FORGETFUL = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% set text = message['content'] %}"
    "{% if message['role'] == 'assistant' %}"
    "{% if loop.last %}{{ '<think>\n\n</think>\n\n' + text }}{% else %}{{ text.split('</think>')[-1] }}{% endif %}"
    "{% else %}{{ text }}{% endif %}{{ '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
BRACKETED = (
    "{% for message in messages %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}"
    "{% else %}{{ ' ' + message['content'] + eos_token }}{% endif %}{% endfor %}"
)


def _encoder(tiny: Path, template: str | None = None, max_length: int = 512) -> RowEncoder:
    tokenizer = load_tokenizer(tiny)
    if template is not None:
        tokenizer.chat_template = template
    return RowEncoder(tokenizer, end_of_turn_ids(tokenizer, None), max_length)


def _learned(tiny: Path, row: Any) -> list[str]:
    return learned_texts(load_tokenizer(tiny), row)


@pytest.mark.parametrize("template", [None, TAGGED, BRACKETED, PLAIN_TEMPLATE, CHATML_TEMPLATE])
def test_only_answers_and_their_end_token_are_learned(tiny: Path, template: str | None) -> None:
    messages = chat("Which is largest?", "Jupiter.\n", "And the smallest?", "Mercury <b>&amp; nothing else</b>, 100 %")
    row, truncated = _encoder(tiny, template).encode(0, messages)
    assert row is not None
    assert not truncated
    space = " " if template == BRACKETED else ""
    assert _learned(tiny, row) == [f"{space}Jupiter.\n<|im_end|>", f"{space}Mercury <b>&amp; nothing else</b>, 100 %<|im_end|>"]


def test_the_end_token_is_learned_even_though_the_template_adds_a_line_break(tiny: Path) -> None:
    row, _ = _encoder(tiny).encode(0, chat("a", "b"))
    assert row is not None
    tokenizer = load_tokenizer(tiny)
    assert row.ids[row.labels[-1]] == tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert row.labels[-1] < len(row.ids) - 1


def test_answers_are_found_when_the_template_rewrites_the_history(tiny: Path) -> None:
    encoder = _encoder(tiny, FORGETFUL)
    row, _ = encoder.encode(0, chat("one", "<think>hidden</think>first", "two", "second"))
    assert row is not None
    assert encoder.history_rewritten
    assert _learned(tiny, row)[0] == "first<|im_end|>"
    assert _learned(tiny, row)[1].endswith("second<|im_end|>")


def test_text_of_any_script_keeps_its_boundaries(tiny: Path) -> None:
    answer = "日本語 – «ça» 🪐 שלום"
    row, _ = _encoder(tiny).encode(0, chat("¿Qué? 🙂", answer))
    assert row is not None
    assert _learned(tiny, row) == [f"{answer}<|im_end|>"]


def test_an_answer_without_a_question_is_still_only_the_answer(tiny: Path) -> None:
    row, _ = _encoder(tiny).encode(0, [{"role": "assistant", "content": "Hello"}, *chat("Hi", "Bye")])
    assert row is not None
    assert _learned(tiny, row) == ["Hello<|im_end|>", "Bye<|im_end|>"]


def test_too_long_a_conversation_loses_its_oldest_turns_but_not_its_system_prompt(tiny: Path) -> None:
    messages = chat("first question", "first answer " * 20, "second question", "second answer", system="Be brief.")
    row, truncated = _encoder(tiny, max_length=100).encode(0, messages)
    assert row is not None
    assert truncated
    text = load_tokenizer(tiny).decode(row.ids)
    assert "Be brief." in text
    assert "second question" in text
    assert "first" not in text
    assert _learned(tiny, row) == ["second answer<|im_end|>"]


@pytest.mark.parametrize("template", [None, TAGGED])
def test_an_answer_with_weight_0_is_read_but_not_learned(tiny: Path, template: str | None) -> None:
    encoder = _encoder(tiny, template)
    messages: list[dict[str, Any]] = [*chat("one", "first", "two", "second")]
    both, _ = encoder.encode(0, messages)
    messages[1] = {**messages[1], "weight": 0}
    last, _ = encoder.encode(0, messages)
    assert both is not None and last is not None
    assert last.ids == both.ids
    assert 0 < len(last.labels) < len(both.labels)
    assert last.labels == both.labels[-len(last.labels) :]


def test_tools_reach_the_template_and_arguments_are_objects_in_it(tiny: Path, tmp_path: Path) -> None:
    template = (
        "{{ tools[0]['name'] }}{% for m in messages %}{{ m['content'] }}"
        "{% for c in m['tool_calls'] or [] %}{{ c['function']['arguments']['city'] }}{% endfor %}{% endfor %}"
    )
    call = {"id": "1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
    row = {
        "messages": [{"role": "user", "content": "hot?"}, {"role": "assistant", "content": "", "tool_calls": [call]}],
        "tools": [{"name": "weather"}],
    }
    line = json.dumps(row) + "\n"
    (tmp_path / "rows.jsonl").write_text(line, encoding="utf-8")
    reference = DatasetRef(key="rows.jsonl", sha256=hashlib.sha256(line.encode()).hexdigest(), bytes=len(line), rows=1)
    [conversation] = read_rows(tmp_path, reference)
    encoder = _encoder(tiny, template)
    assert encoder.render(conversation.messages, tools=conversation.tools) == "weatherhot?Oslo"


@pytest.mark.parametrize("template", [PLAIN_TEMPLATE, CHATML_TEMPLATE], ids=["plain", "chatml"])
def test_the_templates_for_base_models_write_tools_calls_and_results(tiny: Path, template: str) -> None:
    """A base model trained on tool rows would otherwise learn empty answers."""
    call = {"id": "1", "type": "function", "function": {"name": "weather", "arguments": {"city": "Oslo"}}}
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": "hot?"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "5 degrees"},
        {"role": "assistant", "content": "No."},
    ]
    [encoded] = _encoder(tiny, template).encode_many(0, [Conversation(messages, [{"name": "weather"}])])
    assert encoded.row is not None
    called = '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call><|im_end|>'
    assert _learned(tiny, encoded.row) == [called, "No.<|im_end|>"]
    assert encoded.lost == frozenset()
    assert "tool\n5 degrees" in load_tokenizer(tiny).decode(encoded.row.ids)


@pytest.mark.parametrize("turns", [3, 9, 40])
def test_a_long_conversation_keeps_as_many_of_its_latest_turns_as_fit(tiny: Path, turns: int) -> None:
    """Leaving out more than necessary wastes rows; leaving out less overflows the batch. Compared with trying one by one."""
    encoder, tokenizer = _encoder(tiny, max_length=100), load_tokenizer(tiny)
    messages = chat(*[text for i in range(turns) for text in (f"question {i} " * 3, f"answer {i} " * 3)], system="Be brief.")
    row, truncated = encoder.encode(0, messages)
    assert row is not None
    fitting = None
    for start in range(1, len(messages), 2):
        candidate = [messages[0], *messages[start:]]
        ids = tokenizer(encoder.render(candidate), add_special_tokens=False)["input_ids"]
        if len(ids) <= 100:
            fitting = ids
            break
    assert row.ids == fitting
    assert truncated
    assert 1 <= len(_learned(tiny, row)) < turns


def test_a_refused_conversation_gives_the_templates_own_reason(tiny: Path) -> None:
    """Jinja's error must not end the run as an unexpected one."""
    template = "{% if messages[0]['role'] != 'user' %}{{ raise_exception('Begin with a user turn') }}{% endif %}" + BRACKETED
    with pytest.raises(TemplateRefusal, match="Begin with a user turn"):
        _encoder(tiny, template).encode(0, [{"role": "assistant", "content": "Hello"}])


@pytest.mark.parametrize("change", ["bytes", "sha256", "rows", "missing"])
def test_another_file_than_the_run_was_made_for_is_refused(volume: Volume, change: str) -> None:
    described = volume.job(planet_rows(3))["dataset"]
    reference = DatasetRef(described["key"], described["sha256"], described["bytes"], described["rows"])
    assert len(read_rows(volume.root, reference)) == 3
    path = volume.root / reference.key
    if change == "bytes":
        path.write_bytes(path.read_bytes() + b"\n")
    elif change == "sha256":
        path.write_bytes(path.read_bytes().replace(b"Question 1", b"Question 9"))
    elif change == "rows":
        reference = DatasetRef(reference.key, reference.sha256, reference.bytes, 4)
    else:
        path.unlink()
    with pytest.raises(RunFailure) as caught:
        read_rows(volume.root, reference)
    assert caught.value.code == "DATASET_MISMATCH"
