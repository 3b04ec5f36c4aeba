"""Micro-batches: how the rows of one optimizer step are laid out for the passes through the model.

Which rows make a step is the schedule's business; the layout changes neither the loss nor the gradient.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from data.encoder import Row

# How many times the longest row a line may be wide; wider lines save no more padding.
_WIDEST = 4
# Row lengths that are tried as the width of lines.
_TRIED_LENGTHS = 8


@dataclass(frozen=True)
class MicroBatch:
    """Rows that go through the model at once: lines of the batch, each with one or more rows laid end to end."""

    lines: tuple[tuple[Row, ...], ...]

    @property
    def rows(self) -> list[Row]:
        """All rows, line by line."""
        return [row for line in self.lines for row in line]

    @property
    def is_packed(self) -> bool:
        """True when some line holds more than one row."""
        return any(len(line) > 1 for line in self.lines)

    @property
    def width(self) -> int:
        """Tokens of the longest line."""
        return max(map(_length, self.lines), default=0)

    @property
    def tokens(self) -> int:
        """Tokens of the rows, without padding."""
        return sum(map(_length, self.lines))

    @property
    def padded_tokens(self) -> int:
        """Tokens that the model computes: lines × width."""
        return len(self.lines) * self.width


def as_micro_batch(batch: MicroBatch | Sequence[Row]) -> MicroBatch:
    """Plain rows as a micro-batch with a line for each."""
    return batch if isinstance(batch, MicroBatch) else MicroBatch(tuple((row,) for row in batch))


@dataclass(frozen=True)
class Costs:
    """What a layout costs beside its tokens; decides about time only, never about results.

    `pass_tokens`: one more pass through the model takes as long as this many tokens. `costly_width`: in lines this
    wide, attention takes as long as the rest of a layer (6 × hidden size: 12 h² products against 2 w h).
    """

    pass_tokens: int = 256
    costly_width: int = 4096

    def of(self, batches: Sequence[MicroBatch]) -> float:
        """The cost of these micro-batches, in tokens."""
        return sum(self.pass_tokens + batch.padded_tokens * (1 + batch.width / self.costly_width) for batch in batches)


_USUAL_COSTS = Costs()


def lay_out(rows: Sequence[Row], *, max_rows: int, capacity_tokens: int, packed: bool, costs: Costs = _USUAL_COSTS) -> list[MicroBatch]:
    """Divides the rows of a step into micro-batches of at most `max_rows × capacity_tokens` tokens with padding.

    That is the memory of `max_rows` rows of full length; of shorter rows, more go through at once. A row that is
    longer than that goes alone. Rows stand beside rows of their length; packed, they also share lines of at most
    `capacity_tokens` (best fit, longest first) where that costs less. The same rows in any order give the same layout.
    """
    if not rows:
        return []
    ordered = sorted(rows, key=lambda row: (-len(row.ids), row.index))
    budget = max_rows * capacity_tokens
    layouts = [_grouped([(row,) for row in ordered], budget, costs.pass_tokens)]
    if packed:
        layouts.extend(_grouped(_best_fit(ordered, width), budget, costs.pass_tokens) for width in _widths(ordered, capacity_tokens))
    return min(layouts, key=costs.of)


def smaller_limits(failed: MicroBatch, max_rows: int, capacity_tokens: int) -> tuple[int, int] | None:
    """(max_rows, capacity_tokens) under which the rows of a micro-batch that did not fit into memory are divided.

    None when it is a single row, which cannot be divided.
    """
    if len(failed.rows) <= 1:
        return None
    target = failed.padded_tokens // 2
    while max_rows > 1 and max_rows * capacity_tokens > target:
        max_rows //= 2
    return max_rows, min(capacity_tokens, max(1, target // max_rows))


def _length(line: Iterable[Row]) -> int:
    return sum(len(row.ids) for row in line)


def _widths(ordered: Sequence[Row], capacity: int) -> list[int]:
    """Widths of lines that are worth trying: wide lines leave few holes but make attention dear."""
    lengths = sorted({len(row.ids) for row in ordered}, reverse=True)
    tried = lengths[:: -(-len(lengths) // _TRIED_LENGTHS)]
    return sorted({min(length * times, capacity) for length in tried for times in range(1, _WIDEST + 1)})


def _best_fit(ordered: Sequence[Row], width: int) -> list[tuple[Row, ...]]:
    """Each row goes where it leaves the least room, or into a line of its own; so does one that is wider."""
    lines: list[list[Row]] = []
    rooms: list[tuple[int, int]] = []
    for row in ordered:
        place = bisect_left(rooms, (len(row.ids), -1))
        if place < len(rooms):
            room, number = rooms.pop(place)
        else:
            room, number = width, len(lines)
            lines.append([])
        lines[number].append(row)
        insort(rooms, (room - len(row.ids), number))
    return [tuple(line) for line in lines]


def _grouped(lines: Sequence[tuple[Row, ...]], budget: int, pass_tokens: int) -> list[MicroBatch]:
    """Neighbours in length together, until the budget is used up or padding costs more than another pass."""
    groups: list[list[tuple[Row, ...]]] = []
    width = padding = 0
    for line in sorted(lines, key=lambda line: (-_length(line), line[0].index)):
        padding += width - _length(line)
        if not groups or (len(groups[-1]) + 1) * width > budget or padding > pass_tokens:
            groups.append([])
            width, padding = _length(line), 0
        groups[-1].append(line)
    return [MicroBatch(tuple(group)) for group in groups]
