"""Entry point of a merge: adds a finished run's adapter to its base model and prints what it wrote, as one line of JSON."""

import argparse
import os
import sys
import threading
from pathlib import Path

from worker.child import print_outcome
from worker.merging import merge_run
from worker.redaction import guard_output


def main() -> None:
    """Command line of this file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--volume", type=Path, required=True)
    parser.add_argument("--run-id", required=True)
    arguments = parser.parse_args()
    guard_output()
    threading.Thread(target=_end_with_handler, name="stdin-watch", daemon=True).start()
    print_outcome(lambda: merge_run(arguments.volume, arguments.run_id))


def _end_with_handler() -> None:
    """The end of standard input means that nobody waits for the answer any more."""
    while sys.stdin.buffer.readline():
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
