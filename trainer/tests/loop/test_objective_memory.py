"""Running out of memory: recognised in every wording, and nothing else taken for it."""

import pytest
import torch

from loop.memory import unless_out_of_memory


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8589934592 bytes."),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9.05 GB)"),
    ],
    ids=["cuda", "python", "cpu", "cublas", "mps"],
)
def test_every_way_of_running_out_of_memory_is_recognised(error: Exception) -> None:
    """A wording that is not known would end the run where a smaller micro-batch fits."""

    def fail() -> int:
        raise error

    assert unless_out_of_memory(fail) is None
    assert unless_out_of_memory(lambda: 7) == 7


def test_other_errors_are_not_taken_for_it() -> None:
    """A wrong shape would otherwise halve the micro-batch until the run ends with the wrong advice."""

    def fail() -> int:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        unless_out_of_memory(fail)
