"""Whether an answer does what a probe asks: a check and a text in, what is wrong with it out.

Every demand is a rule that anybody would come to the same result by. None can be met by saying the
task and its text again, which the tests try for each probe.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from pydantic import BaseModel, ConfigDict

from rag.answering.refusals import refuses
from rag.language import detect
from rag.retrieval.words import folded

_BULLET = re.compile(r"^[ \t]*[-*•–][ \t]+\S", re.M)
_NUMBER = re.compile(r"(?<![\w.,])[-−]?\d+(?:,\d{3})*(?:\.\d+)?(?![\w]|[.,]\d)")
_FENCE = re.compile(r"\A```\w*\n(.*?)\n?```\Z", re.S)


class Check(BaseModel):
    """What an answer must be; all that is set has to hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    holds: tuple[tuple[str, ...], ...] = ()  # one of each; whole words, * for any ending
    lacks: tuple[str, ...] = ()
    exactly: tuple[str, ...] = ()  # one of these and no more, whatever the case and last stop
    number: float | None = None  # the last one in the answer
    as_json: Mapping[str, str | int] | None = None  # an object of these keys and values, alone
    bullets: int | None = None  # so many lines that begin with one
    refuses: bool = False  # in its first sentence
    language: str = ""  # ISO 639-1
    words_at_least: int = 1
    words_at_most: int | None = None


def faults(check: Check, text: str) -> tuple[str, ...]:
    """What is wrong, as sentences; none: it passed.

    >>> faults(Check(number=69), "84 + 5 − 20 = 69"), faults(Check(number=69), "84")
    ((), ('Its last number is 84, not 69.',))
    """
    return tuple(_faults(check, text.strip()))


def _faults(check: Check, text: str) -> Iterator[str]:
    yield from _length(check, len(text.split()))
    for words in check.holds:
        if not any(_stands(word, text) for word in words):
            yield f"It does not hold “{words[0].rstrip('*')}”."
    for word in check.lacks:
        if _stands(word, text):
            yield f"It holds “{word.rstrip('*')}”."
    if check.exactly and _plain(text) not in map(_plain, check.exactly):
        yield f"It is not “{check.exactly[0]}”."
    if check.number is not None and (last := last_number(text)) != check.number:
        told = "missing" if last is None else f"{last:,g}"
        yield f"Its last number is {told}, not {check.number:,g}."
    if check.as_json is not None:
        yield from _json(check.as_json, text)
    if check.bullets is not None and (found := len(_BULLET.findall(text))) != check.bullets:
        yield f"It has {found} points, not {check.bullets}."
    if check.refuses and not refuses(text):
        yield "It does not say that the text holds no answer."
    if check.language and (found_language := detect(text)) != check.language:
        yield f"Its language is {found_language or 'unknown'}, not {check.language}."


def _length(check: Check, words: int) -> Iterator[str]:
    if words < check.words_at_least:
        yield f"It has {words} words, fewer than {check.words_at_least}."
    if check.words_at_most is not None and words > check.words_at_most:
        yield f"It has {words} words, more than {check.words_at_most}."


def _stands(word: str, text: str) -> bool:
    """Case and diacritics do not count."""
    pattern = re.escape(_folded(word)).replace(r"\*", r"\w*")
    return bool(re.search(rf"(?<!\w){pattern}(?!\w)", _folded(text)))


def _folded(text: str) -> str:
    return folded(text.casefold())


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".")


def last_number(text: str) -> float | None:
    """
    >>> last_number("That is 1,050 euros."), last_number("none")
    (1050.0, None)
    """
    numbers = _NUMBER.findall(text)
    return float(numbers[-1].replace(",", "").replace("−", "-")) if numbers else None


def _json(expected: Mapping[str, str | int], text: str) -> Iterator[str]:
    fenced = _FENCE.match(text)
    try:
        found = json.loads(fenced[1] if fenced else text)
    except ValueError:
        yield "It is not JSON and nothing else."
        return
    if not isinstance(found, dict) or set(found) != set(expected):
        yield f"Its keys are not {', '.join(expected)}."
        return
    for key, value in expected.items():
        if not _is_same(found[key], value):
            yield f"Its {key} is not {value}."


def _is_same(found: object, value: str | int) -> bool:
    if isinstance(value, str):
        return isinstance(found, str) and _plain(found) == _plain(value)
    return type(found) in {int, float} and found == value
