"""How figures are drawn: one style, once as PNG (for the folder) and as SVG (for the page).

Colours are Okabe-Ito's, told apart by the colour-blind; what matters is told by shape and label too. In the SVG each
colour becomes a CSS variable, so that figures follow the page into dark mode; dots too many for shapes of their own are
a picture for each colour, which serves as a stencil.
"""

import base64
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

Axes = Any  # matplotlib's annotations know no times on an axis
SIZE_INCHES = (4.3, 3.0)
DOTS_PER_INCH, POINTS_PER_INCH = 160, 72
INK, QUIET, BLUE, ORANGE, GREEN, RED = "#1b1f24", "#8a919a", "#0072b2", "#b97a00", "#00805b", "#d55e00"
SAME_COLOUR = 4 / 255
PICTURE = re.compile(r'<image (xlink:href="data:image/png;base64,([^"]*)")')
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
) -> Plot:
    """Run a painter, which gives the summary, on a fresh figure; matplotlib, half a second to import, waits until then.

    Args:
        name: The file's stem.
        title: What it is about; on the page a heading says it.
        paint: Draws on the axes.
        size_inches: Width and height.
    """
    with import_module("matplotlib").rc_context(STYLE):
        figure, axes = _figure(size_inches)
        summary = paint(axes)
        svg = _svg(figure)
        axes.set_title(title)
        png = _png(figure)
    return Plot(name, title, summary, png, _themed(svg, name, CSS_NAMES))


def draw_below_title(
    name: str, title: str, paint: Callable[[Axes], str], size_inches: tuple[float, float], colours: Mapping[str, str]
) -> Plot:
    """As `draw`, for figures whose legend stands above the axes: the title stands above both, in the picture only.

    The figure is laid out once, title included; the drawing for the page is the part below the title.

    Args:
        name: The file's stem.
        title: What it is about.
        paint: Draws on the axes.
        size_inches: Width and height.
        colours: CSS variable of each colour used.
    """
    with import_module("matplotlib").rc_context(STYLE):
        figure, axes = _figure(size_inches)
        figure.set_dpi(DOTS_PER_INCH)  # texts are laid out as wide as the picture has them
        summary = paint(axes)
        heading = figure.suptitle(title, x=0.01, ha="left", fontsize=STYLE["axes.titlesize"])
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        height = size_inches[1] - heading.get_window_extent().y0 / figure.dpi
        png = _png(figure)
        heading.set_visible(False)
        svg = _svg(figure)
    return Plot(name, title, summary, png, _themed(svg, name, colours, height * POINTS_PER_INCH))


def _figure(size_inches: tuple[float, float]) -> tuple[Any, Axes]:
    figure = import_module("matplotlib.figure").Figure(figsize=size_inches, layout="constrained")
    figure.suppressComposite = True  # a picture for each colour
    return figure, figure.add_subplot()


def _svg(figure: Any) -> str:
    svg = io.StringIO()
    figure.savefig(svg, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return svg.getvalue()


def _png(figure: Any) -> bytes:
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return png.getvalue()


def _themed(svg: str, name: str, colours: Mapping[str, str], cut_points: float = 0.0) -> str:
    """The drawing alone, less a strip at its top, colours as CSS variables, ids made unique on the page."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<svg [^>]*?viewBox=\"([^\"]*)\"[^>]*>", lambda found: _opening(found[1], cut_points), body, count=1)
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = _stencilled(body, colours)
    for prefix in ('id="', 'href="#', "url(#"):
        body = body.replace(prefix, f"{prefix}{name}-")
    for colour, css in colours.items():
        body = body.replace(colour, f"var(--{css})")
    return body


def _opening(view_box: str, cut_points: float) -> str:
    if cut_points:
        left, top, width, height = map(float, view_box.split())
        view_box = f"{left:g} {top + cut_points:.2f} {width:g} {height - cut_points:.2f}"
    return f'<svg viewBox="{view_box}" xmlns:xlink="http://www.w3.org/1999/xlink">'


def _stencilled(svg: str, colours: Mapping[str, str]) -> str:
    """Each picture of one colour lets that colour through where it is opaque; heat maps stay as they are."""
    used: list[str] = []

    def stencil(found: re.Match[str]) -> str:
        colour = _only_colour(base64.b64decode(found[2]), colours)
        if colour is None:
            return found[0]
        used.append(colour)
        return f'<image filter="url(#{colours[colour]})" {found[1]}'

    svg = PICTURE.sub(stencil, svg)
    filters = "".join(
        f'<filter id="{colours[colour]}" color-interpolation-filters="sRGB"><feFlood flood-color="{colour}"/>'
        '<feComposite operator="in" in2="SourceAlpha"/></filter>'
        for colour in dict.fromkeys(used)
    )
    return svg.replace("</svg>", f"<defs>{filters}</defs></svg>") if filters else svg


def _only_colour(png: bytes, colours: Mapping[str, str]) -> str | None:
    """The known colour of all opaque pixels; None where there are several."""
    pixels = import_module("matplotlib.image").imread(io.BytesIO(png))
    opaque = pixels[pixels[..., 3] > 0.5, :3]  # noqa: PLR2004 - thinner ones are rounded too far
    rgb = import_module("matplotlib.colors").to_rgb
    return next((colour for colour in colours if (abs(opaque - rgb(colour)) <= SAME_COLOUR).all()), None)
