"""Keeping activations or computing them twice: the same gradient, and memory first given up where it is cheapest."""

from pathlib import Path
from typing import Any

import pytest
import torch
from gpu.shapes import write_family
from support import hyperparameters

from loop.limits import MicroBatchLimits
from loop.micro_batches import Costs
from loop.parallel import Ranks
from model.loading import Placement, load_base
from model.lora import add_lora
from model.plan import layers_with_room
from model.recomputation import recompute_all_layers, recompute_layers
from protocol import Hyperparameters
from run.run_progress import Progress
from run.status_manager import EventLog, read_events

CPU = Placement("cpu", "float32", autocast=False)


def _adapted(folder: Path) -> Any:
    torch.manual_seed(1)
    return add_lora(load_base(folder, CPU, "sdpa"), Hyperparameters(**hyperparameters(lora_r=4, lora_dropout=0.1)), CPU).train()


def _computed(model: Any) -> tuple[int, list[torch.Tensor]]:
    """Bytes kept for the backward pass, and the gradients."""
    kept = 0

    def note(tensor: torch.Tensor) -> torch.Tensor:
        nonlocal kept
        kept += tensor.numel() * tensor.element_size()
        return tensor

    torch.manual_seed(3)
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        loss = model(input_ids=torch.arange(3, 43).view(2, 20)).logits.log_softmax(-1)[..., 5].sum()
    loss.backward()
    return kept, [parameter.grad for parameter in model.parameters() if parameter.requires_grad]


def test_keeping_some_layers_takes_memory_and_changes_no_gradient(tmp_path: Path) -> None:
    """A kept layer with another dropout mask, or a wish to keep that does nothing, would not be seen otherwise."""
    folder = write_family(tmp_path / "model", "qwen3")
    kept, gradients = [], []
    for keeping in (0, 1, 2):
        model = _adapted(folder)
        recompute_layers(model, keeping)
        size, found = _computed(model)
        kept.append(size)
        gradients.append(found)
    assert kept[0] < kept[1] < kept[2]
    for other in gradients[1:]:
        for a, b in zip(gradients[0], other, strict=True):
            assert torch.equal(a, b)


def test_memory_can_be_saved_once_and_only_where_recomputing_is_on(tmp_path: Path) -> None:
    """Saying "saved" for ever would repeat a step that does not fit without end."""
    model = _adapted(write_family(tmp_path / "model", "qwen3"))
    assert not recompute_all_layers(model)
    recompute_layers(model, 1)
    before, _ = _computed(model)
    assert recompute_all_layers(model)
    assert _computed(model)[0] < before
    assert not recompute_all_layers(model)


def test_kept_activations_are_given_up_before_batches_are_cut(tmp_path: Path) -> None:
    """Cutting batches first would leave a run slow for good while memory is spent on speed."""
    answers = [True, False]
    log = EventLog(tmp_path, 1)
    parameters = Hyperparameters(**hyperparameters(per_device_train_batch_size=4, max_length=64))
    limits = MicroBatchLimits(Progress(), parameters, Ranks(), log, packed=False, costs=Costs(48, 2048), save_memory=lambda: answers.pop(0))
    limits.shrink(None)
    assert (limits.progress.micro_batch_rows, limits.progress.micro_batch_tokens) == (4, 64)
    limits.shrink(None)
    assert answers == []
    messages = [event["message"] for event in read_events(tmp_path / "events")]
    assert "computed twice" in messages[0]
    assert "micro-batches" in messages[1]


@pytest.mark.parametrize(("left", "layer", "expected"), [(-5.0, 10, 0), (0.0, 10, 0), (100.0, 10, 8), (1e9, 10, 36)])
def test_layers_kept_leave_a_reserve(left: float, layer: int, expected: int) -> None:
    """More kept layers than fit end the first step with memory run out; a negative number would keep all but some."""
    assert layers_with_room(left, layer, 36) == expected
