"""The findings of ``tco`` as tables and charts, each titled with the question it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from rag.measuring.assumptions import Assumed, Assumption
from rag.measuring.reports.figures import shown
from rag.measuring.reports.values import (
    Axis,
    Column,
    Line,
    Lines,
    Missing,
    Part,
    Point,
    Section,
    Table,
    Value,
)
from rag.measuring.tco import (
    DESIGNS,
    Basis,
    BreakEven,
    Design,
    bill,
    break_even,
    busy_share,
    over_rates,
    parity_rate,
    turn_usd,
    with_electricity_at,
    with_hardware_at,
    with_tokens_at,
)

NAMES: Mapping[Design, str] = {
    "hybrid": "Hybrid",
    "small": "Small model alone",
    "large": "Larger model alone",
    "cloud": "Cloud alone",
}
_UNPRICED = Missing("A model in it has no price that counts.")
_TIMES = 21  # points of the line over turns
_CHANGES: tuple[tuple[str, Callable[[Basis, float], Basis], float], ...] = (
    ("tokens at half the price", with_tokens_at, 0.5),
    ("tokens at twice the price", with_tokens_at, 2.0),
    ("electricity at half the price", with_electricity_at, 0.5),
    ("electricity at twice the price", with_electricity_at, 2.0),
    ("hardware at half the price", with_hardware_at, 0.5),
    ("hardware at twice the price", with_hardware_at, 2.0),
)


def summary(found: Assumed) -> str:
    """The cheapest first, then from when on hybrid pays."""
    basis = found.basis
    costs = [(bill(basis, design).total_usd, NAMES[design]) for design in DESIGNS]
    known = sorted((usd, name) for usd, name in costs if usd is not None)
    told = ", ".join(f"{name.lower()} {shown(usd, 'USD')}" for usd, name in known)
    unknown = [name.lower() for usd, name in costs if usd is None]
    rest = f" Not known: {', '.join(unknown)}." if unknown else ""
    turns, rate = shown(round(basis.turns_a_month), "turns"), shown(basis.escalation_rate, "share")
    return (
        f"A month of {turns}, {rate} of them escalated, costs: {told}.{rest} "
        f"{told_break_even('hybrid', break_even(basis, 'hybrid'))}"
    )


def told_break_even(design: Design, found: BreakEven) -> str:
    """A sentence."""
    name = NAMES[design]
    match found.verdict:
        case "always":
            return f"{name} is cheaper than the cloud from the first turn on."
        case "never":
            return f"{name} is never cheaper than the cloud: each of its turns costs as much."
        case "unknown":
            return f"From when on {name.lower()} is cheaper than the cloud is not known."
        case "from":
            turns = shown(found.turns_a_month or 0.0, "turns")
            return f"{name} is cheaper than the cloud from {turns} a month on."


def sections(found: Assumed) -> tuple[Section, ...]:
    basis = found.basis
    charts: list[Part] = [chart for chart in (_over_turns(basis), _over_rate(found)) if chart]
    return (
        Section("What it costs", (month(basis), life(basis), *charts[:1])),
        Section("What it depends on", (*charts[1:], changes(basis))),
        Section("What this rests on", (assumptions(found), *found.notes)),
    )


# --- tables ----------------------------------------------------------------------------------


def month(basis: Basis) -> Table:
    return Table(
        "What does a month cost?",
        (
            Column("Design"),
            Column("tokens", "USD"),
            Column("electricity", "USD"),
            Column("hardware", "USD"),
            Column("in all", "USD"),
            Column("a thousand turns", "USD"),
            Column("machine busy", "share"),
            Column("cheaper than the cloud", align="left"),
        ),
        tuple(_month_row(basis, design) for design in DESIGNS),
        note=" ".join(_busy(basis)),
    )


def _month_row(basis: Basis, design: Design) -> tuple[Value, ...]:
    cost, each_usd = bill(basis, design), turn_usd(basis, design)
    return (
        NAMES[design],
        _known(cost.tokens_usd),
        cost.electricity_usd,
        cost.hardware_usd,
        _known(cost.total_usd),
        _UNPRICED if each_usd is None else each_usd * 1_000,
        busy_share(basis, design),
        "" if design == "cloud" else _from(break_even(basis, design)),
    )


def _from(found: BreakEven) -> str:
    if found.verdict != "from":
        return found.verdict
    return f"from {shown(found.turns_a_month or 0.0, 'turns')} a month"


def _busy(basis: Basis) -> Iterator[str]:
    yield "A thousand turns: what they add, without hardware."
    for design in DESIGNS:
        if (share := busy_share(basis, design)) > 1:
            yield (
                f"{NAMES[design]} would keep this machine busy {shown(share, 'share')} of the "
                "time: it takes more than one of them, or answers that are made together."
            )


def life(basis: Basis) -> Table:
    columns = (
        Column("Design"),
        Column("tokens", "USD"),
        Column("electricity", "USD"),
        Column("hardware", "USD"),
        Column("in all", "USD"),
    )
    bills = {design: bill(basis, design, basis.life_months) for design in DESIGNS}
    rows = tuple(
        (
            NAMES[design],
            _known(cost.tokens_usd),
            cost.electricity_usd,
            cost.hardware_usd,
            _known(cost.total_usd),
        )
        for design, cost in bills.items()
    )
    return Table(f"What do {basis.years:g} years cost, the life of the hardware?", columns, rows)


def changes(basis: Basis) -> Table:
    columns = (
        Column("A month with"),
        *(Column(NAMES[design], "USD") for design in DESIGNS),
        Column("hybrid cheaper than the cloud", align="left"),
    )
    rows = [("all as assumed", basis)]
    rows += [(name, change(basis, factor)) for name, change, factor in _CHANGES]
    return Table(
        "What if prices change?",
        columns,
        tuple(
            (
                name,
                *(_known(bill(changed, design).total_usd) for design in DESIGNS),
                _from(break_even(changed, "hybrid")),
            )
            for name, changed in rows
        ),
    )


def assumptions(found: Assumed) -> Table:
    columns = (
        Column("Assumption"),
        Column("value"),
        Column("from", align="left"),
        Column("which is", align="left"),
    )
    return Table("Which figures are these from?", columns, tuple(map(_assumption, found.rows)))


def _assumption(row: Assumption) -> tuple[Value, ...]:
    value = row.value
    if isinstance(value, float):
        whole = round(value) if abs(value) >= 1_000 else value  # noqa: PLR2004
        value = shown(whole, row.unit)
    return row.name, Missing("Not known.") if value is None else value, row.origin, row.told


# --- charts ----------------------------------------------------------------------------------


def _over_turns(basis: Basis) -> Lines | None:
    """To twice the turns, or to a little beyond where hybrid meets the cloud."""
    meets = break_even(basis, "hybrid").turns_a_month or 0.0
    farthest = max(2 * basis.turns_a_month, 1.2 * meets)
    at = [farthest * step / (_TIMES - 1) for step in range(_TIMES)]
    lines = tuple(
        Line(NAMES[design], tuple(Point(turns, usd) for turns, usd in points))
        for design in DESIGNS
        if (points := _totals(basis, design, at))
    )
    if not lines or not farthest:
        return None
    return Lines(
        "From how many turns on does it pay to own the hardware?",
        told_break_even("hybrid", break_even(basis, "hybrid")),
        Axis("turns a month", low=0),
        Axis("a month", "USD", low=0),
        lines,
    )


def _totals(basis: Basis, design: Design, at: list[float]) -> list[tuple[float, float]]:
    totals = ((turns, bill(replace(basis, turns_a_month=turns), design).total_usd) for turns in at)
    return [(turns, usd) for turns, usd in totals if usd is not None]


def _over_rate(found: Assumed) -> Lines | None:
    """The rate that was assumed, or seen in the ledger, is marked by a line upright."""
    basis = found.basis
    lines = [
        Line(NAMES[design], tuple(Point(rate, usd) for rate, usd in points))
        for design in DESIGNS
        if (points := over_rates(basis, design))
    ]
    if not any(line.name == NAMES["hybrid"] for line in lines):
        return None
    highest = max(float(_y(point)) for line in lines for point in line.points)
    origin = next(row.origin for row in found.rows if row.name == "Escalation rate")
    mark = f"{shown(basis.escalation_rate, 'share')}, {_ORIGINS[origin]}"
    ends = tuple(Point(basis.escalation_rate, usd) for usd in (0.0, highest))
    return Lines(
        "What does it cost to escalate more?",
        _told_rate(basis),
        Axis("turns escalated", "share", low=0, high=1),
        Axis("a month", "USD", low=0),
        (*lines, Line(mark, ends, is_guide=True)),
    )


_ORIGINS = {"option": "as given", "ledger": "in the ledger", "assumed": "assumed"}


def _told_rate(basis: Basis) -> str:
    ends = [usd for _, usd in over_rates(basis, "hybrid")]
    told = f"From {shown(ends[0], 'USD')} with none to {shown(ends[-1], 'USD')} with all of them."
    against: tuple[Design, ...] = ("large", "cloud")
    for design in against:
        rate = parity_rate(basis, design)
        if rate is not None:
            told += f" Above {shown(rate, 'share')} hybrid is dearer than {NAMES[design].lower()}."
    return told


def _y(point: Point) -> float:
    return point.y if isinstance(point.y, float) else point.y.value


def _known(usd: float | None) -> Value:
    return _UNPRICED if usd is None else usd
