"""Runs a command with its output in a file and prints what it cost, as the operating system counted it."""

import json
import os
import subprocess
import sys
import time


def main() -> int:
    output, *command = sys.argv[1:]
    with open(output, "wb") as target:
        started = time.perf_counter()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=target)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    # Linux counts kilobytes, macOS bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    cost = {
        "wallMs": wall * 1000,
        "cpuMs": (usage.ru_utime + usage.ru_stime) * 1000,
        "peakBytes": usage.ru_maxrss * unit,
        "exitCode": child.returncode,
    }
    print(json.dumps(cost))
    return 0


sys.exit(main())
