"""Tunesmith's training loop with everything it does beside computing. Usage: train_own.py FOLDER OUT [ATTENTION PACKING]"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workload import Workload, adapted_model, hyperparameters, warm_up


class ComputeClock:
    """Adds up the time inside the model, its backward pass and the optimizer; the rest of a run is overhead."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._depth = 0

    def timed(self, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, on the clock."""

        def run(*arguments: Any, **named: Any) -> Any:
            self._depth += 1
            began = time.perf_counter()
            try:
                return work(*arguments, **named)
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self.seconds += time.perf_counter() - began

        return run


class NeverStop:
    """A run that nobody stops."""

    reason = None


def main() -> None:
    """Trains one epoch and writes down what it took."""
    folder = Workload(Path(sys.argv[1]))
    attention, packing = (*sys.argv[3:], *("sdpa", "yes")[len(sys.argv) - 3 :])
    model = adapted_model(folder, attention)

    import torch

    from data.encoder import Row
    from loop import objective as objective_module
    from loop.objective import Objective
    from loop.schedule import Schedule
    from loop.training_loop import Clock, TrainingLoop
    from model.loading import Placement
    from protocol import Hyperparameters
    from run.checkpoint import CheckpointStore
    from run.run_progress import Progress
    from run.status_manager import EventLog, read_events

    rows = [Row(index=i, ids=row["ids"], labels=row["labels"], prompt_messages=[]) for i, row in enumerate(folder.rows())]
    placement = Placement("cpu", "float32", autocast=False)
    parameters = Hyperparameters(**{**hyperparameters(), "packing": packing == "yes"})
    run_folder = Path(tempfile.mkdtemp())
    progress = Progress()
    loop = TrainingLoop(
        model=model,
        objective=Objective(model, placement, 0),
        schedule=Schedule(parameters, rows),
        held_out=[],
        store=CheckpointStore(run_folder),
        log=EventLog(run_folder, 1),
        stop=NeverStop(),
        clock=Clock(),
        progress=progress,
    )
    clock = ComputeClock()
    model.get_base_model().base_model.forward = clock.timed(model.get_base_model().base_model.forward)
    objective_module.sum_of_piece_losses = clock.timed(objective_module.sum_of_piece_losses)
    torch.autograd.backward = clock.timed(torch.autograd.backward)
    torch.nn.utils.clip_grad_norm_ = clock.timed(torch.nn.utils.clip_grad_norm_)
    torch.optim.AdamW.step = clock.timed(torch.optim.AdamW.step)
    warm_up(model)
    clock.seconds = 0.0
    began, cpu_began = time.perf_counter(), time.process_time()
    outcome = loop.run()
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    if outcome != "finished":
        raise SystemExit(f"the run ended: {outcome}")
    tokens = sum(len(row.ids) for row in rows)
    overhead = seconds - clock.seconds
    losses = [event["loss"] for event in read_events(run_folder / "events") if event["kind"] == "step"]
    done = {"seconds": seconds, "cpuSeconds": cpu_seconds, "tokens": tokens, "steps": progress.step}
    Path(sys.argv[2]).write_text(json.dumps({**done, "loss": sum(losses) / len(losses), "overheadSeconds": overhead}))


main()
