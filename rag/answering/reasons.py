"""Signals in plain English: what weighed in a judgement in, a sentence out.

The page has sentences of its own in each of its languages (rag/page/wording.py).
"""

from __future__ import annotations

from collections.abc import Mapping

from rag.types import Weighed

_FOR_AND_AGAINST: Mapping[str, tuple[str, str]] = {
    "subject": (
        "The documents speak of what is asked.",
        "The documents hold too little of the question.",
    ),
    "written": ("There is an answer.", "The model wrote nothing."),
    "answered": (
        "The model answers.",
        "The model says that the passages do not hold the answer.",
    ),
    "complete": ("The answer ends by itself.", "The answer was cut before its end."),
    "clean": ("The text is clean.", "Control signs of the model have leaked into the text."),
    "varied": ("It does not repeat itself.", "It repeats itself."),
    "incompressible": ("It does not repeat itself.", "It repeats itself."),
    "same_script": (
        "It is written in the script of the question.",
        "It is written in another script.",
    ),
    "same_language": (
        "It is in the language of the question.",
        "It is in another language than the question.",
    ),
    "certain": ("It does not hedge.", "It hedges."),
    "says_more": ("It adds to the question.", "It only repeats the question."),
    "fitting_length": ("Its length fits the question.", "It is long for such a question."),
    "grounded_words": ("Its words are in the passages.", "Much of its wording is not in them."),
    "grounded_numbers": ("All its numbers are in the passages.", ""),
    "grounded_names": ("All its names are in the passages.", "A name is not in the passages."),
    "grounded_units": ("Its units are in the passages.", "A unit is not in the passages."),
    "backed_sentences": (
        "Its sentences are backed by the passages they cite.",
        "Most of its sentences are backed by no passage.",
    ),
    "verbatim": (
        "It says it in the words of the passages.",
        "It says it in other words than the passages.",
    ),
    "exact_quotes": ("Its quotes are exact.", "A quote does not stand in the passages."),
    "in_one_place": (
        "One place in the passages says what it says.",
        "It gathers its words from several places.",
    ),
    "beside": (
        "The question's words stand beside the answer.",
        "Few of the question's words stand beside the answer.",
    ),
    "around": (
        "The question's words stand around the answer.",
        "Few of the question's words stand around the answer.",
    ),
    "named_around": (
        "The names in the question stand around the answer.",
        "A name or number in the question does not stand near the answer.",
    ),
    "fitting_kind": (
        "It gives the kind of thing that was asked for.",
        "It does not give the kind of thing that was asked for.",
    ),
    "least_probability": ("The model was sure of every word.", "The model was unsure of a word."),
    "least_window": ("The model was sure all along.", "The model was unsure for a few words."),
    "low_quantile": ("The model was sure of its words.", "The model was unsure of several words."),
    "mean_probability": ("The model was sure of its words.", "The model was unsure of its words."),
    "first_margin": ("The model was sure how to begin.", "The model was unsure how to begin."),
    "answer_first_margin": (
        "The model was sure what to answer.",
        "The model was unsure what to answer.",
    ),
    "answer_least_probability": (
        "The model was sure of every word of its answer.",
        "The model was unsure of a word of its answer.",
    ),
    "answer_least_window": (
        "The model was sure all along its answer.",
        "The model was unsure of a part of its answer.",
    ),
    "answer_mean_probability": (
        "The model was sure of its answer.",
        "The model was unsure of its answer.",
    ),
    "restates": (
        "It takes up the question.",
        "It does not take up the question.",
    ),
    "grounded_additions": (
        "What it adds to the question is in the passages.",
        "What it adds to the question is not in the passages.",
    ),
    "where_likeliest": (
        "It comes from where the passages speak of the question.",
        "It does not come from where the passages speak of the question.",
    ),
    "words_held": (
        "The best passage holds the question's words.",
        "The best passage holds few of the question's words.",
    ),
    "coverage": (
        "The best passage holds the question.",
        "The best passage holds little of the question.",
    ),
    "coverage_together": (
        "The best passages hold the question.",
        "The best passages hold little of the question.",
    ),
    "score_ratio": ("A passage fits the question well.", "No passage fits the question well."),
    "margin": (
        "One passage fits much better than the next.",
        "Several passages fit equally well.",
    ),
    "spread": ("Few passages fit the question.", "Many passages fit equally well."),
}


def sentence(weighed: Weighed) -> str:
    """
    >>> sentence(Weighed("grounded_numbers", 0.5, speaks_for=False, details=("12", "13")))
    '2 numbers are not in the passages: 12, 13.'
    """
    if weighed.name == "grounded_numbers" and not weighed.speaks_for:
        return _numbers(weighed.details)
    known = _FOR_AND_AGAINST.get(weighed.name)
    if known is None:
        return f"{weighed.name.replace('_', ' ').capitalize()}: {weighed.value:.2f}."
    plain = known[0] if weighed.speaks_for else known[1]
    if not weighed.details:
        return plain
    return f"{plain[:-1]}: {', '.join(weighed.details)}."


def _numbers(numbers: tuple[str, ...]) -> str:
    if len(numbers) == 1:
        return f"A number is not in the passages: {numbers[0]}."
    return f"{len(numbers)} numbers are not in the passages: {', '.join(numbers)}."
