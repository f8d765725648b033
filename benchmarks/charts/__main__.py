"""The charts of the benchmarks, drawn from the tables that stand in the document.

    python -m benchmarks.charts [--document docs/benchmarks.md] [--pictures docs/pictures]

Nothing is measured: the same tables give the same pictures, byte by byte. A picture that the document does
not show yet is put below its table.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path

from benchmarks.charts import bars, waits
from benchmarks.charts.paper import Chart
from benchmarks.charts.read import table_of

CHARTS: tuple[Chart, ...] = (*waits.CHARTS, *bars.CHARTS)


def main() -> int:
    """Draw them.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.charts", description="Charts of the tables.")
    parser.add_argument("--document", type=Path, default=Path("docs/benchmarks.md"), help="with the tables")
    parser.add_argument("--pictures", type=Path, help="where they go; `pictures` beside the document")
    options = parser.parse_args()
    draw(options.document, options.pictures or options.document.parent / "pictures")
    return 0


def draw(document: Path, pictures: Path) -> None:
    """Draw all charts whose tables a document has, and show them in it.

    Raises:
        ValueError: when a table is not as its chart needs it.
    """
    text = document.read_text()
    pictures.mkdir(parents=True, exist_ok=True)
    for chart in CHARTS:
        table = table_of(text, chart.table)
        if table is None:
            print(f"{document} has no table {chart.table!r} yet: no chart of it is drawn.")
            continue
        picture = pictures / chart.file
        picture.write_bytes(chart.png(table))
        text = shown(text, chart, Path(os.path.relpath(picture, document.parent)).as_posix())
        print(picture)
    if text != document.read_text():
        document.write_text(text)


def shown(text: str, chart: Chart, link: str) -> str:
    """A document's text with a picture, where it is or below its table, and what it says of it."""
    line, there = f"![{chart.alt}]({link})", re.compile(rf"!\[[^]]*\]\({re.escape(link)}\)")
    if there.search(text):
        return there.sub(lambda _: line, text)
    end = f"<!-- {chart.table}: end -->"
    return text.replace(end, f"{end}\n\n{line}", 1)


if __name__ == "__main__":
    sys.exit(main())
