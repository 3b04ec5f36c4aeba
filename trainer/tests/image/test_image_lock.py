"""The image: its lock covers what the worker asks for, and its Dockerfile is clean and installs from the lock alone."""

import ast
import importlib.metadata
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from image.lock_requirements import BASE_PACKAGES, IMAGE, LOCK, REQUIREMENTS, Locked, LockError, canonical_name, read_lock, write_lock
from image.pack_code import code_files

# Comes with the interpreter's own PyTorch or is only a build tool; nothing of it is installed from the lock.
_BASE = {*BASE_PACKAGES, "setuptools"}
# Used where a machine happens to have it; the worker does without.
_OPTIONAL: set[str] = set()
_IMAGE_MARKERS = {"python_version": "3.12", "python_full_version": "3.12.3", "sys_platform": "linux", "platform_system": "Linux"}
_IMAGE_MACHINE = {"platform_machine": "x86_64", "os_name": "posix", "implementation_name": "cpython", "extra": ""}


def _applies(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({**_IMAGE_MARKERS, **_IMAGE_MACHINE})


def _locked() -> dict[str, Locked]:
    return {entry.name: entry for entry in read_lock(LOCK.read_text(encoding="utf-8"))}


def _is_met(requirement: Requirement, locked: dict[str, Locked]) -> bool:
    name = canonicalize_name(requirement.name)
    entry = locked.get(name)
    return name in _BASE or (entry is not None and requirement.specifier.contains(entry.version, prereleases=True))


def test_lock_covers_every_requirement() -> None:
    """A requirement that was raised or added without resolving again would leave the image with another version."""
    locked = _locked()
    lines = [line for line in REQUIREMENTS.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    wanted = [requirement for line in lines if _applies(requirement := Requirement(line.split(" #")[0]))]
    missing = [str(requirement) for requirement in wanted if not _is_met(requirement, locked)]
    assert missing == []
    assert len(wanted) > 5


def test_lock_is_closed_under_dependencies() -> None:
    """The image installs with --no-deps: a dependency that the lock lacks would be found only on a rented GPU."""
    locked = _locked()
    checked = 0
    missing: list[str] = []
    for entry in locked.values():
        try:
            distribution = importlib.metadata.distribution(entry.name)
        except importlib.metadata.PackageNotFoundError:
            continue
        if distribution.version != entry.version:
            continue
        checked += 1
        needed = [requirement for requirement in map(Requirement, distribution.requires or []) if _applies(requirement)]
        missing += [f"{entry.name} needs {requirement}" for requirement in needed if not _is_met(requirement, locked)]
    assert missing == []
    assert checked > len(locked) / 2, "too few of the locked packages are installed here for this to say anything"


def test_everything_that_the_worker_imports_is_in_the_image() -> None:
    """A package that only the tests' environment has would end the worker at its first job."""
    locked = _locked()
    own = {path.stem for path in code_files() if path.suffix == ".py"} | {path.parent.name for path in code_files()}
    distributions = importlib.metadata.packages_distributions()
    missing: dict[str, str] = {}
    for path in code_files():
        if path.suffix != ".py":
            continue
        for name in _imported(path.read_text(encoding="utf-8")) - own - set(sys.stdlib_module_names):
            providers = {canonical_name(provider) for provider in distributions.get(name, [name])}
            if not providers & (locked.keys() | _BASE | _OPTIONAL):
                missing[name] = path.name
    assert missing == {}


def _imported(source: str) -> set[str]:
    """Top-level names of everything that a module imports, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


def test_every_entry_has_a_hash_and_no_address() -> None:
    """An entry without a hash, or an index named in the lock, would let somebody else choose what is installed."""
    text = LOCK.read_text(encoding="utf-8")
    entries = read_lock(text)
    assert write_lock(entries) == text
    assert len({entry.name for entry in entries}) == len(entries) > 20
    assert not re.search(r"://|--index|--find-links|--extra", text)
    assert not _BASE & {entry.name for entry in entries}, "the base image's PyTorch would be replaced"


@pytest.mark.parametrize(
    "text", ["torch==2.9.1\n", "torch>=2 \\\n    --hash=sha256:" + "0" * 64, "torch==2.9.1 \\\n", "torch==2.9.1 \\\n    --hash=md5:00\n"]
)
def test_a_lock_with_an_open_line_is_refused(text: str) -> None:
    """A reader that skips what it does not understand would accept an unpinned package."""
    with pytest.raises(LockError):
        read_lock(text)


def test_requirements_of_the_worker_are_what_tests_use() -> None:
    """The lock and the environment of these tests would drift apart if they pinned the big packages differently."""
    locked = _locked()
    for name in ("transformers", "peft", "accelerate", "runpod", "safetensors", "tokenizers"):
        assert locked[canonical_name(name)].version == importlib.metadata.version(name)


def test_dockerfile_installs_from_the_lock_alone_on_a_pinned_base() -> None:
    """A floating tag, or an install without hashes, would give tomorrow's image other contents than today's."""
    text = (IMAGE / "Dockerfile").read_text(encoding="utf-8")
    base = re.search(r"^ARG BASE=(\S+):(\S+)$", text, re.MULTILINE)
    assert base is not None and base[2] != "latest" and re.search(r"\d+\.\d+\.\d+", base[2])
    assert "torch" + BASE_PACKAGES["torch"].replace(".", "") in base[2]
    installs = re.findall(r"pip .*?install((?:.|\n)*?)&&", text)
    assert len(installs) == 1
    assert {"--require-hashes", "--no-deps", "--only-binary=:all:"} <= set(installs[0].split())
    assert "requirements.lock" in installs[0]


def test_dockerfile_is_lint_free() -> None:
    """Hadolint knows the traps of image building that a reader overlooks."""
    binary = Path(sys.executable).with_name("hadolint")
    found = str(binary) if binary.exists() else shutil.which("hadolint")
    if found is None or subprocess.run([found, "--version"], capture_output=True).returncode != 0:
        pytest.skip("hadolint has no build for this computer")
    linted = subprocess.run([found, "--no-color", str(IMAGE / "Dockerfile")], capture_output=True, text=True)
    assert (linted.returncode, linted.stdout) == (0, "")
