"""Which rows are held out: whole groups that share a first user turn, the same for ever."""

import hashlib
import math
import unicodedata
from collections.abc import Sequence

from data.training_file import Message

_MAX_EVAL_ROWS = 500
_MIN_EVAL_ROWS = 20
_MIN_ROWS_FOR_EVAL = 10
# Fewer rows than this share of the dataset must do where twenty would be more than it.
_MOST_FOR_MINIMUM = 0.2


def held_out_indices(
    rows: Sequence[list[Message]], dataset_sha256: str, fraction: float, row_ids: Sequence[Sequence[int]] | None = None
) -> set[int]:
    """Chooses the rows to hold out; `row_ids` are their tokens, so that rows which read the same stay on one side."""
    if fraction <= 0 or len(rows) < _MIN_ROWS_FOR_EVAL:
        return set()
    wanted = _rows_wanted(len(rows), fraction)
    held = _chosen([_first_user_turn(messages) for messages in rows], row_ids, dataset_sha256, wanted)
    # Where every row begins with the same words, these tell nothing about who has seen what.
    return held or _chosen([_whole(messages) for messages in rows], row_ids, dataset_sha256, wanted)


def _rows_wanted(rows: int, fraction: float) -> int:
    """Rounded half up, as the app rounds; 20 to 500 rows where the dataset is large enough to spare them."""
    least = _MIN_EVAL_ROWS if rows * _MOST_FOR_MINIMUM >= _MIN_EVAL_ROWS else 1
    return min(max(math.floor(fraction * rows + 0.5), least), _MAX_EVAL_ROWS)


def _chosen(keys: list[str], row_ids: Sequence[Sequence[int]] | None, dataset_sha256: str, wanted: int) -> set[int]:
    """Takes groups in the order of a hash until enough rows are held; a group too large for what is left is passed over."""
    groups: dict[str, list[int]] = {}
    for index, key in enumerate(_joined(keys, row_ids)):
        groups.setdefault(hashlib.sha256(f"{dataset_sha256}\n{key}".encode()).hexdigest(), []).append(index)
    held: set[int] = set()
    for _, members in sorted(groups.items()):
        if len(held) + len(members) <= wanted:
            held.update(members)
        if len(held) >= wanted:
            break
    if held:
        return held
    # No group is small enough: the smallest one, unless the training rows would starve.
    smallest = min(sorted(groups.items()), key=lambda group: len(group[1]))[1]
    return set(smallest) if len(smallest) <= len(keys) // 2 else set()


def _joined(keys: list[str], row_ids: Sequence[Sequence[int]] | None) -> list[str]:
    """One key for all rows that share a key or read the same; the first of them gives it."""
    parent: dict[str, str] = {key: key for key in keys}

    def root(key: str) -> str:
        while parent[key] != key:
            parent[key] = key = parent[parent[key]]
        return key

    seen: dict[tuple[int, ...], str] = {}
    for key, ids in zip(keys, row_ids or (), strict=bool(row_ids)):
        parent[root(key)] = root(seen.setdefault(tuple(ids), key))
    return [root(key) for key in keys]


def _first_user_turn(messages: list[Message]) -> str:
    return next((_normalised(message["content"]) for message in messages if message["role"] == "user"), "")


def _whole(messages: list[Message]) -> str:
    return "\n".join(f"{message['role']} {_normalised(message['content'])}" for message in messages)


def _normalised(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
