"""What a sample tells: numbers in, estimates with intervals out. It knows nothing of their meaning.

Resampling starts from a fixed seed, so equal samples give equal intervals.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

_RESAMPLES = 2_000
_ROW_RESAMPLES = 1_000  # a resample of rows is a call
_INTERVAL = (2.5, 97.5)  # percent
_Z = 1.959964  # standard deviations on either side that hold 95% of a normal distribution

Statistic = Callable[..., Any]  # of an array, along ``axis``


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and its 95% bootstrap interval over ``count`` samples."""

    value: float
    low: float
    high: float
    count: int


def estimate(values: Sequence[float], statistic: Statistic = np.mean) -> Estimate | None:
    """Percentile bootstrap (Efron 1979); None for no values."""
    if not values:
        return None
    sample = np.asarray(values, dtype=float)
    rng = np.random.default_rng(0)
    resampled = statistic(rng.choice(sample, size=(_RESAMPLES, len(sample))), axis=1)
    low, high = np.percentile(resampled, _INTERVAL)
    return Estimate(float(statistic(sample, axis=0)), float(low), float(high), len(sample))


def share(happened: Sequence[bool]) -> Estimate | None:
    """How often something happened, with Wilson's 95% interval (1927); None for no cases.

    Resampling would give three of three an interval without width, as if that were certain.

    >>> share([True, True, True])
    Estimate(value=1.0, low=0.4385030826604998, high=1.0, count=3)
    """
    count = len(happened)
    if not count:
        return None
    found, spread = sum(happened) / count, _Z**2 / count
    middle = (found + spread / 2) / (1 + spread)
    half = _Z / (1 + spread) * math.sqrt(found * (1 - found) / count + spread / count / 4)
    return Estimate(found, max(0.0, middle - half), min(1.0, middle + half), count)


def share_difference(ones: Sequence[bool], others: Sequence[bool]) -> Estimate | None:
    """How much oftener something happened in ``ones`` than in ``others``, case by case.

    With the interval of Newcombe (1998, method 10), which has a width however few cases there are.
    """
    one, other, count = share(ones), share(others), len(ones)
    if one is None or other is None:
        return None
    found, lean = one.value - other.value, _correlation(ones, others)
    below = _both(one.value - one.low, other.high - other.value, lean)
    above = _both(one.high - one.value, other.value - other.low, lean)
    return Estimate(found, max(-1.0, found - below), min(1.0, found + above), count)


def _both(one: float, other: float, lean: float) -> float:
    return math.sqrt(max(0.0, one**2 - 2 * lean * one * other + other**2))


def _correlation(ones: Sequence[bool], others: Sequence[bool]) -> float:
    """Of the two columns, with Newcombe's correction for continuity."""
    cases = list(zip(ones, others, strict=True))
    both, first, second, neither = (
        cases.count(case) for case in ((True, True), (True, False), (False, True), (False, False))
    )
    margins = (both + first) * (second + neither) * (both + second) * (first + neither)
    product = both * neither - first * second
    if not margins:
        return 0.0
    corrected = max(0.0, product - len(cases) / 2) if product > 0 else product
    return corrected / math.sqrt(margins)


def chance(wins: int, losses: int) -> float:
    """How likely so uneven a split is if both are as good: the exact sign test, two-sided.

    >>> chance(5, 0)
    0.0625
    """
    count = wins + losses
    tail = sum(math.comb(count, at) for at in range(min(wins, losses) + 1))
    return min(1.0, 2 * tail / math.pow(2, count))


def paired(
    statistic: Callable[..., float | None], *columns: Sequence[float] | NDArray[Any]
) -> Estimate | None:
    """Of a statistic of whole rows: each resample draws rows, so that columns stay together.

    ``statistic`` takes an array a column. Resamples in which it is undefined are left out; None
    when it is undefined for the rows themselves.
    """
    rows = [np.asarray(column, dtype=float) for column in columns]
    count = len(rows[0])
    value = statistic(*rows) if count else None
    if value is None:
        return None
    draws = np.random.default_rng(0).integers(count, size=(_ROW_RESAMPLES, count))
    resampled = [statistic(*(column[draw] for column in rows)) for draw in draws]
    known = [each for each in resampled if each is not None]
    low, high = np.percentile(known or [value], _INTERVAL)
    return Estimate(float(value), float(low), float(high), count)


def median(values: Sequence[float]) -> Estimate | None:
    return estimate(values, np.median)


def percentile(values: Sequence[float], q: float) -> Estimate | None:
    """The ``q``-th percentile where the sample supports it, else None.

    At least one sample must lie beyond the percentile: a p95 needs 20, a p99 100.
    """
    if len(values) * min(q, 100 - q) / 100 < 1:
        return None
    return estimate(values, partial(np.percentile, q=q))
