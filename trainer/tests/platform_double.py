"""A loopback stand-in for the job platform, just large enough to drive the real SDK."""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HANDLER = Path(__file__).resolve().parent.parent / "handler.py"


class Platform:
    """Hands out jobs, passes on stop signals, and keeps every message of the worker in order."""

    def __init__(self) -> None:
        self.jobs: queue.Queue[dict[str, Any]] = queue.Queue()
        self.stops: queue.Queue[str] = queue.Queue()
        self.messages: list[tuple[str, dict[str, Any]]] = []
        self._changed = threading.Condition()
        self._open = True
        platform = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if "/job-take/" in self.path:
                    self._answer(platform._next(platform.jobs))
                elif "/job-stop/" in self.path:
                    job_id = platform._next(platform.stops)
                    self._answer(None if job_id is None else {"jobsToStop": [job_id]})
                else:
                    self._answer({})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                job_id = self.path.split("?")[0].rsplit("/", 1)[1]
                platform._note(job_id, json.loads(body))
                self._answer({})

            def _answer(self, value: Any) -> None:
                data = b"" if value is None else json.dumps(value).encode()
                self.send_response(200 if data else 204)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                with contextlib.suppress(ConnectionError):
                    self.end_headers()
                    self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Ends the server."""
        self._open = False
        self._server.shutdown()
        self._server.server_close()

    def start_worker(self, volume: Path, name: str = "worker-1", **variables: str) -> "subprocess.Popen[bytes]":
        """Starts the real handler under the real SDK; what it prints is appended to `<name>.log` beside the volume."""
        base = f"http://127.0.0.1:{self._server.server_address[1]}/v2/local"
        environment = {
            **os.environ,
            "RUNPOD_WEBHOOK_GET_JOB": f"{base}/job-take/$ID?gpu=none",
            "RUNPOD_WEBHOOK_POST_OUTPUT": f"{base}/job-done/$RUNPOD_POD_ID/$ID?gpu=none",
            "RUNPOD_WEBHOOK_PING": f"{base}/ping/$RUNPOD_POD_ID",
            "RUNPOD_AI_API_KEY": "test-key",
            "RUNPOD_POD_ID": name,
            "RUNPOD_SKIP_AUTO_SYSTEM_CHECKS": "true",
            "RUNPOD_SKIP_GPU_CHECK": "true",
            "TUNESMITH_VOLUME": str(volume),
            "TUNESMITH_PROGRESS_INTERVAL_MS": "100",
            "TUNESMITH_EXIT_WITH_STDIN": "1",
            **variables,
        }
        volume.mkdir(parents=True, exist_ok=True)
        with open(log_of(volume, name), "ab") as log:
            arguments = [sys.executable, "-u", str(HANDLER)]
            return subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment)

    def ask(self, job_id: str, job_input: dict[str, Any]) -> dict[str, Any]:
        """Hands out one job and waits for the final message about it."""
        self.jobs.put({"id": job_id, "input": job_input})
        return self.result_of(job_id)

    def wait_for(self, condition: Callable[[list[tuple[str, dict[str, Any]]]], bool], seconds: float = 150.0) -> None:
        """Waits until the messages so far fulfil the condition."""
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self.messages), seconds), f"not seen in {seconds} s: {self.messages[-2:]}"

    def result_of(self, job_id: str) -> dict[str, Any]:
        """The final message about a job, once it is there."""
        self.wait_for(lambda messages: any(_is_final(message) for job, message in messages if job == job_id))
        return next(message for job, message in self.messages if job == job_id and _is_final(message))

    def events_of(self, job_id: str) -> list[dict[str, Any]]:
        """Every event that any progress update of a job carried."""
        updates = [message["output"] for job, message in self.messages if job == job_id and not _is_final(message)]
        return [event for update in updates for event in update["events"]]

    def _note(self, job_id: str, message: dict[str, Any]) -> None:
        with self._changed:
            self.messages.append((job_id, message))
            self._changed.notify_all()

    def _next(self, source: "queue.Queue[Any]") -> Any:
        for _ in range(50):
            try:
                return source.get(timeout=0.1)
            except queue.Empty:
                if not self._open:
                    return None
        return None


def log_of(volume: Path, name: str = "worker-1") -> Path:
    """Where a worker's output goes."""
    return volume.with_name(f"{name}.log")


def _is_final(message: dict[str, Any]) -> bool:
    return message.get("status") != "IN_PROGRESS"
