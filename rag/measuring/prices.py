"""Who asks how much: price lists in, the price of a model at an address out.

Three lists, the first that fits counts: the setting RAG_PRICES, ``prices.toml`` in the data folder,
and the one that comes with this program. Prices change: one that was checked more than a year ago
no longer counts, so that what it would give is unknown and not wrong.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from fnmatch import fnmatchcase
from math import isfinite
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rag.errors import SettingsError
from rag.measuring.cost import Price

PRICES = "prices.toml"  # in the data folder
SHIPPED = Path(__file__).with_name(PRICES)
OLD_AFTER = timedelta(days=365)

Origin = Literal["RAG_PRICES", "your list", "shipped"]


@dataclass(frozen=True, slots=True)
class Listed:
    """A price, of which models and where, and what it rests on."""

    model: str  # * and ? stand for what they do in file names
    price: Price
    origin: Origin
    provider: str = ""
    hosts: tuple[str, ...] = ()  # likewise; none: at any address
    source: str = ""  # a page
    checked: date | None = None  # None: by whoever set it, and never too old

    def fits(self, model: str, address: str | None) -> bool:
        """``address`` as ``ChatModel.address``; None when it is not known: then any will do."""
        if not fnmatchcase(model.lower(), self.model.lower()):
            return False
        if address is None or not self.hosts:
            return True
        host = urlsplit(address).hostname or ""
        return any(fnmatchcase(host, pattern.lower()) for pattern in self.hosts)

    def counts(self, today: date) -> bool:
        return self.checked is None or today - self.checked <= OLD_AFTER


@dataclass(frozen=True, slots=True)
class Prices:
    listed: tuple[Listed, ...]
    today: date

    def find(self, model: str, address: str | None = None) -> Price | None:
        """None when no list has it, or all that do are too old."""
        fitting = (one for one in self.listed if one.fits(model, address))
        return next((one.price for one in fitting if one.counts(self.today)), None)

    def is_old(self, model: str, address: str | None = None) -> bool:
        """Whether there is a price, but none young enough to count."""
        is_there = any(one.fits(model, address) for one in self.listed)
        return is_there and self.find(model, address) is None


NO_PRICES = Prices((), date.min)


def load_prices(setting: str, data_dir: Path) -> Prices:
    """Raises SettingsError for a list that makes no sense, and tells where."""
    own = data_dir / PRICES
    return Prices(
        (
            *parse_prices(setting),
            *(read_list(own, "your list") if own.exists() else ()),
            *read_list(SHIPPED, "shipped"),
        ),
        date.today(),
    )


# --- a list in a file ------------------------------------------------------------------------

_Usd = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Amounts(BaseModel):
    model_config = ConfigDict(extra="forbid")
    prompt: _Usd
    completion: _Usd


class _Provider(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    hosts: tuple[str, ...] = ()
    source: str
    checked: date
    models: dict[str, _Amounts]


class _List(BaseModel):
    model_config = ConfigDict(extra="forbid")
    provider: tuple[_Provider, ...] = ()


def read_list(path: Path, origin: Origin) -> tuple[Listed, ...]:
    """In the order of the file. Raises SettingsError."""
    try:
        listed = _List.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as exc:
        raise _unreadable(path, f"it cannot be opened: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise _unreadable(path, "it is not UTF-8 text") from exc
    except tomllib.TOMLDecodeError as exc:
        raise _unreadable(path, f"it is not TOML: {exc}") from exc
    except ValidationError as exc:
        first = exc.errors(include_input=False, include_url=False)[0]
        place = " → ".join(str(part) for part in first["loc"])
        raise _unreadable(path, f"{place}: {first['msg']}") from exc
    return tuple(_listed(listed, origin))


def _listed(prices: _List, origin: Origin) -> Iterator[Listed]:
    for provider in prices.provider:
        for model, amounts in provider.models.items():
            yield Listed(
                model,
                Price(amounts.prompt, amounts.completion),
                origin,
                provider.name,
                provider.hosts,
                provider.source,
                provider.checked,
            )


def _unreadable(path: Path, why: str) -> SettingsError:
    return SettingsError(f"The price list {path} makes no sense: {why}. Correct it, or delete it.")


# --- the setting -----------------------------------------------------------------------------


def parse_prices(text: str) -> tuple[Listed, ...]:
    """The setting RAG_PRICES: ``model=prompt/completion``, separated by commas.

    Raises SettingsError, which tells the place of what is wrong.

    >>> parse_prices("gpt-4o-mini=0.15/0.60")[0].price
    Price(prompt_usd=0.15, completion_usd=0.6)
    """
    prices: dict[str, Price] = {}
    for place, entry in enumerate(text.rstrip(" ,").split(",") if text.strip(" ,") else (), 1):
        model, _, amounts = (part.strip() for part in entry.rpartition("="))
        prompt_usd, _, completion_usd = amounts.partition("/")
        try:
            price = Price(_amount(prompt_usd), _amount(completion_usd))
        except ValueError as exc:
            raise _bad(
                place, "is not of the form model=prompt/completion with two amounts"
            ) from exc
        if not model:
            raise _bad(place, "names no model")
        if model in prices:
            raise _bad(place, "names a model a second time")
        prices[model] = price
    return tuple(Listed(model, price, "RAG_PRICES") for model, price in prices.items())


def _amount(text: str) -> float:
    amount = float(text)
    if not isfinite(amount) or amount < 0:
        raise ValueError
    return amount


def _bad(place: int, what: str) -> SettingsError:
    return SettingsError(
        f"Setting RAG_PRICES: entry {place} {what}. Write it like gpt-4o-mini=0.15/0.60, in US "
        "dollars for a million tokens, with commas between models."
    )
