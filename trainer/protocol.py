"""The job input: what is accepted, and a clear sentence for what is not."""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

TRAINER_VERSION = "0.1.0"

ErrorCode = Literal[
    "INVALID_INPUT",
    "DATASET_MISMATCH",
    "DATASET_EMPTY",
    "MASK_EMPTY",
    "MODEL_NOT_FOUND",
    "MODEL_GATED",
    "OUT_OF_MEMORY",
    "DISK_FULL",
    "DIVERGED",
    "TIME_LIMIT",
    "CONFIG_MISMATCH",
    "INTERNAL",
]
EndStatus = Literal["completed", "stopped", "failed"]
StopReason = Literal["user", "time_limit", "diverged", "shutdown"]


class RunFailure(Exception):
    """An expected end of a run that the user can act on."""

    def __init__(self, code: ErrorCode, message: str, advice: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.advice = advice

    def as_json(self) -> dict[str, str]:
        """The `error` object of results and job returns."""
        return {"code": self.code, "message": self.message, "advice": self.advice}


class InputError(RunFailure):
    """The job input breaks the contract; names the field, what was expected and what came."""

    def __init__(self, field: str, expected: str, got: Any) -> None:
        shown = "nothing" if got is _ABSENT else _short(got)
        super().__init__(
            "INVALID_INPUT",
            f"{field}: expected {expected}, got {shown}.",
            "Update the app and the worker to versions that belong together, then start the run again.",
        )


@dataclass(frozen=True)
class DatasetRef:
    """The training file on the volume and what it must be."""

    key: str
    sha256: str
    bytes: int
    rows: int


@dataclass(frozen=True)
class BaseModelRef:
    """What a run trains on: a Hugging Face id, or a folder on the worker's own disk."""

    kind: Literal["huggingface", "folder"]
    name: str
    revision: str | None


@dataclass(frozen=True)
class Hyperparameters:
    """Names are Hugging Face's; the app resolves presets before it sends them."""

    learning_rate: float
    num_train_epochs: int
    per_device_train_batch_size: int
    gradient_accumulation_steps: int
    max_length: int
    lora_r: int
    lora_alpha: int
    lora_dropout: float
    lr_scheduler_type: str
    warmup_ratio: float
    weight_decay: float
    max_grad_norm: float
    seed: int
    eval_fraction: float
    evals_per_epoch: int
    save_every_steps: int
    max_steps: int | None

    def as_json(self) -> dict[str, Any]:
        """The object as it travels."""
        return asdict(self)


@dataclass(frozen=True)
class TrainInput:
    """A validated `train` job."""

    run_id: str
    dataset: DatasetRef
    base_model: BaseModelRef
    hyperparameters: Hyperparameters
    max_seconds: int | None
    raw: dict[str, Any]


_ABSENT = object()
_RUN_ID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DATASET_KEY = re.compile(r"datasets/[0-9a-f]{64}\.jsonl")
_HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9._-]+")

_INTEGERS: dict[str, tuple[int, int]] = {
    "num_train_epochs": (1, 20),
    "per_device_train_batch_size": (1, 64),
    "gradient_accumulation_steps": (1, 64),
    "max_length": (64, 32768),
    "lora_r": (1, 256),
    "lora_alpha": (1, 512),
    "seed": (0, 2147483647),
    "evals_per_epoch": (1, 20),
    "save_every_steps": (1, 10000),
}
_NUMBERS: dict[str, tuple[float, float]] = {
    "learning_rate": (1e-6, 1e-2),
    "lora_dropout": (0.0, 0.5),
    "warmup_ratio": (0.0, 0.5),
    "weight_decay": (0.0, 1.0),
    "max_grad_norm": (0.1, 10.0),
    "eval_fraction": (0.0, 0.3),
}
_SCHEDULES = ("linear", "cosine", "constant")


def parse_train_input(value: Any) -> TrainInput:
    """Checks every field of a `train` job; raises InputError at the first that is wrong."""
    job = _object(value, "input", {"v", "action", "run_id", "dataset", "base_model", "hyperparameters", "limits"})
    _literal(job, "v", "input.v", 1)
    _literal(job, "action", "input.action", "train")
    limits = _object(job["limits"], "input.limits", {"max_seconds"})
    max_seconds = limits["max_seconds"]
    return TrainInput(
        run_id=_text(job["run_id"], "input.run_id", _RUN_ID.fullmatch, "a UUID").lower(),
        dataset=_dataset(job["dataset"]),
        base_model=_base_model(job["base_model"]),
        hyperparameters=_hyperparameters(job["hyperparameters"]),
        max_seconds=None if max_seconds is None else _integer(max_seconds, "input.limits.max_seconds", 1, 10**9),
        raw=job,
    )


def action_of(value: Any) -> str:
    """The action of a job input, after checking that this worker speaks its version."""
    if not isinstance(value, dict):
        raise InputError("input", "an object", value)
    if value.get("v", _ABSENT) != 1:
        raise InputError("input.v", "1", value.get("v", _ABSENT))
    action = value.get("action", _ABSENT)
    if action not in ("hello", "train"):
        raise InputError("input.action", "hello or train", action)
    return str(action)


def _dataset(value: Any) -> DatasetRef:
    where = "input.dataset"
    dataset = _object(value, where, {"kind", "key", "sha256", "bytes", "rows"})
    _literal(dataset, "kind", f"{where}.kind", "volume")
    sha256 = _text(dataset["sha256"], f"{where}.sha256", _SHA256.fullmatch, "64 hexadecimal digits in lower case")
    key = _text(dataset["key"], f"{where}.key", _DATASET_KEY.fullmatch, "datasets/<sha256>.jsonl")
    return DatasetRef(
        key=key,
        sha256=sha256,
        bytes=_integer(dataset["bytes"], f"{where}.bytes", 0, 2**53),
        rows=_integer(dataset["rows"], f"{where}.rows", 1, 2**53),
    )


def _base_model(value: Any) -> BaseModelRef:
    where = "input.base_model"
    kind = value.get("kind", _ABSENT) if isinstance(value, dict) else value
    if kind == "folder":
        folder = _object(value, where, {"kind", "path"})
        path = _text(folder["path"], f"{where}.path", lambda text: 0 < len(text) <= 4096, "a path")
        return BaseModelRef(kind="folder", name=path, revision=None)
    if kind != "huggingface":
        raise InputError(f"{where}.kind", "huggingface or folder", kind)
    model = _object(value, where, {"kind", "id", "revision"})
    name = _text(model["id"], f"{where}.id", _HUB_ID.fullmatch, "organisation/name")
    revision = model["revision"]
    if revision is not None:
        _text(revision, f"{where}.revision", lambda text: 0 < len(text) <= 100, "a branch, tag or commit, or null")
    return BaseModelRef(kind="huggingface", name=name, revision=revision)


def _hyperparameters(value: Any) -> Hyperparameters:
    where = "input.hyperparameters"
    given = _object(value, where, {*_INTEGERS, *_NUMBERS, "lr_scheduler_type", "max_steps"})
    fields: dict[str, Any] = {}
    for name, (low, high) in _INTEGERS.items():
        fields[name] = _integer(given[name], f"{where}.{name}", low, high)
    for name, (lowest, highest) in _NUMBERS.items():
        fields[name] = _number(given[name], f"{where}.{name}", lowest, highest)
    if given["lr_scheduler_type"] not in _SCHEDULES:
        raise InputError(f"{where}.lr_scheduler_type", " or ".join(_SCHEDULES), given["lr_scheduler_type"])
    fields["lr_scheduler_type"] = given["lr_scheduler_type"]
    steps = given["max_steps"]
    fields["max_steps"] = None if steps is None else _integer(steps, f"{where}.max_steps", 1, 1_000_000)
    return Hyperparameters(**fields)


def _object(value: Any, where: str, names: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(where, "an object", value)
    for name in sorted(names - value.keys()):
        raise InputError(f"{where}.{name}", "a value", _ABSENT)
    for name in sorted(map(str, value.keys() - names)):
        raise InputError(f"{where}.{name}", "no such field", value[name])
    return value


def _literal(value: dict[str, Any], name: str, where: str, expected: Any) -> None:
    if value[name] != expected or isinstance(value[name], bool):
        raise InputError(where, str(expected), value[name])


def _text(value: Any, where: str, accepts: Callable[[str], object], expected: str) -> str:
    if not isinstance(value, str) or not accepts(value):
        raise InputError(where, expected, value)
    return value


def _integer(value: Any, where: str, low: int, high: int) -> int:
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    if isinstance(whole, bool) or not isinstance(whole, int) or not low <= whole <= high:
        raise InputError(where, f"a whole number from {low} to {high}", value)
    return whole


def _number(value: Any, where: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise InputError(where, f"a number from {low:g} to {high:g}", value)
    return float(value)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
