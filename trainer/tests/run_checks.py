"""What tests of whole runs ask of what a run leaves: the contract's shapes, an adapter that peft itself loads."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import torch
from peft import PeftModel
from support import Volume, planet_rows
from transformers import AutoModelForCausalLM, AutoTokenizer

_CONTRACT = Path(__file__).resolve().parent.parent / "contract"


def assert_follows_contract(value: Any, name: str) -> None:
    """The value has the shape that the generated schema of this name describes."""
    jsonschema.validate(value, json.loads((_CONTRACT / f"{name}.schema.json").read_text()))


def load_reference(model: Path) -> Any:
    """The base model as transformers alone loads it."""
    return AutoModelForCausalLM.from_pretrained(str(model), dtype=torch.float32)


def logits_of(model: Any, tokenizer: Any) -> torch.Tensor:
    """Logits of a fixed prompt."""
    ids = tokenizer.apply_chat_template(planet_rows(1)[0][:1], add_generation_prompt=True, return_dict=False)
    with torch.no_grad():
        logits: torch.Tensor = model(input_ids=torch.tensor([ids])).logits
    return logits


def assert_loads(volume: Volume, folder: Path) -> None:
    """The packaged adapter loads with peft and changes what the model says."""
    collected = volume.collect(folder / "adapter")
    tokenizer = AutoTokenizer.from_pretrained(str(collected))
    adapted = PeftModel.from_pretrained(load_reference(volume.model), str(collected))
    assert not torch.equal(logits_of(adapted, tokenizer), logits_of(load_reference(volume.model), tokenizer))
