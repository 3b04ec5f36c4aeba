"""Laying a step's rows out in micro-batches: nothing lost, nothing over the budget, nothing left to chance."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.encoder import Row
from loop.micro_batches import Costs, MicroBatch, lay_out, smaller_limits

LENGTHS = st.lists(st.integers(1, 200), min_size=1, max_size=40)


def _rows(lengths: list[int]) -> list[Row]:
    return [Row(index=i, ids=[1] * length, labels=[], prompt_messages=[]) for i, length in enumerate(lengths)]


def _lengths(batch: MicroBatch) -> list[int]:
    return [sum(len(row.ids) for row in line) for line in batch.lines]


@given(LENGTHS, st.integers(1, 8), st.integers(1, 300), st.booleans())
def test_every_row_is_laid_out_exactly_once_and_within_the_budget(lengths: list[int], max_rows: int, capacity: int, packed: bool) -> None:
    """A layout that dropped or repeated a row would change the gradient; one over the budget would run out of memory."""
    batches = lay_out(_rows(lengths), max_rows=max_rows, capacity_tokens=capacity, packed=packed)
    assert sorted(row.index for batch in batches for row in batch.rows) == list(range(len(lengths)))
    for batch in batches:
        assert batch.padded_tokens <= max_rows * capacity or len(batch.rows) == 1
        assert all(length <= capacity or len(line) == 1 for length, line in zip(_lengths(batch), batch.lines, strict=True))
        assert batch.tokens == sum(len(row.ids) for row in batch.rows) <= batch.padded_tokens


@given(LENGTHS, st.randoms(), st.booleans())
def test_the_order_in_which_rows_come_does_not_matter(lengths: list[int], random: Random, packed: bool) -> None:
    """Resuming with another layout would add up the same numbers in another order: no longer equal to the digit."""
    rows = _rows(lengths)
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert lay_out(rows, max_rows=4, capacity_tokens=100, packed=packed) == lay_out(
        shuffled, max_rows=4, capacity_tokens=100, packed=packed
    )


@given(LENGTHS, st.integers(2, 8))
def test_without_packing_rows_stand_beside_rows_of_their_length(lengths: list[int], max_rows: int) -> None:
    """Rows joined where the model mixes neighbours would be trained on each other's text."""
    batches = lay_out(_rows(lengths), max_rows=max_rows, capacity_tokens=200, packed=False, costs=Costs(pass_tokens=64))
    assert not any(batch.is_packed for batch in batches)
    for before, after in pairwise(batches):
        assert min(_lengths(before)) >= max(_lengths(after))
    assert all(batch.padded_tokens - batch.tokens <= 64 for batch in batches)


def test_packing_fills_the_holes_that_padding_would_leave() -> None:
    """A line for each row would compute 350 tokens for these 200."""
    (batch,) = lay_out(_rows([70, 50, 30, 20, 30]), max_rows=3, capacity_tokens=70, packed=True)
    assert (batch.tokens, batch.padded_tokens) == (200, 210)
    assert sorted(sorted(len(row.ids) for row in line) for line in batch.lines) == [[20, 50], [30, 30], [70]]


def test_rows_share_lines_only_where_that_is_less_work() -> None:
    """One long row would otherwise make the lines of all short ones as wide, and their attention as dear."""
    rows = _rows([1000, *[100] * 10])
    assert not any(batch.is_packed for batch in lay_out(rows, max_rows=4, capacity_tokens=1000, packed=True, costs=Costs(16, 1000)))
    assert any(batch.is_packed for batch in lay_out(rows, max_rows=4, capacity_tokens=1000, packed=True, costs=Costs(4096, 10_000)))


def test_short_rows_go_through_together_instead_of_a_few_at_a_time() -> None:
    """Counting rows instead of tokens would run sixteen short rows in eight passes."""
    assert len(lay_out(_rows([20] * 16), max_rows=2, capacity_tokens=1000, packed=False)) == 1


@given(LENGTHS, st.booleans())
def test_smaller_limits_divide_any_micro_batch_until_rows_are_alone(lengths: list[int], packed: bool) -> None:
    """Limits that leave the failed micro-batch as it was would try it again for ever."""
    max_rows, capacity = 8, 200
    batches = lay_out(_rows(lengths), max_rows=max_rows, capacity_tokens=capacity, packed=packed)
    largest = max(batches, key=lambda batch: batch.padded_tokens * (len(batch.rows) > 1))
    rounds = 0
    while (limits := smaller_limits(largest, max_rows, capacity)) is not None:
        max_rows, capacity = limits
        batches = lay_out(_rows(lengths), max_rows=max_rows, capacity_tokens=capacity, packed=packed)
        rest = [batch for batch in batches if len(batch.rows) > 1]
        assert all(2 * batch.padded_tokens <= largest.padded_tokens for batch in rest)
        largest = max(rest or batches, key=lambda batch: batch.padded_tokens)
        rounds += 1
    assert rounds <= 12
    assert all(len(batch.rows) == 1 for batch in batches)


def test_nothing_to_lay_out_gives_no_micro_batch() -> None:
    """A rank of a multi-GPU step may get no row at all."""
    assert lay_out([], max_rows=4, capacity_tokens=100, packed=True) == []


@pytest.mark.parametrize("packed", [False, True])
def test_a_row_longer_than_the_budget_goes_alone(packed: bool) -> None:
    """It must be tried: refusing it would end a run that fits."""
    batches = lay_out(_rows([500, 10, 10]), max_rows=1, capacity_tokens=100, packed=packed)
    assert [len(batch.rows) for batch in batches] == [1, 2]
