"""Settings every test runs under, a tiny model and an empty volume."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import Volume
from tiny_model import write_tiny_model


def pytest_configure() -> None:
    """Read by libraries that the tests import later."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ["HF_HUB_OFFLINE"] = "1"


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Qwen3 model folder."""
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny-qwen3")


@pytest.fixture
def volume(tmp_path: Path, tiny: Path) -> Iterator[Volume]:
    """An empty volume whose jobs train the tiny model."""
    yield Volume(tmp_path / "volume", tiny)
