"""Which figures costs are worked out from, and where each comes from: options, the ledger, settings
and price lists in; a basis and its assumptions out.

The first that is known counts, in that order; what nobody told is assumed, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from rag.measuring.cost import FREE, Price
from rag.measuring.prices import Prices
from rag.measuring.tco import Basis, Go, Role
from rag.measuring.traffic import MIN_DAYS, Observed, ObservedGo

Origin = Literal["option", "ledger", "setting", "prices", "assumed"]
HERE = "here"

# Assumed where nobody told: not measured, and to be replaced by your own figures.
TURNS_A_MONTH = 10_000.0
ESCALATION_RATE = 0.3
PROMPT_TOKENS, COMPLETION_TOKENS = 700.0, 80.0
SECONDS: Mapping[Role, float] = {"small": 4.0, "large": 12.0}
CLOUD = "gpt-4.1-mini"
WATTS = 45.0
USD_PER_KWH = 0.30
HARDWARE_USD, YEARS = 1_000.0, 4.0

_NAMES: Mapping[Role, str] = {"small": "Small model", "large": "Larger model", "cloud": "Cloud"}


@dataclass(frozen=True, slots=True)
class Assumption:
    name: str
    value: float | str | None  # None: unknown
    unit: str
    origin: Origin
    told: str  # what exactly it comes from


@dataclass(frozen=True, slots=True)
class Given:
    """What a person said on the command line; None: nothing."""

    turns_a_month: float | None = None
    escalation_rate: float | None = None
    prompt_tokens: float | None = None
    completion_tokens: float | None = None
    models: Mapping[Role, str | None] = field(default_factory=dict)  # ``here``, or a name
    seconds: Mapping[Role, float | None] = field(default_factory=dict)
    watts: float | None = None
    idle_watts: float | None = None
    usd_per_kwh: float | None = None
    hardware_usd: float | None = None
    years: float | None = None


@dataclass(frozen=True, slots=True)
class Set:
    """What the settings say; ``elsewhere`` holds name and address of models on other machines."""

    watts: float | None = None
    usd_per_kwh: float | None = None
    elsewhere: Mapping[Role, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Assumed:
    basis: Basis
    rows: tuple[Assumption, ...]  # in the order to be read
    notes: tuple[str, ...]  # sentences: what is not known, and what to do


def assume(given: Given, seen: Observed, settings: Set, prices: Prices) -> Assumed:
    told = _Teller(given, seen, settings, prices)
    turns = told.first("Turns a month", "turns", *told.turns(), (TURNS_A_MONTH, "assumed", ""))
    rate = told.first("Escalation rate", "share", *told.rate(), (ESCALATION_RATE, "assumed", ""))
    goes = {role: told.go(role) for role in _NAMES}
    basis = Basis(
        turns,
        rate,
        goes,
        told.first(
            "Electricity, a kWh", "USD",
            (given.usd_per_kwh, "option", "--usd-per-kwh"),
            (settings.usd_per_kwh, "setting", "RAG_USD_PER_KWH"),
            (USD_PER_KWH, "assumed", ""),
        ),
        told.first(
            "Hardware", "USD",
            (given.hardware_usd, "option", "--hardware-usd"),
            (HARDWARE_USD, "assumed", ""),
        ),
        told.first("Its life", "years", (given.years, "option", "--years"), (YEARS, "assumed", "")),
        told.first(
            "Taken day and night", "W",
            (given.idle_watts, "option", "--idle-watts"),
            (0.0, "assumed", "it is on for other reasons"),
        ),
    )  # fmt: skip
    return Assumed(basis, tuple(told.rows), tuple(told.notes))


Candidate = tuple[float | None, Origin, str]


class _Teller:
    """Chooses figures, and remembers where each came from."""

    def __init__(self, given: Given, seen: Observed, settings: Set, prices: Prices) -> None:
        self.rows: list[Assumption] = []
        self.notes: list[str] = []
        self._given, self._seen, self._set, self._prices = given, seen, settings, prices
        self._found: Mapping[Role, ObservedGo | None] = {
            "small": seen.small,
            "large": seen.large,
            "cloud": seen.large or seen.small,  # it reads what another would
        }

    def first(self, name: str, unit: str, *candidates: Candidate) -> float:
        """The first value that is known, noted as a row."""
        value, origin, told = next(
            (value, origin, told) for value, origin, told in candidates if value is not None
        )
        self.rows.append(Assumption(name, value, unit, origin, told))
        return value

    def turns(self) -> Sequence[Candidate]:
        seen = self._seen
        is_needed = self._given.turns_a_month is None
        if is_needed and seen.turns and seen.turns_a_month is None:
            self.notes.append(
                f"The ledger covers {seen.days:.1f} days, too few to tell how many turns a month "
                f"has (at least {MIN_DAYS:g}): give --turns."
            )
        told = f"{seen.turns} turns in {seen.days:.0f} days"
        return (self._given.turns_a_month, "option", "--turns"), (
            seen.turns_a_month,
            "ledger",
            told,
        )

    def rate(self) -> Sequence[Candidate]:
        told = f"{self._seen.auto_turns} turns in mode auto"
        return (self._given.escalation_rate, "option", "--rate"), (
            self._seen.escalation_rate,
            "ledger",
            told,
        )

    def go(self, role: Role) -> Go:
        found, name = self._found[role], _NAMES[role]
        is_here, price = self._model(role)
        prompt_tokens = self.first(
            f"{name}: prompt of a turn", "tokens",
            (self._given.prompt_tokens, "option", "--prompt-tokens"),
            (found.prompt_tokens if found else None, "ledger", _goes(found)),
            (PROMPT_TOKENS, "assumed", ""),
        )  # fmt: skip
        completion_tokens = self.first(
            f"{name}: answer", "tokens",
            (self._given.completion_tokens, "option", "--completion-tokens"),
            (found.completion_tokens if found else None, "ledger", _goes(found)),
            (COMPLETION_TOKENS, "assumed", ""),
        )  # fmt: skip
        if not is_here:
            return Go(prompt_tokens, completion_tokens, price)
        own = found if found and found.reach in {"machine", None} else None
        seconds = self.first(
            f"{name}: time it works", "s",
            (self._given.seconds.get(role), "option", f"--{role}-seconds"),
            (own.seconds if own else None, "ledger", _goes(own)),
            (SECONDS[role], "assumed", ""),
        )  # fmt: skip
        wh = self._wh(role, own, seconds)
        return Go(prompt_tokens, completion_tokens, FREE, True, seconds, wh)

    def _wh(self, role: Role, own: ObservedGo | None, seconds: float) -> float:
        """What was measured of the model, or watts for as long as it works."""
        ledger = "" if own is None or own.is_whole else ", of the processors alone: too little"

        def powered(watts: float | None, of: str) -> tuple[float | None, str]:
            wh = None if watts is None else watts * seconds / 3_600
            return wh, f"{watts or 0:g} W{of} for {seconds:.3g} s"

        option, setting = powered(self._given.watts, ""), powered(self._set.watts, "")
        assumed = powered(WATTS, "")
        return self.first(
            f"{_NAMES[role]}: electricity of a turn", "Wh",
            (option[0], "option", f"--watts: {option[1]}"),
            (own.wh if own else None, "ledger", f"{_goes(own)}{ledger}"),
            (setting[0], "setting", f"RAG_WATTS: {setting[1]}"),
            (assumed[0], "assumed", assumed[1]),
        )  # fmt: skip

    # --- models and their prices

    def _model(self, role: Role) -> tuple[bool, Price | None]:
        """Whether it is on this machine, and else what its tokens cost."""
        model, address, origin, told = self._chosen(role)
        name = _NAMES[role]
        self.rows.append(Assumption(name, _shown(model), "", origin, told))
        if model == HERE:
            return True, FREE
        price, why = _price(self._prices, model, address)
        amounts = (price.prompt_usd, price.completion_usd) if price else (None, None)
        for of, usd in zip(("prompt", "answer"), amounts, strict=True):
            self.rows.append(
                Assumption(f"{name}: a million tokens of {of}", usd, "USD", "prices", why)
            )
        if price is None:
            self.notes.append(
                f"What {model} costs is not known: {why}. Set "
                f"RAG_PRICES={model}=prompt/completion, or see `python -m rag prices`."
            )
        return False, price

    def _chosen(self, role: Role) -> tuple[str, str | None, Origin, str]:
        """Name or ``here``, address if known, and where that is from."""
        given = self._given.models.get(role)
        if given:
            return given, None, "option", f"--{role}"
        if role == "cloud":
            return self._cloud()
        found = self._found[role]
        if found and found.reach:
            place = HERE if found.reach == "machine" else found.model
            return place, None, "ledger", f"{found.model}, {_goes(found)}"
        if role in self._set.elsewhere:
            model, address = self._set.elsewhere[role]
            return model, address, "setting", "RAG_SLM" if role == "small" else "RAG_LLM"
        return HERE, None, "assumed", ""

    def _cloud(self) -> tuple[str, str | None, Origin, str]:
        """The larger model where that is elsewhere, so that like is compared with like."""
        model, address, origin, _ = self._chosen("large")
        if model != HERE:
            return model, address, origin, "the larger model"
        return CLOUD, None, "assumed", ""


def _price(prices: Prices, model: str, address: str | None) -> tuple[Price | None, str]:
    """The price that counts and what it rests on, or None and why."""
    fitting = [one for one in prices.listed if one.fits(model, address)]
    for one in fitting:
        if one.counts(prices.today):
            return one.price, _dated(one.provider, one.checked)
    if fitting:
        return None, f"its price was checked over a year ago, {fitting[0].checked}"
    return None, "it is in no list of prices"


def _dated(provider: str, checked: date | None) -> str:
    return f"{provider}, checked {checked}" if checked else "RAG_PRICES"


def _shown(model: str) -> str:
    return "on this machine" if model == HERE else model


def _goes(found: ObservedGo | None) -> str:
    if found is None:
        return ""
    return "1 answer" if found.goes == 1 else f"{found.goes:,} answers"
