"""Packs the trainer's code for the bootstrap: a deterministic archive whose hash is its version."""

import argparse
import gzip
import hashlib
import io
import json
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path

TRAINER = Path(__file__).resolve().parent.parent
# The name that bootstrap.py, which stands alone, looks for.
ARCHIVE = "trainer.tar.gz"
# What a worker needs: its code, the schemas, the lock. Nothing else of the folder travels.
_FOLDERS = ("contract", "data", "image", "loop", "model", "run", "worker")
_SUFFIXES = (".py", ".json", ".lock")
# Runs what it has read and hashed, so that the file cannot change between the check and the run.
_CHECKED_START = (
    "import hashlib,os,sys;"
    'h=os.environ.get("TUNESMITH_BOOTSTRAP_SHA256","");'
    'p=(os.environ.get("TUNESMITH_VOLUME") or "/runpod-volume")+"/tunesmith/bootstrap/"+h+".py";'
    'b=open(p,"rb").read();'
    'hashlib.sha256(b).hexdigest()==h or sys.exit(p+" was changed. Nothing of it was run. Let the app upload it again.");'
    'exec(compile(b,p,"exec"),{"__name__":"__main__","__file__":p})'
)
# RunPod takes one string of arguments for the image's start command.
START_COMMAND = f"python3 -u -c '{_CHECKED_START}'"


@dataclass(frozen=True)
class Packed:
    """What is put on the volume, and what the endpoint's environment names."""

    archive: bytes
    bootstrap: bytes

    @property
    def code_sha256(self) -> str:
        """The code's version."""
        return hashlib.sha256(self.archive).hexdigest()

    @property
    def bootstrap_sha256(self) -> str:
        """The bootstrap's version."""
        return hashlib.sha256(self.bootstrap).hexdigest()

    def describe(self) -> dict[str, object]:
        """Where the two files belong on the volume, and how the endpoint starts them."""
        return {
            "files": {
                f"tunesmith/code/{self.code_sha256}/{ARCHIVE}": len(self.archive),
                f"tunesmith/bootstrap/{self.bootstrap_sha256}.py": len(self.bootstrap),
            },
            "env": {"TUNESMITH_CODE_SHA256": self.code_sha256, "TUNESMITH_BOOTSTRAP_SHA256": self.bootstrap_sha256},
            "start_command": START_COMMAND,
        }

    def place(self, volume: Path) -> None:
        """Puts both files where a worker looks for them; `volume` may be any folder that is uploaded later."""
        code = volume / "tunesmith" / "code" / self.code_sha256
        code.mkdir(parents=True, exist_ok=True)
        (code / ARCHIVE).write_bytes(self.archive)
        bootstrap = volume / "tunesmith" / "bootstrap"
        bootstrap.mkdir(parents=True, exist_ok=True)
        (bootstrap / f"{self.bootstrap_sha256}.py").write_bytes(self.bootstrap)


def code_files(trainer: Path = TRAINER) -> list[Path]:
    """The files that travel, sorted by their path."""
    inside = [path for folder in _FOLDERS for path in (trainer / folder).rglob("*")]
    files = [path for path in [*trainer.glob("*.py"), *inside] if path.is_file() and path.suffix in _SUFFIXES]
    return sorted(files, key=lambda path: path.relative_to(trainer).as_posix())


def pack(trainer: Path = TRAINER) -> Packed:
    """The archive of the trainer's code: the same files give the same bytes, whenever and by whomever it is made."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in code_files(trainer):
            data = path.read_bytes()
            info = tarfile.TarInfo(f"trainer/{path.relative_to(trainer).as_posix()}")
            info.size, info.mode, info.mtime = len(data), 0o644, 0
            tar.addfile(info, io.BytesIO(data))
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", filename="", mtime=0) as stream:
        shutil.copyfileobj(io.BytesIO(plain.getvalue()), stream)
    return Packed(packed.getvalue(), (trainer / "image" / "bootstrap.py").read_bytes())


def main() -> None:
    """Command line of this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="a folder that gets the files as they lie on the volume")
    arguments = parser.parse_args()
    packed = pack()
    if arguments.out is not None:
        packed.place(arguments.out)
    print(json.dumps(packed.describe(), indent=1))


if __name__ == "__main__":
    main()
