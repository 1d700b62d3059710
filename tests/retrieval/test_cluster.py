"""The engine in a cluster: what every engine does, that it ranks like them, and lost nodes.

Against three real nodes of OpenSearch on this machine; without Java and Maven they are skipped.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from threading import Event, Thread
from time import sleep
from typing import Any

import pytest
from retrieval.passages import chunk, needs_shared, shared_chunks, shared_questions
from servers.cluster import Cluster, cluster

from rag.documents.library import Library
from rag.errors import SearchError
from rag.indexing import ClusterCopy, LibraryCopy, MemoryCopy, fitting
from rag.retrieval import opensearch
from rag.retrieval.address import ClusterAddress, cluster_address
from rag.retrieval.cluster import ClusterIndex
from rag.retrieval.index import Scoped
from rag.retrieval.memory import MemoryIndex
from rag.settings import load
from rag.types import Chunk, Document, Query
from rag.workspace import Workspace

RANKING = json.loads(
    (Path(__file__).parents[1] / "data" / "vectors" / "ranking.json").read_text(encoding="utf-8")
)
FOX = chunk("red fox", document="fox.md")
HENS = chunk("red red hen", document="hens.md")
_names = (f"index-{number}" for number in count())


@pytest.fixture(scope="module")
def nodes(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    with cluster(request.config.cache.mkdir("opensearch")) as running:
        yield running


@pytest.fixture
def options() -> str:
    return ""


@pytest.fixture
def address(nodes: Cluster, options: str) -> Iterator[ClusterAddress]:
    """Of an index that is not there yet."""
    name = next(_names)
    yield cluster_address(nodes.setting(name, options))
    nodes.drop(name)


@pytest.fixture
def index(address: ClusterAddress) -> Iterator[ClusterIndex]:
    opened = ClusterIndex(address, "mine")
    yield opened
    opened.close()


def texts(index: ClusterIndex, question: str, k: int = 10) -> list[str]:
    return [hit.chunk.text for hit in index.view().search(Query(question), k)]


def made_up(amount: int) -> Iterator[Chunk]:
    """Each has a word of its own: nothing can be lost unseen."""
    for number in range(amount):
        text = f"passage w{number} of the river, part {number % 97}"
        yield chunk(text, document=f"{number // 20}.md", page=number % 20 + 1)


# --- what every engine does --------------------------------------------------------------


def test_nothing_is_found_when_the_index_is_new(index: ClusterIndex) -> None:
    view = index.view()

    assert list(view.search(Query("red"), 5)) == []
    assert view.languages == frozenset()
    figures = view.statistics(Query("red"))
    assert (figures.chunk_count, figures.term_count) == (0, 0)
    assert figures.document_frequency == {"red": 0}


def test_the_chunk_is_found_when_there_is_only_one(index: ClusterIndex) -> None:
    index.rebuild([FOX])

    (hit,) = index.view().search(Query("foxes"), 5)

    assert (hit.chunk, hit.matched_terms, hit.rank) == (FOX, ("fox",), 1)
    assert hit.score == pytest.approx(0.39556, abs=1e-4)  # ln(4/3) × 2 × 2.2 / (2 + 1.2)


@pytest.mark.parametrize("k", [0, 1, 2, 3, 1_000_000_000])
def test_at_most_k_are_found_when_more_match(index: ClusterIndex, k: int) -> None:
    index.rebuild([FOX, HENS])

    assert len(texts(index, "red", k)) == min(k, 2)


def test_a_document_is_replaced_when_it_is_added_again(index: ClusterIndex) -> None:
    index.add([FOX, HENS])
    index.add([chunk("grey fox", document="fox.md")])

    assert sorted(texts(index, "fox hen")) == ["grey fox", "red red hen"]
    assert index.chunk_count == 2


def test_nothing_is_left_of_a_document_when_it_is_removed(index: ClusterIndex) -> None:
    index.rebuild([FOX, HENS])
    index.remove(FOX.document_id)
    index.remove("no such document")

    assert texts(index, "red") == ["red red hen"]
    assert index.view().count(["fox"]).document_frequency == {"fox": 0}


def test_only_some_documents_are_found_when_asked_for(index: ClusterIndex) -> None:
    index.rebuild([FOX, HENS])
    view = index.view()

    assert [hit.chunk for hit in view.search(Query("red"), 5, {FOX.document_id})] == [FOX]
    assert list(view.search(Query("red"), 5, set())) == []
    assert list(view.search(Query("red"), 5, {"no such document"})) == []
    scoped = Scoped(view, frozenset({HENS.document_id}))
    assert [hit.chunk for hit in scoped.search(Query("red"), 5)] == [HENS]


def test_a_chunk_comes_back_whole_when_its_text_is_odd(index: ClusterIndex) -> None:
    odd = Chunk(
        "id\n1", "doc\t1", 'a "b"\n\udcff.md', 7, "Sec\x1ftion\n",
        "red\x00 \n\n\u2028fox \ud800 ﬁ =1", 11, 32, 5, "",
    )  # fmt: skip
    index.rebuild([odd])

    (hit,) = index.view().search(Query("fox"), 5)

    assert hit.chunk == odd


@pytest.mark.parametrize(
    "question", ["", '+-&&||!(){}[]^"~*?:\\/ AND OR NOT', "\x00\ud800", "<script>", "the of and"]
)
def test_nothing_breaks_when_the_question_is_hostile(index: ClusterIndex, question: str) -> None:
    index.rebuild([FOX])

    assert texts(index, question) == []


def test_nothing_breaks_when_the_question_is_endless(index: ClusterIndex) -> None:
    index.rebuild([FOX, chunk("9" * 600, document="long.md")])

    assert texts(index, "fox " + " ".join(f"w{n}" for n in range(15_000))) == ["red fox"]
    many = "-".join(f"part{n}" for n in range(3_000))
    assert texts(index, f"fox {many}") == ["red fox"]
    assert len(index.view().statistics(Query(many)).document_frequency) >= 3_000
    assert texts(index, "9" * 600) == ["9" * 600]


# --- agreement ---------------------------------------------------------------------------

each_layout = pytest.mark.parametrize(
    "options", ["", "?shards=3"], ids=["one shard", "three shards"]
)


def shared_chunk(one: dict[str, Any]) -> Chunk:
    return Chunk(
        one["id"], one["documentId"], one["documentName"], one["page"], one["section"],
        one["text"], one["start"], one["end"], 1, one["language"],
    )  # fmt: skip


@each_layout
@pytest.mark.parametrize("of", [12, 1, 2, 0])
def test_scores_are_those_of_the_other_engines_when_the_vectors_are_searched(
    index: ClusterIndex, of: int
) -> None:
    index.rebuild([shared_chunk(one) for one in RANKING["chunks"][:of]])
    view = index.view()

    for search in (one for one in RANKING["searches"] if one["of"] == of):
        found = view.search(Query(search["query"]), len(search["hits"]) + 1)
        assert [(hit.chunk.id, list(hit.matched_terms)) for hit in found][
            : len(search["hits"])
        ] == [(hit["id"], hit["matchedTerms"]) for hit in search["hits"]]
        expected = [pytest.approx(hit["score"], abs=1e-4) for hit in search["hits"]]
        assert [hit.score for hit in found][: len(expected)] == expected


@needs_shared
@each_layout
@pytest.mark.parametrize("name", ["xquad-en", "xquad-ro"])
def test_engines_rank_alike_when_real_questions_are_asked(index: ClusterIndex, name: str) -> None:
    memory = MemoryIndex(shared_chunks(name))
    index.rebuild(shared_chunks(name))
    view = index.view()

    for question, _ in islice(shared_questions(name), 60):
        expected = memory.search(Query(question), 10)
        found = view.search(Query(question), 10)
        assert [hit.chunk.id for hit in found] == [hit.chunk.id for hit in expected]
        assert view.statistics(Query(question)) == memory.statistics(Query(question))


# --- whose it is, and what was before ----------------------------------------------------


def test_an_index_is_left_alone_when_it_is_another_librarys(
    index: ClusterIndex, address: ClusterAddress
) -> None:
    index.rebuild([FOX])

    with pytest.raises(SearchError, match="is not this library's"):
        ClusterIndex(address, "another")
    assert texts(index, "fox") == ["red fox"]


def test_it_is_as_it_was_when_it_is_opened_again(
    index: ClusterIndex, address: ClusterAddress
) -> None:
    index.rebuild([FOX])
    again = ClusterIndex(address, "mine")

    assert texts(again, "fox") == ["red fox"]
    again.close()


def test_it_is_emptied_to_be_made_anew_when_it_is_of_another_version(
    index: ClusterIndex, address: ClusterAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.rebuild([FOX])
    monkeypatch.setattr("rag.retrieval.cluster.version", lambda: "terms_2 record_3")
    again = ClusterIndex(address, "mine")

    assert again.chunk_count == 0
    assert len(again._made()) == 1
    again.close()


def test_searches_see_the_old_when_the_new_is_not_all_there(index: ClusterIndex) -> None:
    index.rebuild([FOX])
    seen = []

    def chunks() -> Iterator[Chunk]:
        yield from made_up(1_200)
        seen.append(texts(index, "fox river")[0])
        yield HENS

    index.rebuild(chunks())

    assert seen == ["red fox"]
    assert (texts(index, "fox"), index.chunk_count) == ([], 1_201)


def test_the_old_stays_and_no_rest_is_kept_when_a_rebuild_breaks(
    index: ClusterIndex, address: ClusterAddress
) -> None:
    index.rebuild([FOX])

    def broken() -> Iterator[Chunk]:
        yield from made_up(600)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        index.rebuild(broken())
    assert texts(index, "fox river") == ["red fox"]
    assert len(index._made()) == 2
    ClusterIndex(address, "mine").close()
    assert len(index._made()) == 1


# --- as a copy of the library -----------------------------------------------------------


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    opened = Library(tmp_path / "library.sqlite")
    yield opened
    opened.close()


def put(library: Library, name: str, text: str) -> None:
    one = chunk(text, document=name)
    document = Document(one.document_id, name, "text/plain", (text,), "en")
    assert library.add(document, [one], None)


def named(copy: LibraryCopy, text: str) -> list[str]:
    return [hit.chunk.document_name for hit in copy.view().search(Query(text), 5)]


def test_a_copy_follows_when_the_library_changes(
    library: Library, address: ClusterAddress, tmp_path: Path
) -> None:
    copy = ClusterCopy(tmp_path / "index", address)
    copy.catch_up(library)
    assert named(copy, "oil") == []
    put(library, "pump.txt", "change the oil")
    copy.catch_up(library)
    put(library, "lamp.txt", "fill in lamp oil")
    another = ClusterCopy(tmp_path / "index", address)  # of another process
    another.catch_up(library)
    assert sorted(named(copy, "oil")) == sorted(named(another, "oil")) == ["lamp.txt", "pump.txt"]
    library.remove("id of pump.txt")
    copy.catch_up(library)
    assert named(another, "oil") == ["lamp.txt"]


def test_a_copy_is_made_anew_when_the_cluster_has_lost_it(
    library: Library, address: ClusterAddress, tmp_path: Path
) -> None:
    put(library, "pump.txt", "change the oil")
    before = ClusterCopy(tmp_path / "index", address)
    before.catch_up(library)
    before._index.rebuild([])
    again = ClusterCopy(tmp_path / "index", address)
    again.catch_up(library)
    assert named(again, "oil") == ["pump.txt"]


def test_a_copy_is_refused_when_the_name_is_another_librarys(
    library: Library, address: ClusterAddress, tmp_path: Path
) -> None:
    put(library, "pump.txt", "change the oil")
    ClusterCopy(tmp_path / "index", address).catch_up(library)

    with pytest.raises(SearchError, match="is not this library's"):
        ClusterCopy(tmp_path / "elsewhere", address)


def test_the_engine_is_the_one_that_is_set_when_a_copy_is_chosen(
    nodes: Cluster, address: ClusterAddress, tmp_path: Path
) -> None:
    setting = nodes.setting(address.name)
    copy = fitting(MemoryCopy(), setting, tmp_path, is_large=False)

    assert isinstance(copy, ClusterCopy)
    assert fitting(copy, setting, tmp_path, is_large=True) is copy


@pytest.mark.anyio
async def test_a_workspace_searches_the_cluster_when_it_is_set(
    nodes: Cluster, address: ClusterAddress, tmp_path: Path
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "pump.txt").write_text("Change the oil.", encoding="utf-8")
    where = {"docs_dir": tmp_path / "docs", "data_dir": tmp_path / "data"}
    settings = load(slm="none", llm="none", index=nodes.setting(address.name), **where)
    workspace = Workspace(settings)
    await workspace.open(warm=False)
    try:
        found = await asyncio.to_thread(workspace.index.search, Query("oil"), 5)
        assert [hit.chunk.document_name for hit in found] == ["pump.txt"]
        assert isinstance(workspace._copy, ClusterCopy)
        await workspace.forget(found[0].chunk.document_id)
        assert list(await asyncio.to_thread(workspace.index.search, Query("oil"), 5)) == []
    finally:
        await workspace.close()
    apart = Workspace.temporary(settings, tmp_path / "docs")
    await apart.open(warm=False)
    assert isinstance(apart._copy, MemoryCopy)
    await apart.close()


# --- nodes that are lost -----------------------------------------------------------------

PASSAGES = 20_000


@pytest.fixture
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may take longer than a second or two to find that a node is lost."""
    monkeypatch.setattr(opensearch, "_PAUSES_S", (*opensearch._PAUSES_S, 6.4, 12.8, 25.6))


@pytest.mark.usefixtures("_patient")
@pytest.mark.parametrize("options", ["?shards=3"])
def test_nothing_is_lost_when_a_node_is_killed_while_passages_come_in(
    nodes: Cluster, index: ClusterIndex
) -> None:

    def chunks() -> Iterator[Chunk]:
        for number, one in enumerate(made_up(PASSAGES)):
            if number == PASSAGES // 2:
                nodes.kill("two")
            yield one

    try:
        index.rebuild(chunks())

        assert index.chunk_count == PASSAGES
        wanted = range(0, PASSAGES, 500)
        found = index.view().count([f"w{number}" for number in wanted]).document_frequency
        assert found == {f"w{number}": 1 for number in wanted}
    finally:
        nodes.start("two")
        nodes.wait()


@pytest.mark.usefixtures("_patient")
@pytest.mark.parametrize("options", ["?shards=3"])
def test_answers_go_on_when_a_node_is_killed_while_questions_are_asked(
    nodes: Cluster, index: ClusterIndex
) -> None:
    index.rebuild(made_up(PASSAGES))
    nodes.wait()
    view, ended, wrong = index.view(), Event(), list[object]()
    numbers, answered = count(), 0

    def ask() -> None:
        nonlocal answered
        while not ended.is_set():
            number = next(numbers) * 7 % PASSAGES
            try:
                found = [hit.chunk.text.split()[1] for hit in view.search(Query(f"w{number}"), 1)]
            except SearchError as exc:
                wrong.append(exc)
                return
            if found != [f"w{number}"]:
                wrong.append((number, found))
            answered += 1

    asking = [Thread(target=ask) for _ in range(4)]
    try:
        for thread in asking:
            thread.start()
        nodes.kill("three")
        index.add([FOX])
        assert texts(index, "fox") == ["red fox"]
        while answered < 500 and not wrong:  # most of them by two nodes
            sleep(0.05)
    finally:
        ended.set()
        for thread in asking:
            thread.join()
        nodes.start("three")
        nodes.wait()
    assert wrong == []
