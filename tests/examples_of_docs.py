"""Write the programs of the README and the docs to build/examples, where `make check` looks at their types.

A fence that begins with ```python is a whole program; it may have a title, the file's name. A part of one
begins with ``` { .python }. Those of docs/upstream, which show bugs, go to build/upstream, for ruff alone.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[1]
WRITTEN = ROOT / "build/examples"
UPSTREAM = ROOT / "build/upstream"


def programs(page: Path) -> dict[str, str]:
    """The programs of a page, by the line in which each begins."""
    text = page.read_text(encoding="utf-8")
    found = re.finditer(r"^```python(?: title=\S+)?\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return {str(text.count("\n", 0, one.start(1)) + 1): one[1] for one in found}


if __name__ == "__main__":
    for directory in (WRITTEN, UPSTREAM):
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        directory = UPSTREAM if page.parent.name == "upstream" else WRITTEN
        for line, program in programs(page).items():
            name = f"{page.stem.lower().replace('-', '_')}_{line}.py"
            (directory / name).write_text(program, encoding="utf-8")
    for example in sorted((ROOT / "docs/examples").glob("*.py")):
        shutil.copy(example, WRITTEN)
    shutil.copy(ROOT / "tests/unit/models/examples_of_types.py", WRITTEN)
    (WRITTEN / "pyrightconfig.json").write_text(
        '{"typeCheckingMode": "strict", "reportUnnecessaryTypeIgnoreComment": "error"}'
    )
