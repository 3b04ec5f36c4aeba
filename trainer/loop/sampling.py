"""Greedy answers to fixed prompts, from the base model before step 1 and at every evaluation."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from data.dataset import Dataset
from model.loading import Placement

_HELD_OUT_PROMPTS = 3
_NEW_TOKENS = {"cuda": 128, "mps": 64, "cpu": 40}
# All prompts together; what is answered by then is shown.
_MOST_SECONDS = 20.0
_LONGEST_PROMPT_TOKENS = 1024
_SHOWN_CHARACTERS = 500


@dataclass(frozen=True)
class Prompt:
    """A question as it is shown, and as the model reads it."""

    text: str
    ids: tuple[int, ...]


def choose_prompts(tokenizer: Any, dataset: Dataset, asked: Sequence[str]) -> list[Prompt]:
    """The user's prompts; without any, those of the first held-out rows (or training rows where none are held out)."""
    if asked:
        made = [_prompt(tokenizer, text, [{"role": "user", "content": text}], None) for text in asked]
        return [prompt for prompt in made if len(prompt.ids) <= _LONGEST_PROMPT_TOKENS]
    chosen: list[Prompt] = []
    for row in sorted([*dataset.held_out] or dataset.train, key=lambda row: row.index):
        turns = [message["content"] for message in row.prompt_messages if message["role"] == "user"]
        if turns and len(row.ids) <= _LONGEST_PROMPT_TOKENS:
            chosen.append(_prompt(tokenizer, str(turns[-1]), row.prompt_messages, row.tools))
        if len(chosen) == _HELD_OUT_PROMPTS:
            break
    return chosen


def _prompt(tokenizer: Any, text: str, messages: list[dict[str, Any]], tools: list[Any] | None) -> Prompt:
    rendered = tokenizer.apply_chat_template(messages, tools=tools, tokenize=False, add_generation_prompt=True)
    return Prompt(text, tuple(tokenizer(rendered, add_special_tokens=False)["input_ids"]))


@torch.no_grad()
def sample_answers(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Prompt],
    placement: Placement,
    should_stop: Callable[[], bool],
    now: Callable[[], float] = time.monotonic,
) -> list[tuple[str, str]] | None:
    """Prompt and answer pairs; None when a stop was asked meanwhile."""
    from transformers import StoppingCriteriaList

    if not prompts:
        return []
    latest = now() + _MOST_SECONDS

    def is_over(input_ids: torch.Tensor, _scores: Any, **_: Any) -> torch.Tensor:
        return torch.full((input_ids.shape[0],), should_stop() or now() > latest, device=input_ids.device, dtype=torch.bool)

    width = max(len(prompt.ids) for prompt in prompts)
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
    ids = torch.tensor([[pad] * (width - len(prompt.ids)) + list(prompt.ids) for prompt in prompts])
    mask = torch.tensor([[0] * (width - len(prompt.ids)) + [1] * len(prompt.ids) for prompt in prompts])
    was_training = model.training
    model.eval()
    try:
        with torch.autocast(placement.device, dtype=torch.bfloat16, enabled=placement.autocast):
            output = model.generate(
                input_ids=ids.to(placement.device),
                attention_mask=mask.to(placement.device),
                max_new_tokens=_NEW_TOKENS.get(placement.device, 40),
                do_sample=False,
                num_beams=1,
                use_cache=True,
                pad_token_id=pad,
                stopping_criteria=StoppingCriteriaList([is_over]),
            )
    finally:
        model.train(was_training)
    if should_stop():
        return None
    texts = tokenizer.batch_decode(output[:, width:], skip_special_tokens=True)
    return [(prompt.text[:_SHOWN_CHARACTERS], text.strip()[:_SHOWN_CHARACTERS]) for prompt, text in zip(prompts, texts, strict=True)]
