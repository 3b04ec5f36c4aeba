"""What a template writes around the texts of a conversation, so that answers of the same kind of row are found by one rendering."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from data.chat_template import Span

_MARK = re.compile("\ue010(\\d+)\ue011")


def marked_texts(count: int) -> list[str]:
    """Texts that stand for those of a conversation and are found again in what a template makes of them."""
    return [f"\ue010{index}\ue011" for index in range(count)]


@dataclass(frozen=True)
class Skeleton:
    """Fixed texts with the numbers of the messages whose texts stand between them, and the spans of the answers, in order.

    `borders` are where each piece begins in the marked rendering; the last piece is a fixed text, perhaps an empty one.
    """

    pieces: tuple[str | int, ...]
    borders: tuple[int, ...]
    spans: tuple[Span, ...]

    def place(self, text: str, contents: Sequence[str]) -> list[Span] | None:
        """The answers' spans in a rendering; None where it is not these pieces with these contents between them."""
        at = 0
        starts = []
        for index, piece in enumerate(self.pieces):
            starts.append(at)
            if isinstance(piece, str):
                if not text.startswith(piece, at):
                    return None
                at += len(piece)
                continue
            length = _length_at(text, at, contents[piece], self._fixed_text(index + 1))
            if length is None:
                return None
            at += length
        if at != len(text):
            return None
        moved = []
        for span in self.spans:
            # As far from the beginning of its piece as in the marked rendering.
            pieces = [bisect_right(self.borders, place) - 1 for place in span]
            moved.append((span[0] - self.borders[pieces[0]] + starts[pieces[0]], span[1] - self.borders[pieces[1]] + starts[pieces[1]]))
        return moved

    def _fixed_text(self, index: int) -> str:
        piece = self.pieces[index] if index < len(self.pieces) else ""
        return piece if isinstance(piece, str) else ""


def make_skeleton(text: str, spans: Sequence[Span]) -> Skeleton:
    """Takes a rendering of marked texts apart."""
    pieces: list[str | int] = []
    borders: list[int] = []
    at = 0
    for match in _MARK.finditer(text):
        if match.start() > at:
            pieces.append(text[at : match.start()])
            borders.append(at)
        pieces.append(int(match[1]))
        borders.append(match.start())
        at = match.end()
    pieces.append(text[at:])
    return Skeleton(tuple(pieces), (*borders, at), tuple(spans))


def _length_at(text: str, at: int, content: str, after: str) -> int | None:
    """Characters of a content as the template wrote it: as it is, or without the white space around it."""
    for written in (content, content.strip(), content.lstrip("\n"), content.lstrip(), content.rstrip()):
        if text.startswith(written, at) and text.startswith(after, at + len(written)):
            return len(written)
    return None
