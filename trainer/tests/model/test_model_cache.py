"""The cache of base models: verified downloads from a hub on this machine, continued, repaired, and no network afterwards."""

import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_hub import COMMIT, FakeHub
from fetching import BIG, FOLDER, NAME, REFERENCE, WANTED, contents, fetch, partial

from model import hub_files, model_download
from model.cached_models import MANIFEST, list_cached
from model.download_lock import LockWatch
from model.model_download import DownloadStopped
from protocol import BaseModelRef, RunFailure
from storage import read_json, sync_file, write_json
from worker import safe_url
from worker.safe_url import guard_hub


def failure(volume: Path, reference: BaseModelRef = REFERENCE) -> RunFailure:
    """Why the model cannot be had."""
    with pytest.raises(RunFailure) as caught:
        fetch(volume, reference)
    return caught.value


def test_a_download_is_verified_recorded_and_never_asked_for_again(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch a cache that is incomplete, keeps no hashes, takes files nobody needs, or asks the hub once more."""
    import huggingface_hub
    from huggingface_hub.utils._http import default_client_factory

    monkeypatch.setenv("TUNESMITH_TEST_LOOPBACK_HUB", "1")
    stages: list[dict[str, Any]] = []
    try:
        first = fetch(tmp_path, on_stage=lambda **fields: stages.append(fields), guard=guard_hub)
    finally:
        huggingface_hub.set_client_factory(default_client_factory)
    assert contents(first.folder) == WANTED
    assert (first.folder.name, first.resolved) == (FOLDER, f"huggingface:{NAME}@{COMMIT}")
    manifest = read_json(first.folder / MANIFEST)
    assert (manifest["v"], manifest["commit"]) == (2, COMMIT)
    assert {file["name"]: file["sha256"] for file in manifest["files"]} == {
        name: hashlib.sha256(data).hexdigest() for name, data in WANTED.items()
    }
    total = sum(len(data) for data in WANTED.values())
    assert stages[-1] == {"detail": f"Downloading {NAME}", "done": total, "total": total, "unit": "bytes"}
    assert list_cached(tmp_path) == [{"id": NAME, "revision": None, "bytes": total}]
    assert [path.name for path in (tmp_path / "models").iterdir()] == [FOLDER]
    hub.asked.clear()
    assert fetch(tmp_path, guard=lambda: pytest.fail("the network was about to be used")) == first
    assert fetch(tmp_path, BaseModelRef("huggingface", NAME, COMMIT)).folder == first.folder
    assert hub.asked == []


def test_a_cached_model_needs_neither_network_nor_a_volume_that_can_be_written(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Would catch a worker that cannot train on what is there because it takes a lock first."""
    first = fetch(tmp_path)
    monkeypatch.setattr(LockWatch, "take", lambda _self: pytest.fail("a lock was taken"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert fetch(tmp_path) == first


def test_a_manifest_of_the_first_version_is_still_read(hub: FakeHub, tmp_path: Path) -> None:
    """Would catch every user's models being downloaded again after an update."""
    folder = tmp_path / "models" / FOLDER
    folder.mkdir(parents=True)
    for name, data in WANTED.items():
        (folder / name).write_bytes(data)
    files = [{"name": name, "bytes": len(data)} for name, data in WANTED.items()]
    write_json(folder / MANIFEST, {"v": 1, "id": NAME, "revision": None, "source": "huggingface:old", "files": files})
    assert fetch(tmp_path).resolved == "huggingface:old"
    assert hub.asked == []


@pytest.mark.parametrize("name", [BIG, "config.json"])
def test_a_file_with_the_wrong_content_is_fetched_once_more(hub: FakeHub, tmp_path: Path, name: str) -> None:
    """Would catch weights, or a config that has no SHA-256 at the hub, that changed on their way."""
    hub.wrong = {name: 1}
    assert contents(fetch(tmp_path).folder) == WANTED
    assert hub.fetched.count((name, 0)) == 2


@pytest.mark.parametrize(
    "instead", [WANTED[BIG] + b"more", WANTED[BIG][:-5], b"\1" + WANTED[BIG][1:]], ids=["longer", "shorter", "same-length"]
)
def test_a_file_that_stays_wrong_is_named_and_deleted(hub: FakeHub, tmp_path: Path, instead: bytes) -> None:
    """Would catch a damaged model being trained on, and a damaged piece being continued for ever."""
    hub.instead = {BIG: instead}
    caught = failure(tmp_path)
    assert caught.code == "MODEL_NOT_FOUND"
    assert f"{BIG} of {NAME} arrived twice" in caught.message
    assert not list(partial(tmp_path).glob(f"{BIG}*"))
    assert list_cached(tmp_path) == []
    hub.instead = {}
    assert contents(fetch(tmp_path).folder) == WANTED


def _refused(status: int, code: str) -> Callable[[FakeHub], None]:
    return lambda hub: setattr(hub, "refuse_model", (status, code))


@pytest.mark.parametrize(
    ("trouble", "code", "says"),
    [
        (_refused(403, "GatedRepo"), "MODEL_GATED", "only after its licence was accepted"),
        (_refused(401, "GatedRepo"), "MODEL_GATED", "only after its licence was accepted"),
        (lambda hub: setattr(hub, "refuse_files", (403, "GatedRepo")), "MODEL_GATED", "only after its licence was accepted"),
        (_refused(403, ""), "MODEL_GATED", "does not let this worker read"),
        (_refused(401, "RepoNotFound"), "MODEL_NOT_FOUND", "was not found on 127.0.0.1"),
        (_refused(404, "RepoNotFound"), "MODEL_NOT_FOUND", "was not found on 127.0.0.1"),
        (_refused(404, "RevisionNotFound"), "MODEL_NOT_FOUND", "has no revision"),
        (_refused(503, ""), "MODEL_NOT_FOUND", "it answered with status 503"),
        (lambda hub: setattr(hub, "page", "<html>Please log in</html>"), "MODEL_NOT_FOUND", "is no model hub"),
        (lambda hub: setattr(hub, "page", "[1]"), "MODEL_NOT_FOUND", "is no model hub"),
        (lambda hub: hub.files.pop(BIG), "MODEL_NOT_FOUND", "has no safetensors weights"),
        (lambda hub: hub.files.pop("config.json"), "MODEL_NOT_FOUND", "it may be an adapter"),
    ],
)
def test_a_model_that_the_hub_does_not_give_is_explained(
    hub: FakeHub, tmp_path: Path, trouble: Callable[[FakeHub], object], code: str, says: str
) -> None:
    """Would catch a user who is told of an internal error although the hub said what is wrong."""
    trouble(hub)
    caught = failure(tmp_path)
    assert (caught.code, says in caught.message) == (code, True), caught.message
    assert not (tmp_path / "models" / f"{FOLDER}.lock").exists()


def test_a_hub_that_cannot_be_reached_is_explained(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch 'internal error' on a computer without network."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    caught = failure(tmp_path)
    assert (caught.code, "could not be reached" in caught.message) == ("MODEL_NOT_FOUND", True)


def test_a_computer_without_network_is_not_told_of_an_unsafe_address(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch a guard that takes a name nobody knows for an attack."""
    import huggingface_hub
    from huggingface_hub.utils._http import default_client_factory

    monkeypatch.delenv("HF_ENDPOINT")
    monkeypatch.setattr(safe_url, "_resolve", lambda *_: [])
    try:
        with pytest.raises(RunFailure, match=r"huggingface\.co could not be reached") as caught:
            fetch(tmp_path, guard=guard_hub)
    finally:
        huggingface_hub.set_client_factory(default_client_factory)
    assert caught.value.code == "MODEL_NOT_FOUND"
    assert hub.asked == []


@pytest.mark.parametrize("ignores_range", [False, True])
def test_a_connection_that_breaks_is_continued(hub: FakeHub, tmp_path: Path, *, ignores_range: bool) -> None:
    """Would catch a long download that starts over, or that puts the beginning behind the middle."""
    hub.cuts = {BIG: [600_000]}
    hub.ignores_range = ignores_range
    assert contents(fetch(tmp_path).folder) == WANTED
    starts = [start for name, start in hub.fetched if name == BIG]
    assert len(starts) == 2
    assert starts[1] >= 500_000


def test_a_later_run_continues_an_interrupted_download(hub: FakeHub, tmp_path: Path) -> None:
    """Would catch a restarted worker that throws away what has arrived, or fetches whole files again."""
    hub.cuts = {BIG: [600_000, 0, 0]}
    assert "could not be reached" in failure(tmp_path).message
    kept = (partial(tmp_path) / f"{BIG}.part").stat().st_size
    assert kept >= 500_000
    hub.asked.clear()
    assert contents(fetch(tmp_path).folder) == WANTED
    assert [start for name, start in hub.fetched if name == BIG] == [kept]


def test_pieces_that_were_damaged_on_the_disk_are_not_trusted(hub: FakeHub, tmp_path: Path) -> None:
    """Would catch a piece with a hole, as a power cut leaves it, becoming part of a model."""
    partial(tmp_path).mkdir(parents=True)
    (partial(tmp_path) / f"{BIG}.part").write_bytes(bytes(1000))
    assert contents(fetch(tmp_path).folder) == WANTED
    assert [start for name, start in hub.fetched if name == BIG] == [0, 1000]


def test_a_damaged_model_is_repaired_with_what_is_right_of_it(hub: FakeHub, tmp_path: Path) -> None:
    """Would catch 160 GB being fetched again for one torn file."""
    folder = fetch(tmp_path).folder
    (folder / BIG).write_bytes(WANTED[BIG][:700_000])
    hub.asked.clear()
    assert contents(fetch(tmp_path).folder) == WANTED
    assert hub.fetched == [(BIG, 700_000)]


def test_a_stop_ends_a_download_that_hangs(hub: FakeHub, tmp_path: Path) -> None:
    """Would catch a user's stop that waits for a connection, and a stop that throws away what has arrived."""
    hub.held = BIG
    config = partial(tmp_path) / "config.json"
    with pytest.raises(DownloadStopped):
        fetch(tmp_path, is_stopped=lambda: hub.is_held.is_set() and config.exists())
    assert not hub.go_on.is_set()
    assert not (tmp_path / "models" / f"{FOLDER}.lock").exists()
    hub.held = None
    hub.asked.clear()
    assert contents(fetch(tmp_path).folder) == WANTED
    assert "config.json" not in [name for name, _ in hub.fetched]


def test_a_volume_without_room_is_said_before_anything_is_fetched(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch a volume that is filled to the brim before the user hears of it."""
    monkeypatch.setattr(model_download, "free_bytes", lambda _folder: 1000)
    assert failure(tmp_path).code == "DISK_FULL"
    assert hub.fetched == []


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, "DISK_FULL"), (errno.EDQUOT, "DISK_FULL"), (errno.EROFS, "VOLUME_READ_ONLY")])
def test_a_volume_that_takes_no_more_is_explained_and_gets_room_back(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    """Would catch 'no network' for a full disk, and pieces that leave no room for the result."""

    def full(path: Path) -> None:
        if path.name == f"{BIG}.part":
            raise OSError(number, os.strerror(number))
        sync_file(path)

    monkeypatch.setattr(hub_files, "sync_file", full)
    assert failure(tmp_path).code == code
    assert bool(list(partial(tmp_path).glob("*.part"))) == (code != "DISK_FULL")


def test_pieces_of_another_commit_go_and_models_with_such_names_stay(hub: FakeHub, tmp_path: Path) -> None:
    """Would catch a volume that fills with pieces nobody will continue, and a whole model taken for one."""
    old, other = tmp_path / "models" / f"{FOLDER}.tmp-0123", tmp_path / "models" / f"{FOLDER}.tmp-by-name"
    old.mkdir(parents=True)
    other.mkdir()
    (other / MANIFEST).write_text("{}")
    fetch(tmp_path)
    assert (old.exists(), other.exists()) == (False, True)


def test_only_whole_models_are_listed_as_cached(tmp_path: Path) -> None:
    """Would catch a model that is announced as present and then downloaded, and a manifest that stops the worker's answer."""

    def model(folder: str, size: int, said: object) -> None:
        path = tmp_path / "models" / folder
        path.mkdir(parents=True)
        (path / BIG).write_bytes(b"x" * size)
        files = [{"name": BIG, "bytes": said}]
        write_json(path / MANIFEST, {"v": 1, "id": f"org/{folder}", "revision": None, "source": "here", "files": files})

    model("whole", 7, 7)
    model("torn", 3, 7)
    model("odd", 3, None)
    model("whole.tmp-1", 7, 7)
    (tmp_path / "models" / "torn" / "no.json").write_text("[]")
    assert list_cached(tmp_path) == [{"id": "org/whole", "revision": None, "bytes": 7}]
    assert list_cached(tmp_path / "none") == []
