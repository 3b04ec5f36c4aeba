"""The rows of a run: encoded, counted, and split into what is trained and what is held out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from data.encoder import Encoded, Row, RowEncoder
from data.split import held_out_indices
from data.training_file import Conversation
from protocol import RunFailure

_ROWS_AT_ONCE = 64
_CUT_SHARE_ALLOWED = 0.05
_SHARE_TO_FIT = 0.99
_LINES_SHOWN = 10
_LENGTH_STEP = 64


@dataclass(frozen=True)
class Dataset:
    """The rows to train and to hold out, and what was done to them; `notices` are sentences for the user."""

    train: list[Row]
    held_out: list[Row]
    rows_truncated: int
    rows_dropped: int
    rows_without_answer: int = 0
    rows_repeated: int = 0
    notices: tuple[str, ...] = field(default=())

    @property
    def tokens_total(self) -> int:
        """Tokens of one pass over the training rows."""
        return sum(len(row.ids) for row in self.train)

    @property
    def tokens_trained(self) -> int:
        """Tokens of one pass whose prediction is learned."""
        return sum(len(row.labels) for row in self.train)

    @property
    def highest_id(self) -> int:
        """The highest token id in any row, for the check against the model's embeddings."""
        return max((max(row.ids) for row in [*self.train, *self.held_out]), default=-1)


def build_dataset(
    rows: Sequence[Conversation],
    encoder: RowEncoder,
    *,
    dataset_sha256: str,
    eval_fraction: float,
    on_progress: Callable[[int], None],
    accepts_rows_without_answer: bool = False,
    accepts_rows_cut: bool = False,
) -> Dataset:
    """Encodes every row and splits them; refuses the run where rows teach nothing or many are cut, unless that is accepted."""
    encoded: list[Encoded] = []
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        encoded.extend(encoder.encode_many(start, rows[start : start + _ROWS_AT_ONCE]))
        on_progress(len(encoded))
    kept, without_answer = _rows_with_answer(encoded, accepts_rows_without_answer)
    too_long = sum(one.row is None and one.refusal is None for one in encoded)
    truncated = sum(one.was_truncated for one in encoded)
    if not accepts_rows_cut:
        _require_few_cut(encoded, truncated, too_long, encoder.max_length)
    if not kept:
        raise RunFailure("DATASET_EMPTY", "No row is left to train on.", "Raise max_length or choose a dataset with shorter answers.")
    ids = [row.ids for row in kept]
    held = held_out_indices([rows[row.index].messages for row in kept], dataset_sha256, eval_fraction, ids)
    return Dataset(
        train=[row for i, row in enumerate(kept) if i not in held],
        held_out=[row for i, row in enumerate(kept) if i in held],
        rows_truncated=truncated,
        rows_dropped=too_long + without_answer,
        rows_without_answer=without_answer,
        rows_repeated=len(ids) - len({tuple(row) for row in ids}),
        notices=_notices(encoded),
    )


def _rows_with_answer(encoded: Sequence[Encoded], accepts_others: bool) -> tuple[list[Row], int]:
    """The rows that teach something and the number of those that do not."""
    refused = [i for i, one in enumerate(encoded) if one.refusal is not None]
    empty = [i for i, one in enumerate(encoded) if one.row is not None and not one.row.labels]
    kept = [one.row for one in encoded if one.row is not None and one.row.labels]
    if accepts_others and kept:
        return kept, len(refused) + len(empty)
    if refused:
        reason = str(encoded[refused[0]].refusal).strip().rstrip(".")
        message = f"The model's chat template refuses {_rows(len(refused))} ({_lines(refused)}). It says: {reason}."
        advice = "Change these rows, leave them out, or choose another base model, then start a new run."
        raise RunFailure("MASK_EMPTY", message, advice)
    if empty:
        verb = "has" if len(empty) == 1 else "have"
        message = f"{_rows(len(empty))} {verb} no answer to learn from ({_lines(empty)})."
        advice = "Give these rows an assistant turn, or allow the run to leave them out, then start a new run."
        raise RunFailure("MASK_EMPTY", message, advice)
    return kept, 0


def _require_few_cut(encoded: Sequence[Encoded], truncated: int, too_long: int, max_length: int) -> None:
    lengths = sorted(one.tokens for one in encoded if one.tokens > 0)
    if truncated + too_long <= _CUT_SHARE_ALLOWED * len(lengths):
        return
    fitting = lengths[-int(-_SHARE_TO_FIT * len(lengths) // 1) - 1]
    fitting += -fitting % _LENGTH_STEP
    message = (
        f"{truncated + too_long} of {_rows(len(lengths))} are longer than max_length ({max_length:,} tokens): {truncated} would lose "
        f"their oldest turns and {too_long} would be left out. The longest has {lengths[-1]:,} tokens."
    )
    advice = f"Set max_length to {fitting:,}, which fits 99 % of the rows, or allow the run to cut rows, then start a new run."
    raise RunFailure("ROWS_CUT", message, advice)


def _notices(encoded: Sequence[Encoded]) -> tuple[str, ...]:
    """What the user should know about rows that are trained all the same."""
    found = []
    for part in sorted({part for one in encoded for part in one.lost}):
        lines = [i for i, one in enumerate(encoded) if part in one.lost]
        found.append(f"The model's chat template leaves out {part} in {_rows(len(lines))} ({_lines(lines)}).")
    unplaced = [i for i, one in enumerate(encoded) if one.answers_lost]
    if unplaced:
        where = f"{_rows(len(unplaced))} ({_lines(unplaced)})"
        found.append(f"Some answers of {where} could not be told from what surrounds them; they are read, not learned.")
    endless = [i for i, one in enumerate(encoded) if one.answers_without_end]
    if endless:
        found.append(f"The model's chat template ends some answers of {_rows(len(endless))} without an end token ({_lines(endless)}).")
    return tuple(found)


def _rows(count: int) -> str:
    return f"{count:,} row" if count == 1 else f"{count:,} rows"


def _lines(indices: Sequence[int]) -> str:
    shown = ", ".join(str(i + 1) for i in indices[:_LINES_SHOWN]) + (", …" if len(indices) > _LINES_SHOWN else "")
    return f"line {shown}" if len(indices) == 1 else f"lines {shown}"
