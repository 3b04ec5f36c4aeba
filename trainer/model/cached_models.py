"""The base-model cache of a volume: which models lie there whole, and how a finished folder becomes one of them."""

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from protocol import BaseModelRef
from storage import read_json, sha256_file, sync_directory, sync_file, write_json

MANIFEST = "tunesmith-model.json"
_VERSION = 2
_UNFINISHED = ".tmp-"


def model_folder(reference: BaseModelRef, volume: Path) -> Path:
    """Where a Hugging Face model lies once it is cached."""
    suffix = f"--{reference.revision}" if reference.revision else ""
    return volume / "models" / (reference.name.replace("/", "--") + suffix.replace("/", "-"))


def unfinished_folder(folder: Path, content: str) -> Path:
    """Where a model is put together; `content`, such as its commit, keeps pieces of different ones apart."""
    return folder.with_name(f"{folder.name}{_UNFINISHED}{content}")


def find_cached(reference: BaseModelRef, volume: Path) -> tuple[Path, dict[str, Any]] | None:
    """Folder and manifest of a model that lies whole on the volume; asks nobody but the disk."""
    folder = model_folder(reference, volume)
    manifest = whole_manifest(folder)
    if manifest is not None:
        return folder, manifest
    if reference.revision is None:
        return None
    for folder, manifest in _whole_models(volume):
        # The commit that is asked for by its hash may have come under the name of a branch.
        if manifest["id"] == reference.name and manifest.get("commit") == reference.revision:
            return folder, manifest
    return None


def list_cached(volume: Path) -> list[dict[str, object]]:
    """Base models that lie whole on the volume, for the reply to `hello`: id, revision asked for, bytes."""
    return [
        {"id": str(manifest["id"]), "revision": manifest.get("revision"), "bytes": sum(int(file["bytes"]) for file in manifest["files"])}
        for _, manifest in _whole_models(volume)
    ]


def _whole_models(volume: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in sorted((volume / "models").glob(f"*/{MANIFEST}")):
        manifest = whole_manifest(path.parent) if _UNFINISHED not in path.parent.name else None
        if manifest is not None:
            yield path.parent, manifest


def whole_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a folder all of whose files are there in full length; None otherwise."""
    manifest = read_json(folder / MANIFEST)
    if not isinstance(manifest, dict) or manifest.get("v") not in (1, _VERSION) or not manifest.get("id"):
        return None
    try:
        files = [(folder / str(file["name"]), int(file["bytes"])) for file in manifest["files"]]
        is_whole = all(path.stat().st_size == size for path, size in files)
    except (KeyError, TypeError, ValueError, OSError):
        return None
    return manifest if is_whole else None


def publish(building: Path, folder: Path, reference: BaseModelRef, origin: Mapping[str, object], sha256: Mapping[str, str]) -> None:
    """Turns a finished folder into the cached model; where another worker was faster, its model stays.

    `sha256` holds hashes that are known already, by file name; the others are computed.
    """
    files = []
    for path in sorted(building.iterdir()):
        if path.is_file() and path.name != MANIFEST:
            sync_file(path)
            files.append({"name": path.name, "bytes": path.stat().st_size, "sha256": sha256.get(path.name) or sha256_file(path)})
    manifest = {"v": _VERSION, "id": reference.name, "revision": reference.revision, **origin, "files": files}
    write_json(building / MANIFEST, manifest)
    try:
        if folder.exists() and whole_manifest(folder) is None:
            _set_aside(folder)
        os.rename(building, folder)
    except OSError:
        if whole_manifest(folder) is None:
            raise
        shutil.rmtree(building, ignore_errors=True)
    sync_directory(folder.parent)


def _set_aside(folder: Path) -> None:
    aside = unfinished_folder(folder, f"old-{uuid.uuid4().hex[:8]}")
    os.rename(folder, aside)
    shutil.rmtree(aside, ignore_errors=True)


def clear_unfinished(folder: Path, keep: Path) -> None:
    """Removes pieces of other commits of this model; only for who holds the model's download lock."""
    for leftover in folder.parent.glob(f"{folder.name}{_UNFINISHED}*"):
        # A model may have such a name by right; then it has a manifest, which pieces do not.
        if leftover != keep and not (leftover / MANIFEST).exists():
            shutil.rmtree(leftover, ignore_errors=True)


def reuse_damaged(folder: Path, building: Path, commit: str, partial_suffix: str) -> None:
    """Hands a damaged model's files to its new download, which checks each of them as if it had been interrupted."""
    manifest = read_json(folder / MANIFEST)
    if building.exists() or not isinstance(manifest, dict) or manifest.get("commit") != commit:
        return
    with contextlib.suppress(OSError):
        (folder / MANIFEST).unlink()
        for path in list(folder.iterdir()):
            os.replace(path, path.with_name(f"{path.name}{partial_suffix}"))
        os.rename(folder, building)
