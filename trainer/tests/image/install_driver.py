"""A worker process of the bootstrap's tests: prepares the packages with an installer that the test steers."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from image.bootstrap import prepare_environment


def main() -> None:
    """Arguments: volume, lock, and how the installer behaves: hang, quick or when-told."""
    volume, lock, how = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]

    def install(building: Path, _: Path, downloads: Path) -> None:
        if downloads.exists():
            print("downloads kept", flush=True)
        downloads.mkdir(parents=True, exist_ok=True)
        (building / "bin").mkdir(parents=True)
        with open(volume / "installs", "a", encoding="utf-8") as file:
            file.write("x")
        print("installing", flush=True)
        if how != "quick":
            sys.stdin.readline()
        (building / "bin" / "python").touch()

    prepare_environment(volume, lock, install)


if __name__ == "__main__":
    main()
