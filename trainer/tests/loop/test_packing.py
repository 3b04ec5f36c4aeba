"""Packing: rows of one line must not know of each other, and where they do, the start-up check says so."""

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from tiny_model import SPECIAL, write_tiny_model

from data.encoder import Row
from loop.micro_batches import MicroBatch
from loop.model_input import flat_input, padded_input
from loop.objective import Objective
from model.loading import Placement, load_base

CPU = Placement("cpu", "float32", autocast=False)
BF16 = Placement("cpu", "bfloat16", autocast=True)


def _row(index: int, length: int) -> Row:
    return Row(index=index, ids=[(index * 37 + i * 11) % 290 + 3 for i in range(length)], labels=list(range(1, length)), prompt_messages=[])


def _hybrid() -> Any:
    """A tiny Qwen3-Next: three layers of linear attention, one of full attention, four experts."""
    shape = {"hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2}
    linear = {"linear_num_key_heads": 2, "linear_num_value_heads": 4, "linear_key_head_dim": 16, "linear_value_head_dim": 16}
    experts = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32, "shared_expert_intermediate_size": 32}
    torch.manual_seed(0)
    config = transformers.Qwen3NextConfig(
        vocab_size=300, head_dim=16, initializer_range=0.3, pad_token_id=SPECIAL.index("<|endoftext|>"), **shape, **linear, **experts
    )
    return transformers.Qwen3NextForCausalLM(config).requires_grad_(False)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("family", ["qwen3", "llama", "gemma3"])
def test_dense_families_pass_the_packing_check(tmp_path: Path, family: str, attention: str) -> None:
    """A check that trips for nothing would cost every run the gain of packing."""
    model = load_base(write_tiny_model(tmp_path, family), CPU, attention)
    assert Objective(model, CPU, 0).can_pack
    half = load_base(tmp_path, BF16, attention)
    assert Objective(half, BF16, 0).can_pack


@pytest.mark.parametrize("placement", [CPU, BF16], ids=["float32", "bfloat16"])
def test_the_packing_check_trips_on_qwen3_next(placement: Placement) -> None:
    """Its linear attention carries one row's state into the next: packed rows would learn from their neighbours."""
    model = _hybrid().to(getattr(torch, placement.weights))
    objective = Objective(model, placement, 0)
    assert not objective.can_pack
    assert objective.packing_difference > 10
    # Side by side, padded on the right, nothing mixes.
    alone = [objective.row_losses([_row(i, length)])[0] for i, length in enumerate((9, 30))]
    tolerance = 1e-4 if placement is CPU else 3e-2
    assert objective.row_losses([_row(0, 9), _row(1, 30)]) == pytest.approx(alone, rel=tolerance)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_a_sliding_window_keeps_packed_rows_apart(tmp_path: Path, attention: str) -> None:
    """Gemma 3's local layers have a mask of their own: it must know both the window (64) and the rows."""
    objective = Objective(load_base(write_tiny_model(tmp_path, "gemma3"), CPU, attention), CPU, 0)
    rows = [_row(0, 90), _row(1, 150), _row(2, 70)]
    together = objective._label_logits(objective._label_states(MicroBatch((tuple(rows),)))[0])
    alone = torch.cat([objective._label_logits(objective._label_states(MicroBatch(((row,),)))[0]) for row in rows])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)


def test_a_model_that_ignores_positions_fails_the_check(tmp_path: Path) -> None:
    """Without the mask that positions bring about, rows attend to those before them in their line."""
    model = load_base(write_tiny_model(tmp_path, "llama"), CPU, "sdpa")
    forward = model.model.forward

    def deaf(*arguments: Any, position_ids: torch.Tensor | None = None, **rest: Any) -> Any:
        return forward(*arguments, **rest)

    model.model.forward = deaf
    assert not Objective(model, CPU, 0).can_pack


def test_a_model_whose_logits_are_not_numbers_is_not_packed(tmp_path: Path) -> None:
    """NaN compares as neither larger nor smaller, and must not pass for equal."""
    model = load_base(write_tiny_model(tmp_path, "llama"), CPU, "sdpa")
    with torch.no_grad():
        model.model.norm.weight.fill_(float("nan"))
    assert not Objective(model, CPU, 0).can_pack


def test_positions_restart_with_every_row_and_only_packed_lines_have_them() -> None:
    """Running positions would join the rows; needless ones would cost the fast causal path."""
    made = padded_input(MicroBatch(((_row(0, 3), _row(1, 2)), (_row(2, 4),))), pad_id=9)
    assert made.tensors["position_ids"].tolist() == [[0, 1, 2, 0, 1], [0, 1, 2, 3, 0]]
    assert made.tensors["input_ids"][1].tolist() == [*_row(2, 4).ids, 9]
    assert made.starts == [0, 3, 5]
    assert set(padded_input(MicroBatch(((_row(0, 3),), (_row(2, 4),))), pad_id=9).tensors) == {"input_ids"}


def test_flash_attention_gets_the_boundaries_of_every_row() -> None:
    """Its kernels take no mask: wrong boundaries would join rows without an error."""
    made = flat_input(MicroBatch(((_row(0, 3), _row(1, 2)), (_row(2, 4),))))
    assert made.tensors["position_ids"].tolist() == [[0, 1, 2, 0, 1, 0, 1, 2, 3]]
    assert made.tensors["input_ids"].tolist() == [[*_row(0, 3).ids, *_row(1, 2).ids, *_row(2, 4).ids]]
    assert made.tensors["cu_seq_lens_q"].tolist() == made.tensors["cu_seq_lens_k"].tolist() == [0, 3, 5, 9]
    assert made.tensors["cu_seq_lens_q"].dtype == torch.int32
    assert made.numbers == {"max_length_q": 4, "max_length_k": 4}
    assert made.starts == [0, 3, 5]
