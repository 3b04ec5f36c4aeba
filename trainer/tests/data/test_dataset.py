"""The rows of a run: which are refused, cut, repeated or held out, and what the user is told."""

from pathlib import Path
from typing import Any

import pytest
from data.families import encoder_of, tokenizer_of
from support import Messages, chat, planet_rows

from data.chat_template import CHATML_TEMPLATE, ensure_chat_template
from data.dataset import Dataset, build_dataset
from data.encoder import RowEncoder, end_of_turn_ids
from data.split import held_out_indices
from data.training_file import Conversation, Message
from data.vocabulary_check import check_vocabulary
from model.loading import load_tokenizer
from protocol import RunFailure


def _build(tiny: Path, rows: list[Any], *, max_length: int = 128, encoder: RowEncoder | None = None, **accepts: bool) -> Dataset:
    conversations = [Conversation(messages) for messages in rows]
    used = encoder or encoder_of(load_tokenizer(tiny), max_length)
    return build_dataset(conversations, used, dataset_sha256="s", eval_fraction=0.2, on_progress=lambda _: None, **accepts)


def _refusal(tiny: Path, rows: list[Any], **options: Any) -> RunFailure:
    with pytest.raises(RunFailure) as caught:
        _build(tiny, rows, **options)
    return caught.value


ALONE: Messages = [{"role": "user", "content": "alone"}]
WITH_EMPTY_MASK: list[Message] = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "weight": 0}]


def test_rows_without_an_answer_stop_the_run_and_are_named(tiny: Path) -> None:
    """Such rows cost time and teach nothing; the user must hear which they are."""
    failure = _refusal(tiny, [*planet_rows(3), ALONE, chat("q", "a"), WITH_EMPTY_MASK])
    assert failure.code == "MASK_EMPTY"
    assert failure.message == "2 rows have no answer to learn from (lines 4, 6)."


def test_rows_without_an_answer_are_left_out_and_counted_where_that_is_accepted(tiny: Path) -> None:
    dataset = _build(tiny, [*planet_rows(12), ALONE, WITH_EMPTY_MASK], accepts_rows_without_answer=True)
    assert (dataset.rows_dropped, dataset.rows_without_answer) == (2, 2)
    assert len(dataset.train) + len(dataset.held_out) == 12


def test_a_dataset_of_nothing_but_such_rows_is_refused_all_the_same(tiny: Path) -> None:
    assert _refusal(tiny, [ALONE, ALONE], accepts_rows_without_answer=True).code == "MASK_EMPTY"


@pytest.mark.parametrize("family", ["gemma3", "mistral"])
def test_rows_that_the_template_refuses_are_named_with_its_reason(tiny: Path, family: str) -> None:
    """Two user turns in a row end in an exception inside Jinja; the run must say which line, not "internal error"."""
    encoder = encoder_of(tokenizer_of(tiny, family))
    twice = [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}, {"role": "assistant", "content": "c"}]
    rows = [*planet_rows(12), twice]
    failure = _refusal(tiny, rows, encoder=encoder)
    assert failure.code == "MASK_EMPTY"
    assert "refuses 1 row (line 13)" in failure.message
    assert "roles must alternate" in failure.message.lower()
    dataset = _build(tiny, rows, encoder=encoder, accepts_rows_without_answer=True)
    assert dataset.rows_without_answer == 1
    assert {row.index for row in [*dataset.train, *dataset.held_out]} == set(range(12))


def test_a_run_that_would_cut_many_rows_is_refused_with_the_length_that_fits(tiny: Path) -> None:
    """A silent cut of a tenth of the data is found weeks later, if ever."""
    rows = [
        *planet_rows(180),
        *[chat("q", f"long answer {i} " * 30) for i in range(10)],
        *[chat("old " * 60, "x", "n", str(i)) for i in range(10)],
    ]
    failure = _refusal(tiny, rows)
    longest = max(len(row.ids) for row in _build(tiny, rows, max_length=4096).train)
    assert failure.code == "ROWS_CUT"
    assert "20 of 200 rows are longer than max_length (128 tokens)" in failure.message
    assert "10 would lose their oldest turns and 10 would be left out" in failure.message
    assert f"The longest has {longest} tokens" in failure.message
    fitting = int(failure.advice.split("max_length to ")[1].split(",")[0])
    again = _build(tiny, rows, max_length=fitting)
    assert again.rows_truncated + again.rows_dropped <= 2


def test_cut_rows_are_trained_where_that_is_accepted_or_few(tiny: Path) -> None:
    dropped, cut = chat("q", "long answer " * 100), chat("old " * 60, "x", "new", "y")
    accepted = _build(tiny, [*planet_rows(12), dropped, cut], accepts_rows_cut=True)
    assert (accepted.rows_dropped, accepted.rows_truncated) == (1, 1)
    assert len(accepted.train) + len(accepted.held_out) == 13
    few = _build(tiny, [*planet_rows(38), dropped, cut])
    assert (few.rows_dropped, few.rows_truncated) == (1, 1)


def test_a_dataset_of_which_nothing_fits_is_called_empty(tiny: Path) -> None:
    assert _refusal(tiny, [chat("q", "long answer " * 200)], accepts_rows_cut=True).code == "DATASET_EMPTY"


def test_what_the_template_leaves_out_becomes_a_notice(tiny: Path) -> None:
    rows = [chat("a", "b", system="Be brief."), *planet_rows(2)]
    dataset = _build(tiny, rows, encoder=encoder_of(tokenizer_of(tiny, "mistral")))
    assert dataset.notices == ("The model's chat template leaves out system prompts in 1 row (line 1).",)


def test_progress_is_told_to_the_end(tiny: Path) -> None:
    told: list[int] = []
    conversations = [Conversation(messages) for messages in planet_rows(150)]
    build_dataset(conversations, encoder_of(load_tokenizer(tiny)), dataset_sha256="s", eval_fraction=0, on_progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 150


def test_rows_with_the_same_first_question_are_never_on_both_sides() -> None:
    """Leakage makes the held-out loss fall with memorising."""
    rows = [chat(f"  Question {i % 17} ", str(i)) for i in range(120)] + [chat(f"question {i % 17}", "again") for i in range(14)]
    held = held_out_indices(rows, "sha", 0.3)
    first_turns = [" ".join(row[0]["content"].lower().split()) for row in rows]
    assert held
    assert {first_turns[i] for i in held}.isdisjoint(first_turns[i] for i in range(len(rows)) if i not in held)


def test_rows_that_read_the_same_stay_on_one_side() -> None:
    """A template may make the same tokens of different texts; a copy of a training row must not be held out."""
    rows = [chat(f"question {i}", "yes") for i in range(100)]
    ids = [[i // 4, 1] for i in range(100)]
    held = held_out_indices(rows, "sha", 0.2, ids)
    assert len(held) == 20
    assert {ids[i][0] for i in held}.isdisjoint(ids[i][0] for i in range(100) if i not in held)


def test_repeated_rows_are_counted(tiny: Path) -> None:
    rows = [*planet_rows(20), *planet_rows(5)]
    dataset = _build(tiny, rows)
    assert dataset.rows_repeated == 5
    assert len(dataset.train) + len(dataset.held_out) == 25
    assert not {tuple(row.ids) for row in dataset.train} & {tuple(row.ids) for row in dataset.held_out}


def test_a_large_group_does_not_starve_the_training_rows() -> None:
    """Half of the rows share an instruction: they must not all be held out because their hash comes first."""
    rows = [chat("Summarise this", str(i)) for i in range(200)] + [chat(f"q{i}", "a") for i in range(200)]
    for sha in ("one", "two", "three", "four"):
        held = held_out_indices(rows, sha, 0.1)
        assert len(held) == 40
        assert all(i >= 200 for i in held)


def test_rows_that_all_begin_alike_are_still_held_out() -> None:
    """Otherwise such a dataset could never be rated."""
    rows = [chat("Summarise what I send.", "Send it.", f"text {i}", "ok") for i in range(100)]
    assert len(held_out_indices(rows, "sha", 0.1)) == 20


def test_the_split_is_the_same_for_ever_and_depends_on_the_dataset() -> None:
    rows = planet_rows(300)
    assert held_out_indices(rows, "one", 0.1) == held_out_indices(rows, "one", 0.1)
    assert held_out_indices(rows, "one", 0.1) != held_out_indices(rows, "two", 0.1)
    assert sorted(held_out_indices(planet_rows(30), "one", 0.1)) == [2, 4, 5]


@pytest.mark.parametrize(
    ("count", "fraction", "expected"),
    [(9, 0.3, 0), (10, 0.01, 1), (25, 0.1, 3), (99, 0.1, 10), (100, 0.0, 0), (100, 0.1, 20), (300, 0.1, 30), (4000, 0.3, 500)],
)
def test_the_size_of_the_held_out_set(count: int, fraction: float, expected: int) -> None:
    """Twenty to five hundred rows where there are enough: fewer say little, more cost more than they tell."""
    assert len(held_out_indices(planet_rows(count), "sha", fraction)) == expected


def test_a_base_model_gets_chatml_where_its_tokens_exist_and_a_plain_template_elsewhere(tiny: Path) -> None:
    """A model that never saw `<|im_end|>` would have to learn the mark as a string of pieces, and never stop."""
    with_tokens, without = load_tokenizer(tiny), load_tokenizer(tiny)
    assert ensure_chat_template(with_tokens) is None
    with_tokens.chat_template = without.chat_template = None
    with_tokens.eos_token = without.eos_token = "<|endoftext|>"
    assert "ChatML" in str(ensure_chat_template(with_tokens))
    assert (with_tokens.chat_template, with_tokens.eos_token) == (CHATML_TEMPLATE, "<|im_end|>")
    without.get_vocab = lambda: {"<|endoftext|>": 0}
    assert "plain" in str(ensure_chat_template(without))
    row, _ = RowEncoder(without, end_of_turn_ids(without, None), 512).encode(0, chat("a", "b"))
    assert row is not None
    assert row.ids[row.labels[-1]] == without.convert_tokens_to_ids("<|endoftext|>")


def test_a_base_model_without_any_end_token_is_refused(tiny: Path) -> None:
    tokenizer = load_tokenizer(tiny)
    tokenizer.chat_template = tokenizer.eos_token = None
    tokenizer.get_vocab = dict
    with pytest.raises(RunFailure, match="neither a chat template nor an end token"):
        ensure_chat_template(tokenizer)


def test_a_tokenizer_of_another_model_is_refused_before_cuda_stops_with_an_assertion(tiny: Path) -> None:
    """An id beyond the embeddings ends on a GPU in an error that names neither the tokenizer nor the row."""
    tokenizer = load_tokenizer(tiny)
    rows = len(tokenizer)
    check_vocabulary(tokenizer, rows)
    with pytest.raises(RunFailure, match=f"knows only {rows - 1} tokens"):
        check_vocabulary(tokenizer, rows - 1)


def test_an_added_token_beyond_the_embeddings_matters_only_where_a_row_uses_it(tiny: Path) -> None:
    """Gemma 3 1B ships an image token that its embeddings do not have."""
    tokenizer = load_tokenizer(tiny)
    rows = len(tokenizer)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    dataset = _build(tiny, planet_rows(3), encoder=encoder_of(tokenizer))
    check_vocabulary(tokenizer, rows, dataset.highest_id)
    used = _build(tiny, [chat("<image>?", "no")], encoder=encoder_of(tokenizer))
    with pytest.raises(RunFailure, match="'<image>'"):
        check_vocabulary(tokenizer, rows, used.highest_id)
