"""A volume that is full, read-only or failing costs a run as little as it can, and is called by its name."""

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from sick_volume import SickVolume
from support import StopAt, Volume, assert_sequence_unbroken, planet_rows
from transformers import AutoModelForCausalLM

from protocol import RunFailure
from run.checkpoint import Checkpoint, CheckpointNotSaved, CheckpointStore, rng_state
from run.checkpoint_files import newest_valid_step
from run.run_progress import Progress
from run.status_manager import EventLog, read_events
from storage import require_writable
from worker.lease import try_acquire

SETTINGS: dict[str, Any] = {"num_train_epochs": 2, "save_every_steps": 1, "evals_per_epoch": 1}


@pytest.fixture
def sick(volume: Volume, monkeypatch: pytest.MonkeyPatch) -> SickVolume:
    """The run's folder on a volume that can be made to refuse writes."""
    if sys.platform != "linux":
        pytest.skip("which file a descriptor is open on is looked up in /proc")
    return SickVolume(volume.run, monkeypatch)


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[Path]:
    """A real file system of three megabytes."""
    place = tmp_path / "small"
    place.mkdir()
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small file system needs root; the faked volume stands for it")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def _fill(place: Path, leave: int) -> Path:
    """Takes all of a small volume but so many bytes."""
    ballast = place / "ballast"
    free = shutil.disk_usage(place).free
    with open(ballast, "ab") as file:
        file.write(b"\1" * max(0, free - leave))
    return ballast


def _checkpoint(step: int, best: int | None = None, numbers: int = 50_000) -> Checkpoint:
    rng, python_rng = rng_state()
    return Checkpoint({"a": torch.full((numbers,), float(step))}, {}, rng, python_rng, Progress(step=step, best_step=best))


def _assert_loads(volume: Volume, target: Path) -> None:
    folder = volume.collect(target)
    PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(str(volume.model), dtype=torch.float32), str(folder))


def _messages(volume: Volume) -> str:
    return "\n".join(event["message"] for event in volume.events("log"))


def test_on_a_full_volume_the_oldest_goes_the_best_stays_and_training_can_go_on(tmpfs: Path) -> None:
    """A real ENOSPC: would catch a library's own error class, a half checkpoint left behind, a lost best step."""
    store = CheckpointStore(tmpfs / "run", free=lambda _: None)
    for step in (1, 2, 3):
        store.save(_checkpoint(step, best=1))
    _fill(tmpfs, leave=60_000)
    store.save(_checkpoint(4, best=1))
    assert sorted(path.name for path in (tmpfs / "run" / "checkpoints").glob("*-*")) == ["step-1", "step-3", "step-4"]
    _fill(tmpfs, leave=60_000)
    store.save(_checkpoint(5, best=1, numbers=60_000))
    with pytest.raises(CheckpointNotSaved) as refused:
        store.save(_checkpoint(6, best=1, numbers=400_000))
    assert refused.value.message.startswith("degraded: the checkpoint of step 6 was not saved, because the volume is full.")
    assert newest_valid_step(tmpfs / "run") == 5
    assert store.adapter_at(1) is not None
    assert not list((tmpfs / "run" / "checkpoints").glob("tmp-*"))


def test_room_is_made_before_the_volume_is_full_to_the_last_byte(tmp_path: Path) -> None:
    """Would catch a check that waits for ENOSPC, by which time other writers of the volume have failed as well."""
    free = [10_000_000_000]
    store = CheckpointStore(tmp_path, free=lambda _: free[0])
    for step in (1, 2, 3):
        store.save(_checkpoint(step, best=1))
    free[0] = 1_000_000
    store.save(_checkpoint(4, best=1))
    assert sorted(path.name for path in (tmp_path / "checkpoints").glob("step-*")) == ["step-1", "step-3", "step-4"]
    free[0] = 1000
    with pytest.raises(CheckpointNotSaved):
        store.save(_checkpoint(5, best=1))
    assert newest_valid_step(tmp_path) == 4


@pytest.mark.parametrize("leave", [900_000, 330_000])
def test_a_run_on_a_nearly_full_volume_ends_with_an_adapter_that_loads(tmpfs: Path, tmp_path: Path, tiny: Path, leave: int) -> None:
    """330 kB is less than one checkpoint beside the log, but enough for the adapter."""
    volume = Volume(tmpfs, tiny)
    job = volume.job(planet_rows(16), **SETTINGS)
    _fill(tmpfs, leave + 256 * 1024)
    result = volume.attempt(job)
    assert result is not None
    assert (result["status"], result["error"]) == ("completed", None)
    _assert_loads(volume, tmp_path / "adapter")
    assert_sequence_unbroken(volume.events())
    assert ("degraded" in _messages(volume)) == (leave < 500_000)


def test_a_volume_without_any_room_left_still_takes_the_runs_last_words(tmpfs: Path, tiny: Path) -> None:
    """Would catch a run that trained for hours and ends without a result that says why there is no adapter."""
    volume = Volume(tmpfs, tiny)
    job = volume.job(planet_rows(16), **SETTINGS)
    filling = _FillAt(tmpfs, after_step=2)
    result = volume.attempt(job, stop=filling)
    assert result is not None
    assert (result["status"], result["error"]["code"], result["manifest_sha256"]) == ("failed", "DISK_FULL", None)
    assert "newest checkpoint" in result["error"]["message"]
    assert newest_valid_step(volume.run) is not None
    events = volume.events()
    assert_sequence_unbroken(events)
    assert (events[-1]["kind"], events[-1]["seq"]) == ("finished", result["last_seq"])


class _FillAt(StopAt):
    """Somebody else fills the volume once a step was recorded."""

    def __init__(self, place: Path, after_step: int) -> None:
        super().__init__()
        self._place = place
        self._at = after_step

    def see(self, event: dict[str, Any]) -> None:
        """Looks at an event as it is recorded."""
        if event["kind"] == "step" and event["step"] == self._at:
            _fill(self._place, leave=0)


class _SickFrom(StopAt):
    """The volume refuses writes from one recorded step to another."""

    def __init__(self, sick: SickVolume, code: int, first: int, last: int) -> None:
        super().__init__()
        self._sick, self._code, self._first, self._last = sick, code, first, last
        self.seen: list[dict[str, Any]] = []

    def see(self, event: dict[str, Any]) -> None:
        """Looks at an event as it is recorded."""
        self.seen.append(event)
        if event["kind"] == "step":
            self._sick.errno = self._code if self._first <= event["step"] < self._last else None


_FAILURES = [errno.EROFS, *(pytest.param(code, marks=pytest.mark.slow) for code in (errno.ENOSPC, errno.EIO, errno.ESTALE))]


@pytest.mark.parametrize("code", _FAILURES)
def test_a_volume_that_fails_for_a_while_costs_checkpoints_and_nothing_else(
    volume: Volume, sick: SickVolume, tmp_path: Path, tiny: Path, code: int
) -> None:
    """Would catch a run that dies of a hiccup of its network volume, or events that are missing afterwards."""
    whole = Volume(tmp_path / "whole", tiny)
    assert whole.attempt(whole.job(planet_rows(16), **SETTINGS)) is not None
    source = _SickFrom(sick, code, 2, 5)
    result = volume.attempt(volume.job(planet_rows(16), **SETTINGS), stop=source)
    assert sick.refused > 0
    assert result is not None
    assert (result["status"], result["error"]) == ("completed", None)
    assert volume.curve() == whole.curve()
    assert_sequence_unbroken(volume.events())
    assert [event["seq"] for event in source.seen] == [event["seq"] for event in volume.events()]
    assert "degraded: the checkpoint of step 2 was not saved" in _messages(volume)
    assert "none is missing" in _messages(volume)


def test_a_volume_that_turns_read_only_lets_training_end_and_is_named(volume: Volume, sick: SickVolume) -> None:
    """The adapter cannot be written, nor any result: whoever listens is told, and the next attempt is refused by name."""
    source = _SickFrom(sick, errno.EROFS, 2, 10_000)
    with pytest.raises(OSError, match="Read-only"):
        volume.attempt(volume.job(planet_rows(16), **SETTINGS), stop=source)
    steps = [event["step"] for event in source.seen if event["kind"] == "step"]
    assert steps == list(range(1, max(steps) + 1))
    assert max(steps) > 4
    assert source.seen[-1]["kind"] == "finished"
    told = [event["message"] for event in source.seen if event["kind"] == "log" and event["level"] == "error"]
    assert any("The adapter could not be written. The volume can be read but not written" in message for message in told)
    with pytest.raises(RunFailure) as refused:
        try_acquire(volume.run, "next")
    assert refused.value.code == "VOLUME_READ_ONLY"
    assert newest_valid_step(volume.run) == 1


def test_a_lease_on_a_volume_that_turned_read_only_says_so_instead_of_trying_again(volume: Volume, sick: SickVolume) -> None:
    """Would catch three blind attempts and a traceback where one sentence is due."""
    lease = try_acquire(volume.run, "a")
    assert lease is not None
    sick.errno = errno.EROFS
    with pytest.raises(RunFailure) as refused:
        lease.next_attempt()
    assert refused.value.code == "VOLUME_READ_ONLY"
    lease.release()


@pytest.mark.parametrize(
    ("code", "name"), [(errno.EROFS, "VOLUME_READ_ONLY"), (errno.EACCES, "VOLUME_READ_ONLY"), (errno.ENOSPC, "DISK_FULL")]
)
def test_a_run_does_not_start_on_a_volume_that_takes_nothing(volume: Volume, sick: SickVolume, code: int, name: str) -> None:
    sick.errno = code
    with pytest.raises(RunFailure) as refused:
        require_writable(volume.run)
    assert refused.value.code == name


def test_a_real_read_only_volume_is_refused(tmpfs: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(tmpfs)], check=True)
    with pytest.raises(RunFailure) as refused:
        try_acquire(tmpfs / "runs" / "a", "worker")
    assert refused.value.code == "VOLUME_READ_ONLY"


def test_a_line_that_a_full_volume_took_in_part_is_written_whole_later(tmpfs: Path) -> None:
    """A real ENOSPC in the middle of a line: would catch a torn line in the middle of the log."""
    log = EventLog(tmpfs / "run", 1)
    ballast = _fill(tmpfs, leave=0)
    for number in range(200):
        log.emit("log", level="info", message=f"{number} " + "x" * 200)
    assert len(list(read_events(tmpfs / "run" / "events"))) < 200
    ballast.unlink()
    log.log("info", "room again")
    log.close()
    events = list(read_events(tmpfs / "run" / "events"))
    assert_sequence_unbroken(events)
    texts = [event["message"] for event in events]
    assert [text.split(" ")[0] for text in texts if text.endswith("xxx")] == [str(number) for number in range(200)]


def test_a_reader_that_is_gone_does_not_end_the_run(tmp_path: Path) -> None:
    """Would catch the broken pipe of a killed handler ending a trainer before it has saved its checkpoint."""

    def gone(_: bytes) -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    log = EventLog(tmp_path, 1, gone)
    log.log("info", "one")
    log.log("info", "two")
    log.close()
    assert len(list(read_events(tmp_path / "events"))) == 2


@pytest.mark.slow
def test_a_file_size_limit_counts_as_a_full_volume(tmp_path: Path) -> None:
    """The unprivileged way to a real failing write, in the child's own words."""
    if sys.platform == "win32":
        pytest.skip("Windows has no such limit")
    script = (
        "import json,resource,signal,sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path; import torch\n"
        "from run.checkpoint import *; from run.run_progress import Progress\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "rng, python_rng = rng_state(); store = CheckpointStore(Path(sys.argv[2])); said = []\n"
        "for step, numbers in ((1, 10), (2, 100_000)):\n"
        "    try: store.save(Checkpoint({'a': torch.zeros(numbers)}, {}, rng, python_rng, Progress(step=step)))\n"
        "    except CheckpointNotSaved as refused: said.append(refused.message)\n"
        "print(json.dumps([said, store.newest().progress.step]))\n"
    )
    arguments = [sys.executable, "-c", script, str(Path(__file__).resolve().parents[2]), str(tmp_path)]
    output = subprocess.run(arguments, capture_output=True, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"}).stdout
    said, newest = json.loads(output)
    assert newest == 1
    assert len(said) == 1
    assert "the volume is full" in said[0]
