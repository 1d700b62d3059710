from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from rag.errors import NotFound
from rag.page import places
from rag.page.chat import Asked, Chat
from rag.page.wording import Wording
from rag.retrieval.memory import MemoryIndex
from rag.types import Answer, Chunk, Confidence, Context, Document, Latency, Message, Query


def new_chat(**fields: Any) -> Chat:
    return Chat(Wording("en"), **fields)


def document(name: str, *texts: str) -> tuple[Document, tuple[Chunk, ...]]:
    read = Document(f"id-{name}", name, "application/pdf", texts, "en")
    chunks = tuple(
        Chunk(f"{name}-{page}", read.id, name, page, "", text, 0, len(text), 5, "en")
        for page, text in enumerate(texts, 1)
    )
    return read, chunks


PUMP = document("pump.pdf", "An introduction.", "The pump holds coolant.")
NOTES = document("notes.md", "The pump is green.")


def names(chat: Chat, query: str, *documents: str) -> set[str]:
    found = chat.searched(MemoryIndex(document("manual.md", "A pump manual.")[1]), documents)
    return {hit.chunk.document_name for hit in found.search(Query(query), 10)}


def test_a_new_chat_searches_the_library_when_it_has_no_documents() -> None:
    assert names(new_chat(), "pump") == {"manual.md"}


def test_uploads_are_searched_with_the_library_when_there_are_some() -> None:
    chat = new_chat()
    assert chat.add(*PUMP, "/file/1")
    assert chat.add(*NOTES, "/file/2")
    assert names(chat, "pump") == {"manual.md", "pump.pdf", "notes.md"}
    assert names(chat, "pump", "id-notes.md") == {"notes.md"}


def test_a_document_is_taken_once_when_it_comes_twice() -> None:
    chat = new_chat()
    assert chat.add(*PUMP, "/file/1")
    assert not chat.add(*PUMP, "/file/2")
    assert [upload.url for upload in chat.uploads.values()] == ["/file/1"]


def test_nothing_of_a_document_is_found_when_it_was_removed() -> None:
    chat = new_chat()
    chat.add(*PUMP, "/project/file/1?session_id=2")
    chat.add(*NOTES, "/file/2")
    forgotten = chat.forget("id-pump.pdf")
    assert forgotten is not None
    assert forgotten.file_id == "1"
    assert chat.forget("id-pump.pdf") is None
    assert names(chat, "pump coolant") == {"manual.md", "notes.md"}


def test_a_question_in_flight_keeps_its_view_when_a_document_is_removed() -> None:
    chat = new_chat()
    chat.add(*PUMP, "/file/1")
    before = chat.searched(MemoryIndex(), ())
    chat.forget("id-pump.pdf")
    assert len(before.search(Query("coolant"), 10)) == 1


def asked(question: str, text: str) -> Asked:
    judged = Confidence(1.0, "accept", {}, ())
    context = Context("", (), 0, 0)
    answer = Answer(text, "slm", "m", (), judged, context, Latency(), {}, None, "t")
    return Asked(question, text, screen=None, answer=answer)  # type: ignore[arg-type]


def test_history_is_question_and_answer_when_turns_were_made() -> None:
    chat = new_chat(turns={"a": asked("Why?", "Because."), "b": asked("And?", "So.")})
    assert chat.history() == (
        Message("user", "Why?"),
        Message("assistant", "Because."),
        Message("user", "And?"),
        Message("assistant", "So."),
    )
    assert new_chat().history() == ()


def test_history_ends_before_a_turn_when_that_is_asked_again() -> None:
    chat = new_chat(turns={"a": asked("Why?", "Because."), "b": asked("And?", "So.")})
    assert chat.history(before="b") == (Message("user", "Why?"), Message("assistant", "Because."))
    assert chat.history(before="a") == ()
    assert len(chat.history(before="new")) == 4


def test_a_turn_is_no_history_when_it_has_no_final_answer() -> None:
    stopped = replace(asked("Why?", "A draft."), answer=None)
    chat = new_chat(turns={"a": stopped, "b": asked("And?", "So.")})
    assert chat.history() == (Message("user", "And?"), Message("assistant", "So."))


def test_later_turns_are_forgotten_when_a_question_is_asked_anew() -> None:
    chat = new_chat(turns={one: asked(one, one) for one in "abc"})
    assert chat.rewind("unknown") == {}
    assert list(chat.turns) == ["a", "b", "c"]
    assert list(chat.rewind("b")) == ["b", "c"]
    assert list(chat.turns) == ["a"]


class EmptyLibrary:
    def entry(self, document_id: str) -> None:
        raise NotFound(f"The library holds nothing under {document_id}.")


def test_a_passages_page_is_found_when_it_is_an_upload() -> None:
    chat = new_chat()
    chat.add(*PUMP, "/file/1")
    page = places.find(chat, EmptyLibrary(), "id-pump.pdf", 2)  # type: ignore[arg-type]
    assert (page.text, page.url, page.is_pdf) == ("The pump holds coolant.", "/file/1", True)


def test_a_passages_page_is_empty_when_its_document_is_gone() -> None:
    page = places.find(new_chat(), EmptyLibrary(), "gone", 1)  # type: ignore[arg-type]
    assert (page.text, page.url) == ("", "")


def test_a_passages_page_is_found_when_it_is_of_the_library(tmp_path: Path) -> None:
    from rag.documents.library import Library

    library = Library(tmp_path / "library.sqlite")
    library.add(*PUMP, Path("pump.pdf"))
    page = places.find(new_chat(), library, "id-pump.pdf", 1)
    assert (page.text, page.url) == ("An introduction.", "/source/id-pump.pdf")
    library.close()
