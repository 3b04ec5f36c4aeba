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


@pytest.mark.parametrize("sees_images", [False, True])
def test_gemma_3_has_the_seven_layers_of_its_text_model_adapted(tmp_path: Path, sees_images: bool) -> None:
    """It is published inside a model that sees images, whose own q_proj and k_proj text must not be trained on."""
    text = {name: value for name, value in GEMMA_12B.items() if name != "architectures"}
    vision = {"model_type": "siglip_vision_model", "hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27}
    vision |= {"num_attention_heads": 16, "image_size": 896, "patch_size": 14, "vision_use_head": False}
    whole = {"architectures": ["Gemma3ForConditionalGeneration"], "model_type": "gemma3", "text_config": text, "vision_config": vision}
    plan = resolve(tmp_path, whole if sees_images else GEMMA_12B)
    assert plan.targets == DENSE
    assert plan.parameters_total == pytest.approx(12_187_325_040 if sees_images else 11_765_788_416, rel=1e-3)
    assert plan.parameters_trainable == 65_470_464


SMALL: dict[str, Any] = {"num_hidden_layers": 2, "hidden_size": 256, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 512}


@pytest.mark.parametrize(
    ("kind", "targets"),
    [
        ("mistral", DENSE),
        ("smollm3", DENSE),
        ("qwen2", DENSE),
        ("gemma2", DENSE),
        ("phi3", ["qkv_proj", "o_proj", "gate_up_proj", "down_proj"]),
        ("mixtral", DENSE[:4]),
        ("gpt_oss", DENSE[:4]),
        ("qwen2_moe", DENSE[:4]),
    ],
)
def test_families_have_the_layers_that_they_are_known_by(tmp_path: Path, kind: str, targets: list[str]) -> None:
    """A shared expert's layer has a dense layer's name; peft would make it LoRA on every expert."""
    assert resolve(tmp_path, {"model_type": kind, "intermediate_size": 512, "pad_token_id": 0, **SMALL}).targets == targets


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


def test_a_large_rank_on_a_tiny_model_is_no_mistake(tmp_path: Path) -> None:
    """A share of the model alone would refuse every small model that is used to try the app."""
    tiny = {**QWEN3_8B, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "vocab_size": 320, "head_dim": 16}
    plan = resolve(tmp_path, {**tiny, "num_attention_heads": 4, "num_key_value_heads": 2}, lora_r=64)
    assert plan.parameters_trainable > 0.5 * plan.parameters_total


@pytest.mark.parametrize("kind", ["gpt2", "falcon_h1", "mistral3", "no_such_thing"])
def test_an_unknown_architecture_is_refused_by_name(tmp_path: Path, kind: str) -> None:
    """A guess at layer names would train something else than what was asked for, or only half of it."""
    with pytest.raises(RunFailure, match=kind) as refused:
        resolve(tmp_path, {"model_type": kind})
    assert refused.value.code == "INVALID_INPUT"


def test_weights_in_few_bits_are_refused_before_they_are_loaded(tmp_path: Path) -> None:
    """They would fail after a long download, for want of kernels, with words that nobody understands."""
    with pytest.raises(RunFailure, match=r"few bits already \(fp8\)"):
        resolve(tmp_path, {**QWEN3_8B, "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}})


def test_experts_that_cannot_be_packed_are_refused_where_that_is_asked_for(tmp_path: Path) -> None:
    """bitsandbytes leaves fused experts in 16 bits without a word: a run that cannot fit would be started."""
    config = {"model_type": "mixtral", "intermediate_size": 512, **SMALL}
    assert resolve(tmp_path, config).quantization == "none"
    with pytest.raises(RunFailure, match="mixtral"):
        resolve(tmp_path, config, load_in_4bit=True)


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


GB = 10**9


@pytest.mark.parametrize(
    ("available", "rows", "said"),
    [
        (100 * GB, 1, None),
        (None, 1, None),
        (20 * GB, 4, "Memory will be tight: about 22.0 GB"),
        (10 * GB, 4, "12.0 GB for weights and optimizer alone"),
        # Ten rows of 1 GB are cut up into single ones; one row of 10 GB is not.
        (15 * GB, 10, "Memory will be tight"),
        (15 * GB, 1, "22.0 GB even with one row at a time"),
    ],
)
def test_a_run_that_cannot_fit_is_refused_and_a_tight_one_warned_of(available: int | None, rows: int, said: str | None) -> None:
    """Running out of memory after minutes of loading costs money and tells nobody what to change."""
    memory = MemoryPlan(10 * GB, GB, GB, 10 * GB, 22 * GB, available, "none")
    try:
        found = check_memory(memory, rows)
    except RunFailure as refused:
        assert refused.code == "OUT_OF_MEMORY"
        found = refused.message
    assert found == said or (said is not None and said in str(found))


def test_a_container_counts_what_its_limit_leaves(tmp_path: Path) -> None:
    """The host's free memory is not the container's: training would be killed without a word."""
    for name, text in {"memory.max": "1000\n", "memory.current": "700\n", "memory.stat": "anon 500\nfile 200\n"}.items():
        (tmp_path / name).write_text(text)
    assert planning._left_in_container(tmp_path) == [500]
    (tmp_path / "memory.max").write_text("max\n")
    assert planning._left_in_container(tmp_path) == []


def test_memory_of_this_computer_is_a_plausible_number() -> None:
    """Kilobytes taken for bytes would refuse every run, or none."""
    found = planning.available_memory("cpu")
    assert found is None or 10**8 < found < 10**14
