"""The handler under the real SDK: every action, progress and its end, a second dispatch, secrets, damaged input."""

import base64
import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from platform_double import Platform, log_of
from support import RUN_ID, Volume, assert_sequence_unbroken, chat, planet_rows
from worker_family import end_family

CONTRACT = Path(__file__).resolve().parent.parent.parent / "contract"
SECRET = "hf_PlantedTokenThatNobodyMaySee1"
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Iterator[tuple[Platform, Volume]]:
    """One platform and one worker for all tests here: starting the SDK takes longer than they do."""
    platform = Platform()
    volume = Volume(tmp_path_factory.mktemp("worker") / "volume", tiny)
    worker = platform.start_worker(volume.root, HF_TOKEN=SECRET, STORE_PASSWORD=PASSWORD)
    yield platform, volume
    end_family(worker)
    platform.close()


def _check(name: str, value: Any) -> Any:
    jsonschema.validate(value, json.loads((CONTRACT / f"{name}.schema.json").read_text()))
    return value


def _asked(shared: tuple[Platform, Volume], action: str, **fields: Any) -> dict[str, Any]:
    """The answer of the worker, which must be as the contract has it."""
    number = sum(job.startswith(action) for job, _ in shared[0].messages)
    answer = shared[0].ask(f"{action}-{number}-u1", {"v": 1, "action": action, **fields})
    assert "error" not in answer, answer
    reply: dict[str, Any] = _check(f"{action.replace('_', '-')}-reply", answer["output"])
    return reply


def test_a_worker_says_what_it_is(shared: tuple[Platform, Volume]) -> None:
    """Would catch a hello that lacks what the app decides by: versions, device, disk, models, actions."""
    reply = _asked(shared, "hello")
    assert reply["actions"] == ["hello", "train", "put", "get", "list", "read_events", "mark_stop", "merge"]
    assert {"torch", "transformers", "peft", "runpod"} <= reply["packages"].keys()
    assert 0 < reply["disk_free_bytes"] <= reply["disk_total_bytes"]
    assert reply["base_models"] == []


def test_a_file_goes_up_in_pieces_and_comes_back_the_same(shared: tuple[Platform, Volume]) -> None:
    """Would catch a piece that is mangled by the SDK's encoding, and an answer that breaks the contract."""
    platform, _ = shared
    data = "".join(json.dumps({"messages": chat("Frage", f"Ünïcode {n}")}) + "\n" for n in range(40)).encode()
    sha256 = hashlib.sha256(data).hexdigest()
    key, half = f"datasets/{sha256}.jsonl", len(data) // 2
    whole = {"key": key, "total_bytes": len(data), "sha256": sha256}
    first = _asked(shared, "put", **whole, offset=0, encoding="identity", data=base64.b64encode(data[:half]).decode())
    assert (first["received_bytes"], first["is_complete"]) == (half, False)
    packed = base64.b64encode(gzip.compress(data[half:])).decode()
    second = _asked(shared, "put", **whole, offset=half, encoding="gzip", data=packed)
    assert (second["received_bytes"], second["is_complete"]) == (len(data), True)
    piece = _asked(shared, "get", key=key, offset=10, max_bytes=1000)
    sent = base64.b64decode(piece["data"])
    assert (gzip.decompress(sent) if piece["encoding"] == "gzip" else sent) == data[10:1010]
    (listed,) = _asked(shared, "list", prefix=key)["files"]
    assert (listed["key"], listed["bytes"]) == (key, len(data))
    refused = platform.ask("get-escape-u1", {"v": 1, "action": "get", "key": "datasets/../../etc/passwd", "offset": 0, "max_bytes": 9})
    assert refused["error"].startswith("INVALID_INPUT: input.key: expected a key below datasets/ or runs/")


def test_a_run_answers_last_and_a_second_dispatch_answers_the_same(shared: tuple[Platform, Volume]) -> None:
    """Would catch progress that overtakes the result, a run trained twice, and a job input that is not checked."""
    platform, volume = shared
    bad = platform.ask("bad-u1", {"v": 1, "action": "train"})
    assert bad["error"].startswith("INVALID_INPUT: input.run_id: expected a UUID, got nothing.")
    job = volume.job(planet_rows(12), max_steps=4, evals_per_epoch=1)
    answer = platform.ask("job-u1", job)
    assert "error" not in answer, answer
    assert _check("job-return", answer["output"])["status"] == "completed"
    assert len(json.dumps(answer)) < 10_000
    of_job = [message for name, message in platform.messages if name == "job-u1"]
    assert of_job[-1] == answer
    for message in of_job[:-1]:
        assert len(json.dumps(_check("progress-snapshot", message["output"]), ensure_ascii=False).encode()) <= 8192
    ends = [message["output"]["to"] for message in of_job[:-1]]
    assert ends == sorted(set(ends))
    assert ends[-1] == volume.events()[-1]["seq"]
    finished = len(volume.events())
    assert platform.ask("again-u1", job)["output"] == answer["output"]
    assert platform.ask("other-u1", volume.job(planet_rows(12), seed=99))["error"].startswith("CONFIG_MISMATCH")
    assert len(volume.events()) == finished


def test_events_are_read_in_pages(shared: tuple[Platform, Volume]) -> None:
    """Would catch a page that repeats or loses an event."""
    _, volume = shared
    read: list[dict[str, Any]] = []
    while True:
        page = _asked(shared, "read_events", run_id=RUN_ID, after_seq=len(read), max_events=7)
        read += page["events"]
        if not page["has_more"]:
            break
    assert_sequence_unbroken(read)
    assert read == volume.events()


def test_no_secret_of_the_environment_leaves_the_worker(shared: tuple[Platform, Volume]) -> None:
    """Would catch a token in an error, an event, a result, the log of the worker or that of its child."""
    platform, volume = shared
    run_id = RUN_ID[:-1] + "9"
    job = {**volume.job(planet_rows(4)), "run_id": run_id, "base_model": {"kind": "folder", "path": f"/none/{SECRET}/{PASSWORD}"}}
    answer = platform.ask("leak-u1", job)
    assert answer["output"]["failure"]["code"] == "MODEL_NOT_FOUND"
    run = volume.root / "runs" / run_id
    kept = [path for path in run.rglob("*") if path.is_file() and path.name != "config.json"]
    assert {"result.json", "seg-00000.jsonl", "status.json"} <= {path.name for path in kept}
    texts = [path.read_text(errors="replace") for path in kept]
    texts += [json.dumps([message for job_id, message in platform.messages if job_id == "leak-u1"]), log_of(volume.root).read_text()]
    assert not [text for text in texts if SECRET in text or PASSWORD in text]
    assert "[hidden]" in answer["output"]["failure"]["message"]
