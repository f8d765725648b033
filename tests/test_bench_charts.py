"""The charts of docs/benchmarks.md: what they show is what the tables say."""

from __future__ import annotations

import subprocess
import sys
from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from PIL import Image

from benchmarks.charts.__main__ import CHARTS, draw
from benchmarks.charts.paper import STYLE, Chart
from benchmarks.charts.read import table_of
from benchmarks.lag.__main__ import HEADS, Measured
from benchmarks.lag.record import Lags
from benchmarks.tables import Figures

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs/benchmarks.md"
PICTURES = ROOT / "docs/pictures"
MOST_BYTES = 60_000
ALL = {chart.table: chart for chart in CHARTS}


def whole_document() -> str:
    """The document's text, with the tables that were not measured yet as they could be."""
    text = DOCUMENT.read_text()
    if table_of(text, "lag") is None:
        figures = Figures("lag", HEADS)
        for database, most in (("sqlite", 2.6), ("postgresql", 9.8)):
            asked, stored = Lags(590, 0.41, 0.93, most), Lags(15600, 0.04, 0.31, 1.9)
            Measured(database, 1200, 3600, 1.98, 9.8, asked, stored, 0.8, 0.6).add_to(figures)
        begin = "<!-- lag: begin -->"
        text = text.replace(begin, f"{begin}\n\n{figures.markdown()}")
    return text


@pytest.fixture
def document(tmp_path: Path) -> Path:
    copy = tmp_path / "benchmarks.md"
    copy.write_text(whole_document())
    return copy


def described(picture: Path) -> str | None:
    """The table that a picture says it was drawn from."""
    with Image.open(picture) as image:
        return image.info.get("Description")


@pytest.mark.parametrize("chart", CHARTS, ids=ALL)
def test_the_pictures_are_those_of_the_tables(chart: Chart) -> None:
    """Their tables are compared, not their bytes, which other versions of matplotlib write otherwise."""
    text, picture = DOCUMENT.read_text(), PICTURES / chart.file
    table = table_of(text, chart.table)
    if table is None:
        assert not picture.exists(), f"{picture} shows a table that {DOCUMENT} does not have"
        return
    assert described(picture) == table.markdown, "to be drawn anew: python -m benchmarks.charts"
    assert f"![{chart.alt}](pictures/{chart.file})" in text
    assert picture.stat().st_size < MOST_BYTES


def test_all_charts_are_drawn_and_shown_and_the_same_again(document: Path, tmp_path: Path) -> None:
    draw(document, tmp_path / "pictures")
    drawn = {path.name: path.read_bytes() for path in (tmp_path / "pictures").iterdir()}
    text = document.read_text()
    assert sorted(drawn) == sorted(chart.file for chart in CHARTS)
    for chart in CHARTS:
        assert text.count(f"![{chart.alt}](pictures/{chart.file})") == 1
    draw(document, tmp_path / "pictures")
    assert {path.name: path.read_bytes() for path in (tmp_path / "pictures").iterdir()} == drawn
    assert document.read_text() == text


@pytest.mark.parametrize("chart", CHARTS, ids=ALL)
def test_no_words_cover_each_other_or_leave_the_picture(
    chart: Chart, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = table_of(whole_document(), chart.table)
    assert table is not None
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        figure = chart.figure(table)
        boxes = words(figure, monkeypatch)
    assert len(boxes) > 8
    for text, box in boxes:
        inside = Bbox.intersection(box, figure.bbox)
        assert inside is not None, f"{text!r} is not in the picture"
        assert inside.size == pytest.approx(box.size), f"{text!r} is cut off"
    for (one, here), (other, there) in combinations(boxes, 2):
        assert not here.overlaps(there), f"{one!r} covers {other!r}"


def words(figure: Figure, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Bbox]]:
    """All texts that a figure draws, and where they are; but for turned ones, whose corners are empty."""
    drawn: dict[int, Text] = {}
    draw_text = Text.draw

    def seen(text: Text, renderer: RendererBase) -> None:
        drawn[id(text)] = text
        draw_text(text, renderer)

    figure.draw_without_rendering()  # puts all in its place
    monkeypatch.setattr(Text, "draw", seen)
    figure.draw_without_rendering()
    return [
        (text.get_text(), text.get_window_extent())
        for text in drawn.values()
        if text.get_visible() and text.get_text().strip() and text.get_rotation() in (0, 90)
    ]


def test_a_table_that_is_not_there_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = tmp_path / "figures.md"
    text = whole_document()
    begin, end = "<!-- costs: begin -->", "<!-- costs: end -->"
    costs = text.partition(begin)[2].partition(end)[0]
    lag = "<!-- lag: begin -->\n\nNot measured on a quiet machine yet.\n\n<!-- lag: end -->\n"
    document.write_text(f"{begin}{costs}{end}\n\n{lag}")
    draw(document, tmp_path / "drawn")
    assert [path.name for path in (tmp_path / "drawn").iterdir()] == ["benchmark-costs.png"]
    assert f"{document} has no table 'lag' yet: no chart of it is drawn." in capsys.readouterr().out
    assert document.read_text().startswith(
        f"{begin}{costs}{end}\n\n![{ALL['costs'].alt}](drawn/benchmark-costs.png)"
    )


@pytest.mark.parametrize(
    ("table", "head"),
    [
        ("waiting", "looks"),
        ("peers", "delay, s"),
        ("batches", "of the ideal"),
        ("costs", "receiver CPU"),
        ("lag", "lag, s: median"),
        ("saving", "of curl"),
    ],
)
def test_a_head_that_has_changed_is_named(table: str, head: str) -> None:
    before, begin, rest = whole_document().partition(f"<!-- {table}: begin -->")
    changed = table_of(before + begin + rest.replace(f"| {head} |", "| renamed |", 1), table)
    assert changed is not None
    with pytest.raises(ValueError, match=f"table '{table}' has no head '{head}'; those .*'renamed'"):
        ALL[table].png(changed)


def test_columns_and_lines_may_change_places(document: Path) -> None:
    table = table_of(document.read_text(), "costs")
    assert table is not None
    heads, rule, *lines = table.markdown.splitlines()

    def turned(line: str) -> str:
        return "|".join(["", *reversed(line.strip("|").split("|")), ""])

    other = "\n".join([turned(heads), turned(rule), *(turned(line) for line in reversed(lines))])
    moved = table_of(f"<!-- costs: begin -->\n{other}\n<!-- costs: end -->", "costs")
    assert moved is not None
    for row in table.rows:
        assert moved.row(way=row.text("way")) == type(row)("costs", dict(reversed(row.cells.items())))


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ("| polling |", "table 'x' has 2 heads and 1 cells"),
        ("| polling | - |", "table 'x', head 's': '-' is not a number"),
        ("| callbacks | 1 |", "table 'x' has 0 lines with way 'polling'; one is needed"),
    ],
)
def test_a_line_that_is_not_as_needed_is_named(cells: str, message: str) -> None:
    text = f"<!-- x: begin -->\n| way | s |\n|---|---:|\n{cells}\n<!-- x: end -->"

    def number() -> float:
        table = table_of(text, "x")
        assert table is not None
        return table.row(way="polling").number("s")

    with pytest.raises(ValueError, match=message):
        number()


def test_the_command(tmp_path: Path) -> None:
    document = tmp_path / "empty.md"
    document.write_text("# Nothing is measured yet\n")
    words = [sys.executable, "-m", "benchmarks.charts", "--document", str(document)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("no chart of it is drawn") == len(CHARTS)
