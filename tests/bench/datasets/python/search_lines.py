"""Counts the lines of a file that hold a text."""

import json
import sys


def main() -> None:
    needle = sys.argv[2].encode()
    found = 0
    with open(sys.argv[1], "rb") as lines:
        for line in lines:
            if needle in line:
                found += 1
    print(json.dumps({"total": found}))


main()
