"""Writes requirements.lock: the exact packages of the worker image, each with its hash.

pip resolves requirements.txt with the image's Python in a dry run and reports what it would install. PyTorch comes
with the base image, so a stand-in takes its place while resolving and is left out of the lock.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

IMAGE = Path(__file__).resolve().parent
REQUIREMENTS = IMAGE.parent / "requirements.txt"
LOCK = IMAGE / "requirements.lock"
PYTHON_VERSION = "3.12"
# What the base image of the Dockerfile brings along.
BASE_PACKAGES = {"torch": "2.9.1"}
_ENTRY = re.compile(r"(?P<name>[a-z0-9][a-z0-9-]*)==(?P<version>[^\s\\;]+) \\")
_HASH = re.compile(r" {4}--hash=sha256:(?P<sha256>[0-9a-f]{64})")


@dataclass(frozen=True)
class Locked:
    """One package of the lock: normalised name, exact version, SHA-256 of its wheel."""

    name: str
    version: str
    sha256: str


class LockError(ValueError):
    """The lock is not what the image may install from."""


def canonical_name(name: str) -> str:
    """The form in which package names are compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_lock(text: str) -> list[Locked]:
    """Every entry of a lock; raises LockError at a line that is neither a pinned name, a hash nor a comment."""
    entries: list[Locked] = []
    pending: re.Match[str] | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if not line or line.startswith("#"):
            continue
        found = _ENTRY.fullmatch(line) if pending is None else _HASH.fullmatch(line)
        if found is None:
            raise LockError(f"line {number}: {line!r} is not {'a hash' if pending else 'name==version'}")
        if pending is None:
            pending = found
        else:
            entries.append(Locked(pending["name"], pending["version"], found["sha256"]))
            pending = None
    if pending is not None:
        raise LockError(f"{pending['name']} has no hash")
    return entries


def write_lock(entries: list[Locked]) -> str:
    """The text of a lock, sorted by name, without any index or address."""
    base = ", ".join(f"{name} {version}" for name, version in BASE_PACKAGES.items())
    head = [
        "# Written by image/lock_requirements.py from requirements.txt; change that file and run the script again.",
        f"# python {PYTHON_VERSION}, linux x86_64. The base image brings {base}.",
    ]
    lines = [f"{e.name}=={e.version} \\\n    --hash=sha256:{e.sha256}" for e in sorted(entries, key=lambda e: e.name)]
    return "\n".join([*head, *lines]) + "\n"


def entries_of_report(report: dict[str, object]) -> list[Locked]:
    """What pip's installation report names, less the stand-ins for the base image's packages."""
    installed = report["install"]
    if not isinstance(installed, list):
        raise LockError("pip's report names no packages")
    entries = []
    for item in installed:
        name = canonical_name(item["metadata"]["name"])
        if name in BASE_PACKAGES:
            continue
        hashes = item["download_info"]["archive_info"]["hashes"]
        entries.append(Locked(name, item["metadata"]["version"], hashes["sha256"]))
    return entries


def wanted_lines(requirements: str) -> list[str]:
    """The requirements that the lock has to cover: all but the base image's own packages."""
    lines = [line.split(" #")[0].strip() for line in requirements.splitlines() if line and not line.startswith("#")]
    return [line for line in lines if canonical_name(re.split(r"[^A-Za-z0-9_.-]", line, maxsplit=1)[0]) not in BASE_PACKAGES]


def resolve(python: str, requirements: str) -> list[Locked]:
    """Lets pip resolve for the given interpreter, which must be the image's version of Python."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pins = [_stand_in(folder, package, version) for package, version in BASE_PACKAGES.items()]
        (folder / "wanted.txt").write_text("\n".join([*wanted_lines(requirements), *pins]) + "\n", encoding="utf-8")
        report = folder / "report.json"
        options = ["--dry-run", "--ignore-installed", "--quiet", "--only-binary=:all:", "--disable-pip-version-check"]
        command = [sys.executable, "-m", "pip", "--python", python, "install", *options, "--find-links", str(folder)]
        subprocess.run([*command, "--report", str(report), "-r", str(folder / "wanted.txt")], check=True)
        resolved: dict[str, object] = json.loads(report.read_text(encoding="utf-8"))
    ran_on = resolved["environment"]
    if not isinstance(ran_on, dict) or (ran_on.get("python_version"), ran_on.get("sys_platform")) != (PYTHON_VERSION, "linux"):
        raise LockError(f"The lock is for Python {PYTHON_VERSION} on Linux; name such an interpreter with --python.")
    return entries_of_report(resolved)


def _stand_in(folder: Path, package: str, version: str) -> str:
    """An empty wheel of a version that no index has; returns the requirement that picks it."""
    local = f"{version}+base"
    info = f"{package}-{local}.dist-info"
    with zipfile.ZipFile(folder / f"{package}-{local}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: {local}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: tunesmith\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return f"{package}=={local}"


def main() -> None:
    """Command line of this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default="python3.12", help="an interpreter of the image's Python version")
    arguments = parser.parse_args()
    entries = resolve(arguments.python, REQUIREMENTS.read_text(encoding="utf-8"))
    LOCK.write_text(write_lock(entries), encoding="utf-8")
    print(f"{LOCK.name}: {len(entries)} packages")


if __name__ == "__main__":
    main()
