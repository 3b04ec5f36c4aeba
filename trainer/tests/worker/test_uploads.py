"""Training files in pieces: resumable, repeatable, never visible before they are whole and verified."""

import base64
import errno
import gzip
import hashlib
import itertools
import os
import shutil
import threading
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocol import InputError, RunFailure
from worker import uploads
from worker.uploads import MAX_PIECE_BYTES, put_piece

DATA = b"".join(b'{"n":%d}\n' % number for number in range(500))


def _piece(data: bytes, offset: int, end: int, *, encoding: str = "identity", sha256: str | None = None, sent: bytes | None = None) -> Any:
    sha256 = sha256 or hashlib.sha256(data).hexdigest()
    piece = data[offset:end] if sent is None else sent
    packed = gzip.compress(piece) if encoding == "gzip" and sent is None else piece
    return {
        "v": 1,
        "action": "put",
        "key": f"datasets/{sha256}.jsonl",
        "total_bytes": len(data),
        "sha256": sha256,
        "offset": offset,
        "encoding": encoding,
        "data": base64.b64encode(packed).decode(),
    }


def _target(volume: Path, data: bytes = DATA) -> Path:
    return volume / "datasets" / f"{hashlib.sha256(data).hexdigest()}.jsonl"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, len(DATA)), max_size=6), st.lists(st.integers(0, 9), max_size=12), st.booleans())
def test_pieces_in_any_order_and_number_make_the_file_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], repeats: list[int], is_packed: bool
) -> None:
    """Would catch bytes that are doubled or lost when a piece comes again, late or too early."""
    volume = tmp_path_factory.mktemp("put")
    bounds = [0, *sorted(cuts), len(DATA)]
    pieces = [_piece(DATA, low, high, encoding="gzip" if is_packed else "identity") for low, high in itertools.pairwise(bounds)]
    for number in [*repeats, *range(len(pieces)), *repeats]:
        reply = put_piece(volume, pieces[number % len(pieces)])
        assert reply["is_complete"] == _target(volume).exists()
        assert not reply["is_complete"] or reply["received_bytes"] == len(DATA)
    assert _target(volume).read_bytes() == DATA
    assert list((volume / "datasets" / ".uploads").iterdir()) == []


def test_a_piece_beyond_what_has_arrived_is_answered_with_where_to_go_on(tmp_path: Path) -> None:
    """Would catch a hole of zeros in the file, and an upload that cannot be resumed."""
    assert put_piece(tmp_path, _piece(DATA, 0, 100))["received_bytes"] == 100
    assert put_piece(tmp_path, _piece(DATA, 300, 400))["received_bytes"] == 100
    assert not _target(tmp_path).exists()


def test_a_file_with_another_hash_never_appears_and_can_be_sent_again(tmp_path: Path) -> None:
    """Would catch a wrong byte that reaches the training, and one that blocks the right file for ever."""
    wrong = _piece(DATA, 0, len(DATA), sent=DATA[:-2] + b"x\n")
    with pytest.raises(RunFailure, match="its hash differs") as caught:
        put_piece(tmp_path, wrong)
    assert caught.value.code == "DATASET_MISMATCH"
    assert not _target(tmp_path).exists()
    assert put_piece(tmp_path, _piece(DATA, 0, len(DATA)))["is_complete"]


def test_a_file_damaged_on_the_volume_is_replaced(tmp_path: Path) -> None:
    """Would catch a damaged file that an upload takes for the one it brings."""
    put_piece(tmp_path, _piece(DATA, 0, len(DATA)))
    _target(tmp_path).write_bytes(b"x" * len(DATA))
    put_piece(tmp_path, _piece(DATA, 0, len(DATA)))
    assert _target(tmp_path).read_bytes() == DATA


class Bad(NamedTuple):
    """A piece that must be refused."""

    encoding: str
    sent: bytes
    expected: str


@pytest.mark.parametrize(
    "bad",
    [
        Bad("gzip", gzip.compress(b"x" * (len(DATA) + 1)), "input.data: expected at most"),
        Bad("identity", b"x" * (len(DATA) + 1), "input.data: expected at most"),
        Bad("gzip", b"no gzip at all", "input.data: expected one whole gzip stream"),
        Bad("gzip", gzip.compress(DATA)[:-9], "input.data: expected one whole gzip stream"),
        Bad("gzip", gzip.compress(DATA) + b"tail", "input.data: expected one whole gzip stream"),
        Bad("gzip", zlib.compress(DATA), "input.data: expected one whole gzip stream"),
    ],
    ids=["too much", "too much plain", "no gzip", "torn", "tail", "zlib"],
)
def test_a_piece_that_is_not_what_it_says_is_refused_and_leaves_nothing(tmp_path: Path, bad: Bad) -> None:
    """Would catch half a piece that is kept as if it were whole."""
    with pytest.raises(InputError, match=bad.expected):
        put_piece(tmp_path, _piece(DATA, 0, len(DATA), encoding=bad.encoding, sent=bad.sent))
    assert put_piece(tmp_path, _piece(DATA, 0, 10))["received_bytes"] == 10


def test_a_zip_bomb_is_unpacked_no_further_than_a_piece_may_reach() -> None:
    """Would catch a few bytes that fill the worker's memory: this one holds more than a piece may."""
    maker = zlib.compressobj(1, zlib.DEFLATED, 31)
    zeros = b"\0" * (1 << 24)
    packed = b"".join(maker.compress(zeros) for _ in range(5)) + maker.flush()
    seen: list[int] = []
    real = zlib.decompressobj

    class Watched:
        def __init__(self, wbits: int) -> None:
            self._inner = real(wbits)
            self.eof, self.unused_data = False, b""

        def decompress(self, data: bytes, limit: int) -> bytes:
            seen.append(limit)
            return self._inner.decompress(data, limit)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zlib, "decompressobj", Watched)
        with pytest.raises(InputError, match="expected at most"):
            uploads._unpack(base64.b64encode(packed).decode(), "gzip", 1 << 40)
    assert seen == [MAX_PIECE_BYTES + 1]


def test_the_key_must_be_the_hash(tmp_path: Path) -> None:
    """Would catch a file under the name of another."""
    job = {**_piece(DATA, 0, 5), "key": f"datasets/{'0' * 64}.jsonl"}
    with pytest.raises(InputError, match=r"input\.key: expected datasets/"):
        put_piece(tmp_path, job)


def test_a_wrong_size_never_removes_a_good_file(tmp_path: Path) -> None:
    """Would catch a job with a mistake in it that deletes a training file another run uses."""
    put_piece(tmp_path, _piece(DATA, 0, len(DATA)))
    with pytest.raises(InputError, match=r"input\.total_bytes: expected"):
        put_piece(tmp_path, {**_piece(DATA, 0, 5), "total_bytes": len(DATA) + 1})
    assert _target(tmp_path).read_bytes() == DATA


def test_two_jobs_with_the_same_file_do_not_mix_their_bytes(tmp_path: Path) -> None:
    """Would catch a race between the platform's two dispatches of one job."""
    bounds = [*range(0, len(DATA), 97), len(DATA)]
    errors: list[BaseException] = []
    barrier = threading.Barrier(6)

    def upload() -> None:
        barrier.wait()
        try:
            for low, high in itertools.pairwise(bounds):
                put_piece(tmp_path, _piece(DATA, low, high))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=upload) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert _target(tmp_path).read_bytes() == DATA


def test_a_full_volume_is_named_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch an upload that fills the volume up and then fails."""
    usage = shutil._ntuple_diskusage(100 << 30, (100 << 30) - 1000, 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(RunFailure, match="MB are left on the volume") as caught:
        put_piece(tmp_path, _piece(DATA, 0, 10))
    assert caught.value.code == "DISK_FULL"


def test_a_write_that_runs_out_of_space_can_be_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch a torn piece that is counted as received."""
    put_piece(tmp_path, _piece(DATA, 0, 100))
    real = os.fsync

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunFailure) as caught:
        put_piece(tmp_path, _piece(DATA, 100, 200))
    assert caught.value.code == "DISK_FULL"
    monkeypatch.setattr(os, "fsync", real)
    assert put_piece(tmp_path, _piece(DATA, 300, 400))["received_bytes"] == 100
    assert put_piece(tmp_path, _piece(DATA, 100, len(DATA)))["is_complete"]
