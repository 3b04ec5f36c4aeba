"""What must be the same for a run to be continued from its checkpoint."""

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Protocol

from protocol import RunFailure
from storage import sha256_bytes, sha256_file

_WORDS = {
    "config_sha256": "the run's settings",
    "dataset_sha256": "the training file",
    "base_fingerprint": "the base model's files",
    "tokenizer_fingerprint": "the tokenizer or its chat template",
}


@dataclass(frozen=True)
class ResumeConditions:
    """What a checkpoint was made with; hashes are lower-case SHA-256."""

    config_sha256: str
    dataset_sha256: str
    base_fingerprint: str
    tokenizer_fingerprint: str
    trainer_version: str

    def as_json(self) -> dict[str, str]:
        """The object as a checkpoint records it."""
        return asdict(self)

    def differences(self, now: "ResumeConditions") -> list[str]:
        """In plain words, what is not as it was; the trainer's patch version does not count."""
        found = [words for name, words in _WORDS.items() if getattr(self, name) != getattr(now, name)]
        if _minor(self.trainer_version) != _minor(now.trainer_version):
            found.append(f"the trainer's version ({self.trainer_version} then, {now.trainer_version} now)")
        return found

    def require(self, now: "ResumeConditions") -> None:
        """Refuses to continue with anything else than what the checkpoint was made with."""
        found = self.differences(now)
        if found:
            message = f"This run cannot be continued: since its last checkpoint there is a change in {_listed(found)}."
            raise RunFailure("CONFIG_MISMATCH", message, "Start a new run. The checkpoints of this one stay where they are.")


class _Tokenizer(Protocol):
    """What is asked of a tokenizer here."""

    @property
    def chat_template(self) -> Any: ...


def tokenizer_fingerprint(folder: Path, tokenizer: _Tokenizer) -> str:
    """SHA-256 over the tokenizer's file and the chat template that is in use."""
    files = [folder / name for name in ("tokenizer.json", "tokenizer.model", "vocab.json", "merges.txt")]
    parts = [f"{path.name}:{sha256_file(path)}" for path in files if path.is_file()]
    template = tokenizer.chat_template
    named = sorted(template.items()) if isinstance(template, dict) else template
    return sha256_bytes("\n".join([*parts, str(named)]).encode())


def read_conditions(value: object) -> ResumeConditions | None:
    """The conditions recorded in a checkpoint; None when it records none."""
    names = [field.name for field in fields(ResumeConditions)]
    if not isinstance(value, dict) or not all(isinstance(value.get(name), str) for name in names):
        return None
    return ResumeConditions(**{name: value[name] for name in names})


def _minor(version: str) -> list[str]:
    return version.split(".")[:2]


def _listed(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
