"""What is learned: the tokens that TRL marks with its own training template are those that we mark with the model's own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from oracle.trl_reference import ReferenceSettings, trl_config
from support import Messages, chat
from tiny_model import write_tiny_model

from data.encoder import Row, RowEncoder, end_of_turn_ids
from model.loading import Placement, load_base, load_tokenizer

CPU = Placement("cpu", "float32", autocast=False)
SPECIAL = {
    "llama3": ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
    "qwen3_instruct_2507": ["<|im_start|>", "<|im_end|>"],
    "gemma3": ["<bos>", "<start_of_turn>", "<end_of_turn>"],
}
END = {"llama3": "<|eot_id|>", "qwen3_instruct_2507": "<|im_end|>", "gemma3": "<end_of_turn>"}
CONVERSATIONS: list[Messages] = [
    chat("Which planet is the largest?", "Jupiter is the largest planet."),
    chat("How many legs has a spider?", "Eight.", "And an insect?", "Six legs.", system="You are a brief teacher."),
    chat("  Name a fruit. ", "A banana,\nwhich is yellow."),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A tiny model; only its tokenizer matters here."""
    yield write_tiny_model(tmp_path_factory.mktemp("mask") / "model", "llama")


def _tokenizer(folder: Path, name: str) -> Any:
    """A tokenizer with the chat template of a published model, as TRL knows it."""
    import trl

    tokenizer = load_tokenizer(folder)
    tokenizer.add_special_tokens({"additional_special_tokens": SPECIAL[name]})
    tokenizer.eos_token = END[name]
    if name != "qwen3_instruct_2507":
        tokenizer.bos_token = SPECIAL[name][0]
    tokenizer.chat_template = (Path(trl.__file__).parent / "chat_templates" / f"{name}.jinja").read_text()
    return tokenizer


def _trl_rows(folder: Path, tokenizer: Any, tmp_path: Path) -> list[dict[str, list[int]]]:
    from datasets import Dataset
    from trl import SFTTrainer

    settings = ReferenceSettings(micro_batch_rows=1, accumulation=1, steps=1, learning_rate=1e-3)
    trainer = SFTTrainer(
        model=load_base(folder, CPU, "sdpa"),
        args=trl_config(tmp_path, settings, assistant_only_loss=True),
        train_dataset=Dataset.from_dict({"messages": CONVERSATIONS}),
        processing_class=tokenizer,
    )
    return [{"ids": row["input_ids"], "labels": row["labels"]} for row in trainer.train_dataset]


def _own_rows(tokenizer: Any) -> list[Row]:
    encoder = RowEncoder(tokenizer, end_of_turn_ids(tokenizer, None), 512)
    encoded = [encoder.encode(index, messages)[0] for index, messages in enumerate(CONVERSATIONS)]
    assert all(row is not None for row in encoded)
    return [row for row in encoded if row is not None]


@pytest.mark.parametrize("name", ["llama3", "qwen3_instruct_2507", "gemma3"])
def test_the_mask_equals_the_one_of_trls_training_template(folder: Path, tmp_path: Path, name: str) -> None:
    """A prompt token that is learned, or an end of turn that is not, is an error nobody sees in the loss.

    Where TRL's template goes on after the end of the turn with a line break, TRL learns that too and we do not:
    a model never says what comes after its end-of-turn token.
    """
    torch.manual_seed(0)
    tokenizer = _tokenizer(folder, name)
    end, line_break = tokenizer.convert_tokens_to_ids(END[name]), tokenizer.encode("\n", add_special_tokens=False)
    own = _own_rows(tokenizer)
    for row, reference in zip(own, _trl_rows(folder, tokenizer, tmp_path), strict=True):
        assert row.ids == reference["ids"]
        learned = [i for i, label in enumerate(reference["labels"]) if label != -100]
        breaks = [i for i in learned if row.ids[i - 1] == end and [row.ids[i]] == line_break]
        assert row.labels == [i for i in learned if i not in breaks]
        assert len(breaks) == (0 if name == "llama3" else sum(row.ids[i] == end for i in row.labels))
        assert row.ids[row.labels[-1]] == end
