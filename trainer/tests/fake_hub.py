"""A model hub on this machine: the part of the Hugging Face Hub's protocol that a download uses, with troubles on demand."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = hashlib.sha1(b"a commit", usedforsecurity=False).hexdigest()


@dataclass
class FakeHub:
    """One model, who asked for what, and what is to go wrong."""

    name: str
    files: dict[str, bytes]
    commit: str = COMMIT
    address: str = ""
    # What was asked for: path, and the first byte that was wanted.
    asked: list[tuple[str, int]] = field(default_factory=list)
    # Status and X-Error-Code of every description, or of every file.
    refuse_model: tuple[int, str] | None = None
    refuse_files: tuple[int, str] | None = None
    # The description, instead of JSON.
    page: str | None = None
    # By file: how often it comes with a wrong byte; after how many bytes each connection breaks; what is sent instead.
    wrong: dict[str, int] = field(default_factory=dict)
    cuts: dict[str, list[int]] = field(default_factory=dict)
    instead: dict[str, bytes] = field(default_factory=dict)
    ignores_range: bool = False
    # A file that stops in its middle until `go_on` is set; `is_held` says that it has come so far.
    held: str | None = None
    is_held: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    @property
    def fetched(self) -> list[tuple[str, int]]:
        """Files that were asked for, each with the first byte wanted; in the order of their names."""
        return sorted((path.rsplit("/", 1)[1], start) for path, start in self.asked if "/resolve/" in path)

    def description(self) -> dict[str, Any]:
        """The model as the Hub describes it with `blobs=true`."""
        siblings = []
        for name, data in self.files.items():
            git = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
            sibling: dict[str, Any] = {"rfilename": name, "size": len(data), "blobId": git}
            if name.endswith(".safetensors"):
                # The git object of such a file is that of its pointer.
                sibling["blobId"] = hashlib.sha1(b"pointer", usedforsecurity=False).hexdigest()
                sibling["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
            siblings.append(sibling)
        return {"_id": "1", "id": self.name, "modelId": self.name, "sha": self.commit, "siblings": siblings}


@contextmanager
def serve(hub: FakeHub) -> Iterator[FakeHub]:
    """Answers on a loopback port for as long as the context lasts."""

    class Handler(_Handler):
        server_hub = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server_hub: FakeHub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Keeps the tests' output clean."""

    def do_GET(self) -> None:
        """The description of the model, a file, or the place that large files are redirected to."""
        hub, path = self.server_hub, unquote(urlsplit(self.path).path)
        hub.asked.append((path, self._first_byte()))
        if path.startswith("/api/models/"):
            self._describe(path)
        elif path.startswith(f"/{hub.name}/resolve/{hub.commit}/"):
            self._resolve(path.rsplit("/", 1)[1])
        elif path.startswith("/large/"):
            self._send_file(path.rsplit("/", 1)[1])
        else:
            self._answer(404, b"", {"X-Error-Code": "EntryNotFound"})

    def _describe(self, path: str) -> None:
        hub = self.server_hub
        if hub.refuse_model is not None:
            self._answer(hub.refuse_model[0], b"{}", {"X-Error-Code": hub.refuse_model[1]})
        elif path not in [f"/api/models/{hub.name}{end}" for end in ("", f"/revision/{hub.commit}", "/revision/main")]:
            self._answer(404, b"{}", {"X-Error-Code": "RevisionNotFound" if f"/{hub.name}/" in path else "RepoNotFound"})
        elif hub.page is not None:
            self._answer(200, hub.page.encode(), {"Content-Type": "text/html"})
        else:
            self._answer(200, json.dumps(hub.description()).encode(), {"Content-Type": "application/json"})

    def _resolve(self, name: str) -> None:
        hub = self.server_hub
        if hub.refuse_files is not None:
            self._answer(hub.refuse_files[0], b"", {"X-Error-Code": hub.refuse_files[1]})
        elif name.endswith(".safetensors"):
            self._answer(302, b"", {"Location": f"{hub.address}/large/{name}", "X-Repo-Commit": hub.commit})
        else:
            self._send_file(name)

    def _first_byte(self) -> int:
        return int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])

    def _send_file(self, name: str) -> None:
        hub = self.server_hub
        data = hub.instead.get(name, hub.files[name])
        if hub.wrong.get(name, 0) > 0:
            hub.wrong[name] -= 1
            data = bytes([data[0] ^ 1]) + data[1:]
        start = 0 if hub.ignores_range else self._first_byte()
        if start > 0 and start >= len(data):
            self._answer(416, b"", {"Content-Range": f"bytes */{len(data)}"})
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.send_header("X-Repo-Commit", hub.commit)
        self.end_headers()
        self._send_body(name, data[start:])

    def _send_body(self, name: str, data: bytes) -> None:
        hub = self.server_hub
        cuts = hub.cuts.get(name)
        if cuts:
            self.wfile.write(data[: cuts.pop(0)])
            self.close_connection = True
            return
        try:
            if hub.held == name:
                self.wfile.write(data[: len(data) // 2])
                self.wfile.flush()
                hub.is_held.set()
                hub.go_on.wait()
                data = data[len(data) // 2 :]
            self.wfile.write(data)
        except OSError:
            # The other side has gone, as some tests want it.
            self.close_connection = True

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
