"""A run is continued only with what it began with, and says what differs."""

from pathlib import Path

import pytest

from protocol import RunFailure
from run.checkpoint import Checkpoint, CheckpointStore, rng_state
from run.resume_conditions import ResumeConditions, tokenizer_fingerprint
from run.run_progress import Progress

CONDITIONS = ResumeConditions("c" * 64, "d" * 64, "b" * 64, "t" * 64, "1.4.2")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"config_sha256": "x"}, "the run's settings"),
        ({"dataset_sha256": "x"}, "the training file"),
        ({"base_fingerprint": "x"}, "the base model's files"),
        ({"tokenizer_fingerprint": "x"}, "the tokenizer or its chat template"),
        ({"trainer_version": "1.5.0"}, "the trainer's version (1.4.2 then, 1.5.0 now)"),
        ({"base_fingerprint": "x", "tokenizer_fingerprint": "y"}, "the base model's files and the tokenizer or its chat template"),
    ],
    ids=lambda value: value if isinstance(value, str) else "+".join(value),
)
def test_a_run_is_continued_only_with_what_it_began_with(tmp_path: Path, change: dict[str, str], words: str) -> None:
    """Would catch a silent resume on other data, another base or another tokenizer."""
    store = CheckpointStore(tmp_path, CONDITIONS)
    rng, python_rng = rng_state()
    store.save(Checkpoint({}, {}, rng, python_rng, Progress(step=2)))
    saved = store.newest()
    assert saved is not None
    assert saved.conditions == CONDITIONS
    with pytest.raises(RunFailure) as refused:
        saved.conditions.require(ResumeConditions(**{**CONDITIONS.as_json(), **change}))
    assert refused.value.code == "CONFIG_MISMATCH"
    assert words in refused.value.message


def test_another_patch_version_of_the_trainer_continues_the_run() -> None:
    """Would catch an update of the worker that strands every run under way."""
    now = ResumeConditions(**{**CONDITIONS.as_json(), "trainer_version": "1.4.9"})
    assert CONDITIONS.differences(now) == []


def test_the_tokenizers_fingerprint_follows_its_file_and_the_template_in_use(tmp_path: Path) -> None:
    class _Tokenizer:
        chat_template: object = "a"

    tokenizer = _Tokenizer()
    (tmp_path / "tokenizer.json").write_text("{}")
    prints = [tokenizer_fingerprint(tmp_path, tokenizer)]
    tokenizer.chat_template = "b"
    prints.append(tokenizer_fingerprint(tmp_path, tokenizer))
    (tmp_path / "tokenizer.json").write_text("{ }")
    prints.append(tokenizer_fingerprint(tmp_path, tokenizer))
    assert len(set(prints)) == 3
    assert tokenizer_fingerprint(tmp_path, tokenizer) == prints[-1]
