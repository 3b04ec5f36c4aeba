"""One worker at a time fetches a base model: the lock between workers, in one process and in several."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from fake_hub import FakeHub
from fetching import BIG, FOLDER, NAME, WANTED, contents, fetch, partial

from model import base_model, download_lock
from model.base_model import ResolvedModel
from model.cached_models import publish
from model.download_lock import LockWatch
from process_identity import host_identity, process_start
from storage import read_json, write_json


def test_two_workers_share_one_download(hub: FakeHub, tmp_path: Path) -> None:
    """Would catch two workers that write into each other's files, and a model that is paid for twice."""
    hub.held = BIG
    stages: list[str] = []
    found: list[ResolvedModel] = []
    is_waiting = threading.Event()

    def second(**fields: Any) -> None:
        stages.append(fields["detail"])
        is_waiting.set()

    first = threading.Thread(target=lambda: found.append(fetch(tmp_path)))
    first.start()
    assert hub.is_held.wait(20)
    other = threading.Thread(target=lambda: found.append(fetch(tmp_path, on_stage=second)))
    other.start()
    assert is_waiting.wait(20)
    hub.go_on.set()
    first.join(20)
    other.join(20)
    assert found[0] == found[1]
    assert stages == [f"Waiting for another worker that is downloading {NAME}"]
    assert hub.fetched == sorted((name, 0) for name in WANTED)


def test_a_worker_that_was_overtaken_uses_the_other_ones_model(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch a run that fails because another worker was faster, after a volume had stalled."""

    def overtaken(building: Path, folder: Path, *rest: Any) -> None:
        publish(building, folder, *rest)
        building.mkdir()
        publish(building, folder, *rest)

    monkeypatch.setattr(base_model, "publish", overtaken)
    assert contents(fetch(tmp_path).folder) == WANTED
    assert not partial(tmp_path).exists()


def test_a_lock_is_taken_over_only_from_a_holder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch a download that nobody can continue, and one that is taken from a worker that lives."""
    path = tmp_path / "model.lock"
    write_json(path, {"nonce": "theirs", "beat": 1, "host": "elsewhere", "pid": 1, "started": "1"})
    watch = LockWatch(path)
    assert watch.take() is None
    monkeypatch.setattr(download_lock, "STALE_SECONDS", 0.0)
    write_json(path, {"nonce": "theirs", "beat": 2, "host": "elsewhere", "pid": 1, "started": "1"})
    lock = watch.take()
    assert lock is not None
    monkeypatch.setattr(download_lock, "STALE_SECONDS", 1e9)
    with lock:
        assert LockWatch(path).take() is None
    assert not path.exists()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    record = {"nonce": "theirs", "beat": 1, "host": host_identity(), "pid": gone.pid, "started": process_start(gone.pid)}
    gone.wait()
    write_json(path, record)
    assert LockWatch(path).take() is not None


def test_a_holder_that_lost_its_lock_stops(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch a worker that goes on writing after another one took over."""
    monkeypatch.setattr(download_lock, "BEAT_SECONDS", 0.02)
    hub.held = BIG
    path = tmp_path / "models" / f"{FOLDER}.lock"
    stages: list[str] = []
    is_waiting = threading.Event()

    def on_stage(**fields: Any) -> None:
        stages.append(fields["detail"])
        if fields["detail"].startswith("Waiting"):
            is_waiting.set()

    worker = threading.Thread(target=fetch, args=(tmp_path,), kwargs={"on_stage": on_stage})
    worker.start()
    assert hub.is_held.wait(20)
    theirs = {"nonce": "theirs", "beat": 1, "host": "elsewhere", "pid": 1, "started": "1"}
    for _ in range(200):
        # The holder may be about to write over it, as it does every few milliseconds here.
        write_json(path, theirs)
        if is_waiting.wait(0.1):
            break
    assert is_waiting.is_set()
    assert read_json(path)["nonce"] == "theirs"
    hub.held = None
    path.unlink()
    worker.join(20)
    assert contents(tmp_path / "models" / FOLDER) == WANTED


_CHILD = """
import json, sys
from pathlib import Path
from model.base_model import resolve
from protocol import BaseModelRef
found = resolve(BaseModelRef("huggingface", "some-org/tiny", None), Path(sys.argv[1]), lambda **_: None)
print(json.dumps([str(found.folder), found.fingerprint]))
"""


def start_child(hub: FakeHub, volume: Path) -> "subprocess.Popen[bytes]":
    """A worker of its own that fetches the model."""
    environment = {**os.environ, "HF_ENDPOINT": hub.address, "HF_HUB_OFFLINE": "0", "PYTHONPATH": str(Path(base_model.__file__).parents[1])}
    return subprocess.Popen([sys.executable, "-c", _CHILD, str(volume)], env=environment, stdout=subprocess.PIPE)


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_of_a_file_is_continued_at_once(hub: FakeHub, tmp_path: Path) -> None:
    """Would catch a lock that outlives its worker, and bytes that are lost with it."""
    hub.held = BIG
    child = start_child(hub, tmp_path)
    assert hub.is_held.wait(60)
    part = partial(tmp_path) / f"{BIG}.part"
    while not part.exists() or part.stat().st_size < 256 << 10:
        assert child.poll() is None
    child.kill()
    child.wait()
    hub.held, kept = None, part.stat().st_size
    hub.go_on.set()
    hub.asked.clear()
    assert contents(fetch(tmp_path).folder) == WANTED
    assert (BIG, kept) in hub.fetched


@pytest.mark.slow
def test_workers_that_start_together_leave_one_whole_model(hub: FakeHub, tmp_path: Path) -> None:
    """Would catch a race for the lock between processes."""
    children = [start_child(hub, tmp_path) for _ in range(4)]
    answers = [json.loads(child.communicate(timeout=120)[0]) for child in children]
    assert answers == [answers[0]] * 4
    assert contents(tmp_path / "models" / FOLDER) == WANTED
    assert hub.fetched == sorted((name, 0) for name in WANTED)
