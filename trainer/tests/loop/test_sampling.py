"""Sample answers: greedy, bounded in time, given up when a stop is asked, and without a trace in the training."""

from pathlib import Path
from typing import Any

import pytest
import torch
from loop_support import CPU, adapted_model, encoded_rows, settings
from support import chat

from data.dataset import Dataset
from loop import sampling
from loop.sampling import Prompt, choose_prompts, sample_answers
from model.loading import load_tokenizer


@pytest.fixture(scope="module")
def parts(tiny: Path) -> tuple[Any, Any, Dataset]:
    """Model, tokenizer and rows of a tiny run."""
    rows = encoded_rows(tiny, 12)
    model = adapted_model(tiny, settings(lora_dropout=0.5))
    return model, load_tokenizer(tiny), Dataset(rows[:7], rows[7:], 0, 0)


def test_without_prompts_of_the_user_the_first_held_out_rows_are_asked(parts: tuple[Any, Any, Dataset]) -> None:
    """Would catch prompts of rows that were trained, which any overfitted model answers well."""
    _, tokenizer, dataset = parts
    prompts = choose_prompts(tokenizer, dataset, [])
    asked = [row.prompt_messages[-1]["content"] for row in dataset.held_out[:3]]
    assert [prompt.text for prompt in prompts] == asked
    assert tokenizer.decode(prompts[0].ids).endswith("<|im_start|>assistant\n")
    assert [prompt.text for prompt in choose_prompts(tokenizer, dataset, ["Why?", "How?"])] == ["Why?", "How?"]


def test_an_answer_is_the_greedy_continuation_and_leaves_mode_and_random_numbers_alone(parts: tuple[Any, Any, Dataset]) -> None:
    """Would catch padding that changes the answer, dropout in it, and a resumed run that differs because it sampled."""
    model, tokenizer, dataset = parts
    prompts = choose_prompts(tokenizer, dataset, ["Hi", "Which planet is the largest of all the planets?"])
    model.train()
    state = torch.get_rng_state()
    together = sample_answers(model, tokenizer, prompts, CPU, lambda: False)
    assert torch.equal(state, torch.get_rng_state())
    assert model.training
    alone = [sample_answers(model, tokenizer, [prompt], CPU, lambda: False) for prompt in prompts]
    assert together == [pair for pairs in alone for pair in pairs or []]
    model.eval()
    ids = list(prompts[0].ids)
    for _ in range(5):
        with torch.no_grad():
            ids.append(int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
    model.train()
    assert together is not None
    assert together[0][1].startswith(tokenizer.decode(ids[len(prompts[0].ids) :], skip_special_tokens=True).strip())


def test_answers_end_when_their_time_is_up(parts: tuple[Any, Any, Dataset], monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch samples of a slow model that take longer than the training between them."""
    model, tokenizer, dataset = parts
    moments = iter(range(0, 10_000, 5))
    monkeypatch.setattr(sampling, "_NEW_TOKENS", {"cpu": 1000})
    prompts = choose_prompts(tokenizer, dataset, [])
    answers = sample_answers(model, tokenizer, prompts, CPU, lambda: False, now=lambda: float(next(moments)))
    assert answers is not None
    assert next(moments) <= 40


def test_a_stop_gives_the_answers_up_within_a_token(parts: tuple[Any, Any, Dataset]) -> None:
    """Would catch a stop that waits for three answers to be finished."""
    model, tokenizer, dataset = parts
    asked: list[int] = []

    def should_stop() -> bool:
        asked.append(1)
        return len(asked) >= 3

    assert sample_answers(model, tokenizer, choose_prompts(tokenizer, dataset, []), CPU, should_stop) is None
    assert len(asked) == 4


def test_a_prompt_that_is_too_long_is_left_out(parts: tuple[Any, Any, Dataset]) -> None:
    _, tokenizer, dataset = parts
    assert [prompt.text for prompt in choose_prompts(tokenizer, dataset, ["word " * 2000, "Short?"])] == ["Short?"]
    assert sample_answers(None, tokenizer, [], CPU, lambda: False) == []
    assert isinstance(choose_prompts(tokenizer, dataset, [chat("a", "b")[0]["content"]])[0], Prompt)
