"""A training of a few steps in several real processes, started as the worker starts them.

Usage: python rank_process.py launch|rank PROCESSES MODEL OUT [DIES_AT_STEP]
"""

import os
import signal
import sys
from pathlib import Path

TRAINER = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TRAINER), str(TRAINER / "tests")]


def main() -> int:
    """Command line of this file."""
    from run.launch import launch

    mode, processes, model, out, *rest = sys.argv[1:]
    if mode == "launch":
        return launch(int(processes), Path(__file__).resolve(), ["rank", processes, model, out, *rest])
    return _rank(Path(model), Path(out), int(rest[0]) if rest else 0)


def _rank(model: Path, out: Path, dies_at: int) -> int:
    import torch
    from loop_support import Backward, make_loop, mixed_rows, wrap_backward
    from safetensors.torch import save_file

    from loop.micro_batches import MicroBatch
    from loop.parallel import RankLost, connect
    from run.launch import leave_with_launcher, own_place
    from run.quiet_log import QuietLog

    place = own_place()
    if place is None:
        raise ValueError("not started by the launcher")
    leave_with_launcher()
    torch.set_num_threads(1)
    (out / f"pid-{place.rank}").write_text(str(os.getpid()))
    rows = mixed_rows(model)
    loop = make_loop(
        model,
        out,
        rows[:10],
        held_out=rows[10:],
        ranks=connect(place),
        log=None if place.rank == 0 else QuietLog(1),
        per_device_train_batch_size=5,
        num_train_epochs=2,
        max_length=512,
        evals_per_epoch=1,
    )

    def mortal(backward: Backward, batch: MicroBatch, labels: int) -> torch.Tensor:
        if place.rank == 1 and loop.progress.step + 1 == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return backward(batch, labels)

    wrap_backward(loop, mortal)
    try:
        loop.evaluate_base()
        outcome = loop.run()
    except RankLost:
        return 0
    if place.rank == 0:
        save_file(loop.adapter(), str(out / "adapter.safetensors"))
    return 0 if outcome == "finished" else 1


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
