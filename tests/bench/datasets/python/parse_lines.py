"""Parses every line of a file: what reading a dataset costs at least in Python."""

import json
import sys


def main() -> None:
    rows = 0
    bad = 0
    with open(sys.argv[1], "rb") as lines:
        for line in lines:
            rows += 1
            try:
                json.loads(line)
            except ValueError:
                bad += 1
    print(json.dumps({"rows": rows, "bad": bad}))


main()
