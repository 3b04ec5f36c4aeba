"""Runs the training child with a SIGKILL waiting for it: at a step, or inside a checkpoint.

Usage: python kill_point.py step|checkpoint N <arguments of train_lora.py>
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


def main() -> int:
    """Command line of this file."""
    where, number = sys.argv[1], int(sys.argv[2])
    del sys.argv[1:3]
    from safetensors.torch import save_file

    import checkpoint
    import train_lora
    from status_manager import EventLog

    calls = [0]

    def die_at_last() -> None:
        calls[0] += 1
        if calls[0] == number:
            os.kill(os.getpid(), signal.SIGKILL)

    if where == "step":
        emit = EventLog.emit

        def counted(self: EventLog, kind: str, **fields: Any) -> Any:
            if kind == "step":
                die_at_last()
            return emit(self, kind, **fields)

        mock.patch.object(EventLog, "emit", counted).start()
    else:

        def torn(*arguments: Any, **named: Any) -> None:
            save_file(*arguments, **named)
            die_at_last()

        mock.patch.object(checkpoint, "save_file", torn).start()
    return train_lora.main()


if __name__ == "__main__":
    sys.exit(main())
