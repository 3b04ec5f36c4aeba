"""Several processes share a step: the same loss, gradient and adapter as one, and they end together."""

import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
import torch
from loop_support import Backward, encoded_rows, events_of, fail_when, make_loop, mixed_rows, poison, wrap_backward
from safetensors.torch import load_file
from support import StopAt

from loop.micro_batches import MicroBatch
from loop.parallel import Ranks
from loop.training_loop import Outcome, TrainingLoop
from protocol import RunFailure
from run.launch import Place, processes_wanted
from run.quiet_log import QuietLog

SCRIPT = Path(__file__).resolve().with_name("rank_process.py")
Value = TypeVar("Value")


class _Meeting:
    """Where the ranks of one test, each a thread, exchange what real ones send."""

    def __init__(self, size: int) -> None:
        self._barrier = threading.Barrier(size, timeout=60)
        self._brought: list[Any] = [None] * size

    def exchange(self, rank: int, value: Any) -> list[Any]:
        """What every rank brought to this exchange."""
        self._brought[rank] = value
        self._barrier.wait()
        found = list(self._brought)
        self._barrier.wait()
        return found

    def leave(self) -> None:
        """Frees the others when a rank fails."""
        self._barrier.abort()


class ThreadRanks(Ranks):
    """Ranks that are threads of this process, so that a test of their logic needs no sockets."""

    def __init__(self, rank: int, size: int, meeting: _Meeting) -> None:
        super().__init__(Place(rank, size))
        self._rank = rank
        self._meeting = meeting

    def agree(self, *numbers: int) -> list[int]:
        return [max(column) for column in zip(*self._meeting.exchange(self._rank, numbers), strict=True)]

    def same(self, value: Value) -> Value:
        first: Value = self._meeting.exchange(self._rank, value)[0]
        return first

    def total(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.copy_(torch.stack(self._meeting.exchange(self._rank, tensor.clone())).sum(0))


def _run_ranks(size: int, make: Callable[[int, Ranks], TrainingLoop]) -> tuple[list[TrainingLoop], list[Outcome | BaseException]]:
    """Builds and runs a loop per rank; what came out of each, or went wrong in it."""
    meeting = _Meeting(size)
    ends: list[Any] = [None] * size
    # Built one after the other, with a meeting of one: random numbers are drawn from one generator here.
    loops = [make(rank, ThreadRanks(rank, size, meeting)) for rank in range(size)]

    def run(rank: int) -> None:
        try:
            loops[rank].evaluate_base()
            ends[rank] = loops[rank].run()
        except BaseException as error:
            ends[rank] = error
            # A failure that all ranks have needs no alarm, and the alarm could overtake it.
            if not isinstance(error, (threading.BrokenBarrierError, RunFailure)):
                meeting.leave()

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return loops, ends


SETTINGS: dict[str, Any] = {"per_device_train_batch_size": 5, "num_train_epochs": 2, "max_length": 512, "evals_per_epoch": 1}


def _loop_of(tiny: Path, folder: Path, rank: int, ranks: Ranks, **changes: Any) -> TrainingLoop:
    rows = mixed_rows(tiny)
    log = None if rank == 0 else QuietLog(1)
    # `prepare` exchanges weights; threads are not running yet, so the loop is built without it.
    return make_loop(tiny, folder, rows[:10], held_out=rows[10:], ranks=ranks, log=log, prepares=False, **{**SETTINGS, **changes})


def _alone(tiny: Path, folder: Path) -> TrainingLoop:
    loop = _loop_of(tiny, folder, 0, Ranks())
    loop.evaluate_base()
    assert loop.run() == "finished"
    return loop


def _assert_same_training(folder: Path, other: Path, adapter: dict[str, torch.Tensor], other_adapter: dict[str, torch.Tensor]) -> None:
    steps, other_steps = events_of(folder, "step"), events_of(other, "step")
    assert len(steps) == len(other_steps) == 4
    for number, (step, other_step) in enumerate(zip(steps, other_steps, strict=True)):
        assert other_step["loss"] == pytest.approx(step["loss"], rel=1e-5)
        assert other_step["grad_norm"] == pytest.approx(step["grad_norm"], rel=1e-5 if number == 0 else 1e-3)
        assert other_step["tokens"] == step["tokens"]
    for one, two in zip(events_of(folder, "eval"), events_of(other, "eval"), strict=True):
        assert two["eval_loss"] == pytest.approx(one["eval_loss"], rel=1e-4)
        assert (two["eval_tokens"], two["rows"]) == (one["eval_tokens"], one["rows"])
    for name, tensor in adapter.items():
        assert torch.allclose(tensor, other_adapter[name], atol=2e-3), name


@pytest.mark.parametrize("size", [2, 3])
def test_ranks_that_share_a_step_train_as_one_would(tiny: Path, tmp_path: Path, size: int) -> None:
    """Would catch a mean of ranks' means, rows that two ranks train, held-out rows that none measures."""
    one = _alone(tiny, tmp_path / "one")
    loops, ends = _run_ranks(size, lambda rank, ranks: _loop_of(tiny, tmp_path / "many", rank, ranks))
    assert ends == ["finished"] * size
    _assert_same_training(tmp_path / "one", tmp_path / "many", one.adapter(), loops[0].adapter())
    for other in loops[1:]:
        assert all(torch.equal(tensor, other.adapter()[name]) for name, tensor in loops[0].adapter().items())


def test_memory_that_runs_out_on_one_rank_changes_nothing_but_the_limits_of_all(tiny: Path, tmp_path: Path) -> None:
    """Would catch a rank that repeats its step alone: the others would wait for it for ever."""
    one = _alone(tiny, tmp_path / "one")

    def make(rank: int, ranks: Ranks) -> TrainingLoop:
        loop = _loop_of(tiny, tmp_path / "many", rank, ranks, packing=False)
        if rank == 1:
            fail_when(loop, lambda batch: len(batch.rows) > 2, "backward")
        return loop

    loops, ends = _run_ranks(2, make)
    assert ends == ["finished", "finished"]
    limits = {(loop.progress.micro_batch_rows, loop.progress.micro_batch_tokens) for loop in loops}
    assert len(limits) == 1
    assert limits != {(5, 512)}
    _assert_same_training(tmp_path / "one", tmp_path / "many", one.adapter(), loops[0].adapter())


def test_a_row_that_fits_on_no_rank_is_the_same_failure_everywhere(tiny: Path, tmp_path: Path) -> None:
    """Would catch a rank that fails alone, so that the first one cannot say why the run ended."""

    def make(rank: int, ranks: Ranks) -> TrainingLoop:
        loop = _loop_of(tiny, tmp_path / "many", rank, ranks)
        fail_when(loop, lambda batch: rank == 1)
        return loop

    _, ends = _run_ranks(2, make)
    assert [getattr(end, "code", None) for end in ends] == ["OUT_OF_MEMORY", "OUT_OF_MEMORY"]
    assert "0 tokens" not in str(ends[0])


def test_a_stop_that_only_the_first_rank_hears_ends_all_at_the_same_step(tiny: Path, tmp_path: Path) -> None:
    """Would catch ranks that train on after a stop, and so an abandoned step that only some of them applied."""

    def make(rank: int, ranks: Ranks) -> TrainingLoop:
        loop = _loop_of(tiny, tmp_path / "many", rank, ranks)
        if rank == 0:
            stop = StopAt()
            loop._stop = stop

            def ask(backward: Backward, batch: MicroBatch, labels: int) -> torch.Tensor:
                stop._reason = "user" if loop.progress.step == 2 else None
                return backward(batch, labels)

            wrap_backward(loop, ask)
        return loop

    loops, ends = _run_ranks(2, make)
    assert ends == ["user", "user"]
    assert {loop.progress.step for loop in loops} <= {2, 3}
    assert loops[0].progress.step == loops[1].progress.step
    assert all(torch.equal(tensor, loops[1].adapter()[name]) for name, tensor in loops[0].adapter().items())


def test_all_ranks_go_back_to_the_same_checkpoint(tiny: Path, tmp_path: Path) -> None:
    """Would catch ranks whose weights differ after a rollback, because only the first one reads the volume."""

    def make(rank: int, ranks: Ranks) -> TrainingLoop:
        loop = _loop_of(tiny, tmp_path / "many", rank, ranks, num_train_epochs=4, save_every_steps=2)
        if rank == 1:
            poison(loop, lambda progress: progress.step >= 2 and progress.learning_rate_factor == 1)
        return loop

    loops, ends = _run_ranks(2, make)
    assert ends == ["finished", "finished"]
    assert len(events_of(tmp_path / "many", "rolled_back")) == 1
    assert all(math.isfinite(event["loss"]) for event in events_of(tmp_path / "many", "step"))
    assert all(torch.equal(tensor, loops[1].adapter()[name]) for name, tensor in loops[0].adapter().items())


def test_rows_are_shared_so_that_no_rank_waits_long(tiny: Path) -> None:
    """Would catch one rank that gets all long rows, a row that nobody gets, and one that two get."""
    rows = mixed_rows(tiny)
    shares = [ThreadRanks(rank, 3, _Meeting(1)).share(rows) for rank in range(3)]
    assert sorted(row.index for share in shares for row in share) == sorted(row.index for row in rows)
    tokens = [sum(len(row.ids) for row in share) for share in shares]
    assert max(tokens) - min(tokens) <= max(len(row.ids) for row in rows)
    few = [ThreadRanks(rank, 3, _Meeting(1)).share(encoded_rows(tiny, 2)) for rank in range(3)]
    assert [len(share) for share in few] == [1, 1, 0]


@pytest.mark.parametrize(("asked", "count"), [("3", 3), ("", 1), ("0", 1), ("many", 1)])
def test_the_number_of_processes_can_be_set_and_is_one_without_gpus(monkeypatch: pytest.MonkeyPatch, asked: str, count: int) -> None:
    monkeypatch.setenv("TUNESMITH_PROCESSES", asked)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert processes_wanted() == count


def _start(tiny: Path, out: Path, *rest: str) -> "subprocess.Popen[bytes]":
    out.mkdir()
    environment = {**os.environ, "TUNESMITH_DEVICE": "cpu", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(SCRIPT), "launch", "2", str(tiny), str(out), *rest]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment, start_new_session=True)


def _pids(out: Path, size: int, within: float = 120.0) -> list[int]:
    """The ranks' process ids, once all have said theirs."""
    latest = time.monotonic() + within
    while time.monotonic() < latest:
        texts = [path.read_text() for path in sorted(out.glob("pid-*"))]
        if len(texts) == size and all(texts):
            return [int(text) for text in texts]
        threading.Event().wait(0.05)
    raise AssertionError("the ranks did not start")


def _wait_until_gone(pids: Sequence[int], within: float = 60.0) -> None:
    latest = time.monotonic() + within
    while any(_is_alive(pid) for pid in pids):
        assert time.monotonic() < latest, "a rank outlived the others"
        threading.Event().wait(0.05)


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.slow
def test_two_gloo_processes_train_as_one_would(tiny: Path, tmp_path: Path) -> None:
    """Data parallel over real sockets: would catch what threads cannot show, like a collective that one side never enters."""
    one = _alone(tiny, tmp_path / "one")
    process = _start(tiny, tmp_path / "two")
    assert process.wait(240) == 0
    _assert_same_training(tmp_path / "one", tmp_path / "two", one.adapter(), load_file(str(tmp_path / "two" / "adapter.safetensors")))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks processes up in /proc")
def test_a_rank_that_is_killed_ends_all_and_the_launcher_dies_the_same_way(tiny: Path, tmp_path: Path) -> None:
    """Would catch an orphan that keeps a GPU, and a handler that cannot tell that memory ran out."""
    process = _start(tiny, tmp_path / "two", "2")
    pids = _pids(tmp_path / "two", 2)
    assert process.wait(240) == -signal.SIGKILL
    _wait_until_gone(pids)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks processes up in /proc")
def test_ranks_do_not_outlive_a_launcher_that_is_killed(tiny: Path, tmp_path: Path) -> None:
    """Would catch ranks that train on after the handler killed its child: two trainers of one run."""
    process = _start(tiny, tmp_path / "two")
    pids = _pids(tmp_path / "two", 2)
    process.kill()
    assert process.wait(60) == -signal.SIGKILL
    _wait_until_gone(pids)
