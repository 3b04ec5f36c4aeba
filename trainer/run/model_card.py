"""The README.md that travels with an adapter."""

from typing import Any

from model.base_model import ResolvedModel
from protocol import TRAINER_VERSION


def model_card(base: ResolvedModel, summary: dict[str, Any]) -> str:
    """Says what the adapter was trained on, how well it did, and how to load it."""
    front = ["---"]
    if "/" in base.id:
        front.append(f"base_model: {base.id}")
    front += ["library_name: peft", "pipeline_tag: text-generation", "tags:", "- lora", "- tunesmith", "---", ""]
    rows = [
        ("Base model", base.id + (f" at revision {base.revision}" if base.revision else "")),
        ("Weights read from", summary["base_model"]["resolved"]),
        ("Optimizer steps", f"{summary['steps_done']} of {summary['steps_total']}"),
        ("Weights of step", summary["shipped_step"]),
        ("Training rows, held-out rows", f"{summary['rows_train']}, {summary['rows_eval']}"),
        ("Held-out loss, base model", _loss(summary["eval_loss_base"])),
        ("Held-out loss, this adapter", _loss(summary["eval_loss_best"])),
        ("LoRA rank, alpha", f"{summary['hyperparameters']['lora_r']}, {summary['hyperparameters']['lora_alpha']}"),
        ("Trained with", f"Tunesmith trainer {TRAINER_VERSION}"),
    ]
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    usage = (
        "```python\n"
        "from peft import PeftModel\n"
        "from transformers import AutoModelForCausalLM, AutoTokenizer\n\n"
        f'base = AutoModelForCausalLM.from_pretrained("{base.id}")\n'
        'model = PeftModel.from_pretrained(base, "path/to/this/folder")\n'
        'tokenizer = AutoTokenizer.from_pretrained("path/to/this/folder")\n'
        "```\n"
    )
    return "\n".join(front) + f"# LoRA adapter for {base.id}\n\n| | |\n|---|---|\n{table}\n\n## Use\n\n{usage}"


def _loss(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.4f}"
