"""The container's entry point: no volume, a read-only one, caches, versions, giving root up, becoming the worker."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from image import entrypoint

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the worker's container is Linux")
needs_root = pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can become another user")


def _run(**environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(Path(entrypoint.__file__))]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TUNESMITH_", "RUNPOD_", "HF_"))}
    return subprocess.run(command, env={**kept, **environment}, capture_output=True, text=True, timeout=60)


@linux_only
def test_without_a_volume_it_ends_with_advice() -> None:
    """A worker that starts on the container's own disk would lose every run with the container."""
    ended = _run(TUNESMITH_VOLUME="/nonexistent/volume")
    assert ended.returncode == 1
    assert "Attach a network volume" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_default_volume_must_be_a_mount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain folder at the default place is the container's own disk, which looks like a volume and is none."""
    monkeypatch.setattr(entrypoint, "DEFAULT_VOLUME", str(tmp_path))
    with pytest.raises(entrypoint.NoVolume, match="not a network volume"):
        entrypoint.find_volume({})
    monkeypatch.setattr(entrypoint, "is_mounted", lambda folder: folder == tmp_path)
    assert entrypoint.find_volume({}) == tmp_path
    assert entrypoint.find_volume({"TUNESMITH_VOLUME": str(tmp_path)}) == tmp_path


def test_a_volume_that_takes_no_file_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Permission bits say nothing about a network file system: only writing shows that it is read-only."""
    assert entrypoint.is_writable(tmp_path)
    assert list(tmp_path.iterdir()) == [], "the probe is left behind"
    assert not entrypoint.is_writable(tmp_path / "missing")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert not entrypoint.is_writable(tmp_path)
    assert list(tmp_path.iterdir()) == [], "the probe is left behind"


def test_caches_are_off_the_volume_and_what_is_set_stays(tmp_path: Path) -> None:
    """Compiler caches on a network volume are slow and shared between different GPUs; a user's own setting wins."""
    prepared = entrypoint.worker_environment({"TUNESMITH_CACHE": str(tmp_path / "cache"), "HF_HOME": str(tmp_path / "own"), "A": "b"})
    assert prepared["HF_HOME"] == str(tmp_path / "own")
    assert prepared["TRITON_CACHE_DIR"] == str(tmp_path / "cache" / "triton")
    assert all(Path(prepared[name]).is_dir() for name in ("HF_HOME", "TRITON_CACHE_DIR", "XDG_CACHE_HOME"))
    assert prepared["HF_HUB_DISABLE_TELEMETRY"] == "1"
    assert prepared["A"] == "b"


def test_versions_are_printed_without_importing_anything_heavy() -> None:
    """Importing PyTorch only to print its version would cost every cold start ten seconds."""
    script = (
        "import sys, json; from image import entrypoint; found = entrypoint.versions(); print(json.dumps([found, 'torch' in sys.modules]))"
    )
    root = str(Path(entrypoint.__file__).parent.parent)
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=root, check=True).stdout
    found, imported = json.loads(printed)
    assert not imported
    assert {"python", "torch", "transformers", "peft"} <= found.keys()


@linux_only
def test_it_becomes_the_worker(tmp_path: Path) -> None:
    """A worker that is a child of the entry point would not get the platform's SIGTERM."""
    trainer = tmp_path / "trainer"
    (trainer / "image").mkdir(parents=True)
    (trainer / "image" / "entrypoint.py").write_bytes(Path(entrypoint.__file__).read_bytes())
    (trainer / "handler.py").write_text("import os, sys; print('handler', os.getpid(), os.environ['HF_HOME'], sys.argv)")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TUNESMITH_", "RUNPOD_", "HF_"))}
    environment = {**kept, "TUNESMITH_VOLUME": str(tmp_path), "TUNESMITH_CACHE": str(tmp_path / "cache")}
    with subprocess.Popen(
        [sys.executable, str(trainer / "image" / "entrypoint.py")], env=environment, stdout=subprocess.PIPE, text=True
    ) as worker:
        output, _ = worker.communicate(timeout=60)
    first, second = output.splitlines()
    assert json.loads(first)["volume"] == str(tmp_path)
    assert second.split()[:3] == ["handler", str(worker.pid), str(tmp_path / "cache" / "huggingface")]


@linux_only
@needs_root
def test_root_is_given_up_only_where_the_user_may_write(tmp_path: Path) -> None:
    """A worker that gives root up on a volume of root's could save nothing."""
    # pytest's folders are closed to other users.
    for folder in [tmp_path, *tmp_path.parents]:
        if folder == Path(tempfile.gettempdir()):
            break
        folder.chmod(folder.stat().st_mode | 0o055)
    closed, opened = tmp_path / "closed", tmp_path / "opened"
    closed.mkdir(mode=0o755)
    opened.mkdir()
    opened.chmod(0o777)
    assert not entrypoint.can_write_as(10001, closed)
    assert entrypoint.can_write_as(10001, opened)
    (opened / "runs").mkdir(mode=0o755)
    assert not entrypoint.can_write_as(10001, opened), "runs of an earlier worker that was root could not be continued"
    assert os.geteuid() == 0
