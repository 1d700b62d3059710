"""A judged answer in a real browser: what stands, what was set aside, and what a person can do.

Two servers that say what they are told to are the small and the large model.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from e2e.driving import NO_PAUSE, READY, App, Tab, says
from playwright.sync_api import Browser, Locator, expect
from scripted_server import Scripted, ScriptedServer

pytestmark = pytest.mark.browser

QUESTION = "How many litres of water does the fountain hold?"
GOOD = "The fountain holds 300 litres of water."
BETTER = "The fountain in the garden holds 300 litres of water."
MADE_UP = "The fountain holds 900 litres of water."
UNBACKED = "Dragons guard treasure below every midnight."


@pytest.fixture(scope="module")
def app(
    start_app: Callable[..., App],
    _servers: tuple[ScriptedServer, ScriptedServer],
    tmp_path_factory: pytest.TempPathFactory,
) -> App:
    docs = tmp_path_factory.mktemp("docs")
    (docs / "garden.md").write_text(
        "The fountain in the garden holds 300 litres of water. It runs in summer.\n"
    )
    (docs / "kitchen.md").write_text("The kettle in the kitchen is blue. It boils in a minute.\n")
    small, large = _servers
    return start_app(
        {
            "RAG_DOCS_DIR": str(docs),
            "RAG_SLM": f"{small.base_url}#small",
            "RAG_LLM": f"{large.base_url}#large",
            "RAG_STALL_TIMEOUT_S": "1",
            "NO_PROXY": "*",
        },
        NO_PAUSE,
    )


@pytest.fixture
def small(_servers: tuple[ScriptedServer, ScriptedServer]) -> ScriptedServer:
    _servers[0].reset()
    _servers[0].fallback = says(GOOD)
    return _servers[0]


@pytest.fixture
def large(_servers: tuple[ScriptedServer, ScriptedServer]) -> ScriptedServer:
    _servers[1].reset()
    _servers[1].fallback = says(BETTER)
    return _servers[1]


@pytest.fixture(scope="module")
def _tab(app: App, browser: Browser) -> Iterator[Tab]:
    """One page for all tests here: to load it takes longer than most of them."""
    context = browser.new_context(locale="en-US")
    tab = Tab(context.new_page())
    tab.watch(app.url)
    tab.page.goto(app.url)
    tab.page.wait_for_selector(READY)
    yield tab
    context.close()


@pytest.fixture
def tab(_tab: Tab, small: ScriptedServer, large: ScriptedServer) -> Iterator[Tab]:
    """A new chat in it."""
    _tab.new_chat()
    _tab.faults.clear()
    yield _tab
    assert _tab.faults == []


def script(server: ScriptedServer, *replies: Scripted) -> None:
    """What it says to questions in turn; a look at what it can do uses none of them up."""
    left, last = list(replies), server.fallback

    def reply(request: dict[str, object]) -> Scripted:
        is_question = "fountain" in json.dumps(request["messages"])
        told = (left.pop(0) if left else last) if is_question else Scripted()
        return told if isinstance(told, Scripted) else told(request)

    server.fallback = reply


def send(tab: Tab, question: str) -> None:
    tab.type(question)
    tab.send()


def card(tab: Tab) -> Locator:
    return tab.page.locator(".rag-card").last


def folded(tab: Tab) -> Locator:
    """Answers set aside."""
    return tab.page.locator('[data-step-type="tool"]')


def answers(tab: Tab) -> Locator:
    return tab.page.locator('[data-step-type="assistant_message"]')


def text_of(tab: Tab) -> str:
    """The answer without its card."""
    return answers(tab).last.locator('[role="article"]').first.inner_text()


def prompts(server: ScriptedServer) -> str:
    return server.history[-1].prompt


# --- what can go wrong with a draft ------------------------------------------------------


@pytest.mark.parametrize(
    ("draft", "shown"),
    [
        (says("The passages do not say how much water it holds."), "do not say"),
        (says("喷泉的水池很大,没有人知道它能装多少水。"), "喷泉"),
        (says("water and fountain and " * 40), "water and fountain"),
        (says("All the water it holds is", finish_reason="length"), "All the water"),
        (says(MADE_UP), "900"),
        (says("The fountain holds", then="stall"), "The fountain holds"),
        (says("The fountain holds", then="disconnect"), "The fountain holds"),
    ],
    ids=["refusal", "language", "loop", "cut", "number", "stall", "disconnect"],
)
def test_a_bad_draft_is_folded_away_when_the_larger_model_answers(
    tab: Tab, small: ScriptedServer, draft: Scripted, shown: str
) -> None:
    script(small, draft)
    tab.ask(QUESTION)
    assert text_of(tab).startswith(BETTER.rstrip("."))
    assert answers(tab).count() == 1
    assert "Escalated to large" in card(tab).inner_text()
    step = folded(tab)
    assert step.count() == 1
    reason = step.inner_text()
    assert "draft set aside" in reason
    assert shown not in tab.answer
    step.locator("button").first.click()
    expect(step).to_contain_text(shown)


def test_a_made_up_citation_is_removed_and_told_when_the_answer_is_right(
    tab: Tab, small: ScriptedServer
) -> None:
    script(small, says("The fountain holds 300 litres of water [7]."))
    tab.ask(QUESTION)
    assert "[7]" not in text_of(tab)
    assert "cited [7]" in card(tab).locator(".rag-warned").inner_text()
    assert folded(tab).count() == 0


def test_the_judgement_is_the_same_when_logprobs_are_zero_or_missing(
    tab: Tab, small: ScriptedServer
) -> None:
    judged = []
    for logprobs in ("absent", "null", [0.0] * 7):
        script(small, says(GOOD, logprobs=logprobs))
        tab.new_chat()
        tab.ask(QUESTION)
        judged.append(card(tab).locator(".rag-judgement").inner_text())
    assert len(set(judged)) == 1
    assert re.search(r"Confidence\s+\d+%", judged[0])


def test_the_draft_stands_when_the_larger_model_fails(
    tab: Tab, small: ScriptedServer, large: ScriptedServer
) -> None:
    script(small, says(MADE_UP))
    script(large, Scripted(("A ", "beginning"), then="disconnect"))
    tab.ask(QUESTION)
    assert "900 litres" in text_of(tab)
    assert "A beginning" not in tab.page.locator("#root").inner_text()
    assert folded(tab).count() == 0
    assert "Uncertain" in card(tab).inner_text()
    assert "small model stands" in card(tab).locator(".rag-warned").inner_text()


def test_the_documents_are_said_not_to_hold_it_when_nothing_is_near(
    tab: Tab, small: ScriptedServer
) -> None:
    tab.ask("Where does the kraken sleep?")
    shown = card(tab).inner_text()
    assert "Not in your documents" in shown
    assert re.search(r"Searched for:\s+kraken\s*sleep", shown)
    assert not any("kraken" in received.prompt for received in small.history)


# --- what a person can do ----------------------------------------------------------------


def test_the_draft_stands_and_the_model_stops_when_it_is_kept_meanwhile(
    tab: Tab, small: ScriptedServer, large: ScriptedServer
) -> None:
    script(small, says(MADE_UP))
    script(large, Scripted([f"word{number} " for number in range(400)], delay_s=0.05))
    send(tab, QUESTION)
    tab.page.get_by_text("word3").wait_for()
    pending = tab.page.locator(".rag-pending")
    assert "large is asked" in pending.inner_text()
    pending.get_by_role("button", name="Keep the local answer").click()
    card(tab).wait_for()
    assert large.history[-1].disconnected.wait(10)
    assert "900 litres" in text_of(tab)
    assert "word3" not in tab.page.locator("#root").inner_text()
    assert folded(tab).count() == 0
    assert tab.page.locator(".rag-pending").count() == 0
    assert "You kept the local answer." in card(tab).inner_text()
    tab.ask("And how much of it in summer, in litres, does the fountain hold?")
    assert "900 litres" in prompts(small)
    assert "word3" not in prompts(small)


def test_answers_change_places_when_one_is_kept_and_the_other_asked_for(
    tab: Tab, small: ScriptedServer, large: ScriptedServer
) -> None:
    script(small, says(MADE_UP))
    tab.ask(QUESTION)
    tab.ask("When does the fountain run?")  # a later turn, which stays
    first = answers(tab).first
    first.get_by_role("button", name="Keep the local answer").click()
    expect(first).to_contain_text("900 litres")
    expect(folded(tab)).to_have_count(1)
    expect(folded(tab)).to_contain_text("Earlier answer by large")
    first.get_by_role("button", name="Ask the large model").click()
    expect(answers(tab).first).to_contain_text("in the garden holds 300")
    expect(answers(tab).first.locator(".rag-card")).to_contain_text("Large model")
    assert answers(tab).count() == 2
    assert prompts(large).count(QUESTION) == 1  # not the turn's own earlier answer
    assert "900" not in prompts(large)
    tab.page.wait_for_selector("#chat-submit")
    tab.ask("And how many litres of water is that for the fountain?")
    assert BETTER.rstrip(".") in prompts(small)
    assert "900" not in prompts(small).split("Question")[-1]


def test_the_earlier_answer_comes_back_when_the_larger_model_cannot(
    tab: Tab, large: ScriptedServer
) -> None:
    script(large, Scripted(status=401, error={"message": "Incorrect key"}))
    tab.ask(QUESTION)
    card(tab).get_by_role("button", name="Ask the large model").click()
    tab.page.get_by_text("key").last.wait_for()
    tab.page.wait_for_selector("#chat-submit")
    assert (
        answers(tab)
        .first.locator('[role="article"]')
        .first.inner_text()
        .startswith(GOOD.rstrip("."))
    )
    assert folded(tab).count() == 0


def test_the_draft_stays_when_a_turn_is_stopped_before_the_larger_model_wrote(
    tab: Tab, small: ScriptedServer, large: ScriptedServer
) -> None:
    script(small, says(MADE_UP))
    script(large, Scripted((), headers_after_s=60))
    send(tab, QUESTION)
    tab.page.locator(".rag-pending").wait_for()
    tab.page.click("#stop-button")
    tab.page.get_by_text("Stopped.").wait_for()
    assert "900 litres" in tab.answer
    assert folded(tab).count() == 0
    assert tab.page.locator(".rag-pending").count() == 0


def test_the_larger_model_corrects_the_draft_when_it_is_to_be_refined(
    tab: Tab, small: ScriptedServer, large: ScriptedServer
) -> None:
    script(small, says(f"{GOOD} {UNBACKED}"))
    mode = "Refined: the large mends the small"
    tab.choose("Answers", "mode", mode)
    tab.ask(QUESTION)
    assert "Refined by large" in card(tab).inner_text()
    assert folded(tab).count() == 1
    assert UNBACKED.rstrip(".") in prompts(large)  # named as what to leave out
    tab.page.click(".rag-summary")
    stages = tab.milliseconds()
    assert stages.pop("total") == sum(stages.values())
    assert "escalate" in stages
    facts = card(tab).locator(".rag-facts").inner_text()
    assert "small" in facts
    assert "large" in facts


def test_nothing_is_sent_elsewhere_when_a_person_says_no(
    tab: Tab, small: ScriptedServer, large: ScriptedServer
) -> None:
    far = large.base_url.replace("127.0.0.1", "127.1")  # this machine, by a name that tells nobody
    tab.choose_model("llm", f"{far}#far")
    script(small, *[says(MADE_UP)] * 3)
    send(tab, QUESTION)
    asked = tab.page.get_by_text("runs in the cloud")
    asked.wait_for()
    assert f"would be sent to {far.removesuffix('/v1')}." in asked.inner_text()
    assert large.requests == []
    tab.page.get_by_role("button", name="Keep it here").click()
    card(tab).wait_for()
    assert "900 litres" in text_of(tab)
    assert "was not allowed" in card(tab).inner_text()
    assert large.requests == []
    assert asked.count() == 0

    card(tab).get_by_role("button", name="Ask the large model").click()
    tab.page.get_by_role("button", name="Send, in this chat").click()
    expect(card(tab)).to_contain_text("Sent to")
    assert "Sent to far, in the cloud (127.1)" in card(tab).inner_text()
    tab.page.wait_for_selector("#chat-submit")

    tab.ask("How much water does the fountain in the garden hold?")  # not asked about again
    assert "Escalated to" in card(tab).inner_text()


# --- what goes on ------------------------------------------------------------------------


def test_a_slow_model_says_what_it_is_at_until_words_come(tab: Tab, small: ScriptedServer) -> None:
    go_on = threading.Event()

    def slow(request: dict[str, object]) -> Scripted:
        go_on.wait(60)
        return says(GOOD, reasoning=["The user asks about water. ", "Passage 1 says 300."])

    script(small, slow)  # type: ignore[arg-type]
    send(tab, QUESTION)
    line = tab.page.locator('.rag-phase[data-phase="waiting"]')
    expect(line).to_contain_text("Waiting for the first word of small")
    expect(line).to_contain_text("2 s")
    go_on.set()
    card(tab).wait_for()
    assert tab.page.locator(".rag-pending").count() == 0
    thought = tab.page.get_by_text(re.compile("Thought for"))
    assert tab.page.get_by_text("The user asks about water").count() == 0  # folded
    thought.click()
    expect(tab.page.get_by_text("The user asks about water")).to_be_visible()
    assert "The user asks" not in text_of(tab)
    tab.ask(QUESTION)
    assert "The user asks" not in prompts(small)


def test_the_search_stands_above_the_answer_when_the_model_was_waited_for_first(
    tab: Tab, small: ScriptedServer
) -> None:
    go_on = threading.Event()

    def reply(request: dict[str, object]) -> Scripted:
        if "fountain" in json.dumps(request["messages"]):
            return says(GOOD)
        go_on.wait(60)  # a look at what it can do
        return Scripted()

    small.fallback = reply
    tab.choose_model("slm", f"{small.base_url}#fresh")
    send(tab, QUESTION)
    tab.page.locator(".rag-phase").wait_for()
    go_on.set()
    card(tab).wait_for()
    steps = tab.page.locator("[data-step-type]")
    kinds = steps.evaluate_all("all => all.map((one) => one.dataset.stepType)")
    assert kinds.index("retrieval") < kinds.index("assistant_message")


# --- why ---------------------------------------------------------------------------------


def test_everything_is_told_and_taken_along_when_a_person_asks_why(
    tab: Tab, small: ScriptedServer, tmp_path: Path
) -> None:
    script(small, says(MADE_UP))
    tab.ask(QUESTION)
    card(tab).locator(".rag-source").first.click()
    tab.page.locator(".rag-passage").wait_for()
    card(tab).get_by_role("button", name="Why?").click()  # in place of the passage
    told = tab.page.locator(".rag-trace")
    told.wait_for()
    for summary in told.get_by_text("Exact prompt").all():
        summary.click()
    shown = told.inner_text()
    for part in ("fountain", "garden.md", "Small model", "Large model", "grounded_numbers", "ms"):
        assert part in shown
    assert shown.count(QUESTION) >= 2  # in both prompts
    told.locator("summary", has_text="fountain").first.click()
    shares = told.locator(".rag-shares").first
    expect(shares.locator("th").first).to_have_text("Term")
    expect(shares.locator("tbody tr", has_text="fountain")).to_have_count(1)
    with tab.page.expect_download() as download:
        told.get_by_role("button", name="Download JSON").click()
    download.value.save_as(tmp_path / "trace.json")
    trace = json.loads((tmp_path / "trace.json").read_text(encoding="utf-8"))
    assert [attempt["tier"] for attempt in trace["attempts"]] == ["slm", "llm"]
    assert trace["attempts"][0]["text"] == MADE_UP
    assert (trace["mode"], trace["route"]) == ("auto", "llm")
    assert set(trace["usage"]) == {attempt["model"] for attempt in trace["attempts"]}
    told.get_by_role("button", name="Copy JSON").click()
    told.get_by_role("button", name="Copied").wait_for()

    tab.ask("When does the fountain run?")  # and it stays open beside the next answer
    assert told.count() == 1


def test_a_sentence_is_marked_when_no_passage_backs_it(tab: Tab, small: ScriptedServer) -> None:
    script(small, says(f"{GOOD} {UNBACKED}"))
    tab.choose("Answers", "mode", "Small model alone: fast")
    tab.ask(QUESTION)
    mark = answers(tab).last.locator('a[href="#unsupported"]')
    assert mark.count() == 1
    assert "midnight ?." in text_of(tab)
    assert "not backed by a passage" in card(tab).inner_text()
    mark.click()
    tab.page.locator(".rag-trace").wait_for()
