"""Ranks: the processes that share each optimizer step, one per GPU, and what they tell each other."""

import os
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

import torch
from torch import distributed

from data.encoder import Row
from run.launch import Place

Value = TypeVar("Value")
# The first rank alone writes checkpoints and answers sample prompts while the others wait.
_PATIENCE = timedelta(hours=1)


class RankLost(Exception):
    """Another process of this attempt is gone; the attempt ends and is started again."""


class Ranks:
    """All processes of an attempt as one of them sees them; alone, everything is a no-op."""

    def __init__(self, place: Place | None = None, control: distributed.ProcessGroup | None = None) -> None:
        self._place = place or Place()
        # Small messages go over the CPU, so that agreeing never waits for a GPU.
        self._control = control

    @property
    def size(self) -> int:
        """How many processes share a step."""
        return self._place.size

    @property
    def is_first(self) -> bool:
        """True in the process that writes events, checkpoints and results."""
        return self._place.rank == 0

    def agree(self, *numbers: int) -> list[int]:
        """The largest of each number over all ranks."""
        if self.size == 1:
            return list(numbers)
        tensor = torch.tensor(numbers, dtype=torch.int64)
        _collective(lambda: distributed.all_reduce(tensor, distributed.ReduceOp.MAX, group=self._control))
        return [int(number) for number in tensor]

    def same(self, value: Value) -> Value:
        """The first rank's value, on every rank."""
        if self.size == 1:
            return value
        box = [value]
        _collective(lambda: distributed.broadcast_object_list(box, src=0, group=self._control))
        return box[0]

    def total(self, tensor: torch.Tensor) -> torch.Tensor:
        """The sum of a tensor over all ranks, in place."""
        if self.size > 1:
            group = self._control if tensor.device.type == "cpu" else None
            _collective(lambda: distributed.all_reduce(tensor, group=group))
        return tensor

    def add_up_gradients(self, parameters: Sequence[torch.nn.Parameter]) -> None:
        """Gives every rank the sum of all ranks' gradients, in one message."""
        if self.size == 1:
            return
        flat = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in parameters])
        self.total(flat)
        start = 0
        for parameter in parameters:
            parameter.grad = flat[start : start + parameter.numel()].view_as(parameter)
            start += parameter.numel()

    def share(self, rows: Sequence[Row]) -> list[Row]:
        """This rank's part of the rows: each next longest row goes to the rank with the fewest tokens."""
        if self.size == 1:
            return list(rows)
        shares: list[list[Row]] = [[] for _ in range(self.size)]
        tokens = [0] * self.size
        for row in sorted(rows, key=lambda row: (-len(row.ids), row.index)):
            lightest = tokens.index(min(tokens))
            shares[lightest].append(row)
            tokens[lightest] += len(row.ids)
        return shares[self._place.rank]

    def seed_step(self, seed: int, step: int) -> None:
        """Other ranks than the first draw their dropout from the step's number, so that it needs no saving."""
        if not self.is_first:
            torch.manual_seed((seed * 1_000_003 + step) * 1_009 + self._place.rank)


def connect(place: Place) -> Ranks:
    """Joins the other processes of this attempt; needs the environment that the launcher makes."""
    if place.size == 1:
        return Ranks()
    on_cuda = torch.cuda.is_available() and os.environ.get("TUNESMITH_DEVICE", "cuda") == "cuda"
    if on_cuda:
        torch.cuda.set_device(place.rank)
    _collective(lambda: distributed.init_process_group("nccl" if on_cuda else "gloo", timeout=_PATIENCE))
    control = distributed.new_group(backend="gloo", timeout=_PATIENCE) if on_cuda else None
    return Ranks(place, control)


def _collective(work: Callable[[], object]) -> None:
    try:
        work()
    except RuntimeError as error:
        raise RankLost(f"{threading.current_thread().name}: {error}") from error
