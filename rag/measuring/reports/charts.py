"""Charts of a report, drawn by matplotlib: a chart and a width in, an ``<svg>`` element out.

Its colours are CSS variables (svg.py), so that one drawing serves light and dark. Names
stand above what they name, which leaves the whole width to the figures, on a phone too.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from io import StringIO
from statistics import median
from typing import Any

from rag.measuring.reports.figures import bare, in_heading, shown
from rag.measuring.reports.svg import GRID, INK, MUTED, PAPER, SERIES, as_element, series, stage
from rag.measuring.reports.values import Axis, Chart, Distributions, Line, Lines, Points, Waterfall
from rag.measuring.statistics import Estimate

MOST_DOTS = 400  # in a lane; beyond, dots hide each other and the file grows

_LANE_PX, _FOOT_PX, _PLOT_PX, _LEGEND_ROW_PX = 46, 44, 270, 20
_NARROW_PX = 500
_CROWD = 60  # dots that begin to cover each other
_LETTER_PX, _KEY_PX = 6.6, 34  # of a legend
_MARKERS = "osD^vPX*"  # one for each colour
_MARKS = 10  # of a line, at most twice as many
_GOLDEN = 0.618034  # its multiples spread evenly, whatever their number
_RC = {
    "svg.fonttype": "none",
    "svg.hashsalt": "edge-rag-chat",  # equal charts give equal files
    "font.size": 12,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": GRID,
    "grid.linewidth": 1,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.major.pad": 8,
    "ytick.major.pad": 8,
    "legend.frameon": False,
    "legend.borderaxespad": 0,
    "legend.labelcolor": INK,
}


def drawn(chart: Chart, width_px: int) -> str:
    """Not to scale when shown at another width: draw it anew for a phone."""
    # Slow to import, and only needed here.
    from matplotlib import rc_context  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    with rc_context(_RC):  # type: ignore[arg-type]
        figure = Figure(figsize=(width_px / 72, 1), layout="constrained")
        axes = figure.subplots()
        match chart:
            case Distributions():
                height_px = _draw_distributions(axes, chart)
            case Waterfall():
                height_px = _draw_waterfall(axes, chart)
            case Lines():
                height_px = _draw_lines(axes, chart)
            case Points():
                height_px = _draw_points(axes, chart)
        height_px += _draw_legend(figure, axes, width_px)
        figure.set_size_inches(width_px / 72, height_px / 72)
        file = StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(file, format="svg", transparent=True, metadata=nothing)
    return as_element(file.getvalue())


# --- the kinds -------------------------------------------------------------------------------


def _draw_distributions(axes: Any, chart: Distributions) -> int:
    for place, lane in enumerate(chart.lanes):
        values = _at_most(sorted(lane.values), MOST_DOTS)
        lifts = [
            place + 0.12 + (number * _GOLDEN % 1 - 0.5) * 0.36 for number in range(len(values))
        ]
        alpha = 0.7 if len(values) < _CROWD else 0.4
        axes.plot(values, lifts, "o", color=series(place), markersize=5, alpha=alpha, mew=0)
        note = "no samples"
        if lane.values:
            middle = median(lane.values)
            axes.plot([middle] * 2, [place - 0.12, place + 0.36], color=INK, linewidth=2)
            count = len(lane.values)
            note = f"median {shown(middle, chart.axis.unit)} of {count:,}"
        _name(axes, place, lane.name, note)
    return _lanes(axes, chart.axis, len(chart.lanes))


def _at_most(values: Sequence[float], count: int) -> Sequence[float]:
    """Evenly spread over sorted values, the least and the greatest among them."""
    if len(values) <= count:
        return values
    return [values[round(each * (len(values) - 1) / (count - 1))] for each in range(count)]


def _draw_waterfall(axes: Any, chart: Waterfall) -> int:
    names = list(dict.fromkeys(name for bar in chart.bars for name, _ in bar.stages))
    for place, bar in enumerate(chart.bars):
        start = 0.0
        for name, amount in bar.stages:
            axes.barh(
                place + 0.12, amount, left=start, height=0.34, color=stage(name, names.index(name)),
                edgecolor=PAPER, linewidth=1,
            )  # fmt: skip
            start += amount
        _name(axes, place, bar.name, shown(start, chart.axis.unit))
    for number, name in enumerate(names):
        axes.plot(
            [], [], "s", color=stage(name, number), markersize=9, label=name.replace("_", " ")
        )
    return _lanes(axes, chart.axis, len(chart.bars))


def _draw_lines(axes: Any, chart: Lines) -> int:
    shades = iter(range(len(chart.lines)))
    for line in chart.lines:
        if line.is_guide:
            axes.plot(
                *_values(line), color=MUTED, linewidth=1, linestyle=(0, (4, 3)), label=line.name
            )
        else:
            _draw_line(axes, line, next(shades))
    return _plane(axes, chart.x, chart.y)


def _draw_line(axes: Any, line: Line, number: int) -> None:
    """The first lies above the others. Markers tell lines apart for those who see no colours."""
    colour, above = series(number), 3 - number / SERIES
    xs, ys = _values(line)
    axes.plot(
        xs, ys, color=colour, linewidth=2 if number else 2.6, marker=_MARKERS[number % SERIES],
        markersize=5, markevery=max(1, len(xs) // _MARKS), label=line.name, zorder=above,
    )  # fmt: skip
    bounds = [
        (_value(point.x), each) for point in line.points if isinstance(each := point.y, Estimate)
    ]
    if bounds:
        at = [x for x, _ in bounds]
        lows, highs = ([getattr(each, end) for _, each in bounds] for end in ("low", "high"))
        axes.fill_between(at, lows, highs, color=colour, alpha=0.16, linewidth=0)


def _draw_points(axes: Any, chart: Points) -> int:
    for number, (name, point) in enumerate(chart.points):
        axes.errorbar(
            _value(point.x), _value(point.y), xerr=_error(point.x), yerr=_error(point.y),
            fmt=_MARKERS[number % SERIES], color=series(number), markersize=8,
            elinewidth=1.5, capsize=3, label=name,
        )  # fmt: skip
    return _plane(axes, chart.x, chart.y)


# --- axes and legend -------------------------------------------------------------------------


def _name(axes: Any, place: int, name: str, note: str) -> None:
    across = axes.get_yaxis_transform()  # x from 0 to 1 over the axes
    room = int(axes.figure.get_size_inches()[0] * 72 / _LETTER_PX) - len(note) - 4
    axes.text(0, place - 0.24, _fitted(name, room), transform=across, va="center", parse_math=False)
    axes.text(
        1, place - 0.24, note, transform=across, va="center", ha="right", color=MUTED,
        parse_math=False,
    )  # fmt: skip


def _fitted(name: str, letters: int) -> str:
    """
    >>> _fitted("http://127.0.0.1:11434/v1#llama3.2:3b", 20)
    'http:…/v1#llama3.2:3b'
    """
    if len(name) <= letters:
        return name
    begin = max(1, letters // 4)
    return f"{name[:begin]}…{name[-max(1, letters - begin) :]}"


def _lanes(axes: Any, axis: Axis, count: int) -> int:
    axes.set_ylim(max(count, 1) - 0.5, -0.5)  # the first on top
    axes.yaxis.set_visible(False)
    _scale(axes, axes.xaxis, axis)
    axes.set_xlabel(_label(axis), parse_math=False)
    return max(count, 1) * _LANE_PX + _FOOT_PX


def _plane(axes: Any, x: Axis, y: Axis) -> int:
    _scale(axes, axes.xaxis, x)
    _scale(axes, axes.yaxis, y)
    axes.set_xlabel(_label(x), parse_math=False)
    # Above the axis and not beside it: nobody has to turn the head.
    axes.set_title(_label(y), loc="left", fontsize=12, color=MUTED, pad=10, parse_math=False)
    return _PLOT_PX + _FOOT_PX


def _label(axis: Axis) -> str:
    unit = in_heading(axis.unit)
    return f"{axis.label}, {unit}" if unit and unit not in axis.label else axis.label


def _scale(axes: Any, side: Any, axis: Axis) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator  # noqa: PLC0415

    is_x = side is axes.xaxis
    if axis.is_log:
        (axes.set_xscale if is_x else axes.set_yscale)("log")
        side.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=12))
        side.set_minor_locator(NullLocator())
    else:
        narrow = is_x and axes.figure.get_size_inches()[0] * 72 < _NARROW_PX
        whole = is_x and all(float(each).is_integer() for each in _drawn_at(axes))
        steps = [1, 2, 5, 10]
        side.set_major_locator(MaxNLocator(4 if narrow else 6, integer=whole, steps=steps))
    low = (
        0.0
        if axis.low is None and not axis.is_log and side.get_view_interval()[0] >= 0
        else axis.low
    )
    set_limits = axes.set_xlim if is_x else axes.set_ylim
    set_limits(low, axis.high)
    side.set_major_formatter(FuncFormatter(partial(_tick, unit=axis.unit)))


def _drawn_at(axes: Any) -> list[float]:
    return [x for line in axes.get_lines() for x in line.get_xdata()]


def _tick(value: float, _: int | None, unit: str) -> str:
    return bare(value, unit)


def _draw_legend(figure: Any, axes: Any, width_px: int) -> int:
    """Above the axes; how much room it takes. One line needs none: the title says what it is."""
    keys, names = axes.get_legend_handles_labels()
    if len(names) < 2:  # noqa: PLR2004
        return 0
    widest_px = max(map(len, names)) * _LETTER_PX + _KEY_PX
    columns = max(1, min(len(names), int(width_px // widest_px)))
    legend = figure.legend(
        keys, names, loc="outside upper left", ncols=columns, handlelength=1.4, columnspacing=1.4
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
    return -(-len(names) // columns) * _LEGEND_ROW_PX + 10


# --- figures ---------------------------------------------------------------------------------


def _values(line: Line) -> tuple[list[float], list[float]]:
    return [_value(point.x) for point in line.points], [_value(point.y) for point in line.points]


def _value(figure: float | Estimate) -> float:
    return figure.value if isinstance(figure, Estimate) else figure


def _error(figure: float | Estimate) -> list[list[float]] | None:
    """How far the interval reaches below and above."""
    if not isinstance(figure, Estimate):
        return None
    return [[max(0.0, figure.value - figure.low)], [max(0.0, figure.high - figure.value)]]
