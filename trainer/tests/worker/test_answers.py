"""Answers stay within what the platform takes and say nothing they should not."""

import errno
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import RunFailure, check_reply
from worker import redaction
from worker.answers import explained, refusal, train_answer
from worker.redaction import Redactor

RUN_ID = "0198c0de-0000-7000-8000-000000000001"
CONTRACT = Path(__file__).resolve().parent.parent.parent / "contract"


def _job_return(message: str, advice: str) -> dict[str, Any]:
    return {
        "v": 1,
        "run_id": RUN_ID,
        "status": "failed",
        "manifest_key": None,
        "manifest_sha256": None,
        "result_key": f"runs/{RUN_ID}/result.json",
        "failure": {"code": "INTERNAL", "message": message, "advice": advice},
    }


@given(st.text(max_size=40), st.text(max_size=40), st.integers(0, 2000))
def test_a_job_return_is_under_10_kb_whatever_went_wrong(message: str, advice: str, repeats: int) -> None:
    """Would catch an error text that makes the platform refuse the whole answer."""
    answer = train_answer(_job_return(message * repeats, advice * repeats))
    jsonschema.validate(answer, json.loads((CONTRACT / "job-return.schema.json").read_text()))
    assert len(json.dumps({"output": answer}).encode()) < 10_000


@given(st.text(max_size=60), st.integers(0, 2000))
def test_a_refusal_is_under_10_kb(text: str, repeats: int) -> None:
    """Would catch the same for a job that fails."""
    assert len(json.dumps(refusal(RunFailure("INTERNAL", text * repeats, "Try again."))).encode()) < 10_000


def test_answers_hold_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch a token in the message of an error."""
    monkeypatch.setattr(redaction, "_process", [Redactor({"HF_TOKEN": "hf_0123456789abc"})])
    assert "hf_0123456789abc" not in json.dumps(train_answer(_job_return("bad hf_0123456789abc", "use hf_0123456789abc")))
    assert "hf_0123456789abc" not in json.dumps(refusal(RunFailure("INTERNAL", "bad hf_0123456789abc", "")))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.ENOSPC, "full"), "DISK_FULL"),
        (OSError(errno.EROFS, "read-only"), "VOLUME_READ_ONLY"),
        (ValueError("surprise"), "INTERNAL"),
    ],
)
def test_an_unexpected_error_says_what_to_do(error: Exception, code: str) -> None:
    """Would catch a traceback where the user needs a sentence."""
    failure = explained(error)
    assert failure.code == code
    assert failure.message.endswith((".", "surprise"))
    assert failure.advice.endswith(".")


def test_a_reply_that_breaks_the_contract_is_named() -> None:
    """Would catch an answer the app cannot read, sent all the same."""
    with pytest.raises(RunFailure, match=r"reply\.received_bytes: expected a whole number from 0 up, got -1") as caught:
        check_reply("put", {"v": 1, "key": "k", "received_bytes": -1, "is_complete": True})
    assert caught.value.code == "INTERNAL"
