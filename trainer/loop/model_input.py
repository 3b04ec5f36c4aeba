"""What a micro-batch looks like to the model: token ids, and positions that restart with every row."""

from dataclasses import dataclass, field

import torch

from loop.micro_batches import MicroBatch


@dataclass(frozen=True)
class ModelInput:
    """Arguments of a forward pass, and where each row starts in its flattened output."""

    tensors: dict[str, torch.Tensor]
    starts: list[int]
    numbers: dict[str, int] = field(default_factory=dict)


def padded_input(batch: MicroBatch, pad_id: int) -> ModelInput:
    """Lines as batch rows, padded on the right, where no token of a causal model can see it.

    Packed lines get position ids that restart with every row; from these transformers makes the mask that keeps the
    rows of a line apart. Without an attention mask and positions, the model takes its fastest causal path.
    """
    width = batch.width
    ids = torch.full((len(batch.lines), width), pad_id, dtype=torch.long)
    positions = torch.zeros((len(batch.lines), width), dtype=torch.long)
    starts: list[int] = []
    for number, line in enumerate(batch.lines):
        start = 0
        for row in line:
            stop = start + len(row.ids)
            ids[number, start:stop] = torch.tensor(row.ids)
            positions[number, start:stop] = torch.arange(len(row.ids))
            starts.append(number * width + start)
            start = stop
    tensors = {"input_ids": ids, "position_ids": positions} if batch.is_packed else {"input_ids": ids}
    return ModelInput(tensors, starts)


def flat_input(batch: MicroBatch) -> ModelInput:
    """All rows end to end without padding, with the row boundaries that flash attention's kernels take."""
    rows = batch.rows
    bounds = [0]
    for row in rows:
        bounds.append(bounds[-1] + len(row.ids))
    longest = max(len(row.ids) for row in rows)
    # Both names of the kernels' arguments: queries and keys have the same boundaries.
    boundaries = torch.tensor(bounds, dtype=torch.int32)
    tensors = {
        "input_ids": torch.tensor([token for row in rows for token in row.ids]).unsqueeze(0),
        "position_ids": torch.cat([torch.arange(len(row.ids)) for row in rows]).unsqueeze(0),
        "cu_seq_lens_q": boundaries,
        "cu_seq_lens_k": boundaries,
    }
    return ModelInput(tensors, bounds[:-1], {"max_length_q": longest, "max_length_k": longest})
