"""What a judgement's signals say, in plain words of either language.

In goes a signal by its name, and on which side it speaks; out comes a phrase, or "" for a signal
that nobody has put into words here: then the judgement's own reasons are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from rag.page.wording import Wording
from rag.types import Confidence, Weighed

_SHOWN = 3

# By name: what it says for an answer, and against it.
ENGLISH = {
    "coverage": (
        "The best passage holds what was asked",
        "The best passage holds little of the question",
    ),
    "coverage_together": (
        "The passages hold what was asked",
        "The passages hold little of the question",
    ),
    "score_ratio": ("A passage matches the question well", "No passage matches the question well"),
    "margin": ("One passage stands out", "No passage stands out"),
    "spread": ("The best passage stands out from the rest", "The passages match about equally"),
    "written": ("The model wrote an answer", "The model wrote nothing"),
    "answered": ("It gives an answer", "The model says the sources do not hold the answer"),
    "certain": ("It does not hedge", "It hedges"),
    "complete": ("It is complete", "It was cut before its end"),
    "clean": ("Its text is clean", "It holds control marks of the model"),
    "varied": ("It does not repeat itself", "It repeats itself"),
    "incompressible": ("It does not go round in circles", "It goes round in circles"),
    "same_script": ("It is in the question's script", "It is in another script"),
    "same_language": ("It is in the question's language", "It is in another language"),
    "says_more": ("It says more than the question", "It mostly repeats the question"),
    "fitting_length": ("Its length fits the question", "It is too long for the question"),
    "fitting_kind": (
        "It gives the kind of thing that was asked for",
        "It does not give the kind of thing that was asked for",
    ),
    "grounded_words": (
        "Its words stand in the sources",
        "Much of its wording is not in the sources",
    ),
    "grounded_numbers": ("Its numbers stand in the sources", "Numbers not found in the sources"),
    "grounded_names": ("Its names stand in the sources", "Names not found in the sources"),
    "grounded_units": ("Its units stand in the sources", "Units not found in the sources"),
    "backed_sentences": ("The sources back its sentences", "Sentences not backed by the sources"),
    "exact_quotes": ("Its quotations are exact", "Quotations not found in the sources"),
    "beside": (
        "The sentence it draws on is about the question",
        "The sentence it draws on is about something else",
    ),
    "around": (
        "Its place in the sources is about the question",
        "Its place in the sources is about something else",
    ),
    "named_around": (
        "What the question names stands beside it in the sources",
        "What the question names does not stand beside it in the sources",
    ),
    "in_one_place": (
        "It comes from one place in the sources",
        "It is pieced together from several places",
    ),
    "first_margin": ("The model was sure how to begin", "The model was unsure how to begin"),
    "least_probability": ("The model was sure of every word", "The model was unsure of a word"),
    "least_window": ("The model was sure throughout", "The model was unsure in one place"),
    "low_quantile": (
        "The model was sure of nearly all its words",
        "The model was unsure of some words",
    ),
    "mean_probability": ("The model was sure of its words", "The model was unsure of its words"),
    "subject": (
        "The documents speak of what is asked",
        "The documents hold too little of the question",
    ),
    "words_held": (
        "The best passage holds the question's words",
        "The best passage holds few of the question's words",
    ),
    "restates": ("It takes up the question", "It does not take up the question"),
    "grounded_additions": (
        "What it adds to the question is in the sources",
        "What it adds to the question is not in the sources",
    ),
    "where_likeliest": (
        "It comes from where the sources speak of the question",
        "It does not come from where the sources speak of the question",
    ),
    "answer_first_margin": (
        "The model was sure what to answer",
        "The model was unsure what to answer",
    ),
    "answer_least_probability": (
        "The model was sure of every word of its answer",
        "The model was unsure of a word of its answer",
    ),
    "answer_least_window": (
        "The model was sure all along its answer",
        "The model was unsure of a part of its answer",
    ),
    "answer_mean_probability": (
        "The model was sure of its answer",
        "The model was unsure of its answer",
    ),
    "verbatim": (
        "It is taken word for word from the sources",
        "It is not in the words of the sources",
    ),
}

ROMANIAN = {
    "coverage": (
        "Cel mai bun pasaj conține ce s-a întrebat",
        "Cel mai bun pasaj conține puțin din întrebare",
    ),
    "coverage_together": ("Pasajele conțin ce s-a întrebat", "Pasajele conțin puțin din întrebare"),
    "score_ratio": (
        "Un pasaj se potrivește bine cu întrebarea",
        "Niciun pasaj nu se potrivește bine cu întrebarea",
    ),
    "margin": ("Un pasaj iese în evidență", "Niciun pasaj nu iese în evidență"),
    "spread": ("Cel mai bun pasaj se desprinde de restul", "Pasajele se potrivesc aproape la fel"),
    "written": ("Modelul a scris un răspuns", "Modelul nu a scris nimic"),
    "answered": ("Dă un răspuns", "Modelul spune că sursele nu conțin răspunsul"),
    "certain": ("Nu ezită", "Ezită"),
    "complete": ("Este întreg", "A fost tăiat înainte de sfârșit"),
    "clean": ("Textul este curat", "Conține semne de control ale modelului"),
    "varied": ("Nu se repetă", "Se repetă"),
    "incompressible": ("Nu se învârte în cerc", "Se învârte în cerc"),
    "same_script": ("Este în scrierea întrebării", "Este în altă scriere"),
    "same_language": ("Este în limba întrebării", "Este în altă limbă"),
    "says_more": ("Spune mai mult decât întrebarea", "Repetă mai ales întrebarea"),
    "fitting_length": ("Lungimea se potrivește cu întrebarea", "Este prea lung pentru întrebare"),
    "fitting_kind": ("Dă felul de lucru care s-a cerut", "Nu dă felul de lucru care s-a cerut"),
    "grounded_words": ("Cuvintele lui sunt în surse", "Multe din cuvintele lui nu sunt în surse"),
    "grounded_numbers": ("Numerele lui sunt în surse", "Numere negăsite în surse"),
    "grounded_names": ("Numele lui sunt în surse", "Nume negăsite în surse"),
    "grounded_units": ("Unitățile lui sunt în surse", "Unități negăsite în surse"),
    "backed_sentences": ("Sursele îi susțin propozițiile", "Propoziții nesusținute de surse"),
    "exact_quotes": ("Citatele sunt exacte", "Citate negăsite în surse"),
    "beside": (
        "Propoziția pe care se sprijină este despre întrebare",
        "Propoziția pe care se sprijină este despre altceva",
    ),
    "around": ("Locul din surse este despre întrebare", "Locul din surse este despre altceva"),
    "named_around": (
        "Ce numește întrebarea stă alături în surse",
        "Ce numește întrebarea nu stă alături în surse",
    ),
    "in_one_place": ("Vine dintr-un singur loc din surse", "Este adunat din mai multe locuri"),
    "first_margin": ("Modelul a știut cum să înceapă", "Modelul nu a știut sigur cum să înceapă"),
    "least_probability": (
        "Modelul a fost sigur de fiecare cuvânt",
        "Modelul nu a fost sigur de un cuvânt",
    ),
    "least_window": ("Modelul a fost sigur peste tot", "Modelul nu a fost sigur într-un loc"),
    "low_quantile": (
        "Modelul a fost sigur de aproape toate cuvintele",
        "Modelul nu a fost sigur de unele cuvinte",
    ),
    "mean_probability": ("Modelul a fost sigur de cuvinte", "Modelul nu a fost sigur de cuvinte"),
    "subject": (
        "Documentele vorbesc despre ce s-a întrebat",
        "Documentele conțin prea puțin din întrebare",
    ),
    "words_held": (
        "Cel mai bun pasaj conține cuvintele întrebării",
        "Cel mai bun pasaj conține puține cuvinte din întrebare",
    ),
    "restates": ("Reia întrebarea", "Nu reia întrebarea"),
    "grounded_additions": (
        "Ce adaugă la întrebare este în surse",
        "Ce adaugă la întrebare nu este în surse",
    ),
    "where_likeliest": (
        "Vine de acolo unde sursele vorbesc despre întrebare",
        "Nu vine de acolo unde sursele vorbesc despre întrebare",
    ),
    "answer_first_margin": (
        "Modelul a știut ce să răspundă",
        "Modelul nu a știut sigur ce să răspundă",
    ),
    "answer_least_probability": (
        "Modelul a fost sigur de fiecare cuvânt al răspunsului",
        "Modelul nu a fost sigur de un cuvânt al răspunsului",
    ),
    "answer_least_window": (
        "Modelul a fost sigur de tot răspunsul",
        "Modelul nu a fost sigur de o parte a răspunsului",
    ),
    "answer_mean_probability": (
        "Modelul a fost sigur de răspuns",
        "Modelul nu a fost sigur de răspuns",
    ),
    "verbatim": ("Este luat cuvânt cu cuvânt din surse", "Nu este în cuvintele surselor"),
}

# Against an answer, where it is known what is missing.
ENGLISH_LISTED = {
    "grounded_numbers": "{count} not found in the sources: {details}",
    "grounded_names": "{count} not found in the sources: {details}",
    "grounded_units": "{count} not found in the sources: {details}",
    "named_around": "Not beside it in the sources: {details}",
}

ROMANIAN_LISTED = {
    "grounded_numbers": "{count} nu apar în surse: {details}",
    "grounded_names": "{count} nu apar în surse: {details}",
    "grounded_units": "{count} nu apar în surse: {details}",
    "named_around": "Nu stau alături în surse: {details}",
}


def phrase(weighed: Weighed, words: Wording) -> str:
    """
    >>> phrase(Weighed("grounded_numbers", 0.5, False, ("12", "40")), Wording("en"))
    '2 numbers not found in the sources: 12, 40'
    """
    is_romanian = words.language == "ro"
    listed = (ROMANIAN_LISTED if is_romanian else ENGLISH_LISTED).get(weighed.name)
    if listed and weighed.details and not weighed.speaks_for:
        many = len(weighed.details)
        count = words.count(many, weighed.name) if weighed.name in words.nouns else str(many)
        return listed.format(count=count, details=", ".join(weighed.details))
    phrases = ROMANIAN if is_romanian else ENGLISH
    said = phrases.get(weighed.name, ("", ""))[0 if weighed.speaks_for else 1]
    return ": ".join(filter(None, [said, said and ", ".join(weighed.details)]))


def weightiest(confidence: Confidence, words: Wording) -> list[tuple[str, bool]]:
    """At most three phrases, weightiest first, each with whether it speaks for the answer.

    For a signal without a phrase the judgement's own sentence at its place is taken.
    """
    reasons = [reason.rstrip(".") for reason in confidence.reasons]
    if not confidence.weightiest:
        return [(reason, confidence.verdict == "accept") for reason in reasons[:_SHOWN]]
    spoken = zip_longest(confidence.weightiest[:_SHOWN], reasons[:_SHOWN], fillvalue="")
    return [
        (phrase(one, words) or str(reason) or one.name.replace("_", " "), one.speaks_for)
        for one, reason in spoken
        if isinstance(one, Weighed)
    ]


def against(confidence: Confidence | None, reasons: Sequence[str], words: Wording) -> str:
    """What weighs most against an answer; else the first of ``reasons``; "" without any."""
    weighed = confidence.weightiest if confidence else ()
    spoken = [phrase(one, words) for one in weighed if not one.speaks_for]
    return next(filter(None, [*spoken, *(reason.rstrip(".") for reason in reasons)]), "")
