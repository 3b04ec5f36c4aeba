"""What a run will train and what memory it will take, worked out from config.json before any weight is loaded."""

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from model.loading import Placement, Quantization
from model.lora import is_mixture, lora_targets, vision_parts
from protocol import Hyperparameters, RunFailure

# The largest useful adapters (rank 128 on all layers of a 70B model) stay below; a list that catches experts does not.
_MOST_TRAINABLE = 2_000_000_000
_MOST_SHARE = 0.5
# NF4 with magnitudes quantised once more: 0.5 + (1 + 4/256)/64 bytes.
_NF4_DOUBLE_BYTES = 0.5 + (1 + 4 / 256) / 64
_NF4_BYTES = 0.5 + 4 / 64
_WEIGHT_BYTES = {"float32": 4, "bfloat16": 2}
# Of what is there, a part is the driver's, the allocator's gaps and other processes'.
_USABLE = 0.95
_CHECKPOINTING_PARAMETERS = 1_000_000_000
_LOGIT_PIECE_BYTES = 3 * (1 << 28)


@dataclass(frozen=True)
class LoraPlan:
    """Layers that LoRA adapts and how many weights that makes; counted on a model without storage."""

    targets: list[str]
    parameters_trainable: int
    parameters_total: int
    parameters_experts: int
    parameters_linear: int
    largest_expert_layer: int
    hidden_size: int
    intermediate_size: int
    layers: int
    quantization: Quantization

    @property
    def is_mixture(self) -> bool:
        """Whether the model has experts."""
        return self.parameters_experts > 0


@dataclass(frozen=True)
class MemoryPlan:
    """Bytes on one device; `available_bytes` is None where it cannot be known."""

    weights_bytes: int
    adapter_bytes: int
    optimizer_bytes: int
    activations_bytes: int
    total_bytes: int
    available_bytes: int | None
    quantization: Quantization

    def as_event(self) -> dict[str, Any]:
        """The fields of the `memory_plan` event."""
        return asdict(self)


def plan_lora(folder: Path, parameters: Hyperparameters) -> LoraPlan:
    """Resolves the target layers; refuses a list that would train more than a LoRA adapter ever should."""
    import torch

    from model.experts import empty_model

    model = empty_model(folder, torch.bfloat16, "eager")
    config = model.config.get_text_config()
    targets = lora_targets(model)
    vision = tuple(vision_parts(model))
    linear = [(n, m) for n, m in model.named_modules() if isinstance(m, torch.nn.Linear) and not n.startswith(vision or ("\0",))]
    # LoRA of rank r on a layer of d_in by d_out has r · (d_in + d_out) weights (Hu et al. 2021, section 4).
    trainable = sum(
        parameters.lora_r * (module.in_features + module.out_features) for name, module in linear if name.rsplit(".", 1)[-1] in targets
    )
    experts = _experts_by_layer(model)
    plan = LoraPlan(
        targets=targets,
        parameters_trainable=trainable,
        parameters_total=sum(p.numel() for p in model.parameters()),
        parameters_experts=sum(experts.values()),
        parameters_linear=sum(m.weight.numel() for n, m in linear if "lm_head" not in n),
        largest_expert_layer=max(experts.values(), default=0),
        hidden_size=int(config.hidden_size),
        intermediate_size=_widest(config),
        layers=int(config.num_hidden_layers),
        quantization=_quantization(parameters.load_in_4bit, is_mixture(config) and bool(experts)),
    )
    check_budget(plan)
    return plan


def check_budget(plan: LoraPlan) -> None:
    """Refuses an adapter that is no adapter any more."""
    if plan.parameters_trainable <= min(_MOST_TRAINABLE, _MOST_SHARE * plan.parameters_total):
        return
    share = plan.parameters_trainable / plan.parameters_total
    message = (
        f"LoRA on {', '.join(plan.targets)} would train {plan.parameters_trainable / 1e6:.0f} million weights ({share:.0%} of the model)."
    )
    raise RunFailure("TARGETS_TOO_LARGE", message, "Lower the rank (lora_r), then start a new run.")


def plan_memory(plan: LoraPlan, parameters: Hyperparameters, longest: int, placement: Placement) -> MemoryPlan:
    """Bytes that a run will take at its peak, with rows of at most `longest` tokens.

    Weights: 4 or 2 bytes each, or those of NF4 for what is packed, plus one layer's experts in full while they are used.
    Adapter: float32. Optimizer: gradient and two moments of Adam in float32. Activations with checkpointing: the input of
    every layer, and within one layer about 34 bytes per token and hidden unit in 16 bits plus its feed-forward part
    (Korthikanti et al. 2022, equation 1, without attention scores, which fused kernels do not keep); without checkpointing
    that of all layers. Logits: three copies of one piece.
    """
    size = _WEIGHT_BYTES[placement.weights]
    weights = plan.parameters_total * size
    if placement.quantization == "nf4":
        weights = int((plan.parameters_total - plan.parameters_linear) * size + plan.parameters_linear * _NF4_DOUBLE_BYTES)
    elif placement.quantization == "nf4-experts":
        weights = int((plan.parameters_total - plan.parameters_experts) * size + plan.parameters_experts * _NF4_BYTES)
        weights += plan.largest_expert_layer * size
    adapter = plan.parameters_trainable * 4
    tokens = min(longest, parameters.max_length) * parameters.per_device_train_batch_size
    within = tokens * (17 * plan.hidden_size + 4 * plan.intermediate_size) * size
    kept = tokens * plan.hidden_size * size * plan.layers + within if uses_checkpointing(plan, placement) else within * plan.layers
    activations = kept + _LOGIT_PIECE_BYTES
    return MemoryPlan(
        weights_bytes=int(weights),
        adapter_bytes=adapter,
        optimizer_bytes=plan.parameters_trainable * 12,
        activations_bytes=int(activations),
        total_bytes=int(weights) + adapter + plan.parameters_trainable * 12 + int(activations),
        available_bytes=available_memory(placement.device),
        quantization=placement.quantization,
    )


def uses_checkpointing(plan: LoraPlan, placement: Placement) -> bool:
    """Whether activations are computed a second time: where memory is dear, and wherever weights are unpacked for use."""
    return placement.quantization != "none" or (placement.device == "cuda" and plan.parameters_total >= _CHECKPOINTING_PARAMETERS)


def check_memory(plan: MemoryPlan) -> str | None:
    """Refuses a run whose weights and optimizer alone cannot fit; a sentence when it will be tight, because rows may be short."""
    if plan.available_bytes is None:
        return None
    usable = plan.available_bytes * _USABLE
    fixed = plan.weights_bytes + plan.adapter_bytes + plan.optimizer_bytes
    if fixed > usable:
        message = f"This run needs {fixed / 1e9:.1f} GB for weights and optimizer alone; {plan.available_bytes / 1e9:.1f} GB are there."
        advice = "Choose a smaller base model, turn on 4-bit loading, lower the rank, or use a GPU with more memory."
        raise RunFailure("OUT_OF_MEMORY", message, advice)
    if plan.total_bytes > usable:
        return f"Memory will be tight: about {plan.total_bytes / 1e9:.1f} GB are needed, {plan.available_bytes / 1e9:.1f} GB are there."
    return None


def available_memory(device: str) -> int | None:
    """Bytes that a run can use on a device: of the whole card, or those free on the computer; None where it cannot be known."""
    import torch

    if device == "cuda":
        return int(torch.cuda.mem_get_info()[1])
    if sys.platform != "linux":
        return None
    with open("/proc/meminfo", encoding="ascii") as file:
        found = {line.split(":")[0]: line.split()[1] for line in file}
    return int(found["MemAvailable"]) * 1024 if "MemAvailable" in found else None


def _experts_by_layer(model: Any) -> dict[str, int]:
    from model.experts import expert_parameters

    wanted = set(expert_parameters(model))
    sizes: dict[str, int] = {}
    for name, parameter in model.named_parameters():
        if name in wanted:
            layer = name.rsplit(".", 1)[0]
            sizes[layer] = sizes.get(layer, 0) + int(parameter.numel())
    return sizes


def _widest(config: Any) -> int:
    """Units of a token's feed-forward part: of the dense layer, or of the experts that a token visits."""
    dense = getattr(config, "intermediate_size", None) or 4 * config.hidden_size
    per_token = getattr(config, "num_experts_per_tok", None)
    expert = getattr(config, "moe_intermediate_size", None)
    return int(max(dense, per_token * expert)) if per_token and expert else int(dense)


def _quantization(load_in_4bit: bool, has_packed_experts: bool) -> Quantization:
    if not load_in_4bit:
        return "none"
    return "nf4-experts" if has_packed_experts else "nf4"
