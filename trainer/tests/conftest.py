"""Makes the trainer's modules importable from wherever pytest is started, and shares a tiny model."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_TESTS = Path(__file__).resolve().parent
sys.path[:0] = [str(_TESTS.parent), str(_TESTS)]
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ["HF_HUB_OFFLINE"] = "1"

from support import Volume  # noqa: E402
from tiny_model import write_tiny_model  # noqa: E402


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Qwen3 model folder."""
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny-qwen3")


@pytest.fixture
def volume(tmp_path: Path, tiny: Path) -> Iterator[Volume]:
    """An empty volume whose jobs train the tiny model."""
    yield Volume(tmp_path / "volume", tiny)
