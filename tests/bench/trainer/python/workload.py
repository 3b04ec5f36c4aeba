"""What both trainers train: one small model, one adapter, the same rows, threads and hyperparameters."""

import json
import os
import random
import sys
from dataclasses import dataclass
from pathlib import Path

# What the app gives its own trainer: threads that sleep while they wait. Read when torch is loaded.
os.environ.update({"OMP_WAIT_POLICY": "PASSIVE", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"})
TRAINER = Path(__file__).resolve().parents[4] / "trainer"
sys.path.insert(0, str(TRAINER))

VOCABULARY = 8000
LONGEST = 512
SEED = 17
# Rows of one optimizer step, and how many of them TRL pads to one length at a time.
BATCH_ROWS = 16


@dataclass(frozen=True)
class Workload:
    """A folder that both sides read."""

    folder: Path

    @property
    def model(self) -> Path:
        """The base model, as transformers loads it."""
        return self.folder / "model"

    def rows(self) -> list[dict[str, list[int]]]:
        """`ids` and label positions of every row."""
        return json.loads((self.folder / "rows.json").read_text())


def write_workload(folder: Path, steps: int) -> None:
    """A random Qwen3 of 10 million weights, and rows as long as chats are: most short, a few long."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(SEED)
    config = Qwen3Config(
        vocab_size=VOCABULARY,
        hidden_size=384,
        intermediate_size=1152,
        num_hidden_layers=4,
        num_attention_heads=6,
        num_key_value_heads=2,
        head_dim=64,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        eos_token_id=1,
        pad_token_id=0,
        bos_token_id=None,
    )
    Qwen3ForCausalLM(config).save_pretrained(str(folder / "model"))
    random_ = random.Random(SEED)
    rows = []
    for _ in range(steps * BATCH_ROWS):
        length = min(LONGEST, max(24, int(random_.lognormvariate(5.0, 0.7))))
        answer = max(8, int(length * random_.uniform(0.3, 0.7)))
        ids = [random_.randrange(2, VOCABULARY) for _ in range(length)]
        rows.append({"ids": ids, "labels": list(range(length - answer, length))})
    (folder / "rows.json").write_text(json.dumps(rows))


def hyperparameters() -> dict[str, object]:
    """The job's hyperparameters; checkpoints as often as the app has them made in a run of a hundred steps."""
    return {
        "learning_rate": 2e-4,
        "num_train_epochs": 1,
        "per_device_train_batch_size": 4,
        "gradient_accumulation_steps": BATCH_ROWS // 4,
        "max_length": LONGEST,
        "lora_r": 16,
        "lora_alpha": 32,
        "lora_dropout": 0.0,
        "lr_scheduler_type": "constant",
        "warmup_ratio": 0.0,
        "weight_decay": 0.0,
        "max_grad_norm": 1.0,
        "seed": SEED,
        "eval_fraction": 0.0,
        "evals_per_epoch": 1,
        "save_every_steps": 10,
        "max_steps": None,
        "packing": True,
        "load_in_4bit": False,
        "early_stopping_patience": None,
    }


def adapted_model(workload: Workload, attention: str) -> object:
    """The base model with the adapter that both sides start from."""
    import torch

    from model.loading import Placement, load_base
    from model.lora import add_lora
    from protocol import Hyperparameters

    torch.set_num_threads(len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1)
    placement = Placement("cpu", "float32", autocast=False)
    torch.manual_seed(SEED)
    return add_lora(load_base(workload.model, placement, attention), Hyperparameters(**hyperparameters()), placement)


def warm_up(model: object) -> None:
    """Loads kernels and fills caches before the clock runs; one short pass there and back."""
    import torch

    output = model(input_ids=torch.arange(2, 66).unsqueeze(0))
    torch.autograd.backward(output.logits.float().square().mean())
    model.zero_grad(set_to_none=True)


if __name__ == "__main__":
    write_workload(Path(sys.argv[1]), int(sys.argv[2]))
