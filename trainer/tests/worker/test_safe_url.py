"""What this worker fetches: the model hub, over https, from public addresses only."""

import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from protocol import RunFailure
from worker import safe_url
from worker.safe_url import check_url, guarded, is_public, public_addresses


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_ENDPOINT", "TUNESMITH_TEST_LOOPBACK_HUB", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(
    "url",
    [
        "https://huggingface.co/Qwen/Qwen3-8B/resolve/main/model.safetensors",
        "https://HUGGINGFACE.co./api/models/x",
        "https://cdn-lfs-us-1.hf.co/repos/ab/cd?X-Amz-Signature=1",
        "https://cas-bridge.xethub.hf.co/xet-bridge-us/1",
        "https://huggingface.co:443/x",
    ],
)
def test_the_hub_and_the_hosts_it_sends_to_are_allowed(url: str) -> None:
    """Would catch downloads that no longer work."""
    assert check_url(url).hostname


@pytest.mark.parametrize(
    "url",
    [
        "http://huggingface.co/x",
        "file:///etc/passwd",
        "ftp://huggingface.co/x",
        "https://huggingface.co:8443/x",
        "https://huggingface.co.evil.example/x",
        "https://evilhuggingface.co/x",
        "https://nothf.co/x",
        "https://huggingface.co@127.0.0.1/x",
        "https://user:pass@huggingface.co/x",
        "https://huggingface.co\\@127.0.0.1/x",
        "https://huggingface.co\n.evil.example/x",
        "https://huggingface。co/x",
        "https://127.0.0.1/x",
        "https://2130706433/x",
        "https://0x7f000001/x",
        "https://0177.0.0.1/x",
        "https://127.1/x",
        "https://[::1]/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://[fe80::1%25eth0]/x",
        "https://169.254.169.254/latest/meta-data/",
        "https://metadata.google.internal/x",
        "https:///x",
        "https://huggingface.co:99999/x",
        "//huggingface.co/x",
        "",
    ],
)
def test_every_other_address_is_refused_with_a_reason(url: str) -> None:
    """Would catch a way around the list of hosts: schemes, ports, look-alikes, user names, numbers for hosts."""
    with pytest.raises(RunFailure, match="is not fetched") as caught:
        check_url(url)
    assert caught.value.code == "UNSAFE_URL"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("18.155.68.1", True),
        ("2600:9000:24f8::1", True),
        ("::ffff:18.155.68.1", True),
        ("64:ff9b::12.155.68.1", True),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.0.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("fd00:ec2::254", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:a00:1", False),
        ("64:ff9b::127.0.0.1", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("2002:7f00:1::", False),
        ("2001:0:4136:e378:8000:63bf:80ff:fffe", False),
        ("2130706433", False),
        ("0x7f.1", False),
        ("", False),
    ],
)
def test_only_the_public_internet_is_public(address: str, expected: bool) -> None:
    """Would catch a private address in one of the forms that carry an IPv4 address inside."""
    assert is_public(address) is expected


def test_a_name_with_one_private_address_is_refused_as_a_whole() -> None:
    """Would catch a name server that answers with a public address and one of ours."""
    assert public_addresses("h", 443, lambda *_: ["18.155.68.1", "18.155.68.1"]) == ["18.155.68.1"]
    for answers in (["18.155.68.1", "10.0.0.1"], ["::ffff:127.0.0.1"], []):
        with pytest.raises(RunFailure) as caught:
            public_addresses("h", 443, lambda *_, found=answers: found)
        assert caught.value.code == "UNSAFE_URL"


def test_a_hub_of_ones_own_is_allowed_at_its_very_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch a mirror that opens the door to its neighbours."""
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example:8443/")
    assert check_url("https://mirror.example:8443/api")
    for url in ("https://mirror.example/api", "https://sub.mirror.example:8443/api", "http://mirror.example:8443/api"):
        with pytest.raises(RunFailure):
            check_url(url)


def test_a_hub_on_this_machine_needs_the_tests_own_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch HF_ENDPOINT as a way to this machine's other services."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:5000")
    with pytest.raises(RunFailure):
        check_url("http://127.0.0.1:5000/api")
    monkeypatch.setenv("TUNESMITH_TEST_LOOPBACK_HUB", "1")
    assert check_url("http://127.0.0.1:5000/api")
    for url in ("http://127.0.0.1:5001/api", "http://localhost:5000/api", "http://10.0.0.1:5000/"):
        with pytest.raises(RunFailure):
            check_url(url)


class Hub:
    """A hub on this machine that sends everyone elsewhere."""

    def __init__(self) -> None:
        self.target = ""
        self.asked: list[str] = []
        hub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.asked.append(self.path)
                self.send_response(302 if self.path == "/go" else 200)
                self.send_header("Location", hub.target)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                return

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Ends the server."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    started = Hub()
    monkeypatch.setenv("HF_ENDPOINT", started.address)
    monkeypatch.setenv("TUNESMITH_TEST_LOOPBACK_HUB", "1")
    yield started
    started.close()


def _client() -> Any:
    import httpx

    return guarded(httpx.Client(follow_redirects=True))


def test_a_redirect_inside_the_hub_is_followed(hub: Hub) -> None:
    """Would catch a guard that stops every download at the hub's first redirect."""
    hub.target = f"{hub.address}/there"
    assert _client().get(f"{hub.address}/go").status_code == 200
    assert hub.asked == ["/go", "/there"]


@pytest.mark.parametrize(
    "target", ["http://169.254.169.254/latest", "https://10.0.0.1/", "http://localhost:{port}/there", "file:///etc/passwd"]
)
def test_a_redirect_to_a_private_place_is_refused(hub: Hub, target: str) -> None:
    """Would catch a hub that sends the worker to the metadata service of its cloud."""
    hub.target = target.format(port=hub.address.rsplit(":", 1)[1])
    with pytest.raises(RunFailure) as caught:
        _client().get(f"{hub.address}/go")
    assert caught.value.code == "UNSAFE_URL"
    assert hub.asked == ["/go"]


def test_a_hub_name_that_stands_for_this_machine_is_refused_when_connecting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch a name that was public when it was checked and is private when it is used; and a new httpx without our guard."""
    monkeypatch.setattr(safe_url, "_resolve", lambda *_: ["127.0.0.1"])
    with pytest.raises(RunFailure, match="private network"):
        _client().get("https://huggingface.co/x")


def test_the_hub_library_uses_the_guarded_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch a version of the library that goes around the guard, and its own transfer program left on."""
    import huggingface_hub
    from huggingface_hub import constants
    from huggingface_hub.utils._http import default_client_factory

    monkeypatch.setattr(safe_url, "_resolve", lambda *_: ["10.0.0.9"])
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_HUB_DISABLE_XET", raising=False)
    safe_url.guard_hub()
    try:
        with pytest.raises(RunFailure) as caught:
            huggingface_hub.HfApi(endpoint="https://huggingface.co").model_info("a/b")
        assert caught.value.code == "UNSAFE_URL"
        assert constants.HF_HUB_DISABLE_XET
    finally:
        huggingface_hub.set_client_factory(default_client_factory)
