"""The bootstrap: deterministic code, verified before it runs; packages installed once, whole or not at all."""

import gzip
import hashlib
import io
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from image import bootstrap
from image.pack_code import START_COMMAND, TRAINER, Packed, code_files, pack

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the stock image is Linux")
_DRIVER = Path(__file__).with_name("install_driver.py")


def _names(archive: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        return tar.getnames()


def _archive_of(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for info, data in members:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return gzip.compress(plain.getvalue())


def _start(volume: Path, packed: Packed, command: str = START_COMMAND, **changes: str) -> "subprocess.CompletedProcess[str]":
    """Starts a worker as RunPod does: the command line split as a shell splits it, the endpoint's environment."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TUNESMITH_", "RUNPOD_"))}
    named = {"TUNESMITH_CODE_SHA256": packed.code_sha256, "TUNESMITH_BOOTSTRAP_SHA256": packed.bootstrap_sha256}
    environment = {**kept, **named, "TUNESMITH_VOLUME": str(volume), "TMPDIR": str(volume.parent), **changes}
    arguments = shlex.split(command)
    assert arguments[0] == "python3"
    return subprocess.run([sys.executable, *arguments[1:]], env=environment, capture_output=True, text=True, timeout=120)


def _small_trainer(folder: Path) -> Path:
    """A trainer whose handler only says that it runs."""
    trainer = folder / "trainer"
    shutil.copytree(TRAINER / "image", trainer / "image", ignore=shutil.ignore_patterns("__pycache__"))
    (trainer / "handler.py").write_text("import os; print('handler of', os.environ['TUNESMITH_CODE_SHA256'], os.path.abspath(__file__))\n")
    return trainer


def test_packing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    """A version that changes with the clock or the order of a directory would be uploaded and unpacked for nothing."""
    copy = tmp_path / "trainer"
    for path in reversed(code_files()):
        target = copy / path.relative_to(TRAINER)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
        os.utime(target, (1_000_000_000, 1_000_000_000))
        target.chmod(0o600)
    assert pack(copy).archive == pack().archive
    (copy / "handler.py").write_text("changed")
    assert pack(copy).code_sha256 != pack().code_sha256


def test_the_archive_holds_what_the_worker_needs_and_nothing_else() -> None:
    """Tests or a developer's caches in the archive would change its version; a missing room would end the worker."""
    names = set(_names(pack().archive))
    assert {"trainer/handler.py", "trainer/train_lora.py", "trainer/image/entrypoint.py", "trainer/image/requirements.lock"} <= names
    sources = {path.relative_to(TRAINER) for path in TRAINER.rglob("*.py") if path.relative_to(TRAINER).parts[0] not in ("tests", "bench")}
    assert {f"trainer/{path.as_posix()}" for path in sources} <= names
    assert not [name for name in names if "test" in name or "pycache" in name or "requirements-dev" in name]


def test_the_start_command_fits_one_line_and_fetches_nothing() -> None:
    """RunPod takes one string; a command that fetches its own code would run whatever the network gives it."""
    assert len(START_COMMAND) <= 4000
    assert "\n" not in START_COMMAND
    assert len(shlex.split(START_COMMAND)) == 4
    assert not any(word in START_COMMAND for word in ("http", "curl", "wget", "pip", "git"))


def test_a_changed_archive_is_refused(tmp_path: Path) -> None:
    """Whoever can write to the volume must not be able to run code on the worker."""
    packed = Packed(_archive_of((tarfile.TarInfo("trainer/handler.py"), b"print(1)")), b"")
    packed.place(tmp_path)
    assert bootstrap.read_archive(tmp_path, packed.code_sha256) == packed.archive
    path = tmp_path / "tunesmith" / "code" / packed.code_sha256 / bootstrap.ARCHIVE
    path.write_bytes(packed.archive + b"\0")
    with pytest.raises(bootstrap.Refused, match="was changed"):
        bootstrap.read_archive(tmp_path, packed.code_sha256)
    path.unlink()
    with pytest.raises(bootstrap.Refused, match="cannot be read"):
        bootstrap.read_archive(tmp_path, packed.code_sha256)
    with pytest.raises(bootstrap.Refused, match="not a SHA-256"):
        bootstrap.read_archive(tmp_path, "../../etc")


@pytest.mark.parametrize("name", ["../outside.py", "/etc/outside.py", "trainer/../../outside.py"])
def test_an_archive_that_leaves_its_folder_is_refused(tmp_path: Path, name: str) -> None:
    """Even a mistake in packing must not write over the image."""
    target = tmp_path / "target"
    with pytest.raises(bootstrap.Refused, match="does not belong"):
        bootstrap.unpack(_archive_of((tarfile.TarInfo(name), b"x")), target)
    link = tarfile.TarInfo("trainer/link")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc"
    with pytest.raises(bootstrap.Refused, match="does not belong"):
        bootstrap.unpack(_archive_of((link, b"")), target)
    assert not list(tmp_path.rglob("outside.py"))


def test_a_changed_bootstrap_is_refused_before_it_runs(tmp_path: Path) -> None:
    """The first link of the chain: the hash in the endpoint's environment."""
    volume = tmp_path / "volume"
    packed = pack(_small_trainer(tmp_path))
    packed.place(volume)
    path = volume / "tunesmith" / "bootstrap" / f"{packed.bootstrap_sha256}.py"
    path.write_bytes(b"print('I RAN')\n" + packed.bootstrap)
    ended = _start(volume, packed)
    assert ended.returncode == 1
    assert "I RAN" not in ended.stdout
    assert "was changed" in ended.stderr


def test_the_worker_starts_from_the_code_on_the_volume(tmp_path: Path) -> None:
    """The whole chain: start command, bootstrap, archive, entry point, handler; with this Python instead of the volume's."""
    volume = tmp_path / "volume"
    packed = pack(_small_trainer(tmp_path))
    packed.place(volume)
    started = _start(volume, packed, TUNESMITH_PYTHON=sys.executable)
    assert started.returncode == 0, started.stderr
    last = started.stdout.splitlines()[-1].split()
    assert last[:3] == ["handler", "of", packed.code_sha256]
    assert not Path(last[3]).is_relative_to(volume), "code that lies on the volume could be changed after the check"
    path = volume / "tunesmith" / "code" / packed.code_sha256 / bootstrap.ARCHIVE
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    refused = _start(volume, packed, TUNESMITH_PYTHON=sys.executable)
    assert refused.returncode == 1
    assert "handler of" not in refused.stdout
    assert "was changed" in refused.stderr


@pytest.mark.slow
def test_the_real_handler_answers_hello_from_the_volume(tmp_path: Path) -> None:
    """A file that the archive lacks would show only when the real handler imports it."""
    volume = tmp_path / "volume"
    packed = pack()
    packed.place(volume)
    (tmp_path / "test_input.json").write_text(json.dumps({"input": {"v": 1, "action": "hello"}}))
    quiet = {"RUNPOD_SKIP_AUTO_SYSTEM_CHECKS": "true", "RUNPOD_SKIP_GPU_CHECK": "true"}
    ended = subprocess.run(
        [sys.executable, *shlex.split(START_COMMAND)[1:]],
        cwd=tmp_path,
        env={
            **os.environ,
            **quiet,
            "TUNESMITH_CODE_SHA256": packed.code_sha256,
            "TUNESMITH_BOOTSTRAP_SHA256": packed.bootstrap_sha256,
            "TUNESMITH_VOLUME": str(volume),
            "TUNESMITH_PYTHON": sys.executable,
            "TMPDIR": str(tmp_path),
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    assert "trainer_version" in ended.stdout + ended.stderr


def _lock(folder: Path, *, sha256: str | None = None) -> Path:
    """A lock of one small package, whose wheel lies beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / "tunesmith_probe-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tunesmith_probe.py", "WORKS = True\n")
        archive.writestr("tunesmith_probe-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tunesmith-probe\nVersion: 1.0\n")
        archive.writestr("tunesmith_probe-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("tunesmith_probe-1.0.dist-info/RECORD", "")
    digest = sha256 or hashlib.sha256(wheel.read_bytes()).hexdigest()
    lock = folder / "requirements.lock"
    lock.write_text(f"# python {sys.version_info.major}.{sys.version_info.minor}\ntunesmith-probe==1.0 \\\n    --hash=sha256:{digest}\n")
    return lock


@pytest.fixture
def own_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """pip knows no index but a folder."""
    folder = tmp_path / "wheels"
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_packages_are_installed_by_hash_over_the_images_own(tmp_path: Path, own_index: Path) -> None:
    """The real pip: the environment works after it was renamed, sees the image's packages, and is made only once."""
    lock = _lock(own_index)
    python = bootstrap.prepare_environment(tmp_path / "volume", lock)
    printed = subprocess.run(
        [python, "-c", "import tunesmith_probe, sys; print(sys.prefix, sys.prefix != sys.base_prefix)"], capture_output=True, text=True
    )
    assert printed.stdout.split() == [str(python.parent.parent), "True"], printed.stderr
    settings = (python.parent.parent / "pyvenv.cfg").read_text()
    assert "include-system-site-packages = true" in settings

    def again(*_: Path) -> None:
        raise AssertionError("installed a second time")

    assert bootstrap.prepare_environment(tmp_path / "volume", lock, again) == python
    assert [entry.name for entry in python.parent.parent.parent.iterdir() if "building" in entry.name or "downloads" in entry.name] == []


def test_a_package_with_another_hash_is_refused(tmp_path: Path, own_index: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """An index that serves another file under the same version must not get its code onto the worker."""
    lock = _lock(own_index, sha256="0" * 64)
    with pytest.raises(bootstrap.Refused, match="could not be installed"):
        bootstrap.prepare_environment(tmp_path / "volume", lock)
    assert "HASH" in capfd.readouterr().err.upper()
    assert not list((tmp_path / "volume").rglob("COMPLETE"))


def test_an_image_with_another_python_is_refused(tmp_path: Path) -> None:
    """Wheels of another Python would fail one import at a time, after the GPU was paid for."""
    lock = tmp_path / "requirements.lock"
    lock.write_text("# python 2.7, linux x86_64\n")
    with pytest.raises(bootstrap.Refused, match=r"packages are for 2\.7"):
        bootstrap.prepare_environment(tmp_path, lock)


def _driver(volume: Path, lock: Path, how: str) -> "subprocess.Popen[str]":
    arguments = [sys.executable, str(_DRIVER), str(volume), str(lock), how]
    return subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_an_install_that_was_killed_is_taken_up_again(tmp_path: Path) -> None:
    """A half-made environment must neither be used nor stand in the way; finished downloads are kept for the next try."""
    volume, lock = tmp_path / "volume", _lock(tmp_path)
    with _driver(volume, lock, "hang") as killed:
        while _line(killed) != "installing":
            assert killed.poll() is None
        killed.send_signal(signal.SIGKILL)
    environments = volume / "tunesmith" / "env"
    assert [path.name for path in environments.glob("*.building-*")] != []
    assert not list(environments.glob("*/COMPLETE"))
    with _driver(volume, lock, "quick") as second:
        lines = [line.strip() for line in second.stdout or []]
    assert second.returncode == 0
    assert "downloads kept" in lines
    assert len(list(environments.glob("*/COMPLETE"))) == 1
    assert not list(environments.glob("*.building-*"))


def test_two_workers_that_start_at_once_install_once(tmp_path: Path) -> None:
    """Two installers in one folder would leave files of both; twice the installation is twice the bill."""
    volume, lock = tmp_path / "volume", _lock(tmp_path)
    with _driver(volume, lock, "when-told") as first:
        while _line(first) != "installing":
            assert first.poll() is None
        with _driver(volume, lock, "when-told") as second:
            assert "waiting" in _line(second)
            first.communicate("go\n")
            rest, _ = second.communicate()
    assert (first.returncode, second.returncode) == (0, 0)
    assert "installing" not in rest.split()
    assert (volume / "installs").read_text() == "x"


def test_without_file_locks_the_first_to_finish_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some network volumes have no locks: the slower worker must use what the quicker one finished, whole."""
    import fcntl

    def unsupported(*_: object) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    volume, lock = tmp_path / "volume", _lock(tmp_path)

    def quick(building: Path, *_: Path) -> None:
        (building / "bin").mkdir(parents=True)
        (building / "bin" / "python").write_text("quick")

    def slow(building: Path, *_: Path) -> None:
        bootstrap.prepare_environment(volume, lock, quick)
        (building / "bin").mkdir(parents=True)
        (building / "bin" / "python").write_text("slow")

    python = bootstrap.prepare_environment(volume, lock, slow)
    assert python.read_text() == "quick"
    assert not list(python.parents[2].glob("*.building-*"))
