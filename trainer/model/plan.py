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
# Below this a share says nothing: the adapter of a small model is small whatever it is compared with.
_ALWAYS_FINE = 200_000_000
# NF4 with magnitudes quantised once more: 0.5 + (1 + 4/256)/64 bytes.
_NF4_DOUBLE_BYTES = 0.5 + (1 + 4 / 256) / 64
_NF4_BYTES = 0.5 + 4 / 64
_WEIGHT_BYTES = {"float32": 4, "bfloat16": 2}
# The allocator's gaps grow with what is kept.
_FOR_KEEPING = 0.85
# Of what is there, a part is the driver's, the allocator's gaps and other processes'.
_USABLE = 0.95
_CHECKPOINTING_PARAMETERS = 1_000_000_000
_LOGIT_PIECE_BYTES = 1 << 28
_RECURRENT_BYTES = 88
# How far an estimate of activations may be off before a run is refused for it.
_CLEARLY = 1.25


@dataclass(frozen=True)
class LoraPlan:
    """Layers that LoRA adapts and how many weights that makes; counted on a model without storage.

    `layer_units` are the numbers that a layer keeps per token for its backward pass; `recurrent_units` the width of
    linear attention, 0 without it.
    """

    targets: list[str]
    parameters_trainable: int
    parameters_total: int
    parameters_experts: int
    parameters_linear: int
    largest_expert_layer: int
    hidden_size: int
    vocabulary: int
    layers: int
    layer_units: int
    recurrent_units: int
    quantization: Quantization

    @property
    def is_mixture(self) -> bool:
        """Whether the model has experts."""
        return self.parameters_experts > 0


@dataclass(frozen=True)
class MemoryPlan:
    """Bytes on one device; `available_bytes` is None where it cannot be known.

    `layers_kept` layers keep their activations although the run recomputes those of the others: there is room for them.
    """

    weights_bytes: int
    adapter_bytes: int
    optimizer_bytes: int
    activations_bytes: int
    total_bytes: int
    available_bytes: int | None
    quantization: Quantization
    layers_kept: int = 0

    def as_event(self) -> dict[str, Any]:
        """The fields of the `memory_plan` event."""
        return {name: value for name, value in asdict(self).items() if name != "layers_kept"}


def plan_lora(folder: Path, parameters: Hyperparameters) -> LoraPlan:
    """Resolves the target layers; refuses a list that would train more than a LoRA adapter ever should."""
    import torch

    from model.experts import empty_model

    model = empty_model(folder, torch.bfloat16, "eager")
    config = model.config.get_text_config()
    _require_whole_numbers(model.config)
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
        vocabulary=int(config.vocab_size),
        layers=int(config.num_hidden_layers),
        layer_units=layer_units(config),
        recurrent_units=int((getattr(config, "linear_num_value_heads", 0) or 0) * (getattr(config, "linear_value_head_dim", 0) or 0)),
        quantization=_quantization(parameters.load_in_4bit, config),
    )
    check_budget(plan)
    return plan


def check_budget(plan: LoraPlan) -> None:
    """Refuses an adapter that is no adapter any more."""
    if plan.parameters_trainable <= max(_ALWAYS_FINE, min(_MOST_TRAINABLE, _MOST_SHARE * plan.parameters_total)):
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
    every layer, and what one layer keeps; without it, what all layers keep. A layer keeps 17 numbers per token and hidden
    unit and 4 per feed-forward unit: Korthikanti et al. 2022, equation 1, in 16 bits, without attention scores, which fused
    kernels do not keep. Each expert that a token visits keeps as much for itself. Linear attention keeps another 88 bytes
    per unit in its plain form (measured on the CPU, as was that the rest is 15 to 20 % too high for dense layers, which
    leaves room for what the backward pass needs for a moment). Logits: three copies of one piece in float32.
    """
    size = _WEIGHT_BYTES[placement.weights]
    available = available_memory(placement.device)
    weights = plan.parameters_total * size
    if placement.quantization == "nf4":
        weights = int((plan.parameters_total - plan.parameters_linear) * size + plan.parameters_linear * _NF4_DOUBLE_BYTES)
    elif placement.quantization == "nf4-experts":
        weights = int((plan.parameters_total - plan.parameters_experts) * size + plan.parameters_experts * _NF4_BYTES)
        weights += plan.largest_expert_layer * size
    adapter = plan.parameters_trainable * 4
    tokens = min(longest, parameters.max_length) * parameters.per_device_train_batch_size
    per_token = plan.layer_units * size + plan.recurrent_units * _RECURRENT_BYTES
    within, layers_kept = tokens * per_token, 0
    kept = tokens * plan.hidden_size * size * plan.layers + within if uses_checkpointing(plan, placement) else within * plan.layers
    activations = kept + 3 * min(_LOGIT_PIECE_BYTES, tokens * plan.vocabulary * 4)
    fixed = int(weights) + adapter + plan.parameters_trainable * 12
    if uses_checkpointing(plan, placement) and available is not None and placement.quantization != "nf4-experts":
        # Packed lines are as long as rows may be, however short the rows are.
        width = parameters.max_length if parameters.packing else min(longest, parameters.max_length)
        widest = parameters.per_device_train_batch_size * width
        layers_kept = layers_with_room(available - fixed - activations, widest * per_token, plan.layers)
        activations += layers_kept * within
    return MemoryPlan(
        weights_bytes=int(weights),
        adapter_bytes=adapter,
        optimizer_bytes=plan.parameters_trainable * 12,
        activations_bytes=int(activations),
        total_bytes=fixed + int(activations),
        available_bytes=available,
        quantization=placement.quantization,
        layers_kept=layers_kept,
    )


def layers_with_room(left_bytes: float, layer_bytes: int, layers: int) -> int:
    """How many layers can keep what they need for the backward pass in the memory that is left, with a reserve."""
    return max(0, min(layers, int(left_bytes * _FOR_KEEPING) // layer_bytes))


def uses_checkpointing(plan: LoraPlan, placement: Placement) -> bool:
    """Whether activations are computed a second time: where memory is dear, and wherever weights are unpacked for use."""
    return placement.quantization != "none" or (placement.device == "cuda" and plan.parameters_total >= _CHECKPOINTING_PARAMETERS)


def check_memory(plan: MemoryPlan, rows_at_once: int = 1) -> str | None:
    """Refuses a run that cannot fit even row by row; a sentence when it will be tight, because then batches are cut up.

    `rows_at_once` is the batch that the plan was made for; a step that runs out of memory is repeated with fewer rows.
    """
    if plan.available_bytes is None:
        return None
    usable = plan.available_bytes * _USABLE
    fixed = plan.weights_bytes + plan.adapter_bytes + plan.optimizer_bytes
    there = f"{plan.available_bytes / 1e9:.1f} GB are there"
    if fixed > usable:
        message = f"This run needs {fixed / 1e9:.1f} GB for weights and optimizer alone; {there}."
        advice = "Choose a smaller base model, turn on 4-bit loading, lower the rank, or use a GPU with more memory."
        raise RunFailure("OUT_OF_MEMORY", message, advice)
    least = fixed + plan.activations_bytes / rows_at_once
    if least > usable * _CLEARLY:
        message = f"This run needs about {least / 1e9:.1f} GB even with one row at a time; {there}."
        advice = "Lower the longest row (max_length), choose a smaller base model, or use a GPU with more memory."
        raise RunFailure("OUT_OF_MEMORY", message, advice)
    if plan.total_bytes > usable:
        return f"Memory will be tight: about {plan.total_bytes / 1e9:.1f} GB are needed, {there}."
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
    free = [int(found["MemAvailable"]) * 1024] if "MemAvailable" in found else []
    return min([*free, *_left_in_container()], default=None)


def _left_in_container(folder: Path = Path("/sys/fs/cgroup")) -> list[int]:
    """What a container's limit leaves, where there is one."""
    try:
        limit, used = ((folder / name).read_text(encoding="ascii").strip() for name in ("memory.max", "memory.current"))
        # Cached files are counted as used, although they make room as soon as it is needed.
        cached = dict(line.split() for line in (folder / "memory.stat").read_text(encoding="ascii").splitlines())
    except (OSError, ValueError):
        return []
    return [max(0, int(limit) - int(used) + int(cached.get("file", "0")))] if limit.isdigit() and used.isdigit() else []


def _experts_by_layer(model: Any) -> dict[str, int]:
    from model.experts import expert_parameters

    wanted = set(expert_parameters(model))
    sizes: dict[str, int] = {}
    for name, parameter in model.named_parameters():
        if name in wanted:
            layer = name.rsplit(".", 1)[0]
            sizes[layer] = sizes.get(layer, 0) + int(parameter.numel())
    return sizes


def layer_units(config: Any) -> int:
    """Numbers that one layer keeps per token, in the type of the weights: its own, and those of each expert visited."""
    hidden = int(config.hidden_size)
    visited = int(getattr(config, "num_experts_per_tok", None) or 0) if is_mixture(config) else 0
    dense = getattr(config, "shared_expert_intermediate_size", None) or 0 if visited else config.intermediate_size
    expert = int(getattr(config, "moe_intermediate_size", None) or config.intermediate_size)
    return 17 * hidden + 4 * int(dense) + visited * 4 * (hidden + expert)


def _require_whole_numbers(config: Any) -> None:
    """Refuses weights that are published in few bits: they need kernels of their own, and LoRA learns less on them."""
    packed = getattr(config, "quantization_config", None) or getattr(config.get_text_config(), "quantization_config", None)
    if not packed:
        return
    method = packed.get("quant_method") if isinstance(packed, dict) else getattr(packed, "quant_method", None)
    message = f"The weights of this base model are stored in few bits already ({method or 'unknown method'})."
    advice = "Choose the model's 16-bit edition; with 4-bit loading turned on it takes as little memory."
    raise RunFailure("INVALID_INPUT", message, advice)


def _quantization(load_in_4bit: bool, config: Any) -> Quantization:
    from model.experts import PACKABLE_FAMILIES

    if not load_in_4bit:
        return "none"
    if not is_mixture(config):
        return "nf4"
    if config.model_type not in PACKABLE_FAMILIES:
        message = f"The experts of this model ({config.model_type}) cannot be kept in 4 bits here."
        raise RunFailure("INVALID_INPUT", message, "Turn 4-bit loading off, or choose a mixture-of-experts model of the catalogue.")
    return "nf4-experts"
