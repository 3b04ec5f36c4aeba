"""Rows as the model reads them, each stretch marked as learned or only read, for the report of a run."""

from itertools import groupby
from typing import Any

from data.dataset import Dataset
from data.encoder import Row

# About what fits on two screens; also keeps three samples small enough for the report.
_TOKENS_SHOWN = 1500
_BROKEN = "\ufffd"


def mask_samples(dataset: Dataset, tokenizer: Any, count: int = 3) -> list[dict[str, Any]]:
    """Up to `count` training rows, evenly spread over the file, each as the contract's mask sample; short rows are preferred."""
    rows = sorted(dataset.train, key=lambda row: row.index)
    fitting = [row for row in rows if len(row.ids) <= _TOKENS_SHOWN]
    chosen = fitting if len(fitting) >= count else rows
    places = sorted({round(i * (len(chosen) - 1) / max(count - 1, 1)) for i in range(count)}) if chosen else []
    return [mask_sample(chosen[place], tokenizer) for place in places]


def mask_sample(row: Row, tokenizer: Any) -> dict[str, Any]:
    """One row; neighbouring tokens of the same kind are one text, and special tokens are spelled out."""
    shown = row.ids[:_TOKENS_SHOWN]
    learned = set(row.labels)
    is_cut = len(shown) < len(row.ids)
    ends, kinds = [], []
    for is_trained, run in groupby(range(len(shown)), key=lambda position: position in learned):
        kinds.append(is_trained)
        ends.append(list(run)[-1] + 1)
    text = _decoded(tokenizer, shown)
    cuts = [_length_of(tokenizer, shown[:end], text) for end in ends[:-1]] + [len(text)]
    if is_cut and text.endswith(_BROKEN):
        # The cut went through a character; its first bytes alone are no text.
        cuts[-1] = max(len(text.rstrip(_BROKEN)), cuts[-2] if len(cuts) > 1 else 0)
    starts = [0, *cuts[:-1]]
    segments = [{"text": text[start:cut], "is_trained": kind} for start, cut, kind in zip(starts, cuts, kinds, strict=True) if cut > start]
    return {"row": row.index + 1, "tokens": len(row.ids), "tokens_trained": len(row.labels), "segments": segments, "is_cut": is_cut}


def _length_of(tokenizer: Any, ids: list[int], whole: str) -> int:
    """Characters that the first tokens write out in full; one that is finished by a later token belongs to that token."""
    text = _decoded(tokenizer, ids)
    return len(text) if whole.startswith(text) else len(text.rstrip(_BROKEN))


def _decoded(tokenizer: Any, ids: list[int]) -> str:
    return str(tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))
