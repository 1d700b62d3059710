"""What answering costs over months: what a model takes for a turn in, US dollars out.

A design is a mix of goes: how many of each model a turn takes on the average. Its cost is a
straight line over turns: what is paid in any case (hardware, being switched on), and what every
turn adds. Pure arithmetic; which figures to start from is decided in assumptions.py. ``None`` is
unknown, and makes every sum that needs it unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from rag.measuring.cost import Price

MONTHS_A_YEAR = 12
HOURS_A_MONTH = 8_760 / MONTHS_A_YEAR
RATES = tuple(twentieths / 20 for twentieths in range(21))

Role = Literal["small", "large", "cloud"]
Design = Literal["hybrid", "small", "large", "cloud"]
Verdict = Literal["always", "from", "never", "unknown"]
DESIGNS: tuple[Design, ...] = ("hybrid", "small", "large", "cloud")

_MILLION = 1_000_000
_WH_A_KWH = 1_000
_S_AN_HOUR = 3_600


@dataclass(frozen=True, slots=True)
class Go:
    """One model's answer to one turn, on the average."""

    prompt_tokens: float
    completion_tokens: float
    price: Price | None  # of a model elsewhere, and FREE on this machine; None: nobody knows
    is_here: bool = False
    seconds: float = 0.0  # that this machine is busy with it
    wh: float = 0.0  # that this machine takes for it

    @property
    def tokens_usd(self) -> float | None:
        if self.price is None:
            return None
        prompt_usd = self.prompt_tokens * self.price.prompt_usd
        return (prompt_usd + self.completion_tokens * self.price.completion_usd) / _MILLION


@dataclass(frozen=True, slots=True)
class Basis:
    """All that the costs are worked out from."""

    turns_a_month: float
    escalation_rate: float  # share of turns that the larger model answers after the small one
    goes: Mapping[Role, Go]
    usd_per_kwh: float
    hardware_usd: float
    years: float  # that the hardware is used
    idle_watts: float = 0.0  # day and night, whether anything is asked or not

    @property
    def life_months(self) -> float:
        return self.years * MONTHS_A_YEAR


@dataclass(frozen=True, slots=True)
class Bill:
    """US dollars for some time."""

    tokens_usd: float | None
    electricity_usd: float
    hardware_usd: float

    @property
    def total_usd(self) -> float | None:
        if self.tokens_usd is None:
            return None
        return self.tokens_usd + self.electricity_usd + self.hardware_usd


@dataclass(frozen=True, slots=True)
class BreakEven:
    """From how many turns a month on a design is cheaper than the cloud."""

    verdict: Verdict
    turns_a_month: float | None = None  # "from" only


def mix(design: Design, escalation_rate: float) -> Mapping[Role, float]:
    """Goes a turn.

    >>> mix("hybrid", 0.25)
    {'small': 1.0, 'large': 0.25}
    """
    match design:
        case "hybrid":
            return {"small": 1.0, "large": escalation_rate}
        case "small":
            return {"small": 1.0}
        case "large":
            return {"large": 1.0}
        case "cloud":
            return {"cloud": 1.0}


def bill(basis: Basis, design: Design, months: float = 1.0) -> Bill:
    turns = basis.turns_a_month * months
    tokens_usd = _tokens_usd(basis, design)
    is_here = _is_here(basis, design)
    idle_usd = basis.idle_watts * HOURS_A_MONTH / _WH_A_KWH * basis.usd_per_kwh
    return Bill(
        None if tokens_usd is None else turns * tokens_usd,
        turns * _electricity_usd(basis, design) + (months * idle_usd if is_here else 0.0),
        months * basis.hardware_usd / basis.life_months if is_here else 0.0,
    )


def turn_usd(basis: Basis, design: Design) -> float | None:
    """What one more turn adds."""
    tokens_usd = _tokens_usd(basis, design)
    return None if tokens_usd is None else tokens_usd + _electricity_usd(basis, design)


def fixed_usd(basis: Basis, design: Design) -> float:
    """What a month costs in which nothing is asked."""
    silent = bill(replace(basis, turns_a_month=0.0), design)
    return silent.electricity_usd + silent.hardware_usd


def busy_share(basis: Basis, design: Design) -> float:
    """Of a month in which this machine works, one answer after the other; over 1 it cannot."""
    seconds = sum(go.seconds * share for go, share in _goes(basis, design))
    return basis.turns_a_month * seconds / (HOURS_A_MONTH * _S_AN_HOUR)


def break_even(basis: Basis, design: Design) -> BreakEven:
    """Where the line of ``design`` meets that of the cloud."""
    here_usd, cloud_usd = turn_usd(basis, design), turn_usd(basis, "cloud")
    if here_usd is None or cloud_usd is None:
        return BreakEven("unknown")
    if here_usd >= cloud_usd:
        return BreakEven("never")
    turns = fixed_usd(basis, design) / (cloud_usd - here_usd)
    return BreakEven("from", turns) if turns else BreakEven("always")


def parity_rate(basis: Basis, against: Design) -> float | None:
    """At which escalation rate hybrid costs what ``against`` does; None where it never does, or
    where nobody knows."""
    ends = [bill(replace(basis, escalation_rate=rate), "hybrid").total_usd for rate in (0.0, 1.0)]
    wanted = bill(basis, against).total_usd
    low, high = ends
    if low is None or high is None or wanted is None or high <= low:
        return None
    rate = (wanted - low) / (high - low)
    return rate if 0 <= rate <= 1 else None


# --- had something been another --------------------------------------------------------------


def over_rates(basis: Basis, design: Design) -> tuple[tuple[float, float], ...]:
    """Escalation rate, and US dollars a month; none where they are unknown."""
    found = ((rate, bill(replace(basis, escalation_rate=rate), design)) for rate in RATES)
    return tuple((rate, usd) for rate, each in found if (usd := each.total_usd) is not None)


def with_tokens_at(basis: Basis, factor: float) -> Basis:
    """Had every price of tokens been ``factor`` times what it is."""
    return replace(basis, goes={role: _at(go, factor) for role, go in basis.goes.items()})


def with_electricity_at(basis: Basis, factor: float) -> Basis:
    return replace(basis, usd_per_kwh=basis.usd_per_kwh * factor)


def with_hardware_at(basis: Basis, factor: float) -> Basis:
    return replace(basis, hardware_usd=basis.hardware_usd * factor)


# --- parts -----------------------------------------------------------------------------------


def _goes(basis: Basis, design: Design) -> Iterator[tuple[Go, float]]:
    """Those that happen: a model that is never asked may have no price."""
    for role, share in mix(design, basis.escalation_rate).items():
        if share:
            yield basis.goes[role], share


def _is_here(basis: Basis, design: Design) -> bool:
    return any(go.is_here for go, _ in _goes(basis, design))


def _tokens_usd(basis: Basis, design: Design) -> float | None:
    """Of a turn."""
    total_usd = 0.0
    for go, share in _goes(basis, design):
        if go.tokens_usd is None:
            return None
        total_usd += go.tokens_usd * share
    return total_usd


def _electricity_usd(basis: Basis, design: Design) -> float:
    """Of a turn."""
    wh = sum(go.wh * share for go, share in _goes(basis, design))
    return wh / _WH_A_KWH * basis.usd_per_kwh


def _at(go: Go, factor: float) -> Go:
    if go.price is None:
        return go
    price = Price(go.price.prompt_usd * factor, go.price.completion_usd * factor)
    return replace(go, price=price)
