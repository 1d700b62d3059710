"""The shipped probes: each is passed by good answers, by no bad one, and by no echo."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from rag.answering import sentences
from rag.measuring.probes import Probe, own_prompt, probe_of, probes
from rag.measuring.probes_check import Check, faults, last_number

BY_ID = {probe.id: probe for probe in probes()}
OTHER_GOOD = {
    "summarise-1": "A storm broke the ramp at Port Selby: buses replace the ferry until March.",
    "summarise-2": "To demolish the greenhouse by the end of April.",
    "extract-1": "The number is 55501147.",
    "extract-2": "1050 euros",
    "extract-3": "- Ines Calder\n- Tobias Renn",
    "reason-1": "7 crates of 12 are 84 jars. With 5 left over 89. She gives 20 away: **69**.",
    "reason-2": "Mira.",
    "reason-3": "The 13th day: 13",
    "format-1": '```json\n{"town": "Norvale",\n "name": "Livia Arden", "age": 41}\n```',
    "format-2": "* Wool is warm when wet\n* It resists fire\n* It is renewable each year",
    "format-3": "Awl; chisel; mallet; plane; rasp.",
    "refuse-1": "The price of a ticket is not mentioned in the text.",
    "refuse-2": "I cannot determine its height from this text.",
    "refuse-3": "The text doesn't mention who won the second prize.",
    "romanian-1": "Biblioteca se închide sâmbăta la ora 14:00.",
    "romanian-2": "Pentru că scena a fost inundată de o ploaie puternică.",
    "romanian-3": "Ilinca Moraru a deschis o brutărie nouă în satul Valea Rece.",
}
BAD = {
    "summarise-1": (
        "",
        "Passengers of the Marlena are asked for patience.",
        "The ferry does not run.",
        "The storm, the ferry, the buses. " * 10,
    ),
    "summarise-2": (
        "The society talked about the greenhouse in April.",
        "They voted to pull down the greenhouse by April, drank tea and held a raffle.",
        "They decided to paint the greenhouse before the end of April.",
    ),
    "extract-1": ("5550 1190", "5550 1147 or 5550 1182", "There is a desk at night."),
    "extract-2": ("20417", "940", "1,050 euros, invoice 20417"),
    "extract-3": ("Ines Calder", "Ines Calder, Tobias Renn and Anna Weil", "Nobody"),
    "reason-1": ("89", "84 + 5 = 69 jars, then minus 20 is 49", "Ada has jars."),
    "reason-2": ("Petra", "Jon is the second oldest.", "Petra is older than Mira."),
    "reason-3": ("12", "14 June", "It takes 9 days."),
    "format-1": (
        "Name: Livia Arden, age 41, town Norvale",
        '{"name": "Livia Arden", "age": 41}',
        '{"name": "Livia Arden", "age": "41", "town": "Norvale"}',
        'Here it is: {"name": "Livia Arden", "age": 41, "town": "Norvale"}',
        '[{"name": "Livia Arden", "age": 41, "town": "Norvale"}]',
    ),
    "format-2": (
        "It keeps warm, does not burn and grows each year.",
        "- It keeps warm when wet.\n- It does not burn.",
        "- Warm\n- Does not burn\n- Grows each year\n- Moths like it",
    ),
    "format-3": (
        "awl, chisel, mallet, plane, rasp",
        "rasp; mallet; awl; plane; chisel",
        "The tools are: awl; chisel; mallet; plane; rasp",
    ),
    "refuse-1": ("A ticket costs 10 euros.", "The tour takes an hour.", "It is free on Mondays."),
    "refuse-2": ("It is 34 metres high.", "38 metres. The text does not say it exactly."),
    "refuse-3": ("Hanne Vik", "The second prize went to Omar Diallo.", "Nobody won it."),
    "romanian-1": (
        "It closes at 14 on Saturday, as the text says.",
        "Biblioteca se închide la ora 20.",
        "Sâmbăta nu se lucrează la bibliotecă.",
    ),
    "romanian-2": (
        "It was put off because of the rain and the water on stage.",
        "Concertul a fost amânat pentru că muzicienii erau obosiți.",
        "Concertul va avea loc joi.",
    ),
    "romanian-3": (
        "A new bakery was opened in the village by Ilinca Moraru.",
        "Ilinca Moraru a lucrat la oraș timp de zece ani.",
        "Cei mai bucuroși sunt bătrânii.",
    ),
}


@pytest.mark.parametrize("probe", probes(), ids=lambda probe: probe.id)
def test_a_probe_is_passed_when_the_answer_is_good(probe: Probe) -> None:
    assert faults(probe.check, probe.reference) == ()
    assert faults(probe.check, OTHER_GOOD[probe.id]) == ()


@pytest.mark.parametrize(
    ("probe", "text"),
    [(BY_ID[name], text) for name, texts in BAD.items() for text in texts],
    ids=lambda each: getattr(each, "id", None),
)
def test_a_probe_is_failed_when_the_answer_is_bad(probe: Probe, text: str) -> None:
    assert faults(probe.check, text)


@pytest.mark.parametrize("probe", probes(), ids=lambda probe: probe.id)
def test_a_probe_is_failed_when_its_prompt_is_said_again(probe: Probe) -> None:
    [source] = probe.prompt(64).sources
    [message] = probe.prompt(64).messages
    echoes = {message.content, source, probe.source, probe.task, f"{probe.task}\n\n{source}"}
    for echo in {*echoes, "Sure! " + message.content}:
        assert faults(probe.check, echo), echo


def has_no_sentence_to_copy(probe: Probe) -> bool:
    """What is to be found stands in a sentence of the others: a fact, an hour."""
    return probe.ability != "extract" and probe.id != "romanian-1"


@pytest.mark.parametrize(
    "probe", list(filter(has_no_sentence_to_copy, probes())), ids=lambda probe: probe.id
)
def test_a_probe_is_failed_when_one_sentence_is_copied(probe: Probe) -> None:
    text = " ".join(f"{probe.source} {probe.task}".split())
    for start, end in sentences.spans(text):
        assert faults(probe.check, text[start:end]), text[start:end]


def test_every_ability_is_tried_more_than_once_when_the_list_is_whole() -> None:
    abilities = [probe.ability for probe in probes()]
    assert list(dict.fromkeys(abilities)) == [
        "summarise",
        "extract",
        "reason",
        "format",
        "refuse",
        "romanian",
    ]
    assert all(2 <= abilities.count(ability) <= 3 for ability in abilities)
    assert len(BY_ID) == len(abilities)
    assert set(OTHER_GOOD) == set(BAD) == set(BY_ID)


def test_the_task_comes_last_when_a_probe_is_asked() -> None:
    prompt = BY_ID["reason-2"].prompt(64)
    assert prompt.messages[0].content == (
        "Mira is older than Jon. Petra is older than Mira. Sol is younger than Jon.\n\n"
        "Who is the second oldest of the four? Reply with the name only."
    )
    assert prompt.max_tokens == 64


def test_a_prompt_is_known_as_a_probe_when_it_is_the_shipped_one() -> None:
    probe = probes()[0]
    assert probe_of(probe.prompt(64)) is probe
    assert probe_of(own_prompt("Hello", 64)) is None


def test_an_unknown_demand_is_refused_when_a_check_is_read() -> None:
    with pytest.raises(ValidationError):
        Check.model_validate({"hold": [["a"]]})


@pytest.mark.parametrize(
    ("check", "text", "told"),
    [
        (Check(), "  ", ("It has 0 words, fewer than 1.",)),
        (Check(words_at_most=1), "two words", ("It has 2 words, more than 1.",)),
        (Check(holds=(("burn*",),)), "It is warm.", ("It does not hold “burn”.",)),
        (Check(holds=(("ține", "tine"),)), "Îl TINE.", ()),
        (Check(lacks=("tea",)), "Tea was served.", ("It holds “tea”.",)),
        (Check(lacks=("tea",)), "The team was there.", ()),
        (Check(number=1050), "none", ("Its last number is missing, not 1,050.",)),
        (Check(number=-3), "It is −3.", ()),
        (Check(bullets=2), "1. one\n2. two", ("It has 0 points, not 2.",)),
        (Check(as_json={"a": 1}), "{", ("It is not JSON and nothing else.",)),
        (Check(as_json={"a": 1}), '{"a": 1.0}', ()),
        (Check(as_json={"a": 1}), '{"a": true}', ("Its a is not 1.",)),
        (Check(language="ro"), "It rains a lot in the north.", ("Its language is en, not ro.",)),
    ],
)
def test_what_is_wrong_is_told_when_a_demand_is_not_met(
    check: Check, text: str, told: tuple[str, ...]
) -> None:
    assert faults(check, text) == told


@pytest.mark.parametrize(
    ("text", "number"),
    [("3.5", 3.5), ("room B12", None), ("1,050.", 1050.0), ("5 and 6!", 6.0), ("", None)],
)
def test_the_last_number_is_found_when_there_is_one(text: str, number: float | None) -> None:
    assert last_number(text) == number
