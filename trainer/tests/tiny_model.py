"""Writes a tiny random model that transformers loads like any other, for tests.

Usage: python trainer/tests/tiny_model.py OUT_DIR [--family qwen3|llama|gemma3]
"""

import argparse
import json
from pathlib import Path
from typing import Any

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
CORPUS = [
    "system user assistant",
    "Which planet is the largest? Jupiter is the largest planet.",
    "How many legs has a spider? A spider has eight legs.",
    "What colour is the sky on a clear day? The sky is blue.",
    "Name a fruit that is yellow. A banana is yellow.",
    "You are a brief teacher. Answer in one sentence.",
]


def write_tiny_model(folder: Path, family: str = "qwen3", template: str = CHATML, seed: int = 0) -> Path:
    """Makes the model folder; the same arguments give the same weights."""
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = _write_tokenizer(folder, template)
    torch.manual_seed(seed)
    model = _model(family, vocabulary)
    model.generation_config.eos_token_id = SPECIAL.index("<|im_end|>")
    model.generation_config.pad_token_id = SPECIAL.index("<|endoftext|>")
    model.save_pretrained(str(folder))
    return folder


def _write_tokenizer(folder: Path, template: str) -> int:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        chat_template=template,
        clean_up_tokenization_spaces=False,
    )
    wrapped.save_pretrained(str(folder))
    return len(wrapped)


def _model(family: str, vocabulary: int) -> Any:
    import transformers

    shape = {
        "vocab_size": vocabulary,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "max_position_embeddings": 1024,
        # A frozen random head with a small range would cap the logits and with them what can be learned.
        "initializer_range": 0.3,
        "eos_token_id": SPECIAL.index("<|im_end|>"),
        "pad_token_id": SPECIAL.index("<|endoftext|>"),
        "bos_token_id": None,
        "tie_word_embeddings": True,
    }
    if family == "qwen3":
        return transformers.Qwen3ForCausalLM(transformers.Qwen3Config(**shape))
    if family == "llama":
        return transformers.LlamaForCausalLM(transformers.LlamaConfig(**shape))
    if family == "gemma3":
        return transformers.Gemma3ForCausalLM(transformers.Gemma3TextConfig(**shape, sliding_window=64))
    raise ValueError(f"unknown family {family}")


def main() -> None:
    """Command line of this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--family", default="qwen3", choices=["qwen3", "llama", "gemma3"])
    arguments = parser.parse_args()
    folder = write_tiny_model(arguments.out, arguments.family)
    print(json.dumps({"folder": str(folder), "family": arguments.family}))


if __name__ == "__main__":
    main()
