"""The loss and its gradient: only what is learned counts, and how rows are laid out does not."""

import math
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support import hyperparameters
from tiny_model import write_tiny_model
from torch.nn import functional

from data.encoder import Row
from loop.micro_batches import MicroBatch, lay_out
from loop.objective import Objective
from model.loading import Placement, load_base
from model.lora import add_lora
from protocol import Hyperparameters

CPU = Placement("cpu", "float32", autocast=False)
FAMILIES = ["qwen3", "llama", "gemma3"]


@cache
def _model(family: str) -> Any:
    folder = write_tiny_model(Path(mkdtemp()) / family, family)
    wrapped = add_lora(load_base(folder, CPU, "sdpa"), Hyperparameters(**hyperparameters(lora_dropout=0.0)), CPU)
    torch.manual_seed(3)
    with torch.no_grad():
        for name, parameter in wrapped.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.05)
    return wrapped


@cache
def _objective(family: str) -> Objective:
    return Objective(_model(family), CPU, 0)


def _rows(count: int, seed: int = 5, longest: int = 40) -> list[Row]:
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for index in range(count):
        length = int(torch.randint(4, longest, (), generator=generator))
        ids = torch.randint(3, 300, (length,), generator=generator).tolist()
        labels = [i for i in range(1, length - 1) if int(torch.randint(0, 3, (), generator=generator)) > 0] or [1]
        rows.append(Row(index=index, ids=ids, labels=labels, prompt_messages=[]))
    return rows


def _step(family: str, batches: list[MicroBatch]) -> tuple[float, float, list[torch.Tensor]]:
    """Loss, gradient norm and gradients of one step over these micro-batches."""
    model, objective = _model(family), _objective(family)
    model.zero_grad(set_to_none=True)
    labels = sum(len(row.labels) for batch in batches for row in batch.rows)
    total = 0.0
    for batch in batches:
        loss = objective.sum_of_losses(batch)
        torch.autograd.backward(loss / labels)
        total += float(loss.detach().double())
    gradients = [p.grad.clone() for p in model.parameters() if p.requires_grad and p.grad is not None]
    assert len(gradients) == 2 * 7 * 2  # A and B of seven projections in two layers
    norm = math.sqrt(sum(float(gradient.double().pow(2).sum()) for gradient in gradients))
    return total / labels, norm, gradients


@st.composite
def _layouts(draw: st.DrawFn) -> list[MicroBatch]:
    """Any division of ten rows into lines and micro-batches, in any order."""
    rows = draw(st.permutations(_rows(10)))
    line_of = [draw(st.integers(0, 9)) for _ in rows]
    batch_of = [draw(st.integers(0, 4)) for _ in range(10)]
    lines = [tuple(row for row, line in zip(rows, line_of, strict=True) if line == number) for number in range(10)]
    batches = [tuple(line for line, batch in zip(lines, batch_of, strict=True) if line and batch == number) for number in range(5)]
    return [MicroBatch(batch) for batch in batches if batch]


@cache
def _whole(family: str) -> tuple[float, float]:
    return _step(family, [MicroBatch(tuple((row,) for row in _rows(10)))])[:2]


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=12, deadline=None)
@given(layout=_layouts())
def test_loss_and_gradient_norm_are_the_same_for_any_split_and_packing(family: str, layout: list[MicroBatch]) -> None:
    """Means of means, rows that see their neighbours or a lost row would all change one of the two."""
    loss, norm = _step(family, layout)[:2]
    assert (loss, norm) == pytest.approx(_whole(family), rel=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_losses_equal_the_models_own_logits(family: str) -> None:
    """A head, a softcap or a shift by one that is not the model's would move every loss."""
    rows = _rows(5)
    scores = _objective(family).row_scores(rows)
    for row, score in zip(rows, scores, strict=True):
        with torch.no_grad():
            logits = _model(family)(input_ids=torch.tensor([row.ids])).logits[0]
        predicted, wanted = logits[[i - 1 for i in row.labels]], torch.tensor([row.ids[i] for i in row.labels])
        assert score.loss == pytest.approx(float(functional.cross_entropy(predicted, wanted, reduction="sum")), rel=1e-5)
        assert score.correct == int((predicted.argmax(-1) == wanted).sum())
    assert _objective(family).row_losses(rows) == [score.loss for score in scores]


def test_a_bent_logit_is_bent_in_the_loss_too() -> None:
    """Gemma 2 caps its logits; a loss without the cap trains another model."""
    model = _model("gemma3").get_base_model()
    model.config.final_logit_softcapping = 5.0
    try:
        objective, (row,) = Objective(model, CPU, 0), _rows(1)
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([row.ids])).logits[0, [i - 1 for i in row.labels]]
        expected = functional.cross_entropy(logits, torch.tensor([row.ids[i] for i in row.labels]), reduction="sum")
        assert float(logits.abs().max()) <= 5.0
        assert objective.row_losses([row]) == pytest.approx([float(expected)], rel=1e-5)
    finally:
        model.config.final_logit_softcapping = None


class _Scaled(torch.nn.Module):
    """A model that scales its logits in a way the objective does not know."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner, self.config, self.base_model = inner, inner.config, inner.base_model

    def get_output_embeddings(self) -> Any:
        return self.inner.get_output_embeddings()

    def forward(self, **arguments: Any) -> Any:
        output = self.inner(**arguments)
        output.logits = output.logits * 0.5
        return output


def test_a_model_with_logits_of_its_own_is_asked_for_them() -> None:
    """Silently computing other logits than the model's would train it towards the wrong thing."""
    base = _model("llama").get_base_model()
    scaled, (row,) = Objective(_Scaled(base), CPU, 0), _rows(1)
    assert not scaled.head_is_separate
    with torch.no_grad():
        logits = base(input_ids=torch.tensor([row.ids])).logits[0, [i - 1 for i in row.labels]] * 0.5
    expected = functional.cross_entropy(logits, torch.tensor([row.ids[i] for i in row.labels]), reduction="sum")
    assert scaled.row_losses([row]) == pytest.approx([float(expected)], rel=1e-5)
    loss = scaled.sum_of_losses([row])
    assert float(loss.detach()) == pytest.approx(float(expected), rel=1e-5)


def _embedding_gradients(family: str, batch: MicroBatch) -> torch.Tensor:
    """Gradient of the loss for each input embedding, [lines, width]."""
    seen: list[torch.Tensor] = []

    def keep(_module: Any, _inputs: Any, output: torch.Tensor) -> torch.Tensor:
        seen.append(output.detach().requires_grad_(True))
        return seen[-1]

    hook = _model(family).get_base_model().get_input_embeddings().register_forward_hook(keep)
    try:
        torch.autograd.backward(_objective(family).sum_of_losses(batch))
    finally:
        hook.remove()
    assert seen[0].grad is not None
    return seen[0].grad.abs().sum(-1)


@pytest.mark.parametrize("family", FAMILIES)
def test_tokens_after_the_last_label_get_no_gradient(family: str) -> None:
    """A mask off by one, padding that is seen, or a neighbour that is seen would give them one."""
    rows = [Row(index=i, ids=list(range(5 + i, 25 + i)), labels=[4, 9 + i], prompt_messages=[]) for i in range(3)]
    packed = _embedding_gradients(family, MicroBatch((tuple(rows),)))[0]
    apart = _embedding_gradients(family, MicroBatch(tuple((row,) for row in rows)))
    for number, row in enumerate(rows):
        own = packed[20 * number : 20 * (number + 1)]
        assert torch.count_nonzero(own[row.labels[-1] :]) == 0
        assert torch.count_nonzero(own[: row.labels[-1]]) == row.labels[-1]
        assert own == pytest.approx(apart[number], rel=1e-3)


def test_what_is_masked_has_no_part_in_the_gradient() -> None:
    """The prompt as a target would show in the states that predict it."""
    objective, row = _objective("qwen3"), _rows(1)[0]
    seen: list[torch.Tensor] = []

    def keep(_module: Any, _inputs: Any, output: torch.Tensor) -> None:
        output.retain_grad()
        seen.append(output)

    hook = _model("qwen3").get_base_model().model.norm.register_forward_hook(keep)
    try:
        torch.autograd.backward(objective.sum_of_losses([row]))
    finally:
        hook.remove()
    assert seen[0].grad is not None
    touched = seen[0].grad[0].abs().sum(-1).nonzero().flatten().tolist()
    assert touched == [position - 1 for position in row.labels]


def test_few_logits_at_a_time_give_the_same_loss_and_gradient() -> None:
    """A piece left out at a boundary, or its gradient put elsewhere, would show here only."""
    batches = lay_out(_rows(6), max_rows=6, capacity_tokens=40, packed=True)
    whole = _step("qwen3", batches)
    objective = _objective("qwen3")
    piece = objective._piece
    objective._piece = 7
    try:
        pieces = _step("qwen3", batches)
        scores = objective.row_scores(_rows(6))
    finally:
        objective._piece = piece
    assert pieces[:2] == pytest.approx(whole[:2], rel=1e-6)
    for one, other in zip(whole[2], pieces[2], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-7)
    expected = objective.row_scores(_rows(6))
    assert [score.loss for score in scores] == pytest.approx([score.loss for score in expected], rel=1e-6)
    assert [score.correct for score in scores] == [score.correct for score in expected]


def test_a_head_that_learns_gets_its_gradient() -> None:
    """Taking the gradient of the states alone would leave a trained head untouched."""
    model, objective = _model("llama").get_base_model(), _objective("llama")
    head = model.get_output_embeddings()
    head.weight.requires_grad_(True)
    try:
        torch.autograd.backward(objective.sum_of_losses(_rows(2)))
        assert head.weight.grad is not None
        assert torch.count_nonzero(head.weight.grad) > 0
    finally:
        head.weight.requires_grad_(False)
        head.weight.grad = None


def test_logits_are_computed_at_label_positions_only() -> None:
    """Logits of every position would need many times the memory."""
    rows, sizes = _rows(3), list[int]()
    head = _model("qwen3").get_base_model().get_output_embeddings()
    hook = head.register_forward_hook(lambda _module, inputs, _output: sizes.append(inputs[0].shape[0]))
    try:
        _objective("qwen3").sum_of_losses(rows)
    finally:
        hook.remove()
    assert sum(sizes) == sum(len(row.labels) for row in rows)
