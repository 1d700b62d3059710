"""The language of a text, from text to an ISO 639-1 code: ``""`` where it cannot be told.

Byte n-grams (py3langid) decide; in short texts function words add to their say, because a question
of five words has few n-grams but nearly always a "what" or a "care". Numbers behind the constants:
docs/decisions/0010-language-detection.md. Knows nothing of documents or questions.
"""

from __future__ import annotations

import re
from functools import cache
from threading import Lock
from typing import Any

# The widespread languages of the model's 140: fewer names, fewer absurd answers to short texts.
_LANGUAGES = (
    "ar bg bn ca cs da de el en es et eu fa fi fr ga gu he hi hr hu hy id it ja ka kn ko lt lv ml "
    "nl no pa pl pt ro ru sk sl sr sv ta te th tr uk ur vi zh"
)

_FUNCTION_WORDS = {
    language: frozenset(words.split())
    for language, words in {
        "de": "was wer wie wann wo warum welche welcher ist sind war die der das und in von für",
        "en": "what who which when where how why does did do the is are was were of in and to for",
        "es": "qué que quién cuál cuándo dónde cómo por es son fue el la los las de del y en para",
        "fr": "que qui quel quelle quand où comment pourquoi est sont le la les des du et dans ce",
        "it": "che chi quale quando dove come perché è sono era il la le gli di del e in per",
        "nl": "wat wie welke wanneer waar hoe waarom is zijn was de het een van en in",
        "pt": "que quem qual quando onde como por é são foi o a os as de do da e em para",
        "ro": (
            "ce cine care când cand unde cum cât cat câți cati câte cate de este e sunt era au a "
            "în in și si la din pe pentru cu"
        ),
    }.items()
}

_SHORT_WORDS = 20  # up to here function words have a say
_VOTE = 8.0  # of one function word, in the model's log-likelihood
_MARGIN = 4.0  # the best language must lead by this much; a single odd word does not
_SAMPLE_CHARS = 1_500  # read at the start, in the middle and at the end of a long text

_WORD = re.compile(r"\w+")


_loading = Lock()


def warm_up() -> None:
    """Load the model now, which takes a second, rather than at the first text."""
    _identifier()


def _identifier() -> Any:
    with _loading:  # or two threads that come first would both load it
        return _loaded()


@cache
def _loaded() -> Any:
    # numpy comes with it: a sixth of a second that a process which detects nothing need not pay.
    from py3langid.langid import (  # type: ignore[import-untyped]  # noqa: PLC0415
        MODEL_FILE,
        LanguageIdentifier,
    )

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(_LANGUAGES.split())
    return identifier


def detect(text: str) -> str:
    """The ISO 639-1 code of the language of ``text``; ``""`` for too few or no words.

    Deterministic; about 0.1 ms, after a second to load the model the first time.

    >>> detect("Care este termenul de livrare?")
    'ro'
    """
    sample = _sample(text)
    if not any(map(str.isalpha, sample)):
        return ""
    scores = dict(_identifier().rank(sample))
    words = _WORD.findall(sample.lower())
    if len(words) <= _SHORT_WORDS:
        for language, known in _FUNCTION_WORDS.items():
            scores[language] += _VOTE * sum(word in known for word in words)
    best, second = sorted(scores, key=scores.__getitem__, reverse=True)[:2]
    return best if scores[best] - scores[second] >= _MARGIN else ""


def _sample(text: str) -> str:
    if len(text) <= 3 * _SAMPLE_CHARS:
        return text
    middle = (len(text) - _SAMPLE_CHARS) // 2
    parts = (text[:_SAMPLE_CHARS], text[middle : middle + _SAMPLE_CHARS], text[-_SAMPLE_CHARS:])
    return "\n".join(parts)
