"""Targets, sizes and memory of real models, worked out from their published configurations on the meta device."""

import json
from pathlib import Path
from typing import Any

import pytest
from support import hyperparameters

from model import plan as planning
from model.loading import Placement
from model.plan import LoraPlan, MemoryPlan, check_budget, check_memory, plan_lora, plan_memory
from protocol import Hyperparameters, RunFailure

DENSE = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
MIXERS = ["q_proj", "k_proj", "v_proj", "o_proj", "in_proj_qkvz", "in_proj_ba", "out_proj"]
BF16 = Placement("cpu", "bfloat16", autocast=True)
# Published config.json of each model, without what does not change its size.
QWEN3_8B: dict[str, Any] = {
    "architectures": ["Qwen3ForCausalLM"],
    "model_type": "qwen3",
    "vocab_size": 151936,
    "hidden_size": 4096,
    "intermediate_size": 12288,
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "tie_word_embeddings": False,
}
LLAMA_8B: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "vocab_size": 128256,
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "tie_word_embeddings": False,
}
GEMMA_12B: dict[str, Any] = {
    "architectures": ["Gemma3ForCausalLM"],
    "model_type": "gemma3_text",
    "vocab_size": 262208,
    "hidden_size": 3840,
    "intermediate_size": 15360,
    "num_hidden_layers": 48,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 256,
}
QWEN3_30B: dict[str, Any] = {
    "architectures": ["Qwen3MoeForCausalLM"],
    "model_type": "qwen3_moe",
    "vocab_size": 151936,
    "hidden_size": 2048,
    "intermediate_size": 6144,
    "moe_intermediate_size": 768,
    "num_hidden_layers": 48,
    "num_attention_heads": 32,
    "num_key_value_heads": 4,
    "head_dim": 128,
    "num_experts": 128,
    "num_experts_per_tok": 8,
    "tie_word_embeddings": False,
}
QWEN3_NEXT: dict[str, Any] = {
    "architectures": ["Qwen3NextForCausalLM"],
    "model_type": "qwen3_next",
    "vocab_size": 151936,
    "hidden_size": 2048,
    "intermediate_size": 5120,
    "num_hidden_layers": 48,
    "num_attention_heads": 16,
    "num_key_value_heads": 2,
    "head_dim": 256,
    "linear_conv_kernel_dim": 4,
    "linear_key_head_dim": 128,
    "linear_value_head_dim": 128,
    "linear_num_key_heads": 16,
    "linear_num_value_heads": 32,
    "moe_intermediate_size": 512,
    "shared_expert_intermediate_size": 512,
    "num_experts": 512,
    "num_experts_per_tok": 10,
    "tie_word_embeddings": False,
}


def resolve(folder: Path, config: dict[str, Any], **changes: Any) -> LoraPlan:
    """The plan for a folder that holds a configuration and nothing else."""
    (folder / "config.json").write_text(json.dumps(config))
    return plan_lora(folder, settings(**changes))


def settings(**changes: Any) -> Hyperparameters:
    """Hyperparameters of a usual run."""
    return Hyperparameters(**hyperparameters(**{"lora_r": 16, "max_length": 2048, **changes}))


@pytest.mark.parametrize(
    ("config", "targets", "total", "trainable"),
    [
        (QWEN3_8B, DENSE, 8_190_735_360, 43_646_976),
        (LLAMA_8B, DENSE, 8_030_261_248, 41_943_040),
        (QWEN3_30B, ["q_proj", "k_proj", "v_proj", "o_proj"], 30_532_122_624, 13_369_344),
        (QWEN3_NEXT, MIXERS, 79_674_391_296, 17_154_048),
    ],
)
def test_targets_and_sizes_of_published_models(
    tmp_path: Path, config: dict[str, Any], targets: list[str], total: int, trainable: int
) -> None:
    """A target list that misses layers, or catches experts, shows in the counts before a GPU is rented."""
    plan = resolve(tmp_path, config)
    assert plan.targets == targets
    assert plan.parameters_total == pytest.approx(total, rel=2e-4)
    assert plan.parameters_trainable == pytest.approx(trainable, rel=2e-3)


def test_gemma_3_has_its_seven_layers_adapted(tmp_path: Path) -> None:
    """Its text model stands alone or inside one that sees images; both have the same layers."""
    plan = resolve(tmp_path, GEMMA_12B)
    assert plan.targets == DENSE
    assert 11.5e9 < plan.parameters_total < 12.5e9


@pytest.mark.parametrize(("rank", "millions"), [(8, 8.6), (16, 17.1), (32, 34.3), (64, 68.6)])
def test_the_adapter_of_qwen3_next_is_that_of_its_mixers(tmp_path: Path, rank: int, millions: float) -> None:
    """LoRA on every routed expert would be two hundred times as large."""
    plan = resolve(tmp_path, QWEN3_NEXT, lora_r=rank)
    assert plan.parameters_trainable / 1e6 == pytest.approx(millions, abs=0.06)
    assert plan.parameters_experts == pytest.approx(77.31e9, rel=1e-3)


def test_a_list_that_trains_experts_is_refused_before_weights_are_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """3.4 billion trainable weights need 51 GB of optimizer state that nobody asked for."""
    plan = resolve(tmp_path, QWEN3_NEXT)
    large = LoraPlan(**{**plan.__dict__, "parameters_trainable": 3_443_000_000})
    with pytest.raises(RunFailure, match="3443 million") as refused:
        check_budget(large)
    assert refused.value.code == "TARGETS_TOO_LARGE"


def test_an_unknown_architecture_is_refused_by_name(tmp_path: Path) -> None:
    """A guess at layer names would train something else than what was asked for."""
    config = {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "n_layer": 2, "n_embd": 64, "n_head": 2, "vocab_size": 100}
    with pytest.raises(RunFailure, match="gpt2"):
        resolve(tmp_path, config)


@pytest.mark.parametrize(
    ("config", "in_4bit", "gib"),
    [(QWEN3_8B, False, (15.0, 16.0)), (QWEN3_8B, True, (5.5, 6.5)), (QWEN3_NEXT, False, (147.0, 150.0)), (QWEN3_NEXT, True, (44.0, 50.0))],
)
def test_weights_take_what_their_types_say(tmp_path: Path, config: dict[str, Any], in_4bit: bool, gib: tuple[float, float]) -> None:
    """The large model fits one card of 80 GB only when its experts are packed; a plan that says otherwise costs a rented hour."""
    plan = resolve(tmp_path, config, load_in_4bit=in_4bit)
    placement = Placement("cpu", "bfloat16", autocast=True, quantization=plan.quantization)
    memory = plan_memory(plan, settings(), 2048, placement)
    assert gib[0] < memory.weights_bytes / 2**30 < gib[1]
    assert memory.optimizer_bytes == plan.parameters_trainable * 12
    assert memory.total_bytes == memory.weights_bytes + memory.adapter_bytes + memory.optimizer_bytes + memory.activations_bytes


def test_a_run_that_cannot_fit_is_refused_and_a_tight_one_warned_of() -> None:
    """Running out of memory after minutes of loading costs money and tells nobody what to change."""
    fits = MemoryPlan(10, 1, 3, 6, 20, 100, "none")
    assert check_memory(fits) is None
    assert check_memory(MemoryPlan(10, 1, 3, 6, 20, None, "none")) is None
    tight = MemoryPlan(10**10, 10**9, 10**9, 10**10, 22 * 10**9, 20 * 10**9, "none")
    assert "22.0 GB" in str(check_memory(tight))
    with pytest.raises(RunFailure, match=r"12\.0 GB for weights") as refused:
        check_memory(MemoryPlan(10**10, 10**9, 10**9, 10**10, 22 * 10**9, 10**10, "none"))
    assert refused.value.code == "OUT_OF_MEMORY"


def test_memory_of_this_computer_is_a_plausible_number() -> None:
    """Kilobytes taken for bytes would refuse every run, or none."""
    found = planning.available_memory("cpu")
    assert found is None or 10**8 < found < 10**14
