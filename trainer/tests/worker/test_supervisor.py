"""What a dispatch answers when its lease or its volume fails it, without a training process."""

import asyncio
import errno
from pathlib import Path
from typing import Any

import pytest
from support import Volume, planet_rows

from protocol import RunFailure, parse_train_input
from run.results import RunReport, write_result
from storage import canonical_json, sha256_bytes
from worker import supervisor as supervising
from worker.lease import Lease, LeaseLost
from worker.supervisor import RunSupervisor


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    """A volume with a training file and no model, which no test here needs."""
    return Volume(tmp_path, tmp_path)


def dispatch(volume: Volume, job: dict[str, Any]) -> dict[str, Any] | None:
    """One dispatch of a job, to its answer."""

    async def run() -> dict[str, Any] | None:
        return await RunSupervisor(volume=volume.root, job=parse_train_input(job), worker_id="w1", on_event=lambda _: None).run()

    return asyncio.run(run())


async def crashed(_self: RunSupervisor, _lease: Lease) -> int:
    """A training process that ends at once and leaves nothing."""
    return 1


def test_a_dispatch_whose_lease_was_taken_over_waits_for_the_other_workers_result(volume: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch a job that is reported as failed although another worker is training its run."""
    job = volume.job(planet_rows(4))
    parsed = parse_train_input(job)

    def taken(_lease: Lease) -> int:
        report = RunReport(job=parsed, attempt=2, config_sha256=sha256_bytes(canonical_json(job)))
        write_result(volume.run, report, status="completed", last_seq=1)
        raise LeaseLost("The lease belongs to another worker")

    monkeypatch.setattr(RunSupervisor, "_attempt", crashed)
    monkeypatch.setattr(Lease, "next_attempt", taken)
    answer = dispatch(volume, job)
    assert answer is not None
    assert answer["status"] == "completed"


def test_a_volume_that_fills_up_while_the_result_is_written_is_named(volume: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch a full volume reported as a bug of the trainer."""

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(RunSupervisor, "_attempt", crashed)
    monkeypatch.setattr(supervising, "write_result", full)
    with pytest.raises(RunFailure) as failed:
        dispatch(volume, volume.job(planet_rows(4)))
    assert failed.value.code == "DISK_FULL"
