"""``calibrate`` for a person: its JSON in (docs/calibration.md), charts and tables out."""

from __future__ import annotations

from rag.encoding import Json
from rag.measuring.reports.figures import interval, shown
from rag.measuring.reports.values import (
    Axis,
    Column,
    Line,
    Lines,
    Missing,
    Point,
    Section,
    Table,
    Value,
)
from rag.measuring.statistics import Estimate

_NAMES = {  # of the scorers, in the order of the legend
    "calibrated": "calibrated",
    "as_judged": "as judged when put",
    "least_logprob": "least logprob",
    "mean_logprob": "mean logprob",
    "length": "length",
    "random": "random",
    "oracle": "oracle",
}
_OURS, _CHANCE = "calibrated", "random"
_NO_LARGER = Missing("The larger model was not asked, or is not better here.")


def summary(report: Json) -> str:
    right = estimated(report["small_right"])
    auroc = estimated(report["scorers"][_OURS]["auroc"])
    told = (
        f"{report['examples']:,} drafts of {report['calibration']['model']} about "
        f"{report['documents']:,} documents, {_with_range(right, 'share')} of them right. On "
        f"documents it had not seen, the judge trusts a right draft more than a wrong one "
        f"{_with_range(auroc, 'share')} of the time (AUROC; 50% is chance)."
    )
    large = report["large_right"]
    if large:
        told += f" The larger model is right {_with_range(estimated(large), 'share')} of the time."
    return told


def sections(report: Json) -> list[Section]:
    trust, risk, *gain = charts(report)
    worth = (
        "All figures are of probabilities by weights that saw no question about the same document."
    )
    return [
        Section("What the judge is worth", (worth, trust, risk, _scorers(report))),
        *([Section("What escalation buys", tuple(gain))] if gain else []),
        Section("What it goes by", (_signals(report),)),
    ]


def charts(report: Json) -> list[Lines]:
    gain = [_gain(report)] if report["scorers"][_OURS]["escalation"] else []
    return [_trust(report), _risk(report), *gain]


# --- charts ----------------------------------------------------------------------------------


def _trust(report: Json) -> Lines:
    error = estimated(report["ece"])
    return Lines(
        "Can the probability be trusted?",
        f"Probability and share of right drafts differ by {_with_range(error, 'share')}.",
        _whole("probability that a draft is right, as the judge tells it"),
        _whole("drafts that are right"),
        (
            Line("drafts in ten groups", _points(report["reliability"])),
            Line("as it should be", _points([[0, 0], [1, 1]]), is_guide=True),
        ),
    )


def _risk(report: Json) -> Lines:
    at_half = estimated(report["scorers"][_OURS]["risk_at_half"])
    return Lines(
        "How many of the accepted drafts are wrong?",
        f"When the better half is accepted, {_with_range(at_half, 'share')} of it is wrong.",
        _whole("drafts that are accepted, the most trusted first"),
        _whole("accepted drafts that are wrong"),
        tuple(
            Line(_NAMES[name], _points(scored["risk_coverage"]), is_guide=name == _CHANCE)
            for name, scored in _in_order(report)
        ),
    )


def _gain(report: Json) -> Lines:
    area = estimated(report["scorers"][_OURS]["escalation"]["area"])
    return Lines(
        "What does escalation buy?",
        f"The area under the judge's curve is {_with_range(area, '')}; 0.5 is chance.",
        _whole("turns that are escalated, the least trusted first"),
        Axis("share of the gap to the larger model that is regained", "share"),
        tuple(
            Line(_NAMES[name], _points(scored["escalation"]["curve"]), is_guide=name == _CHANCE)
            for name, scored in _in_order(report)
            if scored["escalation"]
        ),
    )


def _whole(label: str) -> Axis:
    return Axis(label, "share", low=0, high=1)


def _in_order(report: Json) -> list[tuple[str, Json]]:
    return [(name, report["scorers"][name]) for name in _NAMES if name in report["scorers"]]


def _points(pairs: list[list[float]]) -> tuple[Point, ...]:
    return tuple(Point(x, y) for x, y in pairs)


# --- tables ----------------------------------------------------------------------------------


def _scorers(report: Json) -> Table:
    def row(name: str, scored: Json) -> tuple[Value, ...]:
        escalation = scored["escalation"]
        area = estimated(escalation["area"]) if escalation else _NO_LARGER
        return (_NAMES[name], estimated(scored["auroc"]), estimated(scored["risk_at_half"]), area)

    return Table(
        "The judge beside simpler rules",
        (
            Column("trusts by", align="left"),
            Column("AUROC"),
            Column("wrong in the better half", "share"),
            Column("area under gap regained"),
        ),
        tuple(row(name, scored) for name, scored in _in_order(report)),
        "The oracle knows which drafts are right: no rule can do better.",
    )


def _signals(report: Json) -> Table:
    return Table(
        "Weights of the signals, the weightiest first",
        (
            Column("signal", align="left"),
            Column("weight"),
            Column("AUROC by itself"),
            Column("known", "drafts"),
        ),
        tuple(
            (name, signal["weight"], signal["auroc"], signal["known"])
            for name, signal in report["signals"].items()
        ),
    )


def estimated(found: Json | None) -> Estimate | None:
    return Estimate(**found) if found else None


def _with_range(found: Estimate | None, unit: str) -> str:
    return f"{shown(found.value, unit)} ({interval(found, unit)})" if found else "an unknown share"
