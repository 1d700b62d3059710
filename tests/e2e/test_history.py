"""Chats that last, and people who see only their own, in real browsers over scripted servers."""

from __future__ import annotations

import hashlib
import io
import json
import signal
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from e2e import driving
from e2e.driving import App, Tab, make_manual, says
from playwright.sync_api import Page, expect
from scripted_server import Scripted, ScriptedServer

pytestmark = pytest.mark.browser

QUESTION = "How many litres of coolant does the pump hold?"
ANSWER = "The pump holds 40 litres of coolant [1]."
PASSWORD = {"ann": "a password of ann", "bo": "another one of bo"}
FOLLOW_UP = "And how often is it serviced?"


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    docs = tmp_path_factory.mktemp("docs")
    (docs / "garden.md").write_text("# Garden\n\nThe fountain runs in summer.\n", encoding="utf-8")
    return docs


@pytest.fixture(scope="module")
def settings(_scripted_server: ScriptedServer, docs: Path) -> dict[str, str]:
    return {
        "RAG_DOCS_DIR": str(docs),
        "RAG_SLM": f"{_scripted_server.base_url}#small",
        "RAG_LLM": "none",
        "RAG_MODE": "slm",
    }


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the people who share."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(autouse=True)
def _fresh(scripted_server: ScriptedServer) -> None:
    """Every test begins with an empty script."""


@pytest.fixture(scope="module")
def shared(
    start_app: Callable[..., App],
    settings: dict[str, str],
    data: Path,
) -> App:
    """With Ann and Bo, who log in with passwords."""
    for name, password in PASSWORD.items():
        subprocess.run(
            [sys.executable, "-m", "rag", "people", "add", name],
            input=f"{password}\n", text=True, check=True, cwd=driving.ROOT,
            env={"RAG_DATA_DIR": str(data), "PATH": ""}, capture_output=True,
        )  # fmt: skip
    return start_app({**settings, "RAG_LOGIN": "password", "RAG_DATA_DIR": str(data)})


def restarted(app: App, settings: dict[str, str], how: signal.Signals = signal.SIGTERM) -> App:
    """The same folder and data, another process."""
    app.process.send_signal(how)
    app.process.wait(60)
    return driving.run(app.folder, settings)


def log_in(open_tab: Callable[..., Tab], app: App, name: str) -> Tab:
    tab = open_tab(app.url, "#email")
    tab.page.fill("#email", name)
    tab.page.fill("#password", PASSWORD[name])
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_selector(driving.READY)
    tab.faults.clear()  # before it was logged in, the browser was told so
    return tab


def side(page: Page) -> None:
    """Open the list of chats."""
    if not page.locator('[data-side="left"][data-state="expanded"]').count():
        page.click("#header #sidebar-trigger-button")
    page.wait_for_selector("#thread-history li")


def open_chat(page: Page, name: str) -> None:
    side(page)
    page.locator("#thread-history li a", has_text=name).first.click()
    page.wait_for_selector(".rag-card, .ai-message")


def stopping(app: App) -> None:
    if app.process.poll() is None:
        driving.stop(app)


# --- one person, no login


def test_a_chat_goes_on_when_the_program_was_started_anew(
    start_app: Callable[..., App],
    settings: dict[str, str],
    open_tab: Callable[..., Tab],
    tmp_path: Path,
    scripted_server: ScriptedServer,
) -> None:
    app = start_app(settings)
    tab = open_tab(app.url)
    tab.drop(make_manual(tmp_path / "pump manual.pdf"))
    scripted_server.script(says(ANSWER))
    tab.ask(QUESTION)
    tab.page.close()

    again = restarted(app, settings)
    tab = open_tab(again.url)
    open_chat(tab.page, QUESTION)
    tab.page.wait_for_selector(".rag-card")
    steps = tab.page.locator("[data-step-type]").all_inner_texts()
    told = [step for step in steps if step.startswith(("Read", "Found", "The pump"))]
    assert [one.split(" ")[0] for one in told] == ["Read", "Found", "The"]
    tab.page.locator(".rag-cite, .rag-source").first.click()
    passage = tab.page.locator(".rag-passage").first
    expect(passage).to_contain_text("The pump holds 40 litres of coolant.")
    link = passage.locator("a").first.get_attribute("href") or ""
    assert "/upload/" in link
    assert tab.page.request.get(link.split("#")[0]).body()[:4] == b"%PDF"
    scripted_server.script(says("It is serviced every two years [1]."))
    tab.ask(FOLLOW_UP)
    assert "40 litres" in scripted_server.history[-1].prompt
    assert "It is serviced every two years" in tab.answer

    # the trace and a keyword of an earlier turn are still known
    tab.page.locator(".rag-why").first.click()
    tab.page.wait_for_selector(".rag-trace, [role=dialog]")
    tab.page.keyboard.press("Escape")
    packed = tab.page.request.get(f"{again.url}/mine.zip")
    assert packed.ok
    with zipfile.ZipFile(io.BytesIO(packed.body())) as file:
        assert {name.split("/")[0] for name in file.namelist()} == {
            "chats", "documents", "ledger.jsonl",
        }  # fmt: skip
    stopping(again)


def test_an_answer_is_said_to_be_cut_off_when_the_program_was_killed(
    start_app: Callable[..., App],
    settings: dict[str, str],
    open_tab: Callable[..., Tab],
    scripted_server: ScriptedServer,
) -> None:
    app = start_app(settings)
    tab = open_tab(app.url)
    tab.ask("When does the fountain run?")
    scripted_server.script(Scripted(("It runs ", "in "), then="stall"))
    tab.type("And in winter?")
    tab.send()
    expect(tab.page.locator('[data-step-type="assistant_message"]').last).to_contain_text("runs in")
    tab.page.close()
    again = restarted(app, settings, signal.SIGKILL)
    for _ in range(2):  # it is said once
        tab = open_tab(again.url)
        open_chat(tab.page, "When does the fountain")
        told = tab.page.get_by_text("This answer was cut off when the program ended.")
        expect(told).to_have_count(1)
        assert tab.page.locator(".rag-working").count() == 0
        tab.page.close()
    tab = open_tab(again.url)
    open_chat(tab.page, "When does the fountain")
    tab.ask("What runs in summer?")
    assert "winter" not in scripted_server.history[-1].prompt
    stopping(again)


def test_nothing_is_left_when_a_chat_is_deleted(
    start_app: Callable[..., App],
    settings: dict[str, str],
    open_tab: Callable[..., Tab],
    tmp_path: Path,
    scripted_server: ScriptedServer,
) -> None:
    app = start_app(settings)
    tab = open_tab(app.url)
    tab.drop(make_manual(tmp_path / "pump manual.pdf"))
    scripted_server.script(says(ANSWER))
    tab.ask(QUESTION)
    data = app.folder / "data"
    [kept] = (data / "people").glob("*/*")
    assert kept.read_bytes()[:4] == b"%PDF"
    side(tab.page)
    tab.page.hover("#thread-history li")
    tab.page.click("#thread-options")
    tab.page.click("#delete-thread")
    tab.page.click("[role=alertdialog] button:last-of-type")
    expect(tab.page.locator("#thread-history li")).to_have_count(0)
    with closing(sqlite3.connect(data / "people.sqlite")) as database:
        for table in ("chats", "steps", "elements", "turns", "documents", "attached"):
            assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
    assert list((data / "people").glob("*/*")) == []
    with closing(sqlite3.connect(data / "ledger.sqlite")) as database:
        assert database.execute("SELECT owner, chat, trace_id FROM turns").fetchall() == [
            ("", "", "")
        ]


# --- several people


def test_each_sees_only_their_own_when_two_are_logged_in(
    shared: App,
    open_tab: Callable[..., Tab],
    tmp_path: Path,
    scripted_server: ScriptedServer,
) -> None:
    ann, bo = (log_in(open_tab, shared, name) for name in ("ann", "bo"))
    ann.drop(make_manual(tmp_path / "pump manual.pdf"))
    scripted_server.script(says(ANSWER))
    ann.ask(QUESTION)
    bo.ask(QUESTION)
    assert "40 litres" not in bo.page.content()  # nor found by another's search
    chat_id = ann.page.url.rpartition("/")[2]
    side(bo.page)
    assert bo.page.locator("#thread-history li").count() == 1
    assert bo.page.locator(f'[id="thread-{chat_id}"]').count() == 0

    refused_to(bo, shared, ann, chat_id)
    bo.page.goto(f"{shared.url}/thread/{chat_id}")
    bo.page.wait_for_timeout(2_000)
    assert "40 litres" not in bo.page.content()
    bo.faults.clear()  # the browser says that it was refused

    ann.page.click('#header a[href="#documents"], #header button:has(a[href="#documents"])')
    ann.page.wait_for_selector(".rag-documents li")
    removable = ann.page.locator(".rag-documents li:has(.rag-remove)").all_inner_texts()
    assert [text.split("\n")[0] for text in removable] == ["pump manual.pdf"]


def refused_to(other: Tab, app: App, owner: Tab, chat_id: str) -> None:
    """Whatever is asked for directly, with another's cookie."""
    send, url = other.page.request, app.url
    found = owner.page.request.get(f"{url}/project/thread/{chat_id}").json()
    assert "40 litres" in json.dumps(found)
    [upload] = [one for one in found["elements"] if one["type"] == "file"]
    [card] = [one for one in found["elements"] if one["name"] == "TurnCard"]
    answer = next(step for step in found["steps"] if step["type"] == "assistant_message")
    assert owner.page.request.get(url + upload["url"]).ok
    body: Any = {"threadId": chat_id}
    statuses = [
        send.get(f"{url}/project/thread/{chat_id}"),
        send.get(f"{url}/project/thread/{chat_id}/element/{card['id']}"),
        send.get(f"{url}/project/share/{chat_id}"),
        send.get(url + upload["url"]),
        send.get(f"{url}/project/file/{upload['id']}?session_id=x"),
        send.put(f"{url}/project/thread", data={**body, "name": "mine"}),
        send.put(f"{url}/project/thread/share", data={**body, "isShared": True}),
        send.delete(f"{url}/project/thread", data=body),
        send.put(f"{url}/feedback", data={
            "feedback": {"forId": answer["id"], "value": 0}, "sessionId": "x"}),
    ]  # fmt: skip
    assert [one.status // 100 for one in statuses] == [4, 4, 4, 4, 4, 4, 4, 4, 5]
    listed = send.post(f"{url}/project/threads", data={"pagination": {"first": 50}, "filter": {}})
    assert chat_id not in listed.text()
    assert owner.page.request.get(f"{url}/project/thread/{chat_id}").json() == found


def test_nothing_is_told_when_nobody_is_logged_in(shared: App) -> None:
    with httpx.Client(base_url=shared.url, timeout=60) as nobody:
        library = hashlib.sha256(b"# Garden\n\nThe fountain runs in summer.\n").hexdigest()
        statuses = [
            nobody.get(f"/source/{library}"),
            nobody.get(f"/upload/{library}"),
            nobody.get("/mine.zip"),
            nobody.get("/user"),
            nobody.get("/project/settings"),
            nobody.post("/project/threads", json={"pagination": {"first": 5}, "filter": {}}),
            nobody.post("/project/file?session_id=x", files={"file": ("a", b"a")}),
            nobody.post("/models/server?session_id=x", json={"address": "http://127.0.0.1"}),
            nobody.post("/login", data={"username": "ann", "password": "guessed"}),
            nobody.post("/auth/header", headers={"X-Forwarded-User": "ann"}),
        ]
    assert [one.status_code // 100 for one in statuses] == [4] * len(statuses)
    assert statuses[8].status_code == 401


def test_a_login_ends_when_its_person_is_removed(shared: App, data: Path) -> None:
    run = [sys.executable, "-m", "rag", "people"]
    environment = {"RAG_DATA_DIR": str(data), "PATH": ""}
    subprocess.run(
        [*run, "add", "eve"], input="a password of eve\n", text=True, check=True,
        cwd=driving.ROOT, env=environment, capture_output=True,
    )  # fmt: skip
    with httpx.Client(base_url=shared.url, timeout=60) as eve:
        login = {"username": "eve", "password": "a password of eve"}
        assert eve.post("/login", data=login).status_code == 200
        assert eve.get("/user").json()["identifier"] == "eve"
        subprocess.run(
            [*run, "remove", "eve", "--yes"], check=True, cwd=driving.ROOT, env=environment,
            capture_output=True,
        )  # fmt: skip
        assert eve.get("/user").status_code == 401
        assert eve.post("/login", data=login).status_code == 401


def test_guessing_is_slowed_down_when_a_password_was_wrong_too_often(shared: App) -> None:
    with httpx.Client(base_url=shared.url, timeout=60) as guesser:
        codes = [
            guesser.post("/login", data={"username": "nobody", "password": str(n)}).status_code
            for n in range(7)
        ]
    assert codes == [401] * 5 + [429] * 2
