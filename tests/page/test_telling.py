from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from rag.errors import ModelError
from rag.page import keeping, telling
from rag.page.chat import Asked, Chat
from rag.page.passages import Page
from rag.page.telling import Telling
from rag.page.wording import Wording
from rag.types import (
    Answer,
    Answered,
    AnswerEvent,
    Attempt,
    Capabilities,
    Chunk,
    Confidence,
    Context,
    Delta,
    Escalated,
    Failed,
    Form,
    GenerationOptions,
    Hit,
    Judged,
    Latency,
    Message,
    Query,
    Reach,
    Reply,
    Retrieved,
    Weighed,
)

pytestmark = pytest.mark.anyio

TEXT = "The pump holds 40 litres."
HIT = Hit(Chunk("c1", "d1", "pump.pdf", 1, "", TEXT, 0, len(TEXT), 6, "en"), 1.0, 1, ("pump",))
CONTEXT = Context(TEXT, (HIT,), 6, 100)
GOOD = Confidence(0.9, "accept", {}, ())
BAD = Confidence(
    0.2, "escalate", {}, ("A number.",), (Weighed("grounded_numbers", 0.0, False, ("900",)),)
)
ANSWER = Answer(
    TEXT, "slm", "small", (), GOOD, CONTEXT, Latency(), {}, 0.0, "t", query=Query("How many?")
)
FOUND = Retrieved(Query("How many?"), CONTEXT)
DRAFT = "The pump holds 900 litres."
ESCALATED = (
    FOUND,
    Delta(DRAFT),
    Judged(BAD),
    Escalated(DRAFT, "large", ("A number.",)),
    Delta(TEXT),
    Judged(GOOD),
)
TRIED = (Attempt("slm", "small", (), DRAFT, "stop", BAD), Attempt("llm", "large", (), TEXT, "stop"))
BY_LLM = replace(ANSWER, route="llm", model="large", attempts=TRIED)


class Shown:
    """A Screen that keeps what a person would see."""

    def __init__(self) -> None:
        self.folded: list[tuple[str, str]] = []
        self.answer = ""
        self.card: Mapping[str, Any] | None = None
        self.waits = ""
        self.said: list[str] = []  # while it was worked at
        self.thoughts: list[tuple[str, str, bool]] = []
        self.is_withdrawn = False
        self.errors: list[str] = []
        self.searches = 0

    async def search(self, title: str, note: str, props: Mapping[str, Any]) -> None:
        self.searches += 1

    async def stream(self, text: str) -> None:
        self.answer = text

    async def fold(self, title: str, text: str) -> None:
        self.folded.append((title, text))
        self.answer, self.card = "", None

    async def unfold(self) -> None:
        self.folded.pop()

    async def think(self, title: str, text: str, *, is_over: bool) -> None:
        if not self.thoughts or self.thoughts[-1][2]:
            self.thoughts.append(("", "", False))
        self.thoughts[-1] = (title, text, is_over)

    async def working(self, props: Mapping[str, Any] | None) -> None:
        told = props and (props["escalation"] or props["line"])
        self.waits = told["text"] if told else ""
        if self.waits and self.waits not in self.said:
            self.said.append(self.waits)

    async def withdraw(self) -> None:
        self.is_withdrawn, self.waits = True, ""

    async def finish(
        self, text: str, metadata: Mapping[str, Any], card: Mapping[str, Any] | None = None
    ) -> None:
        self.answer, self.card, self.waits = text, card, ""

    async def tell(self, sentence: str) -> None:
        self.errors.append(sentence)

    async def clear(self) -> None:
        self.folded.clear()


class Model:
    """A ChatModel that says one thing and then waits."""

    name, best_passages, address, is_cold = "large", None, "", False
    best_form: Form = "answer"
    reach: Reach = "machine"
    capabilities = Capabilities()
    closed = False

    @property
    def is_fetched(self) -> bool:
        return True

    def fetch(self) -> None:
        raise AssertionError

    def learn_context(self, tokens: int) -> None:
        pass

    async def ready(self) -> None:
        pass

    async def stream(
        self, messages: object, options: GenerationOptions
    ) -> AsyncGenerator[Delta | Reply, None]:
        try:
            yield Delta("One")
            await asyncio.sleep(3600)
        finally:
            self.closed = True


def find_page(document_id: str, page: int) -> Page:
    return Page(TEXT, "", False)


async def told(
    *events: AnswerEvent, chat: Chat | None = None, earlier: Asked | None = None
) -> tuple[Chat, Shown]:
    chat = chat or Chat(Wording("en"))
    screen = earlier.screen if earlier else Shown()
    assert isinstance(screen, Shown)

    async def stream() -> AsyncGenerator[AnswerEvent]:
        for event in events:
            yield event

    larger = keeping.Dismissible(Model(), "You kept it.")
    asked = Asked("How many?", "", screen, "llm" if earlier else "auto")
    await Telling(chat, "turn", asked, find_page, larger, earlier).tell(stream())
    assert chat.writing is None
    return chat, screen


def history(chat: Chat) -> list[str]:
    return [message.content for message in chat.history()]


async def test_the_answer_stands_when_it_was_accepted() -> None:
    chat, screen = await told(FOUND, Delta(TEXT), Judged(GOOD), Answered(ANSWER))
    assert screen.answer == TEXT
    assert screen.folded == []
    assert history(chat) == ["How many?", TEXT]


async def test_the_draft_is_folded_under_its_reason_when_the_turn_went_on() -> None:
    chat, screen = await told(*ESCALATED, Answered(BY_LLM))
    reason = "1 number not found in the sources: 900"
    assert screen.folded == [(f"{reason} · draft set aside", DRAFT)]
    assert screen.answer == TEXT
    assert history(chat) == ["How many?", TEXT]
    draft = chat.turns["turn"].draft
    assert draft is not None
    assert (draft.text, draft.route, draft.model) == (DRAFT, "slm", "small")
    assert draft.confidence == BAD


async def test_the_draft_is_the_one_answer_when_it_stands_after_all() -> None:
    stands = replace(ANSWER, text=DRAFT, confidence=BAD, warnings=("It failed.",))
    chat, screen = await told(*ESCALATED, Answered(stands))
    assert screen.folded == []
    assert screen.answer == DRAFT
    assert screen.card is not None
    assert screen.card["badge"]["text"] == "Uncertain"
    assert [one for one, can in screen.card["can"].items() if can] == ["why"]
    assert history(chat) == ["How many?", DRAFT]


async def test_nothing_is_folded_when_the_larger_model_was_asked_at_once() -> None:
    events = (Judged(BAD), Escalated("", "large", ()), FOUND, Delta(TEXT), Judged(GOOD))
    chat, screen = await told(FOUND, *events, Answered(BY_LLM))
    assert screen.folded == []
    assert chat.turns["turn"].draft is None
    assert screen.searches == 2


async def test_what_came_stays_when_the_turn_fails() -> None:
    chat, screen = await told(FOUND, Delta("The pump"), Failed("The server is *gone*."))
    assert screen.answer == "The pump\n\n*The answer broke off here.*"
    assert screen.errors == ["The server is \\*gone\\*\\."]
    assert chat.turns["turn"].text == "The pump"
    assert history(chat) == []


@pytest.mark.parametrize("written", [(), (Delta("The pump holds"),)])
async def test_a_rejected_draft_is_no_history_when_the_larger_model_breaks_off(
    written: tuple[Delta, ...],
) -> None:
    chat, screen = await told(*ESCALATED[:4], *written, Failed("Broken."))
    left = written[0].text if written else DRAFT
    assert screen.answer == f"{left}\n\n*The answer broke off here.*"
    assert history(chat) == []


async def test_a_rejected_draft_is_no_history_when_the_turn_is_stopped() -> None:
    chat, screen = Chat(Wording("en")), Shown()

    async def stream() -> AsyncGenerator[AnswerEvent]:
        for event in ESCALATED[:4]:
            yield event
        raise asyncio.CancelledError

    asked = Asked("How many?", "", screen)
    telling, what_was_sent = Telling(chat, "turn", asked, find_page), Failed("", DRAFT, "trace")
    telling.stop(what_was_sent)
    assert await telling.tell(stream()) == what_was_sent
    assert screen.answer == f"{DRAFT}\n\n*{chat.words('stopped')}*"
    assert history(chat) == []


async def test_nothing_is_remembered_when_a_turn_fails_before_a_word() -> None:
    chat, screen = await told(FOUND, Failed("No model."))
    assert (screen.answer, history(chat)) == ("", [])
    assert screen.is_withdrawn


async def test_thinking_is_folded_apart_when_a_model_thinks_aloud() -> None:
    thinking = (Delta("", reasoning="Forty, "), Delta("", reasoning="![x](http://a.b) says."))
    chat, screen = await told(FOUND, *thinking, Delta(TEXT), Judged(GOOD), Answered(ANSWER))
    [(title, thought, is_over)] = screen.thoughts
    assert (title, is_over) == ("Thought for 0 s", True)
    assert thought == "Forty, \\![x](http://a.b) says."
    assert screen.answer == TEXT
    assert history(chat) == ["How many?", TEXT]


async def test_words_are_no_answer_when_they_prove_to_be_thinking() -> None:
    proved = (Delta("Hm, forty."), Delta("", reasoning="Hm, forty."), Delta(TEXT))
    _, screen = await told(FOUND, *proved, Failed("Broken."))
    assert screen.thoughts == [("Thought for 0 s", "Hm, forty.", True)]
    assert screen.answer == f"{TEXT}\n\n*The answer broke off here.*"


async def test_thinking_ends_with_its_turn_when_no_word_follows() -> None:
    _, screen = await told(FOUND, Delta("", reasoning="Hm"), Failed("Too slow."))
    assert screen.thoughts == [("Thought for 0 s", "Hm", True)]


async def test_the_larger_model_is_told_of_when_it_is_asked() -> None:
    _, screen = await told(*ESCALATED, Answered(BY_LLM))
    assert screen.said == ["large is asked"]
    assert screen.waits == ""


async def test_the_earlier_answer_is_replaced_when_the_larger_model_was_asked() -> None:
    chat, screen = await told(FOUND, Delta(TEXT), Judged(GOOD), Answered(ANSWER))
    better = replace(BY_LLM, text="Forty litres.", attempts=())
    earlier = chat.turns["turn"]
    chat, screen = await told(Delta("Forty litres."), Answered(better), chat=chat, earlier=earlier)
    assert screen.folded == [("Earlier answer by small", TEXT)]
    assert screen.answer == "Forty litres."
    assert history(chat) == ["How many?", "Forty litres."]
    await telling.keep(chat, "turn", find_page)
    assert screen.folded == [("Earlier answer by large", "Forty litres.")]
    assert history(chat) == ["How many?", TEXT]


async def test_the_earlier_answer_comes_back_when_the_larger_model_fails() -> None:
    chat, screen = await told(FOUND, Delta(TEXT), Judged(GOOD), Answered(ANSWER))
    earlier = chat.turns["turn"]
    chat, screen = await told(Delta("Fo"), Failed("Broken."), chat=chat, earlier=earlier)
    assert screen.folded == []
    assert screen.answer == TEXT
    assert screen.card is not None
    assert history(chat) == ["How many?", TEXT]


async def test_the_local_answer_changes_places_when_it_is_kept() -> None:
    chat, screen = await told(*ESCALATED, Answered(BY_LLM))
    await telling.keep(chat, "turn", find_page)
    assert screen.answer == "The pump holds 900 litres [?](#unsupported)."
    assert screen.folded == [("Earlier answer by large", TEXT)]
    assert history(chat) == ["How many?", DRAFT]
    await telling.keep(chat, "turn", find_page)  # pressed twice
    await telling.keep(chat, "unknown", find_page)
    assert history(chat) == ["How many?", DRAFT]


async def test_a_model_fails_with_our_sentence_when_it_is_dismissed() -> None:
    model = Model()
    larger = keeping.Dismissible(model, "You kept it.")
    stream = larger.stream((Message("user", "?"),), GenerationOptions())
    assert await anext(stream) == Delta("One")
    larger.dismiss()
    with pytest.raises(ModelError, match="You kept it"):
        await anext(stream)
    assert model.closed
    with pytest.raises(ModelError, match="You kept it"):
        await larger.ready()
