"""What the worker's container runs: checks the volume, points caches at the container's disk, becomes handler.py."""

import contextlib
import importlib.metadata
import json
import os
import platform
import sys
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

TRAINER = Path(__file__).resolve().parent.parent
DEFAULT_VOLUME = "/runpod-volume"
_PACKAGES = ("torch", "transformers", "peft", "accelerate", "safetensors", "tokenizers", "bitsandbytes", "runpod")
# Base models lie under models/ on the volume; what libraries cache besides is small, hot and only this container's.
_CACHES = {"HF_HOME": "huggingface", "TRITON_CACHE_DIR": "triton", "TORCHINDUCTOR_CACHE_DIR": "inductor", "XDG_CACHE_HOME": "other"}
_QUIET = {
    "PYTHONUNBUFFERED": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "DO_NOT_TRACK": "1",
}


class NoVolume(Exception):
    """There is nowhere to keep a run; says what to do."""


def main(environment: Mapping[str, str]) -> NoReturn:
    """Becomes the worker, or ends with a sentence that the worker's log shows."""
    try:
        volume = find_volume(environment)
    except NoVolume as problem:
        sys.exit(f"Tunesmith cannot start on this worker. {problem}")
    if not is_writable(volume):
        # The worker still answers: each job then says so to the user, which a container that will not start cannot.
        print(f"tunesmith: {volume} cannot be written to. Runs will fail until it can.", file=sys.stderr, flush=True)
    print(json.dumps({"tunesmith": versions(), "volume": str(volume)}), flush=True)
    prepared = worker_environment(environment)
    user = environment.get("TUNESMITH_UID", "")
    if user.isdigit() and os.geteuid() == 0:
        leave_root(int(user), volume, prepared)
    os.execve(sys.executable, [sys.executable, "-u", str(TRAINER / "handler.py")], prepared)


def find_volume(environment: Mapping[str, str]) -> Path:
    """The folder that keeps runs; the default place has to be a mount, or everything would go with the container."""
    named = environment.get("TUNESMITH_VOLUME")
    volume = Path(named or DEFAULT_VOLUME)
    if not volume.is_dir():
        raise NoVolume(f"There is no folder {volume}. Attach a network volume to the endpoint, or set TUNESMITH_VOLUME.")
    if not named and not is_mounted(volume):
        raise NoVolume(f"{volume} is not a network volume: what is written there ends with this worker. Attach one to the endpoint.")
    return volume


def is_mounted(folder: Path) -> bool:
    """True when something is mounted at the folder itself."""
    return os.path.ismount(folder)


def is_writable(folder: Path) -> bool:
    """Writes, flushes, reads back and removes a small file: only that shows that a network file system is writable."""
    probe = folder / f".tunesmith-probe-{uuid.uuid4().hex}"
    try:
        with open(probe, "xb") as file:
            file.write(b"tunesmith")
            file.flush()
            os.fsync(file.fileno())
        return probe.read_bytes() == b"tunesmith"
    except OSError:
        return False
    finally:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)


def worker_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with caches on the container's disk and libraries kept quiet; what is set already stays."""
    caches = Path(environment.get("TUNESMITH_CACHE") or Path(tempfile.gettempdir()) / "tunesmith-cache")
    defaults = {**_QUIET, **{name: str(caches / folder) for name, folder in _CACHES.items()}}
    prepared = {**defaults, **environment}
    for name in _CACHES:
        Path(prepared[name]).mkdir(parents=True, exist_ok=True)
    return prepared


def versions() -> dict[str, str]:
    """Versions of what matters when a run is compared with another; nothing heavy is imported for it."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def leave_root(user: int, volume: Path, environment: dict[str, str]) -> None:
    """Goes on as an ordinary user where that user may write to the volume; RunPod's volumes belong to root."""
    if not can_write_as(user, volume):
        print(f"tunesmith: {volume} belongs to root, so the worker stays root.", flush=True)
        return
    home = Path(tempfile.mkdtemp(prefix="tunesmith-home-"))
    for folder in [home, *(Path(environment[name]) for name in _CACHES)]:
        os.chown(folder, user, user)
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
    environment["HOME"] = str(home)


def can_write_as(user: int, volume: Path) -> bool:
    """Tries it in a process of its own, since root may not be taken back once it is given up."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)
            existing = [volume / name for name in ("runs", "models", "datasets") if (volume / name).exists()]
            code = 0 if all(is_writable(folder) for folder in [volume, *existing]) else 1
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--versions"]:
        print(json.dumps(versions()))
    else:
        main(os.environ)
