"""Greedy answers to fixed prompts, from the base model before step 1 and from the finished adapter."""

from collections.abc import Callable
from typing import Any

import torch

from data import Dataset
from models import Placement

_PROMPTS = 2
_NEW_TOKENS = {"cuda": 96, "mps": 64, "cpu": 40}
_LONGEST_PROMPT_TOKENS = 512
_SHOWN_CHARACTERS = 500


@torch.no_grad()
def sample_answers(
    model: Any, tokenizer: Any, dataset: Dataset, placement: Placement, should_stop: Callable[[], bool]
) -> list[tuple[str, str]]:
    """Prompt and answer pairs; the prompts are the same for the whole run."""
    from transformers import StoppingCriteriaList

    def stopped(input_ids: torch.Tensor, _scores: Any, **_: Any) -> torch.Tensor:
        return torch.full((input_ids.shape[0],), should_stop(), device=input_ids.device, dtype=torch.bool)

    prompts = _prompts(tokenizer, dataset)
    if not prompts:
        return []
    width = max(len(ids) for _, ids in prompts)
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
    ids = torch.tensor([[pad] * (width - len(tokens)) + tokens for _, tokens in prompts])
    mask = torch.tensor([[0] * (width - len(tokens)) + [1] * len(tokens) for _, tokens in prompts])
    was_training = model.training
    model.eval()
    with torch.autocast(placement.device, dtype=torch.bfloat16, enabled=placement.autocast):
        output = model.generate(
            input_ids=ids.to(placement.device),
            attention_mask=mask.to(placement.device),
            max_new_tokens=_NEW_TOKENS.get(placement.device, 40),
            do_sample=False,
            num_beams=1,
            pad_token_id=pad,
            stopping_criteria=StoppingCriteriaList([stopped]),
        )
    model.train(was_training)
    if should_stop():
        return []
    texts = tokenizer.batch_decode(output[:, width:], skip_special_tokens=True)
    return [(prompt[:_SHOWN_CHARACTERS], text.strip()[:_SHOWN_CHARACTERS]) for (prompt, _), text in zip(prompts, texts, strict=True)]


def _prompts(tokenizer: Any, dataset: Dataset) -> list[tuple[str, list[int]]]:
    chosen = []
    for row in sorted([*dataset.held_out] or dataset.train, key=lambda row: row.index):
        asked = [message["content"] for message in row.prompt_messages if message["role"] == "user"]
        if not asked:
            continue
        text = tokenizer.apply_chat_template(row.prompt_messages, tools=row.tools, tokenize=False, add_generation_prompt=True)
        ids = list(tokenizer(text, add_special_tokens=False)["input_ids"])
        if len(ids) <= _LONGEST_PROMPT_TOKENS:
            chosen.append((str(asked[-1]), ids))
        if len(chosen) == _PROMPTS:
            break
    return chosen
