"""What training changes: the adapter's weights and the optimizer's memory of them, out of and into tensors."""

from typing import Any

import torch

from protocol import Hyperparameters
from run.checkpoint import Tensors


class AdapterState:
    """The trained parameters of a model with AdamW over them."""

    def __init__(self, model: Any, parameters: Hyperparameters) -> None:
        self.trained: dict[str, torch.nn.Parameter] = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self._optimizer = torch.optim.AdamW(
            self.parameters,
            lr=parameters.learning_rate,
            betas=(0.9, 0.999),
            weight_decay=parameters.weight_decay,
            fused=True,
        )

    @property
    def parameters(self) -> list[torch.nn.Parameter]:
        """The trained parameters in a fixed order."""
        return list(self.trained.values())

    @property
    def bytes(self) -> int:
        """Size of the adapter's weights."""
        return sum(parameter.numel() * parameter.element_size() for parameter in self.parameters)

    def step(self, learning_rate: float) -> None:
        """Changes the weights by their gradients."""
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        self._optimizer.step()

    def weights(self) -> Tensors:
        """A copy of the adapter's weights on the CPU."""
        return {name: p.detach().to("cpu", copy=True).contiguous() for name, p in self.trained.items()}

    def load_weights(self, tensors: Tensors) -> None:
        """Replaces the adapter's weights."""
        with torch.no_grad():
            for name, parameter in self.trained.items():
                parameter.copy_(tensors[name])

    def moments(self) -> Tensors:
        """A copy of what the optimizer remembers, on the CPU; empty before its first step."""
        tensors: Tensors = {}
        for name, parameter in self.trained.items():
            for key, value in self._optimizer.state.get(parameter, {}).items():
                tensors[f"{name}.{key}"] = value.detach().to("cpu", copy=True).contiguous()
        return tensors

    def load_moments(self, tensors: Tensors) -> None:
        """Replaces what the optimizer remembers."""
        self._optimizer.state.clear()
        for name, parameter in self.trained.items():
            if f"{name}.exp_avg" in tensors:
                self._optimizer.state[parameter] = {
                    "step": tensors[f"{name}.step"].to(parameter.device, copy=True),
                    "exp_avg": tensors[f"{name}.exp_avg"].to(parameter.device, copy=True),
                    "exp_avg_sq": tensors[f"{name}.exp_avg_sq"].to(parameter.device, copy=True),
                }
