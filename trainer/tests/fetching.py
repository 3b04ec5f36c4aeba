"""What the tests of the base-model cache share: a small model on a hub of ours, and how a worker fetches it."""

from pathlib import Path
from typing import Any

from fake_hub import COMMIT

from model.base_model import ResolvedModel, resolve
from model.cached_models import MANIFEST
from protocol import BaseModelRef

NAME = "some-org/tiny"
FOLDER = "some-org--tiny"
REFERENCE = BaseModelRef("huggingface", NAME, None)
BIG = "model.safetensors"
WANTED = {
    "config.json": b'{"model_type": "llama"}',
    "tokenizer.json": b'{"version": "1.0"}' * 50,
    BIG: (2).to_bytes(8, "little") + b"{}" + bytes(range(256)) * 4096,
}
OTHERS = {"README.md": b"# hello", "pytorch_model.bin": b"pickle", "onnx/model.safetensors": b"x", MANIFEST: b"{}"}


def fetch(volume: Path, reference: BaseModelRef = REFERENCE, **more: Any) -> ResolvedModel:
    """The model, fetched or found, without anybody listening."""
    return resolve(reference, volume, more.pop("on_stage", lambda **_: None), **more)


def contents(folder: Path) -> dict[str, bytes]:
    """What lies in a folder, but for the manifest."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != MANIFEST}


def partial(volume: Path) -> Path:
    """Where the model is put together."""
    return volume / "models" / f"{FOLDER}.tmp-{COMMIT}"
