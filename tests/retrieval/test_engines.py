"""What every engine must do, asked of each; and that they agree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from retrieval.passages import chunk, needs_shared, shared_chunks, shared_questions

from rag.retrieval.disk import DiskIndex
from rag.retrieval.index import Index, Scoped
from rag.retrieval.joint import JointIndex
from rag.retrieval.memory import MemoryIndex
from rag.types import Chunk, Query

Make = Callable[[Iterable[Chunk]], Index]

FOX = chunk("red fox", document="n.md")
HENS = chunk("red red hen", document="n.md", page=2)
SKY = chunk("blue", document="n.md", page=3)


@pytest.fixture(params=["memory", "disk", "joint"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    def on_disk(chunks: Iterable[Chunk]) -> Index:
        index = DiskIndex(tmp_path / "index")
        index.rebuild(chunks)
        return index

    def split(chunks: Iterable[Chunk]) -> Index:
        every = list(chunks)
        return JointIndex((MemoryIndex(every[::2]), on_disk(every[1::2])))

    return {"memory": MemoryIndex, "disk": on_disk, "joint": split}[request.param]


def texts(index: Index, question: str, k: int = 10) -> list[str]:
    return [hit.chunk.text for hit in index.search(Query(question), k)]


def test_nothing_is_found_when_there_are_no_chunks(make: Make) -> None:
    index = make([])

    assert list(index.search(Query("red"), 5)) == []
    assert index.languages == frozenset()
    figures = index.statistics(Query("red"))
    assert (figures.chunk_count, figures.term_count) == (0, 0)
    assert figures.document_frequency == {"red": 0}


def test_the_chunk_is_found_when_there_is_only_one(make: Make) -> None:
    (hit,) = make([FOX]).search(Query("foxes"), 5)

    assert hit.chunk == FOX
    assert hit.matched_terms == ("fox",)
    assert hit.score == pytest.approx(0.28768, abs=1e-4)  # ln(4/3): idf of the only chunk
    assert hit.rank == 1


def test_the_right_chunk_is_first_when_there_are_two(make: Make) -> None:
    index = make([FOX, HENS])

    assert texts(index, "fox") == ["red fox"]
    assert texts(index, "red hen") == ["red red hen", "red fox"]


def test_scores_are_those_worked_out_by_hand_when_three_chunks_are_searched(make: Make) -> None:
    first, second = make([FOX, HENS, SKY]).search(Query("red"), 5)

    # Each also holds its title: lengths 3, 4 and 2, 3 on average. idf = ln(1 + 1.5 / 2.5) = 0.4700.
    assert (first.chunk, second.chunk) == (HENS, FOX)
    assert first.score == pytest.approx(0.59086, abs=1e-4)  # 0.4700 × 2 × 2.2 / (2 + 1.5)
    assert second.score == pytest.approx(0.47000, abs=1e-4)  # 0.4700 × 1 × 2.2 / (1 + 1.2)


def test_a_hit_needs_a_shared_term_when_scores_are_low(make: Make) -> None:
    index = make([FOX, HENS])

    assert texts(index, "red") == ["red red hen", "red fox"]
    assert texts(index, "green") == []
    assert texts(index, "green fox") == ["red fox"]


def test_every_term_is_named_when_a_chunk_matches(make: Make) -> None:
    (hit, *_) = make([FOX, HENS, SKY]).search(Query("blue hens, red foxes"), 5)

    assert hit.chunk == HENS
    assert hit.matched_terms == ("hen", "red")


@pytest.mark.parametrize("k", [0, 1, 2, 3, 1_000_000_000])
def test_at_most_k_are_found_when_more_match(make: Make, k: int) -> None:
    assert len(make([FOX, HENS, SKY]).search(Query("red"), k)) == min(k, 2)


def test_names_decide_when_chunks_are_alike(make: Make) -> None:
    alike = [
        chunk("same words", document=f"{name}.md", page=page)
        for page in (3, 1, 2)
        for name in "dcba"
    ]

    found = make(alike).search(Query("words"), 5)

    assert [(hit.chunk.document_name, hit.chunk.page) for hit in found] == [
        ("a.md", 1),
        ("a.md", 2),
        ("a.md", 3),
        ("b.md", 1),
        ("b.md", 2),
    ]


def test_only_some_documents_are_found_when_asked_for(make: Make) -> None:
    cats = chunk("red cat", document="cats.md")
    index = make([FOX, cats, SKY])

    def found(documents: set[str]) -> list[Chunk]:
        return [hit.chunk for hit in index.search(Query("red"), 5, documents)]

    assert found({cats.document_id}) == [cats]
    assert found({cats.document_id, FOX.document_id}) == [cats, FOX]
    assert found({"no such document"}) == []
    assert found(set()) == []


def test_scores_stay_when_documents_are_filtered(make: Make) -> None:
    index = make([FOX, chunk("red cat", document="cats.md"), SKY])
    whole = {hit.chunk.id: hit.score for hit in index.search(Query("red"), 5)}

    (hit,) = index.search(Query("red"), 5, {"id of cats.md"})

    assert hit.score == pytest.approx(whole[hit.chunk.id], abs=1e-5)


def test_a_scope_narrows_when_a_search_names_documents(make: Make) -> None:
    cats = chunk("red cat", document="cats.md")
    scoped = Scoped(make([FOX, cats]), frozenset({cats.document_id}))

    assert [hit.chunk for hit in scoped.search(Query("red"), 5)] == [cats]
    assert list(scoped.search(Query("red"), 5, {FOX.document_id})) == []
    assert scoped.statistics(Query("red")).chunk_count == 2
    assert scoped.languages == {"en"}


def test_background_counts_less_when_the_question_has_its_own_terms(make: Make) -> None:
    index = make([FOX, chunk("green hen", document="n.md", page=2), SKY])

    found = index.search(Query("And the hen?", background="the fox"), 5)

    assert [hit.chunk.text for hit in found] == ["green hen", "red fox"]
    assert found[0].score > 2 * found[1].score


@pytest.mark.parametrize("question", ["Învățământul", "invatamant", "învăţământ", "ÎNVĂȚĂMÂNT"])
def test_romanian_is_found_when_diacritics_differ(make: Make, question: str) -> None:
    school = chunk("Școala și învățământul", language="ro")

    assert texts(make([school, FOX]), question) == [school.text]


def test_both_languages_are_found_when_a_collection_is_mixed(make: Make) -> None:
    english = chunk("Teachers register with the council.", document="en.md")
    romanian = chunk("Profesorii se înscriu la consiliu.", document="ro.md", language="ro")
    index = make([english, romanian])

    assert index.languages == {"en", "ro"}
    assert texts(index, "Where does a teacher register?") == [english.text]
    assert texts(index, "Unde se înscriu profesorii?") == [romanian.text]
    assert texts(index, "registers") == [english.text]  # nothing tells the question's language
    assert texts(index, "profesor") == [romanian.text]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("gpt-oss-20b", "The model gpt-oss-20b is large."),
        ("What does E4021 mean?", "Error E-4021: no paper."),
        ("ISO 9001", "Certified to ISO 9001."),
        ("3,14", "Pi is 3.14 or so."),
        ("ana.pop@example.ro", "Write to ana.pop@example.ro."),
    ],
)
def test_an_identifier_is_found_when_asked_for(make: Make, question: str, expected: str) -> None:
    passages = [
        "The model gpt-oss-20b is large.",
        "Error E-4021: no paper.",
        "Certified to ISO 9001.",
        "Pi is 3.14 or so.",
        "Write to ana.pop@example.ro.",
        "Other models, errors and addresses.",
    ]
    chunks = [chunk(text, document=f"{n}.md") for n, text in enumerate(passages)]

    assert texts(make(chunks), question)[0] == expected


@pytest.mark.parametrize(
    "question",
    [
        "",
        "   ",
        "😀👍🏽",
        '+-&&||!(){}[]^"~*?:\\/ AND OR NOT',
        'terms_1:* OR "unclosed',
        "\x00\ud800",
        "' OR 1=1; --",
        "<script>",
        "the of and",
    ],
)
def test_nothing_breaks_when_the_question_is_hostile(make: Make, question: str) -> None:
    assert texts(make([FOX, HENS, SKY]), question) == []


def test_nothing_breaks_when_the_question_is_endless(make: Make) -> None:
    index = make([FOX, HENS, SKY])

    assert texts(index, "fox " + "x" * 100_000) == ["red fox"]
    assert texts(index, "fox " + " ".join(f"w{n}" for n in range(15_000))) == ["red fox"]
    assert texts(index, "-".join("fox" for _ in range(25_000))) == ["red fox"]


def test_stop_words_are_searched_when_there_is_nothing_else(make: Make) -> None:
    assert texts(make([chunk("to be or not to be"), SKY]), "to be or not to be") == [
        "to be or not to be"
    ]


def test_a_chunk_comes_back_whole_when_its_text_is_odd(make: Make) -> None:
    odd = Chunk(
        "id\n1",
        "doc\t1",
        'a "b"\n\udcff.md',
        7,
        "Sec\x1ftion\n",
        "red\x00 \n\n\u2028fox \ud800 ﬁ =1",
        11,
        32,
        5,
        "",
    )

    (hit,) = make([odd]).search(Query("fox"), 5)

    assert hit.chunk == odd


# --- agreement ---------------------------------------------------------------------------

WORDS = ["red", "fox", "hen", "sky", "blue", "river", "E-4021", "3.14", "the", "Școala", "running"]


def corpora() -> st.SearchStrategy[list[Chunk]]:
    text = st.lists(st.sampled_from(WORDS), max_size=90).map(" ".join)
    one = st.tuples(text, st.sampled_from("abc"), st.sampled_from(["en", "ro", ""]))
    return st.lists(one, max_size=9).map(
        lambda some: [
            chunk(text, document=f"{name}.md", page=page, language=language)
            for page, (text, name, language) in enumerate(some, 1)
        ]
    )


@pytest.fixture(scope="module")
def disk() -> Iterator[DiskIndex]:
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        index = DiskIndex(Path(folder) / "index")
        yield index
        index.close()


@settings(max_examples=40, deadline=None)
@given(
    chunks=corpora(),
    question=st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join),
    background=st.sampled_from(["", "red fox", "rivers"]),
)
def test_engines_agree_when_collections_are_small(
    disk: DiskIndex, chunks: list[Chunk], question: str, background: str
) -> None:
    memory, query = MemoryIndex(chunks), Query(question, background)
    disk.rebuild(chunks)
    joint = JointIndex((MemoryIndex(chunks[:4]), MemoryIndex(chunks[4:])))

    expected = {hit.chunk.id: (hit.score, hit.matched_terms) for hit in memory.search(query, 50)}

    for other in (disk, joint):
        assert other.statistics(query) == memory.statistics(query)
        found = {hit.chunk.id: (hit.score, hit.matched_terms) for hit in other.search(query, 50)}
        assert found.keys() == expected.keys()
        for chunk_id, (score, matched) in expected.items():
            assert found[chunk_id] == (pytest.approx(score, abs=1e-4), matched)


@needs_shared
@pytest.mark.parametrize("name", ["xquad-en", "xquad-ro"])
def test_engines_rank_alike_when_real_questions_are_asked(disk: DiskIndex, name: str) -> None:
    chunks = shared_chunks(name)
    memory = MemoryIndex(chunks)
    disk.rebuild(chunks)

    for question, _ in shared_questions(name):
        expected = [hit.chunk.id for hit in memory.search(Query(question), 10)]
        assert [hit.chunk.id for hit in disk.search(Query(question), 10)] == expected


@needs_shared
@pytest.mark.parametrize("name", ["xquad-en", "xquad-ro"])
def test_the_right_document_is_first_when_real_questions_are_asked(name: str) -> None:
    memory = MemoryIndex(shared_chunks("xquad-en") + shared_chunks("xquad-ro"))
    language = name[-2:]

    right = [
        (hits[0].chunk.document_name, hits[0].chunk.language) == (document, language)
        for question, document in shared_questions(name)
        for hits in (memory.search(Query(question), 1),)
    ]

    assert sum(right) / len(right) > 0.95
