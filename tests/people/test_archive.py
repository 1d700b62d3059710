"""What is kept of chats, in both databases."""

from __future__ import annotations

from typing import Any

import pytest

from rag.errors import NotYours
from rag.people.archive import Archive, Feedback, Head
from rag.people.database import Database
from rag.people.turns import StoredTurn, Turns

AT = "2026-01-01T00:00:0{}Z"


@pytest.fixture
def archive(database: Database) -> Archive:
    return Archive(database)


def step(step_id: str, text: str, second: int = 0, kind: str = "user_message") -> dict[str, Any]:
    return {"id": step_id, "type": kind, "output": text, "createdAt": AT.format(second)}


def named(archive: Archive, owner: str, chat_id: str, created_at: str, name: str) -> None:
    archive.begin(owner, chat_id, created_at)
    archive.rename(owner, chat_id, name)


def test_nothing_is_listed_when_nothing_was_said(archive: Archive) -> None:
    assert archive.list("ann", 10) == ((), False)
    assert archive.chat("ann", "c1") is None
    assert archive.owner("c1") is None
    assert archive.owners() == ()


def test_a_chat_comes_back_whole_when_it_is_read(archive: Archive) -> None:
    named(archive, "ann", "c1", AT.format(0), "What\n holds  40 litres?" + "x" * 200)
    archive.put_step("ann", "c1", step("s2", "The pump.", 2, "assistant_message"))
    archive.put_step("ann", "c1", step("s1", "What?\0 100%", 1))
    archive.put_step("ann", "c1", step("s2", "The pump holds it.", 2, "assistant_message"))
    element = {"id": "e1", "forId": "s2", "props": {"deep": [1, {"é": None}]}}
    archive.put_element("ann", "c1", element, AT.format(2))
    archive.put_feedback("ann", Feedback("f1", "s2", 0, None))
    archive.put_feedback("ann", Feedback("f2", "s2", 1, "right"))
    archive.note("ann", "c1", {"chat_settings": {"mode": "slm"}})
    chat = archive.chat("ann", "c1")
    assert chat is not None
    assert chat.head.name == ("What holds 40 litres?" + "x" * 200)[:120]
    assert chat.head.metadata == {"chat_settings": {"mode": "slm"}}
    assert [one["output"][:5] for one in chat.steps] == ["What?", "The p"]
    assert chat.steps[1]["output"] == "The pump holds it."
    assert chat.elements == (element,)
    assert chat.feedback == {"s2": Feedback("f2", "s2", 1, "right")}
    assert archive.element("ann", "c1", "e1") == element


def test_the_latest_come_first_when_chats_are_listed_by_pages(archive: Archive) -> None:
    for number in range(5):
        named(archive, "ann", f"c{number}", AT.format(number // 2), f"chat {number}")
    named(archive, "bo", "other", AT.format(9), "not hers")
    first, has_more = archive.list("ann", 2)
    assert ([one.id for one in first], has_more) == (["c4", "c3"], True)
    second, has_more = archive.list("ann", 2, first[-1].id)
    assert ([one.id for one in second], has_more) == (["c2", "c1"], True)
    last, has_more = archive.list("ann", 2, second[-1].id)
    assert (last, has_more) == ((Head("c0", "chat 0", AT.format(0), {}),), False)


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("cati litri", ["c1"]),
        ("CÂȚI", ["c1"]),
        ("pompa", ["c1"]),
        ("100%", ["c2"]),
        ("100_", []),
        ("!", []),
        ("  ", ["c2", "c1"]),
        ("tool talk", []),
        ("a secret of bo", []),
    ],
)
def test_chats_are_found_when_a_name_or_message_is_searched(
    archive: Archive, search: str, found: list[str]
) -> None:
    named(archive, "ann", "c1", AT.format(1), "Câți litri ține?")
    archive.put_step("ann", "c1", step("s1", "Pompa ține 40 de litri."))
    archive.put_step("ann", "c1", step("s2", "tool talk", kind="tool"))
    named(archive, "ann", "c2", AT.format(2), "100% sure")
    archive.put_step("bo", "c3", step("s3", "a secret of bo"))
    assert [one.id for one in archive.list("ann", 9, search=search)[0]] == found


def test_a_chat_is_called_what_was_said_first_when_nobody_has_named_it(archive: Archive) -> None:
    archive.put_step("ann", "c1", step("s0", "", kind="tool"))
    archive.put_step("ann", "c1", step("s1", ""))
    archive.put_step("ann", "c1", step("s2", "hello"))
    archive.put_step("ann", "c1", step("s3", "again"))
    archive.put_step("ann", "c2", step("b1", "") | {"command": "Briefing"})
    assert [one.name for one in archive.list("ann", 9)[0]] == ["Briefing", "hello"]
    archive.rename("ann", "c1", "greetings")
    archive.put_step("ann", "c1", step("s2", "edited"))
    assert archive.list("ann", 9)[0][1].name == "greetings"


def test_another_sees_nothing_when_a_chat_is_somebodys(archive: Archive) -> None:
    archive.put_step("ann", "c1", step("s1", "hers"))
    archive.put_element("ann", "c1", {"id": "e1", "forId": "s1"}, "")
    archive.put_feedback("ann", Feedback("f1", "s1", 1, None))
    assert archive.list("bo", 9) == ((), False)
    assert archive.chat("bo", "c1") is None
    assert archive.element("bo", "c1", "e1") is None
    assert archive.owner("c1") == "ann"


def test_another_changes_nothing_when_a_chat_is_somebodys(archive: Archive) -> None:
    named(archive, "ann", "c1", AT.format(0), "hers")
    archive.put_step("ann", "c1", step("s1", "hers"))
    archive.put_element("ann", "c1", {"id": "e1", "forId": "s1"}, "")
    archive.put_feedback("ann", Feedback("f1", "s1", 1, None))
    before = archive.chat("ann", "c1")
    for attempt in (
        lambda: archive.begin("bo", "c1", ""),
        lambda: archive.rename("bo", "c1", "mine now"),
        lambda: archive.put_step("bo", "c1", step("new", "in hers")),
        lambda: archive.put_step("bo", "c2", step("s1", "in its place")),
        lambda: archive.put_element("bo", "c1", {"id": "e2"}, ""),
        lambda: archive.put_element("bo", "c2", {"id": "e1"}, ""),
        lambda: archive.put_feedback("bo", Feedback("f2", "s1", 0, "no")),
    ):
        with pytest.raises(NotYours):
            attempt()
    archive.note("bo", "c1", {"is_shared": True})
    archive.remove_step("bo", "s1")
    archive.remove_element("bo", "e1")
    archive.remove_feedback("bo", "f1")
    assert archive.delete("bo", "c1") == ()
    archive.delete_owner("bo")
    assert archive.chat("ann", "c1") == before
    assert archive.list("bo", 9) == ((), False)


def test_its_elements_go_when_a_step_is_removed(archive: Archive) -> None:
    archive.put_step("", "c1", step("s1", "one"))
    archive.put_step("", "c1", step("s2", "two"))
    for number in (1, 2):
        archive.put_element("", "c1", {"id": f"e{number}", "forId": f"s{number}"}, "")
    archive.remove_step("", "s1")
    archive.remove_element("", "e9")
    chat = archive.chat("", "c1")
    assert chat is not None
    assert [one["id"] for one in (*chat.steps, *chat.elements)] == ["s2", "e2"]


def test_nothing_is_left_when_a_chat_is_deleted(archive: Archive, database: Database) -> None:
    archive.put_step("ann", "c1", step("s1", "hers"))
    archive.put_element("ann", "c1", {"id": "e1"}, "")
    archive.put_feedback("ann", Feedback("f1", "s1", 1, None))
    Turns(database).put("ann", "c1", "s1", {"question": "?"})
    archive.delete("ann", "c1")
    archive.note("ann", "c1", {"late": True})  # what a page says as it closes brings nothing back
    with database.transaction() as run:
        for table in ("chats", "steps", "elements", "feedback", "turns", "attached"):
            assert run(f"SELECT count(*) FROM {table}") == [(0,)], table


def test_a_turn_is_open_when_nothing_of_it_was_done(archive: Archive, database: Database) -> None:
    turns = Turns(database)
    archive.begin("ann", "c1", "")
    turns.put("ann", "c1", "t1", None)
    turns.put("ann", "c1", "t2", None)
    turns.put("ann", "c1", "t1", {"text": "done"})
    assert turns.of_chat("ann", "c1") == (
        StoredTurn("t1", {"text": "done"}),
        StoredTurn("t2", None),
    )
    assert turns.of_chat("bo", "c1") == ()
    with pytest.raises(NotYours):
        turns.put("bo", "c1", "t3", None)
    with pytest.raises(NotYours):
        turns.remove("bo", "c1", ["t1"])
    turns.remove("ann", "c1", ["t1", "t9"])
    assert [one.id for one in turns.of_chat("ann", "c1")] == ["t2"]


def test_all_of_a_person_goes_when_they_are_removed(archive: Archive) -> None:
    archive.begin("ann", "c1", "")
    archive.begin("bo", "c2", "")
    archive.begin("", "c3", "")
    assert archive.owners() == ("", "ann", "bo")
    archive.delete_owner("ann")
    assert archive.owners() == ("", "bo")
