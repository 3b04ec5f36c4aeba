"""The reference: TRL's SFTTrainer over the same model, adapter and rows, in the same order."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.encoder import Row


@dataclass(frozen=True)
class ReferenceSettings:
    """What TRL is told; the rest is set so that it adds nothing of its own to the loss."""

    micro_batch_rows: int
    accumulation: int
    steps: int
    learning_rate: float
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    loss_type: str = "nll"
    packing_tokens: int | None = None


def trl_config(folder: Path, settings: ReferenceSettings, **more: Any) -> Any:
    """An SFTConfig without auxiliary losses, dropout, mixed precision, shuffling and files."""
    from trl import SFTConfig

    return SFTConfig(
        output_dir=str(folder),
        per_device_train_batch_size=settings.micro_batch_rows,
        gradient_accumulation_steps=settings.accumulation,
        max_steps=settings.steps,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.max_grad_norm,
        loss_type=settings.loss_type,
        lr_scheduler_type="constant",
        warmup_steps=0,
        optim="adamw_torch",
        router_aux_loss_coef=0.0,
        gradient_checkpointing=False,
        bf16=False,
        use_cpu=True,
        train_sampling_strategy="sequential",
        packing=settings.packing_tokens is not None,
        max_length=settings.packing_tokens,
        # The default filter logs zero in place of a loss that is not a number.
        logging_nan_inf_filter=False,
        logging_steps=1,
        disable_tqdm=True,
        report_to=[],
        save_strategy="no",
        seed=1,
        **more,
    )


def as_trl_dataset(rows: Sequence[Row]) -> Any:
    """Rows as token ids and labels, -100 where nothing is learned."""
    from datasets import Dataset

    learned = [set(row.labels) for row in rows]
    return Dataset.from_dict(
        {
            "input_ids": [row.ids for row in rows],
            "labels": [
                [token if position in kept else -100 for position, token in enumerate(row.ids)]
                for row, kept in zip(rows, learned, strict=True)
            ],
        }
    )


def train_with_trl(model: Any, tokenizer: Any, rows: Sequence[Row], settings: ReferenceSettings, folder: Path) -> list[tuple[float, float]]:
    """Loss and gradient norm (before clipping) of every step."""
    from trl import SFTTrainer

    trainer = SFTTrainer(model=model, args=trl_config(folder, settings), train_dataset=as_trl_dataset(rows), processing_class=tokenizer)
    trainer.train()
    return [(float(entry["loss"]), float(entry["grad_norm"])) for entry in trainer.state.log_history if "grad_norm" in entry]
