"""A tiny model with a trained adapter, ready to be packaged."""

import torch
from support import Volume, planet_rows
from transformers import AutoModelForCausalLM, AutoTokenizer

from model.base_model import ResolvedModel
from model.loading import Placement
from model.lora import add_lora
from protocol import parse_train_input
from run.export import package_adapter

SUMMARY = {
    "base_model": {"resolved": "here"},
    "steps_done": 1,
    "steps_total": 2,
    "shipped_step": 1,
    "rows_train": 3,
    "rows_eval": 1,
    "eval_loss_base": 2.0,
    "eval_loss_best": None,
    "hyperparameters": {"lora_r": 8, "lora_alpha": 16},
}


class Packable:
    """What is packaged: a tiny model with an adapter that is not zero."""

    def __init__(self, volume: Volume) -> None:
        self.volume = volume
        self.job = parse_train_input(volume.job(planet_rows(8)))
        torch.manual_seed(3)
        base = AutoModelForCausalLM.from_pretrained(str(volume.model), dtype=torch.float32)
        self.model = add_lora(base, self.job.hyperparameters, Placement("cpu", "float32", autocast=False))
        for name, parameter in self.model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter)
        self.tokenizer = AutoTokenizer.from_pretrained(str(volume.model))
        self.base = ResolvedModel(volume.model, "org/tiny", "abc123", str(volume.model), "f" * 64)
        volume.run.mkdir(parents=True)

    def package(self) -> str:
        """Packages into the run's folder."""
        return package_adapter(
            self.volume.run,
            model=self.model,
            tokenizer=self.tokenizer,
            base=self.base,
            job=self.job,
            config_sha256="c" * 64,
            summary=SUMMARY,
        )

    def state(self) -> dict[str, torch.Tensor]:
        """The weights as peft names them."""
        from peft import get_peft_model_state_dict

        return {name: tensor.clone() for name, tensor in get_peft_model_state_dict(self.model).items()}
