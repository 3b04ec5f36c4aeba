"""Memory: how much was used, and running out of it as a value instead of an exception."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch

Result = TypeVar("Result")
# How CPU, CUDA, its matrix libraries and Apple's GPUs say it where they have no exception of their own for it.
_PHRASES = ("allocate memory", "out of memory", "ALLOC_FAILED")


def unless_out_of_memory(work: Callable[[], Result]) -> Result | None:
    """The result of the work, or None when memory ran out.

    The caller retries outside the except block, whose traceback would pin the tensors that failed.
    """
    result = None
    with contextlib.suppress(_MemoryRanOut), _memory_errors():
        result = work()
    if result is None and torch.cuda.is_available():
        torch.cuda.empty_cache()
    return result


class _MemoryRanOut(Exception):
    pass


@contextlib.contextmanager
def _memory_errors() -> Iterator[None]:
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _MemoryRanOut from error
    except RuntimeError as error:
        if not any(phrase in str(error) for phrase in _PHRASES):
            raise
        raise _MemoryRanOut from error


def peak_memory() -> int:
    """Bytes at the peak: on the GPU where there is one, otherwise of this process."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
