"""Parses every line of a file and writes all but every n-th again: an export as one writes it in Python."""

import json
import sys


def main() -> None:
    source, target, step = sys.argv[1], sys.argv[2], int(sys.argv[3])
    rows = 0
    written = 0
    with open(source, "rb") as lines, open(target, "w", encoding="utf-8", errors="surrogatepass") as output:
        for line in lines:
            rows += 1
            if rows % step == 0:
                continue
            try:
                row = json.loads(line)
            except ValueError:
                continue
            output.write(json.dumps(row, ensure_ascii=False))
            output.write("\n")
            written += 1
    print(json.dumps({"rows": rows, "written": written}))


main()
