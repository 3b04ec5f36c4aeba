"""Secrets stay in the environment."""

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker import redaction
from worker.redaction import RedactedStream, Redactor, redacted_event

ENVIRONMENT = {
    "HF_TOKEN": "hf_SecretOfTheUser01",
    "RUNPOD_AI_API_KEY": "plain-api-key-9",
    "DB_PASSWORD": 'pa"ss\\wo+rd /1',
    "AWS_SECRET_ACCESS_KEY": "AKIAabcdefgh/12+3",
    "TOKENIZERS_PARALLELISM": "false-but-long",
    "RUNPOD_PING_INTERVAL": "10000000",
    "HF_TOKEN_PATH": "/home/user/.cache/token",
    "SHORT_TOKEN": "abc",
}
SECRETS = [ENVIRONMENT[name] for name in ("HF_TOKEN", "RUNPOD_AI_API_KEY", "DB_PASSWORD", "AWS_SECRET_ACCESS_KEY")]


@pytest.fixture
def redactor() -> Redactor:
    return Redactor(ENVIRONMENT)


@pytest.mark.parametrize("secret", SECRETS)
def test_a_value_of_the_environment_is_hidden_wherever_it_stands(redactor: Redactor, secret: str) -> None:
    """Would catch a token in an error's text, in JSON, or in an address."""
    from json import dumps
    from urllib.parse import quote

    for text in (secret, f"x{secret}y", dumps({"a": secret}), f"https://host/?q={quote(secret, safe='')}"):
        shown = redactor.text(text)
        assert secret not in shown
        assert quote(secret, safe="") not in shown
        assert dumps(secret)[1:-1] not in shown


@pytest.mark.parametrize("name", ["TOKENIZERS_PARALLELISM", "RUNPOD_PING_INTERVAL", "HF_TOKEN_PATH", "SHORT_TOKEN"])
def test_a_setting_that_only_sounds_like_a_secret_is_shown(redactor: Redactor, name: str) -> None:
    """Would catch logs with holes in them: `false` is no secret."""
    assert redactor.text(f"it is {ENVIRONMENT[name]}") == f"it is {ENVIRONMENT[name]}"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("token hf_abcdefghijklmnop is bad", "hf_abcdefghijklmnop"),
        ("key rpa_ABCDEFGH12345678", "rpa_ABCDEFGH12345678"),
        ("rps_ABCDEFGH12345678", "rps_ABCDEFGH12345678"),
        ("Authorization: Bearer abc.def-ghi_123", "abc.def-ghi_123"),
        ("{'authorization': 'Bearer abcdefghijkl'}", "abcdefghijkl"),
        ('"Authorization":"Basic dXNlcjpwYXNz"', "dXNlcjpwYXNz"),
        ("sent bearer AbCdEf123456789", "AbCdEf123456789"),
        ("url='http://127.0.0.1:1/v2/local/job-done/x?gpu=local&token=0123456789abcdef'", "0123456789abcdef"),
        ("https://s3.example/x?X-Amz-Signature=deadbeef00&a=1", "deadbeef00"),
        ("https://user:hunter2@host/path", "hunter2"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str, secret: str) -> None:
    """Would catch a key that did not come from our own environment."""
    assert secret not in Redactor({}).text(text)


@pytest.mark.parametrize(
    "text",
    [
        "Basic understanding of bearer securities is enough.",
        "The authorization was refused.",
        "The key=value pairs of https://huggingface.co/Qwen/Qwen3-8B?download=true",
        "Step 12 of 40: loss 1.2345, 3,210 tokens/s",
        "UUID 0198c0de-0000-7000-8000-000000000001, hash " + "0a" * 32,
    ],
)
def test_plain_text_stays_as_it_is(text: str) -> None:
    """Would catch sentences that lose their words."""
    assert Redactor({}).text(text) == text


@given(st.lists(st.integers(1, 30), min_size=1, max_size=12))
def test_a_secret_printed_in_pieces_is_hidden(cuts: list[int]) -> None:
    """Would catch a secret that is split over two writes."""
    text = f"before {ENVIRONMENT['HF_TOKEN']} after\nnext {ENVIRONMENT['RUNPOD_AI_API_KEY']}"
    target = io.StringIO()
    stream = RedactedStream(target, Redactor(ENVIRONMENT))
    rest = text
    for cut in cuts:
        stream.write(rest[:cut])
        stream.flush()
        rest = rest[cut:]
    stream.write(rest)
    stream.finish()
    assert target.getvalue() == "before [hidden] after\nnext [hidden]"


def test_a_line_without_end_is_not_kept_for_ever() -> None:
    """Would catch memory that fills up with a progress bar."""
    target = io.StringIO()
    stream = RedactedStream(target, Redactor({}))
    for _ in range(200):
        stream.write("x" * 1000)
    assert len(target.getvalue()) > 100_000


def test_samples_keep_what_the_model_wrote(monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch training data about passwords that is shown with holes, and our own token in it."""
    monkeypatch.setattr(redaction, "_process", [Redactor(ENVIRONMENT)])
    text = f"Send 'Authorization: Bearer abcdef123456' or {ENVIRONMENT['HF_TOKEN']}"
    sample: dict[str, Any] = redacted_event({"kind": "sample", "seq": 1, "text": text})
    assert sample == {"kind": "sample", "seq": 1, "text": "Send 'Authorization: Bearer abcdef123456' or [hidden]"}
    assert "abcdef123456" not in redacted_event({"kind": "log", "message": text})["message"]
