"""What is learned: exactly the answers and their end-of-turn token, nothing else, for any template."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from support import Messages, Volume, chat, planet_rows

from data import PLAIN_TEMPLATE, Conversation, RowEncoder, build_dataset, end_of_turn_ids, held_out_indices, read_rows
from models import load_tokenizer
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
    """The learned text, one piece for every unbroken stretch of label positions."""
    tokenizer = load_tokenizer(tiny)
    pieces: list[list[int]] = []
    previous = -2
    for position in row.labels:
        if position != previous + 1:
            pieces.append([])
        pieces[-1].append(row.ids[position])
        previous = position
    return [tokenizer.decode(piece, skip_special_tokens=False) for piece in pieces]


@pytest.mark.parametrize("template", [None, TAGGED, BRACKETED, PLAIN_TEMPLATE], ids=["chatml", "tagged", "bracketed", "plain"])
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


def test_a_row_whose_last_answer_does_not_fit_is_dropped_and_counted(tiny: Path) -> None:
    rows = [*planet_rows(12), chat("q", "long answer " * 100), chat("old " * 60, "x", "new", "y")]
    dataset = _build(tiny, rows, max_length=128)
    assert (dataset.rows_dropped, dataset.rows_truncated) == (1, 1)
    assert len(dataset.train) + len(dataset.held_out) == 13


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
    encoder.encode(0, conversation.messages, conversation.tools)
    assert encoder.render(conversation.messages) == "weatherhot?Oslo"


def _build(tiny: Path, rows: list[Messages], max_length: int = 128, fraction: float = 0.2) -> Any:
    encoder = _encoder(tiny, max_length=max_length)
    conversations = [Conversation(messages) for messages in rows]
    return build_dataset(conversations, encoder, dataset_sha256="s", eval_fraction=fraction, on_progress=lambda _: None)


def test_rows_without_an_answer_stop_the_run_and_are_named(tiny: Path) -> None:
    rows = [*planet_rows(3), [{"role": "user", "content": "alone"}]]
    with pytest.raises(RunFailure, match=r"1 rows have no answer to learn from \(lines 4\)") as caught:
        _build(tiny, rows)
    assert caught.value.code == "MASK_EMPTY"


def test_a_dataset_of_which_nothing_fits_is_called_empty(tiny: Path) -> None:
    with pytest.raises(RunFailure) as caught:
        _build(tiny, [chat("q", "long answer " * 200)])
    assert caught.value.code == "DATASET_EMPTY"


def test_rows_with_the_same_first_question_are_never_on_both_sides() -> None:
    rows = [chat(f"  Question {i % 7} ", str(i)) for i in range(60)] + [chat(f"question {i % 7}", "again") for i in range(14)]
    held = held_out_indices(rows, "sha", 0.3)
    first_turns = [" ".join(row[0]["content"].lower().split()) for row in rows]
    assert held
    assert {first_turns[i] for i in held}.isdisjoint(first_turns[i] for i in range(len(rows)) if i not in held)


def test_the_split_is_the_same_for_ever_and_depends_on_the_dataset() -> None:
    rows = planet_rows(100)
    assert held_out_indices(rows, "one", 0.1) == held_out_indices(rows, "one", 0.1)
    assert held_out_indices(rows, "one", 0.1) != held_out_indices(rows, "two", 0.1)
    assert len(held_out_indices(rows, "one", 0.1)) == 10


@pytest.mark.parametrize(("count", "fraction", "expected"), [(9, 0.3, 0), (10, 0.01, 1), (100, 0.0, 0), (4000, 0.3, 500)])
def test_the_size_of_the_held_out_set(count: int, fraction: float, expected: int) -> None:
    assert len(held_out_indices(planet_rows(count), "sha", fraction)) == expected


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
