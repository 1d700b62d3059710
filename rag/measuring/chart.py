"""The report of a calibration as a picture: its JSON in, a self-contained SVG out.

Needs matplotlib, which is there for development only (requirements-dev.txt).
"""

from __future__ import annotations

from io import StringIO
from typing import Any

from rag.encoding import Json

_NAMES = {  # of the scorers, in the order of the legend
    "calibrated": "calibrated",
    "as_judged": "as judged when put",
    "least_logprob": "least logprob",
    "mean_logprob": "mean logprob",
    "length": "length",
    "random": "random",
    "oracle": "oracle",
}
_OURS = "calibrated"
_SEED = "edge-rag-chat"  # equal reports give equal files


def drawn(report: Json) -> str:
    """Two panels: how far the probabilities can be trusted, and what escalation buys."""
    # Not needed to answer questions, and slow to import.
    from matplotlib import rc_context  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    with rc_context({"svg.hashsalt": _SEED, "font.size": 9}):
        figure = Figure(figsize=(12, 4.6), layout="constrained")
        trust, gain = figure.subplots(1, 2)
        _draw_trust(trust, report)
        _draw_gain(gain, report)
        file = StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def _draw_trust(axes: Any, report: Json) -> None:
    axes.plot([0, 1], [0, 1], color="0.8", linewidth=1)
    axes.plot(*_columns(report["reliability"]), "o-", label="share right, by probability")
    ours = report["scorers"][_OURS]["risk_coverage"]
    axes.plot(*_columns(ours), label="share wrong, by share accepted")
    axes.set(
        title="Can the probability be trusted?",
        xlabel="probability; share accepted",
        ylabel="share of answers",
        xlim=(0, 1),
        ylim=(0, 1),
    )
    axes.legend(loc="upper left")


def _draw_gain(axes: Any, report: Json) -> None:
    for name, label in _NAMES.items():
        escalation = report["scorers"].get(name, {}).get("escalation")
        if escalation:
            is_ours = name == _OURS
            axes.plot(
                *_columns(escalation["curve"]),
                label=f"{label} (area {escalation['area']['value']:.2f})",
                linewidth=2.4 if is_ours else 1.1,
                zorder=3 if is_ours else 2,
            )
    axes.plot([0, 1], [0, 1], "k.", markersize=9, zorder=4)
    axes.annotate("always the small model", (0, 0), (6, -3), textcoords="offset points")
    axes.annotate(
        "always the large model", (1, 1), (-6, -18), textcoords="offset points", ha="right"
    )
    axes.set(
        title="What does escalation buy?",
        xlabel="share of turns escalated",
        ylabel="share of the gap recovered",
        xlim=(-0.02, 1.02),
    )
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1))


def _columns(points: list[list[float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]
