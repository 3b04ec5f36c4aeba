"""The job input and the hash that the app and the worker must agree on."""

import copy
from typing import Any

import pytest
from support import Volume, planet_rows

from protocol import InputError, check_input, parse_train_input
from storage import canonical_json


@pytest.fixture
def job(volume: Volume) -> dict[str, Any]:
    return volume.job(planet_rows(4))


def test_a_valid_job_is_read_completely(job: dict[str, Any]) -> None:
    parsed = parse_train_input(job)
    assert parsed.hyperparameters.as_json() == job["hyperparameters"]
    assert parsed.dataset.rows == 4
    assert parsed.base_model.kind == "folder"
    assert parsed.max_seconds is None


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("run_id", "../../etc", "input.run_id: expected a UUID, got '../../etc'."),
        ("v", 2, "input.v: expected 1, got 2."),
        ("v", True, "input.v: expected 1, got True."),
        ("dataset.key", "datasets/../x.jsonl", "input.dataset.key: expected datasets/<sha256>.jsonl"),
        ("dataset.rows", 0, "input.dataset.rows: expected a whole number from 1"),
        ("base_model.kind", "url", "input.base_model.kind: expected huggingface or folder, got 'url'."),
        ("hyperparameters.learning_rate", "1e-4", "input.hyperparameters.learning_rate: expected a number from 1e-06 to 0.01"),
        ("hyperparameters.learning_rate", 0.5, "input.hyperparameters.learning_rate: expected a number from 1e-06 to 0.01, got 0.5."),
        ("hyperparameters.lora_r", 8.5, "input.hyperparameters.lora_r: expected a whole number from 1 to 256, got 8.5."),
        ("hyperparameters.seed", True, "input.hyperparameters.seed: expected a whole number"),
        ("hyperparameters.lr_scheduler_type", "step", "input.hyperparameters.lr_scheduler_type: expected linear or cosine or constant"),
        ("hyperparameters.max_steps", 0, "input.hyperparameters.max_steps: expected a whole number from 1"),
        ("hyperparameters.surprise", 1, "input.hyperparameters.surprise: expected no such field, got 1."),
        ("limits", None, "input.limits: expected an object, got None."),
        ("limits.max_seconds", 0, "input.limits.max_seconds: expected a whole number from 1 up or null, got 0."),
        ("dataset.key", f"datasets/{'a' * 64}.jsonl\n", "input.dataset.key: expected datasets/<sha256>.jsonl, got"),
        (
            "hyperparameters.learning_rate",
            float("nan"),
            "input.hyperparameters.learning_rate: expected a number from 1e-06 to 0.01, got nan.",
        ),
        ("hyperparameters.learning_rate", True, "input.hyperparameters.learning_rate: expected a number from 1e-06 to 0.01, got True."),
        ("hyperparameters.packing", 1, "input.hyperparameters.packing: expected true or false, got 1."),
        ("sample_prompts", ["x"] * 11, "input.sample_prompts: expected a list of at most 10 entries, got ["),
        ("sample_prompts", ["good", ""], "input.sample_prompts[1]: expected a text of 1 to 4000 characters, got ''."),
        ("sample_prompts", ["\ud800"], "input.sample_prompts[0]: expected a text of 1 to 4000 characters, got '"),
        ("base_model.path", 7, "input.base_model.path: expected a text of 1 to 4096 characters, got 7."),
        ("base_model", "x", "input.base_model: expected an object, got 'x'."),
    ],
)
def test_a_wrong_field_is_named_with_what_was_expected(job: dict[str, Any], path: str, value: Any, expected: str) -> None:
    broken = copy.deepcopy(job)
    *parents, name = path.split(".")
    target = broken
    for parent in parents:
        target = target[parent]
    target[name] = value
    with pytest.raises(InputError) as caught:
        parse_train_input(broken)
    assert caught.value.message.startswith(expected)
    assert caught.value.code == "INVALID_INPUT"


def test_a_missing_field_is_named(job: dict[str, Any]) -> None:
    del job["hyperparameters"]["lora_r"]
    with pytest.raises(InputError, match=r"input\.hyperparameters\.lora_r: expected a whole number from 1 to 256, got nothing\."):
        parse_train_input(job)


def test_whole_numbers_may_come_as_json_writes_them(job: dict[str, Any]) -> None:
    """Would catch 8.0 steps: JavaScript and JSON know one kind of number only."""
    job["hyperparameters"] |= {"lora_r": 8.0, "max_steps": 5.0, "weight_decay": 0}
    parsed = parse_train_input(job).hyperparameters
    assert [repr(value) for value in (parsed.lora_r, parsed.max_steps, parsed.weight_decay)] == ["8", "5", "0.0"]


def test_another_action_is_no_training(job: dict[str, Any]) -> None:
    """Would catch a frozen config that is not a run's."""
    with pytest.raises(InputError, match=r"input\.action: expected train, got 'hello'"):
        parse_train_input({"v": 1, "action": "hello"})


@pytest.mark.parametrize("value", [None, [], {"v": 1}, {"v": 1, "action": "rm"}, {"action": "hello"}, {"v": 1, "action": ["hello"]}])
def test_an_unknown_action_is_refused(value: Any) -> None:
    with pytest.raises(InputError):
        check_input(value)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (1e-5, "0.00001"),
        (1e-6, "0.000001"),
        (1.5e-7, "1.5e-7"),
        (5e-324, "5e-324"),
        (0.0002, "0.0002"),
        (123.0, "123"),
        (1e21, "1e+21"),
        (1e20, "100000000000000000000"),
        (-2.5, "-2.5"),
        (1234.5678, "1234.5678"),
        (0.1 + 0.2, "0.30000000000000004"),
    ],
)
def test_numbers_are_hashed_as_javascript_writes_them(number: float, text: str) -> None:
    assert canonical_json({"b": number, "a": [None, True, "ü"]}) == f'{{"a":[null,true,"ü"],"b":{text}}}'.encode()
