"""How far the passages support what the text says. Lexical: stems, numbers and names must occur.

The second half looks for the place where the passages say what the answer adds, and asks how much
of the question stands beside it: an answer taken from a sentence on something else has little.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from difflib import SequenceMatcher

from rag.answering.evidence import Draft, plain_words
from rag.answering.grounding import is_number
from rag.answering.signals.wording import kind
from rag.retrieval.coverage import is_held

_QUOTED = re.compile(r"[\"“„«]([^\"“”„«»\n]{3,}?)[\"”»]")
_UNIT = re.compile(
    r"\d[\d.,]*\s?(%|°C|°F|[kmcµn]?m[²³]?\b|[kmµ]?g\b|km/h\b|[kMG]?Hz\b|[kMGT]?W(?:h)?\b|[kMGT]?B\b"
    r"|m?s\b|€|\$|£|percent\b|million\b|billion\b|milioane\b|miliarde\b|years?\b|ani\b|lei\b)"
)
_SPELT = re.compile(
    r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty"
    r"|hundreds?|thousands?|millions?|billions?|half|once|twice|first|second|third|centur(?:y|ies)"
    r"|un|unu|una|doi|dou[aă]|trei|patru|cinci|[sș]ase|[sș]apte|opt|nou[aă]|zece|sut[aăe]|mii|secol\w*)\b",
    re.IGNORECASE,
)
_FIRST_WORDS = 100
_NAME = re.compile(r"(?<=[\w,;:)”\"] )[^\W\d_a-z][\w’'-]+")  # capitalised, inside a sentence


# --- everything it says ------------------------------------------------------------------


def grounded_words(draft: Draft) -> float | None:
    """Share of its content words that stand in the passages."""
    return _share(draft, draft.words)


def grounded_additions(draft: Draft) -> float:
    """Share of the words it adds to the question that stand in the passages; 0 for an echo."""
    return _share(draft, draft.added) or 0.0


def grounded_numbers(draft: Draft) -> float | None:
    """Share of its numbers that stand in the passages or the question; None without numbers."""
    numbers = [word for word in draft.words if is_number(word)]
    return 1 - len(foreign_numbers(draft)) / len(numbers) if numbers else None


def foreign_numbers(draft: Draft) -> Sequence[str]:
    """Those that stand in neither, as written."""
    return [word for word in draft.added if is_number(word) and not _stands(draft, word)]


def grounded_names(draft: Draft) -> float | None:
    """Share of the names it adds to the question that stand in the passages."""
    return _share(draft, _added_names(draft))


def grounded_units(draft: Draft) -> float | None:
    """Share of its units that the passages use; None where no number has one."""
    units = set(_UNIT.findall(draft.text))
    said = draft.reading.context.text + draft.found.question
    return sum(unit in said for unit in units) / len(units) if units else None


def backed_sentences(draft: Draft) -> float | None:
    """Share of its sentences that a passage they cite backs (ALCE, Gao et al. 2023)."""
    backed = draft.cited.backed
    return sum(backed) / len(backed) if backed else None


def exact_quotes(draft: Draft) -> float | None:
    """Share of what it puts in quotation marks that stands so in a passage or the question."""
    quoted = [_plain(quote) for quote in _QUOTED.findall(draft.text)]
    said = _plain(draft.reading.context.text + " " + draft.found.question)
    return sum(quote in said for quote in quoted) / len(quoted) if quoted else None


def verbatim(draft: Draft) -> float:
    """The longest run of words that stands so in the passages, over all words: 1 for a quote.

    Of a long text its beginning: the search for a run takes long in one that repeats itself.
    """
    words = plain_words(draft.text)[:_FIRST_WORDS]
    said = draft.reading.said
    longest = SequenceMatcher(None, said, words, autojunk=False).find_longest_match().size
    return longest / len(words) if words else 0.0


# --- where it is taken from --------------------------------------------------------------


def beside(draft: Draft) -> float:
    """Share of the question, by idf, in the sentence that holds what the answer adds."""
    return draft.place.asked if draft.place else 0.0


def around(draft: Draft) -> float:
    """The same with the sentences before and after, the title and the section."""
    return draft.found.wanted.share(draft.place.around) if draft.place else 0.0


def where_likeliest(draft: Draft) -> float:
    """Share of what the answer adds that stands where the passages hold most of the question."""
    if draft.reading.likeliest is None or not draft.added:
        return 0.0
    return sum(is_held(word, draft.reading.likeliest.here) for word in draft.added) / len(
        draft.added
    )


def named_around(draft: Draft) -> float | None:
    """Share of the question's names and numbers that stand there; None where it has none."""
    asked = _asked_names(draft)
    if draft.place is None or not asked:
        return None
    return sum(is_held(word, draft.place.around) for word in asked) / len(asked)


def in_one_place(draft: Draft) -> float:
    """Share of what the answer adds that stands in one sentence, or two together."""
    if draft.place is None or not draft.added:
        return 0.0
    return sum(is_held(word, draft.place.here) for word in draft.added) / len(draft.added)


def fitting_kind(draft: Draft) -> float | None:
    """1 if a question for a number or time adds a number, one for a person or place a name."""
    match kind(draft.found.question):
        case "number" | "time":
            return float(any(map(is_number, draft.added)) or bool(_SPELT.search(draft.text)))
        case "person" | "place":
            return float(any(word[0].isupper() for word in draft.added))
        case _:
            return None


def _added_names(draft: Draft) -> Sequence[str]:
    names = names_in(draft.text)
    return [word for word in draft.added if word in names]


def names_in(text: str) -> Collection[str]:
    """Capitalised words inside a sentence."""
    return set(_NAME.findall(text))


def _asked_names(draft: Draft) -> Sequence[str]:
    names = names_in(draft.found.question)
    return [word for word in draft.found.wanted.worth if word in names or is_number(word)]


def _share(draft: Draft, words: Sequence[str]) -> float | None:
    return sum(_stands(draft, word) for word in words) / len(words) if words else None


def _stands(draft: Draft, word: str) -> bool:
    return is_held(word, draft.reading.sources.terms)


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s]", " ", text.casefold()).split())
