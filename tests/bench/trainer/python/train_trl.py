"""The reference: TRL's SFTTrainer. Usage: train_trl.py FOLDER OUT [MICRO_BATCH_ROWS ATTENTION SAMPLING PACKING LOSS]"""

import json
import sys
import tempfile
import time
from pathlib import Path

from workload import BATCH_ROWS, LONGEST, SEED, Workload, adapted_model, hyperparameters, warm_up


def main() -> None:
    """Trains one epoch and writes down what it took."""
    folder = Workload(Path(sys.argv[1]))
    # What was fastest for TRL on CPUs: rows grouped by length, padded four at a time, no packing. Its packing joins
    # rows into one line, whose attention costs more than padding does where there is no flash attention.
    micro, attention, sampling, packing, loss_type = (
        *sys.argv[3:],
        *("4", "sdpa", "group_by_length", "no", "chunked_nll")[len(sys.argv) - 3 :],
    )
    model = adapted_model(folder, attention)

    from datasets import Dataset
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast, TrainerCallback
    from trl import SFTConfig, SFTTrainer

    rows = folder.rows()
    labels = [[-100] * row["labels"][0] + row["ids"][row["labels"][0] :] for row in rows]
    dataset = Dataset.from_dict({"input_ids": [row["ids"] for row in rows], "labels": labels, "length": [len(row["ids"]) for row in rows]})
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel({"[pad]": 0, "[eos]": 1}, "[pad]")), pad_token="[pad]", eos_token="[eos]"
    )
    given = hyperparameters()
    config = SFTConfig(
        output_dir=tempfile.mkdtemp(),
        per_device_train_batch_size=int(micro),
        gradient_accumulation_steps=BATCH_ROWS // int(micro),
        num_train_epochs=1,
        learning_rate=given["learning_rate"],
        weight_decay=0.0,
        max_grad_norm=1.0,
        lr_scheduler_type="constant",
        warmup_steps=0,
        optim="adamw_torch_fused",
        loss_type=loss_type,
        packing=packing == "yes",
        max_length=LONGEST,
        train_sampling_strategy=sampling,
        router_aux_loss_coef=0.0,
        gradient_checkpointing=False,
        bf16=False,
        use_cpu=True,
        # No files, and a line of figures every ten steps only.
        save_strategy="no",
        logging_steps=10,
        disable_tqdm=True,
        report_to=[],
        dataloader_num_workers=0,
        seed=SEED,
    )

    class Watch(TrainerCallback):
        """Runs from the first step to the end of the last."""

        began: tuple[float, float] | None = None
        ended = (0.0, 0.0)

        def on_step_begin(self, *_: object, **__: object) -> None:
            self.began = self.began or (time.perf_counter(), time.process_time())

        def on_step_end(self, *_: object, **__: object) -> None:
            self.ended = (time.perf_counter(), time.process_time())

    watch = Watch()
    trainer = SFTTrainer(model=model, args=config, train_dataset=dataset, processing_class=tokenizer, callbacks=[watch])
    warm_up(model)
    loss = trainer.train().training_loss
    seconds, cpu_seconds = (after - before for after, before in zip(watch.ended, watch.began, strict=True))
    tokens = sum(len(row["ids"]) for row in rows)
    done = {"seconds": seconds, "cpuSeconds": cpu_seconds, "tokens": tokens, "steps": trainer.state.global_step}
    Path(sys.argv[2]).write_text(json.dumps({**done, "loss": loss}))


main()
