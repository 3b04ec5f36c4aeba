"""The job input: what is accepted, and a clear sentence for what is not."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from worker.contract import ABSENT, first_problem, shown

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
    "COST_LIMIT",
    "ROWS_CUT",
    "TARGETS_TOO_LARGE",
    "VOLUME_READ_ONLY",
    "UNSAFE_URL",
    "NOT_FOUND",
    "CONFIG_MISMATCH",
    "INTERNAL",
]
EndStatus = Literal["completed", "stopped", "failed"]
StopReason = Literal["user", "time_limit", "cost_limit", "early_stopping", "diverged", "shutdown"]

# Schema of the input and of the answer, by action; files of `contract/`.
ACTIONS = {
    "hello": ("hello-input", "hello-reply"),
    "train": ("train-input", "job-return"),
    "put": ("put-input", "put-reply"),
    "get": ("get-input", "get-reply"),
    "list": ("list-input", "list-reply"),
    "read_events": ("read-events-input", "read-events-reply"),
    "mark_stop": ("mark-stop-input", "mark-stop-reply"),
    "merge": ("merge-input", "merge-reply"),
}
_UPDATE = "Update the app and the worker to versions that belong together, then try again."


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

    def __init__(self, field: str, expected: str, got: Any, advice: str = _UPDATE) -> None:
        super().__init__("INVALID_INPUT", f"{field}: expected {expected}, got {shown(got)}.", advice)


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
    packing: bool
    load_in_4bit: bool
    early_stopping_patience: int | None

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
    max_cost_micro_usd: int | None
    price_micro_usd_per_hour: int | None
    accepts_rows_without_answer: bool
    accepts_rows_cut: bool
    sample_prompts: tuple[str, ...]
    raw: dict[str, Any]


def check_input(value: Any) -> str:
    """The action of a job input, after checking every field of it against the contract."""
    if not isinstance(value, dict):
        raise InputError("input", "an object", value)
    action = value.get("action", ABSENT)
    if not isinstance(action, str) or action not in ACTIONS:
        raise InputError("input.action", " or ".join(ACTIONS), action)
    problem = first_problem(ACTIONS[action][0], value)
    if problem is not None:
        where, expected, got = problem
        raise InputError(f"input{where}", expected, got)
    return action


def check_reply(action: str, reply: dict[str, Any]) -> dict[str, Any]:
    """The reply, after checking that it is what the app expects of this action."""
    problem = first_problem(ACTIONS[action][1], reply)
    if problem is not None:
        where, expected, got = problem
        message = f"The worker's answer to {action} is not as agreed. reply{where}: expected {expected}, got {shown(got)}."
        raise RunFailure("INTERNAL", message, _UPDATE)
    return reply


def is_event(value: Any) -> bool:
    """Whether a recorded line is an event of this contract."""
    return first_problem("event", value) is None


def parse_train_input(value: Any) -> TrainInput:
    """Reads a `train` job; raises InputError at the first field that is wrong."""
    if isinstance(value, dict) and value.get("action", "train") != "train":
        raise InputError("input.action", "train", value["action"])
    check_input(value)
    dataset, model, limits, accepts = value["dataset"], value["base_model"], value["limits"], value["accepts"]
    return TrainInput(
        run_id=value["run_id"].lower(),
        dataset=DatasetRef(dataset["key"], dataset["sha256"], int(dataset["bytes"]), int(dataset["rows"])),
        base_model=BaseModelRef(model["kind"], model.get("id") or model.get("path"), model.get("revision") or None),
        hyperparameters=_hyperparameters(value["hyperparameters"]),
        max_seconds=_whole(limits["max_seconds"]),
        max_cost_micro_usd=_whole(limits["max_cost_micro_usd"]),
        price_micro_usd_per_hour=_whole(limits["price_micro_usd_per_hour"]),
        accepts_rows_without_answer=accepts["rows_without_answer"],
        accepts_rows_cut=accepts["rows_cut"],
        sample_prompts=tuple(value["sample_prompts"]),
        raw=value,
    )


def _hyperparameters(given: dict[str, Any]) -> Hyperparameters:
    """JSON has one kind of number: 8.0 is the 8 that was meant, and 0 a rate of 0.0."""
    casts: dict[Any, Any] = {float: float, int: _whole, int | None: _whole}
    return Hyperparameters(**{field.name: casts.get(field.type, _same)(given[field.name]) for field in fields(Hyperparameters)})


def _whole(value: int | float | None) -> int | None:
    return None if value is None else int(value)


def _same(value: Any) -> Any:
    return value
