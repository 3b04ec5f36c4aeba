"""A hub on this machine for the tests of the base-model cache."""

from collections.abc import Iterator

import pytest
from fake_hub import FakeHub, serve
from fetching import NAME, OTHERS, WANTED

from model import base_model, hub_files


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A hub with one model, reachable for this process; no pauses between tries."""
    with serve(FakeHub(NAME, {**WANTED, **OTHERS})) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        monkeypatch.setattr(hub_files, "_PAUSES", (0.0, 0.0))
        monkeypatch.setattr(hub_files, "_LISTING_PAUSES", (0.0,))
        monkeypatch.setattr(base_model, "_WAIT_SECONDS", 0.02)
        yield hub
