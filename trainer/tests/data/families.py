"""Tokenizers of the families in the catalogue: tiny vocabularies with the published templates and the tokens that these need."""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from data.encoder import Row, RowEncoder, end_of_turn_ids
from model.loading import load_tokenizer

_QWEN = ("<|im_start|>", "<|im_end|>", "<think>", "</think>", "<tool_call>", "</tool_call>")
_LLAMA = ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")
_MISTRAL = (
    "<s>",
    "</s>",
    "[INST]",
    "[/INST]",
    "[TOOL_CALLS]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
)
# Like SmolLM2's: ChatML with a system text of its own, deaf to tools.
_SMOLLM2 = (
    "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}{{ '<|im_start|>system\nBe helpful.<|im_end|>\n' }}"
    "{% endif %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
# Like Mistral's: the tools and the system text stand before the last question only, the calls have ids of nine letters.
_MISTRAL_LIKE = (
    "{% set start = 1 if messages[0]['role'] == 'system' else 0 %}{% set turns = messages[start:] %}"
    "{% set plain = turns | rejectattr('role', 'equalto', 'tool') | selectattr('tool_calls', 'undefined') | list %}"
    "{% for m in plain %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate') }}{% endif %}"
    "{% endfor %}{% set asked = turns | selectattr('role', 'equalto', 'user') | list %}{{ bos_token }}"
    "{% for m in turns %}{% if m['role'] == 'user' %}"
    "{% if tools and m == asked[-1] %}{{ '[AVAILABLE_TOOLS]' + (tools | tojson) + '[/AVAILABLE_TOOLS]' }}{% endif %}"
    "{{ '[INST]' + (messages[0]['content'] + '\n\n' if start and loop.last else '') + m['content'] + '[/INST]' }}"
    "{% elif m['tool_calls'] is defined %}{% for c in m['tool_calls'] %}"
    "{% if c['id'] | length != 9 %}{{ raise_exception('Ids have nine letters') }}{% endif %}{% endfor %}"
    "{{ '[TOOL_CALLS]' + (m['tool_calls'] | tojson) + eos_token }}"
    "{% elif m['role'] == 'assistant' %}{{ m['content'] + eos_token }}"
    "{% elif m['role'] == 'tool' %}{{ '[TOOL_RESULTS]' + m['content'] + '[/TOOL_RESULTS]' }}"
    "{% else %}{{ raise_exception('Unknown role') }}{% endif %}{% endfor %}"
)


@dataclass(frozen=True)
class Family:
    """A template and the tokens it writes; `source` is a file of TRL's, a packed vocabulary, or a template of this file."""

    tokens: tuple[str, ...]
    end: str
    bos: str | None
    source: str
    special: bool = True


FAMILIES = {
    "qwen3": Family(_QWEN, "<|im_end|>", None, "trl:qwen3"),
    "qwen3-2507": Family(_QWEN, "<|im_end|>", None, "trl:qwen3_instruct_2507"),
    "qwen2.5": Family(_QWEN, "<|im_end|>", None, "trl:qwen2_5"),
    "llama3": Family(_LLAMA, "<|eot_id|>", _LLAMA[0], "trl:llama3"),
    "llama3.1": Family(_LLAMA, "<|eot_id|>", _LLAMA[0], "trl:llama3_1"),
    "llama3.2": Family(_LLAMA, "<|eot_id|>", _LLAMA[0], "trl:llama3_2"),
    "gemma3": Family(("<bos>", "<start_of_turn>", "<end_of_turn>"), "<end_of_turn>", "<bos>", "trl:gemma3"),
    "smollm2": Family(_QWEN[:2], "<|im_end|>", None, _SMOLLM2),
    "mistral": Family(_MISTRAL, "</s>", "<s>", _MISTRAL_LIKE),
    "smollm2-published": Family(_QWEN[:2], "<|im_end|>", None, "vocabulary:smollm2"),
    "qwen3-published": Family(_QWEN, "<|im_end|>", None, "vocabulary:qwen3"),
    "mistral-published": Family(_MISTRAL, "</s>", "<s>", "vocabulary:tekken"),
}


def template_of(source: str) -> str:
    """The template's text; skips the test where the app's vocabularies have not been built."""
    kind, _, name = source.partition(":")
    if kind == "trl":
        trl = pytest.importorskip("trl")
        return (Path(trl.__file__).parent / "chat_templates" / f"{name}.jinja").read_text()
    if kind != "vocabulary":
        return source
    path = Path(__file__).parents[3] / "out" / "vocabularies" / f"{name}.vocabulary"
    if not path.is_file():
        pytest.skip("The app's vocabularies are not built here; a template of the same behaviour is tested instead.")
    with gzip.open(path) as file:
        file.read(8)
        header = json.loads(file.read(int.from_bytes(file.read(4), "little")))
    return str(header["chatTemplate"])


def tokenizer_of(folder: Path, name: str) -> Any:
    """The tiny tokenizer with a family's template and tokens."""
    family = FAMILIES[name]
    tokenizer = load_tokenizer(folder)
    marks = [token for token in family.tokens if token.endswith(("think>", "tool_call>"))]
    tokenizer.add_special_tokens({"additional_special_tokens": [token for token in family.tokens if token not in marks]})
    tokenizer.add_tokens(marks)
    tokenizer.eos_token = family.end
    if family.bos is not None:
        tokenizer.bos_token = family.bos
    tokenizer.chat_template = template_of(family.source)
    return tokenizer


def encoder_of(tokenizer: Any, max_length: int = 4096) -> RowEncoder:
    """As a run makes it."""
    return RowEncoder(tokenizer, end_of_turn_ids(tokenizer, None), max_length)


def learned_texts(tokenizer: Any, row: Row) -> list[str]:
    """The learned text, one piece for every unbroken stretch of label positions."""
    pieces: list[list[int]] = []
    previous = -2
    for position in row.labels:
        if position != previous + 1:
            pieces.append([])
        pieces[-1].append(row.ids[position])
        previous = position
    return [tokenizer.decode(piece, skip_special_tokens=False) for piece in pieces]
