"""How figures are drawn: one style, once as PNG (for the folder) and as SVG (for the page).

Colours are Okabe-Ito's, told apart by the colour-blind; what matters is told by shape and label too. In the SVG each
colour becomes a CSS variable, so that figures follow the page into dark mode.
"""

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

Axes = Any  # matplotlib's annotations know no times on an axis
SIZE_INCHES = (4.3, 3.0)
DOTS_PER_INCH = 160
INK, QUIET, BLUE, ORANGE, GREEN, RED = "#1b1f24", "#8a919a", "#0072b2", "#b97a00", "#00805b", "#d55e00"
CSS_NAMES = {INK: "ink", QUIET: "quiet", BLUE: "blue", ORANGE: "orange", GREEN: "green", RED: "red"}
STYLE: dict[str, Any] = {
    "font.size": 9,
    "font.family": "DejaVu Sans",
    "svg.fonttype": "none",
    "svg.hashsalt": "microgrid",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "legend.fontsize": 8,
    **dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color", "axes.titlecolor"), INK
    ),
}


@dataclass(frozen=True)
class Plot:
    """A drawn figure: `name` is the file's stem, `summary` says in a sentence what it shows."""

    name: str
    title: str
    summary: str
    png: bytes
    svg: str


def draw(
    name: str,
    title: str,
    paint: Callable[[Axes], str],
    size_inches: tuple[float, float] = SIZE_INCHES,
    colours: Mapping[str, str] = CSS_NAMES,
    *,
    above_legend: bool = False,
) -> Plot:
    """Run a painter, which gives the summary, on a fresh figure; matplotlib, half a second to import, waits until then.

    Args:
        name: The file's stem.
        title: What it is about; on the page a heading says it.
        paint: Draws on the axes.
        size_inches: Width and height.
        colours: CSS variable of each colour used.
        above_legend: Whether the title stands above a legend that stands above the axes.
    """
    png, svg = io.BytesIO(), io.StringIO()
    with import_module("matplotlib").rc_context(STYLE):
        figure = import_module("matplotlib.figure").Figure(figsize=size_inches, layout="constrained")
        axes = figure.add_subplot()
        summary = paint(axes)
        figure.savefig(svg, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        if above_legend:
            figure.suptitle(title, x=0.01, ha="left", fontsize=STYLE["axes.titlesize"])
        else:
            axes.set_title(title)
        figure.savefig(png, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return Plot(name, title, summary, png.getvalue(), _themed(svg.getvalue(), name, colours))


def _themed(svg: str, name: str, colours: Mapping[str, str]) -> str:
    """The drawing alone, colours as CSS variables, ids made unique on the page."""
    body = svg[svg.index("<svg") :]
    body = re.sub(
        r'<svg [^>]*?viewBox="([^"]*)"[^>]*>',
        r'<svg viewBox="\1" xmlns:xlink="http://www.w3.org/1999/xlink">',
        body,
        count=1,
    )
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    for prefix in ('id="', 'href="#', "url(#"):
        body = body.replace(prefix, f"{prefix}{name}-")
    for colour, css in colours.items():
        body = body.replace(colour, f"var(--{css})")
    return body
