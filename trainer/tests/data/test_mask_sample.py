"""The samples of a run's report: what is shown as learned is what is learned, in text that reads as it was written."""

from pathlib import Path
from typing import Any

import pytest
from data.families import encoder_of
from hypothesis import given, settings
from hypothesis import strategies as st
from support import chat, planet_rows

from data.dataset import Dataset, build_dataset
from data.encoder import Row
from data.mask_sample import mask_sample, mask_samples
from data.training_file import Conversation
from model.loading import load_tokenizer


def _dataset(tiny: Path, rows: list[Any]) -> Dataset:
    encoder = encoder_of(load_tokenizer(tiny), 8192)
    return build_dataset([Conversation(row) for row in rows], encoder, dataset_sha256="s", eval_fraction=0, on_progress=lambda _: None)


def test_segments_show_special_tokens_and_join_neighbours(tiny: Path) -> None:
    """The user checks here that the end of turn is learned."""
    [sample] = mask_samples(_dataset(tiny, [chat("¿Qué? 🪐", "日本語 «ça» 🙂", system="S")]), load_tokenizer(tiny))
    assert sample["segments"] == [
        {"text": "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\n¿Qué? 🪐<|im_end|>\n<|im_start|>assistant\n", "is_trained": False},
        {"text": "日本語 «ça» 🙂<|im_end|>", "is_trained": True},
        {"text": "\n", "is_trained": False},
    ]
    assert (sample["row"], sample["is_cut"]) == (1, False)
    assert 0 < sample["tokens_trained"] < sample["tokens"]


def test_samples_are_spread_over_the_file_and_their_lines_are_named(tiny: Path) -> None:
    dataset, tokenizer = _dataset(tiny, planet_rows(21)), load_tokenizer(tiny)
    assert [sample["row"] for sample in mask_samples(dataset, tokenizer)] == [1, 11, 21]
    assert [sample["row"] for sample in mask_samples(dataset, tokenizer, 1)] == [1]
    assert len(mask_samples(_dataset(tiny, planet_rows(2)), tokenizer)) == 2


def test_a_long_row_is_cut_and_says_so_and_short_ones_are_preferred(tiny: Path) -> None:
    tokenizer = load_tokenizer(tiny)
    rows = [chat("q", "🪐" * 700), *planet_rows(3)]
    dataset = _dataset(tiny, rows)
    assert all(not sample["is_cut"] for sample in mask_samples(dataset, tokenizer))
    [cut] = mask_samples(_dataset(tiny, rows[:1]), tokenizer)
    assert cut["is_cut"]
    assert cut["tokens"] > 2000
    text = "".join(segment["text"] for segment in cut["segments"])
    # The cut may fall inside a planet of four bytes; half a character is not shown.
    assert set(text.split("assistant\n")[1]) == {"🪐"}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(text=st.text(st.sampled_from("aé日🪐\u0301 "), min_size=1, max_size=12), data=st.data())
def test_no_boundary_breaks_a_character(tiny: Path, text: str, data: st.DataObject) -> None:
    """Tokens of a byte-level vocabulary split characters; whatever is marked, the joined text must be the text."""
    tokenizer = load_tokenizer(tiny)
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    labels = sorted(data.draw(st.sets(st.integers(0, len(ids) - 1))))
    sample = mask_sample(Row(0, ids, labels, []), tokenizer)
    assert "".join(segment["text"] for segment in sample["segments"]) == text
    assert sample["tokens_trained"] == len(labels)


@pytest.mark.parametrize("learned", [[1], [0, 2]])
def test_a_character_shared_by_two_segments_stands_in_the_later_one(tiny: Path, learned: list[int]) -> None:
    tokenizer = load_tokenizer(tiny)
    ids = tokenizer("é", add_special_tokens=False)["input_ids"] + tokenizer("b", add_special_tokens=False)["input_ids"]
    sample = mask_sample(Row(0, ids, learned, []), tokenizer)
    assert sample["segments"][0] == {"text": "é", "is_trained": learned == [1]}
    assert all(segment["text"] for segment in sample["segments"])
