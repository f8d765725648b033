"""Write the programs of the README and the docs to build/examples, where `make check` looks at their types.

A fence that begins with ```python is a whole program. A part of one begins with ``` { .python }.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[1]
WRITTEN = ROOT / "build/examples"


def programs(page: Path) -> dict[str, str]:
    """The programs of a page, by the line in which each begins."""
    text = page.read_text(encoding="utf-8")
    found = re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return {str(text.count("\n", 0, one.start(1)) + 1): one[1] for one in found}


if __name__ == "__main__":
    shutil.rmtree(WRITTEN, ignore_errors=True)
    WRITTEN.mkdir(parents=True)
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for line, program in programs(page).items():
            (WRITTEN / f"{page.stem.lower()}_{line}.py").write_text(program, encoding="utf-8")
    for example in sorted((ROOT / "docs/examples").glob("*.py")):
        shutil.copy(example, WRITTEN)
    shutil.copy(ROOT / "tests/unit/models/examples_of_types.py", WRITTEN)
    (WRITTEN / "pyrightconfig.json").write_text(
        '{"typeCheckingMode": "strict", "reportUnnecessaryTypeIgnoreComment": "error"}'
    )
