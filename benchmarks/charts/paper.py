"""What all charts share: colours, letters, the file, and labels that keep clear of each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import product
from math import atan2, degrees

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.ticker import FuncFormatter, NullLocator
from matplotlib.transforms import Bbox
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from benchmarks.charts.read import Table

# By Okabe and Ito: told apart by all kinds of eyes, and in grey by their lightness.
BLUE, ORANGE, GREEN, RED = "#0072b2", "#e69f00", "#009e73", "#d55e00"
INK, GREY, LINE, PALE = "#222222", "#767676", "#b5b5b5", "#d9d9d9"

WIDTH = 8.0
"""Inches."""
DOTS = 192
"""Of an inch: twice as many as a page shows at its full width, for screens that are finer."""
COLOURS = 128

STYLE = {
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "figure.constrained_layout.h_pad": 0.07,
    "figure.constrained_layout.w_pad": 0.07,
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 10,
    "text.color": INK,
    "xtick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.color": GREY,
    "ytick.labelcolor": INK,
}


@dataclass(frozen=True)
class Chart:
    """A chart of one table.

    Attributes:
        table: The table's name.
        title: What it tells.
        alt: What is to be seen, for those who do not see it.
        draw: Puts it into a figure.
        height: Inches,
        each: and so many more for each line of the table.
    """

    table: str
    title: str
    alt: str
    draw: Callable[[Table, Figure], None]
    height: float
    each: float = 0.0

    @property
    def file(self) -> str:
        """The picture's name."""
        return f"benchmark-{self.table}.png"

    def figure(self, table: Table) -> Figure:
        """The chart, not yet in a file; to be called with the style on."""
        figure = Figure(figsize=(WIDTH, self.height + self.each * len(table.rows)), layout="constrained")
        FigureCanvasAgg(figure)
        figure.suptitle(self.title, x=0.012, ha="left", weight="bold", size=11)
        self.draw(table, figure)
        return figure

    def png(self, table: Table) -> bytes:
        """The picture; it carries the table that it shows as its description, and no date."""
        with mpl.rc_context():
            mpl.rcdefaults()  # whatever a user's matplotlibrc says
            mpl.rcParams.update(STYLE)
            painted = BytesIO()
            self.figure(table).savefig(painted, format="png", dpi=DOTS)
        told = PngInfo()
        told.add_text("Title", self.title)
        told.add_text("Description", table.markdown)
        file = BytesIO()
        # A third of the size, and no eye sees a difference.
        few = Image.open(painted).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        few.save(file, format="png", optimize=True, pnginfo=told)
        return file.getvalue()


@dataclass(frozen=True)
class Point:
    """A point with a name.

    Attributes:
        x: Where.
        y: Where.
        name: What stands beside it.
        colour: Of both.
        marker: Its shape.
        bold: Whether it is what the chart is about.
    """

    x: float
    y: float
    name: str
    colour: str
    marker: str = "o"
    bold: bool = True


def logarithmic(axes: Axes) -> None:
    """Both axes, with plain numbers at the powers of ten and faint lines there."""
    axes.set(xscale="log", yscale="log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_locator(NullLocator())
    axes.grid(color=PALE, linewidth=0.5)
    axes.set_axisbelow(True)


def laid_out(axes: Axes) -> None:
    """To be called when the axes are as they will be, before names are put to points and lines.

    What lies where on the paper is known only then.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()


_SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (0.8, 0.7), (-0.8, 0.7), (0.8, -0.7), (-0.8, -0.7))
"""Where a name may stand beside its point, best first: to the right, to the left, above, ..."""
_AWAY = (8, 20, 32)
"""So many points (1/72 inch) away from it; from the second on with a line to it."""


def scatter(
    axes: Axes, points: Sequence[Point], lines: Sequence[tuple[float, float]], behind: str = "none"
) -> None:
    """Points with their names, each at the first place where it covers no point, name, or place of a line.

    Args:
        axes: Where.
        points: The points, those whose names come first in the better places first.
        lines: Places of what is to stay in sight.
        behind: The colour behind the names, for those that cover other lines.

    Raises:
        ValueError: when there is no such place.
    """
    for point in points:
        axes.plot(point.x, point.y, point.marker, color=point.colour, markersize=7, zorder=3)
    taken = [_around(axes, point.x, point.y, 6) for point in points]
    taken += [_around(axes, x, y, 2) for x, y in lines]
    bounds = axes.get_window_extent()
    for point in points:
        for away, (right, up) in product(_AWAY, _SIDES):
            text = _named(axes, point, right * away, up * away, behind)
            box = text.get_window_extent()
            if _inside(box, bounds) and not any(box.overlaps(other) for other in taken):
                taken.append(box)
                if away > _AWAY[0]:
                    taken += _led(axes, point, right * away, up * away)
                break
            text.remove()
        else:
            raise ValueError(f"there is no place for {point.name!r} beside its point")


def _named(axes: Axes, point: Point, right: float, up: float, behind: str) -> Annotation:
    text = axes.annotate(
        point.name,
        (point.x, point.y),
        xytext=(right, up),
        textcoords="offset points",
        ha="left" if right > 0 else "right" if right < 0 else "center",
        va="bottom" if up > 0 else "top" if up < 0 else "center",
        color=point.colour,
        weight="bold" if point.bold else "normal",
        size=9,
        bbox={"facecolor": behind, "edgecolor": "none", "pad": 1},
    )
    text.set_in_layout(False)
    return text


def _led(axes: Axes, point: Point, right: float, up: float) -> list[Bbox]:
    """Draw a line from a name to its point, and say where it is."""
    line = {"arrowstyle": "-", "color": point.colour, "linewidth": 0.7, "shrinkA": 0, "shrinkB": 4}
    axes.annotate("", (point.x, point.y), xytext=(right, up), textcoords="offset points", arrowprops=line)
    across, above = axes.transData.transform((point.x, point.y))
    pixels = axes.figure.dpi / 72
    return [
        Bbox.from_bounds(across + part * right * pixels - 1, above + part * up * pixels - 1, 2, 2)
        for part in (0.25, 0.5, 0.75)
    ]


def _around(axes: Axes, x: float, y: float, reach: float) -> Bbox:
    across, up = axes.transData.transform((x, y))
    return Bbox.from_extents(across - reach, up - reach, across + reach, up + reach)


def _inside(box: Bbox, bounds: Bbox) -> bool:
    return bounds.x0 <= box.x0 and box.x1 <= bounds.x1 and bounds.y0 <= box.y0 and box.y1 <= bounds.y1


def along(axes: Axes, x: float, y: float, text: str, colour: str) -> None:
    """A name on the line through a place where the product of both axes is the same; they are logarithmic."""
    (left, above), (right, below) = axes.transData.transform([(x, y), (x * 2, y / 2)])
    named = axes.text(
        x,
        y,
        text,
        color=colour,
        size=8.5,
        rotation=degrees(atan2(below - above, right - left)),
        rotation_mode="anchor",
        va="bottom",
    )
    named.set_in_layout(False)
