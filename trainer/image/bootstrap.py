"""Starts the worker on a stock PyTorch image, from code and packages on the network volume; needs no registry account.

It stands alone, because it runs before the code is unpacked, and lies on the volume as tunesmith/bootstrap/<sha256>.py.
The start command (pack_code.py) runs it after checking that hash; it checks the code's hash in turn, then the packages'.
"""

import contextlib
import hashlib
import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import NoReturn

ARCHIVE = "trainer.tar.gz"
COMPLETE = "COMPLETE"
_MAX_ARCHIVE_BYTES = 32_000_000
_MAX_UNPACKED_BYTES = 128_000_000
_LOCK_POLL_SECONDS = 1.0
# An install that nobody finished within this time was abandoned; counts only where the volume has no file locks.
_ABANDONED_SECONDS = 3 * 3600
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LOCK_PYTHON = re.compile(r"^# python (\d+\.\d+)", re.MULTILINE)
Install = Callable[[Path, Path, Path], None]


class Refused(Exception):
    """The worker cannot be started; says what is wrong and what to do."""


def main(environment: Mapping[str, str]) -> NoReturn:
    """Replaces this process with the worker, or ends it with a sentence that the worker's log shows."""
    try:
        command = prepare(environment)
    except Refused as problem:
        sys.exit(f"Tunesmith cannot start on this worker. {problem}")
    say("The worker starts.")
    sys.stdout.flush()
    os.execve(command[0], command, dict(environment))


def prepare(environment: Mapping[str, str]) -> list[str]:
    """The command that starts the worker, after code and packages are in place and verified."""
    volume = Path(environment.get("TUNESMITH_VOLUME") or "/runpod-volume")
    code_sha256 = environment.get("TUNESMITH_CODE_SHA256", "")
    code = unpack(read_archive(volume, code_sha256), Path(tempfile.mkdtemp(prefix="tunesmith-")))
    say(f"Code {code_sha256[:12]} is verified.")
    python = environment.get("TUNESMITH_PYTHON")
    if not python:
        python = str(prepare_environment(volume, code / "image" / "requirements.lock"))
    return [python, "-u", str(code / "image" / "entrypoint.py")]


def read_archive(volume: Path, sha256: str) -> bytes:
    """The code archive of a version; refused unless its hash is the one that the endpoint names."""
    if _SHA256.fullmatch(sha256) is None:
        raise Refused("TUNESMITH_CODE_SHA256 is not a SHA-256. Set the endpoint up again in the app.")
    path = volume / "tunesmith" / "code" / sha256 / ARCHIVE
    try:
        with open(path, "rb") as file:
            data = file.read(_MAX_ARCHIVE_BYTES + 1)
    except OSError as error:
        raise Refused(f"{path} cannot be read ({error.strerror}). Attach the network volume, or let the app upload it again.") from error
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise Refused(f"{path} was changed: its SHA-256 is {found}. Nothing of it was run. Let the app upload it again.")
    return data


def unpack(archive: bytes, target: Path) -> Path:
    """Unpacks plain files below `target`, on the container's own disk; returns the trainer's folder."""
    total = 0
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        for member in tar:
            place = PurePosixPath(member.name)
            total += member.size
            if not member.isfile() or place.is_absolute() or ".." in place.parts or total > _MAX_UNPACKED_BYTES:
                raise Refused(f"The code archive holds {member.name!r}, which does not belong there. Let the app upload it again.")
            source = tar.extractfile(member)
            if source is None:
                raise Refused(f"The code archive's {member.name!r} cannot be read. Let the app upload it again.")
            path = target.joinpath(*place.parts)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(source.read())
    return target / "trainer"


def prepare_environment(volume: Path, lock: Path, install: Install | None = None) -> Path:
    """The Python of the packages that a lock names, installed once per volume; workers that start meanwhile wait."""
    text = lock.read_bytes()
    sha256 = hashlib.sha256(text).hexdigest()
    folder = volume / "tunesmith" / "env" / sha256
    check_interpreter(text.decode())
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _one_installer(folder) as locked:
            if not is_complete(folder, sha256):
                _install_into(folder, lock, sha256, install or pip_install, clean=locked)
    except OSError as error:
        raise Refused(f"The packages cannot be installed on {volume} ({error.strerror}). Free some space or enlarge the volume.") from error
    return folder / "bin" / "python"


def check_interpreter(lock: str) -> None:
    """Refuses an image whose Python is not the lock's, or that has no PyTorch."""
    named = _LOCK_PYTHON.search(lock)
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    if named is not None and named[1] != running:
        raise Refused(f"This image runs Python {running}; the packages are for {named[1]}. Choose the image that the app proposes.")
    if importlib.util.find_spec("torch") is None:
        raise Refused("This image has no PyTorch. Choose the image that the app proposes.")


def is_complete(folder: Path, sha256: str) -> bool:
    """True when an install of this lock was finished and this image has the Python that it was made with."""
    try:
        mark = json.loads((folder / COMPLETE).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(mark, dict) and mark.get("lock") == sha256 and (folder / "bin" / "python").exists()


def _install_into(folder: Path, lock: Path, sha256: str, install: Install, *, clean: bool) -> None:
    """Installs beside the final place and renames at the end, so that a half-made environment is never used."""
    for leftover in folder.parent.glob(f"{folder.name}.building-*"):
        if clean or time.time() - leftover.stat().st_mtime > _ABANDONED_SECONDS:
            shutil.rmtree(leftover, ignore_errors=True)
    if folder.exists():
        # Made with a Python that is elsewhere in this image, or torn by a crash of the volume.
        shutil.rmtree(folder)
    building = folder.with_name(f"{folder.name}.building-{uuid.uuid4().hex}")
    # Downloads outlive an interrupted install: pip keeps each finished file here and the next install begins with them.
    downloads = folder.with_name(f"{folder.name}.downloads")
    say("Installing the packages on the network volume. This happens once and takes some minutes.")
    try:
        install(building, lock, downloads)
        mark = {"lock": sha256, "python": sys.version.split()[0]}
        with open(building / COMPLETE, "w", encoding="utf-8") as file:
            json.dump(mark, file)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(OSError):
            os.rename(building, folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    if not is_complete(folder, sha256):
        raise Refused(f"{folder} could not be put in place. Start the worker again.")
    shutil.rmtree(downloads, ignore_errors=True)
    say("The packages are installed.")


def pip_install(building: Path, lock: Path, downloads: Path) -> None:
    """A virtual environment over the image's own PyTorch, with exactly the lock's packages, each checked by its hash."""
    scrubbed = {name: value for name, value in os.environ.items() if not name.startswith(("RUNPOD_", "HF_TOKEN"))}
    options = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--no-input", "--disable-pip-version-check", "--quiet"]
    python = building / "bin" / "python"
    for command in (
        [sys.executable, "-m", "venv", "--system-site-packages", "--without-pip", str(building)],
        [sys.executable, "-m", "pip", "--python", str(python), "install", *options, "--cache-dir", str(downloads), "-r", str(lock)],
    ):
        if (code := subprocess.run(command, env=scrubbed).returncode) != 0:
            raise Refused(f"The packages could not be installed ({command[2]} ended with code {code}; its lines stand above).")


@contextlib.contextmanager
def _one_installer(folder: Path) -> Iterator[bool]:
    """Holds the volume's install lock; yields False where the volume has no locks, and whoever renames first wins."""
    import fcntl

    with open(folder.with_name(f"{folder.name}.lock"), "ab") as file:
        waiting = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not waiting:
                    say("Another worker is installing the packages; waiting for it.")
                waiting = True
                time.sleep(_LOCK_POLL_SECONDS)
                continue
            except OSError:
                yield False
                return
            break
        yield True


def say(text: str) -> None:
    """A line for the worker's log."""
    print(f"tunesmith: {text}", flush=True)


if __name__ == "__main__":
    main(os.environ)
