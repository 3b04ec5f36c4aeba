"""Lets this worker fetch from the model hub only: no other host, no private address, not by way of a redirect."""

import ipaddress
import os
import socket
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import SplitResult, urlsplit

from protocol import RunFailure

_HUB = "https://huggingface.co"
# The hub itself and the hosts it sends downloads to.
_HUB_DOMAINS = ("huggingface.co", "hf.co")
_ALLOW_LOOPBACK = "TUNESMITH_TEST_LOOPBACK_HUB"
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_ADVICE = (
    "Only models of huggingface.co, or of the public https address in HF_ENDPOINT, can be fetched. Choose one of them, or a local folder."
)
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Lookup = Callable[[str, int], Iterable[str]]


def check_url(url: str) -> SplitResult:
    """The parts of a URL that this worker may ask; a RunFailure for any other."""
    parts = _split(url)
    if _is_test_hub(parts):
        return parts
    if parts.scheme != "https":
        raise _unsafe(url, "it does not begin with https")
    host = _host(parts)
    port = parts.port or 443
    hub = _split(hub_endpoint())
    is_hub = host == _host(hub) and port == (hub.port or 443)
    is_known = port == 443 and any(host == domain or host.endswith(f".{domain}") for domain in _HUB_DOMAINS)
    if not (is_hub or is_known):
        raise _unsafe(url, "its host is not the model hub's")
    return parts


def check_address(address: str) -> None:
    """Refuses an IP address of this machine, of a private network, or of no single public host."""
    if not is_public(address):
        raise _unsafe(address, "it lies in a private network or on this machine")


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, also where it carries another address inside."""
    try:
        parsed: Address = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return False
    inner = _inside(parsed)
    if inner is not None:
        return is_public(str(inner))
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


def public_addresses(host: str, port: int, lookup: Lookup | None = None) -> list[str]:
    """What a host's name stands for; refuses the name when any of its addresses is not public."""
    found = list(dict.fromkeys((lookup or _resolve)(host, port)))
    if not found:
        raise _unsafe(host, "its name has no address")
    for address in found:
        check_address(address)
    return found


def hub_endpoint() -> str:
    """The hub's address: HF_ENDPOINT where the worker's owner set one."""
    return (os.environ.get("HF_ENDPOINT") or _HUB).rstrip("/")


def _split(url: str) -> SplitResult:
    # Parsers disagree about these, and a disagreement is how a check is passed by.
    if any(character.isspace() or ord(character) < 33 or character == "\\" or ord(character) > 126 for character in url):
        raise _unsafe(url, "it holds characters that have no place in it")
    try:
        parts = urlsplit(url)
        has_user = parts.username is not None or parts.password is not None
        _ = parts.port
    except ValueError as error:
        raise _unsafe(url, "it is not a valid address") from error
    if has_user:
        raise _unsafe(url, "it holds a user name or password")
    if not parts.hostname:
        raise _unsafe(url, "it names no host")
    return parts


def _host(parts: SplitResult) -> str:
    return (parts.hostname or "").lower().rstrip(".")


def _is_test_hub(parts: SplitResult) -> bool:
    """Tests run a hub on this machine; they say so in a variable that no job can set."""
    if os.environ.get(_ALLOW_LOOPBACK) != "1":
        return False
    hub = urlsplit(hub_endpoint())
    is_loopback = hub.hostname in ("127.0.0.1", "localhost", "::1")
    return is_loopback and (parts.scheme, parts.hostname, parts.port) == (hub.scheme, hub.hostname, hub.port)


def _inside(address: Address) -> Address | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


def _resolve(host: str, port: int) -> list[str]:
    try:
        return [str(answer[4][0]) for answer in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except OSError:
        return []


def _unsafe(what: str, why: str) -> RunFailure:
    shown = what if len(what) <= 120 else f"{what[:117]}..."
    return RunFailure("UNSAFE_URL", f"{shown!r} is not fetched: {why}.", _ADVICE)


def guard_hub() -> None:
    """From here on every request of huggingface_hub in this process is checked, each redirect of it too."""
    import huggingface_hub
    from huggingface_hub import constants
    from huggingface_hub.utils._http import default_client_factory

    # The hub's own transfer program makes connections that nobody here could look at.
    os.environ["HF_HUB_DISABLE_XET"] = "1"
    constants.HF_HUB_DISABLE_XET = True
    check_url(hub_endpoint())
    huggingface_hub.set_client_factory(lambda: guarded(default_client_factory()))


def guarded(client: Any) -> Any:
    """An httpx client whose requests, redirects included, go to the hub only and connect to public addresses only."""
    client.event_hooks = {**client.event_hooks, "request": [_check_request, *client.event_hooks.get("request", [])]}
    # A pool of another make would go unchecked; better to fail here than to find out.
    for pool in [client._transport._pool, *(transport._pool for transport in client._mounts.values() if transport is not None)]:
        # Behind a proxy it is the proxy that looks names up; the names themselves are checked all the same.
        if not hasattr(pool, "_proxy_url"):
            pool._network_backend = _CheckedNetwork(pool._network_backend)
    return client


def _check_request(request: Any) -> None:
    check_url(str(request.url))


class _CheckedNetwork:
    """Connects to the very addresses that were checked, so that a name cannot change its mind in between."""

    def __init__(self, network: Any) -> None:
        self._network = network

    def connect_tcp(self, host: str, port: int, *arguments: Any, **named: Any) -> Any:
        """As httpcore's network backends have it."""
        import httpcore

        if os.environ.get(_ALLOW_LOOPBACK) == "1" and host == urlsplit(hub_endpoint()).hostname:
            return self._network.connect_tcp(host, port, *arguments, **named)
        found = list(_resolve(host, port))
        if not found:
            # As without a network: nothing to be afraid of, and the user is to hear that the hub could not be reached.
            raise httpcore.ConnectError(f"The name {host} has no address")
        failed: Exception | None = None
        for address in public_addresses(host, port, lambda *_: found):
            try:
                return self._network.connect_tcp(address, port, *arguments, **named)
            except Exception as error:
                failed = error
        raise failed or OSError(f"{host} has no address")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)
