"""The tab finds, prompts and cites as the server does: both are held to the same vectors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from rag.documents.chunking import chunk as chunked
from rag.documents.limits import Limits
from rag.documents.readers import read
from rag.language import detect
from rag.retrieval.analysis import terms
from rag.retrieval.memory import MemoryIndex
from rag.types import Chunk, Query
from webgpu import cases, vectors

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"
STEMMED = ["ar", "de", "el", "en", "es", "fr", "hi", "hu", "hy", "it", "nl", "pt", "ro", "ru", "ta"]


def known(name: str) -> Any:
    return json.loads((vectors.FOLDER / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def tab(browser: Browser, serve: Callable[..., str]) -> Iterator[Page]:
    """A page of a host that serves what was built, with the parts as ``parts``."""
    page = browser.new_context().new_page()
    page.goto(f"{serve()}/parts.js")
    page.evaluate("async () => { window.parts = await import('/parts.js') }")
    yield page
    page.context.close()


@pytest.mark.parametrize("path", vectors.files(), ids=lambda path: path.name)
def test_a_file_says_what_the_server_says_today(path: Path) -> None:
    expected = vectors.written(vectors.files()[path])
    assert path.read_text(encoding="utf-8") == expected, "run python tests/webgpu/vectors.py"


def test_stems_are_the_servers_in_every_language_that_is_told(tab: Page) -> None:
    stems = known("stems")
    assert sorted(stems) == STEMMED
    found = tab.evaluate(
        """stems => Object.fromEntries(Object.entries(stems).map(
            ([language, { words }]) => [language, parts.terms(words, language).join(" ")]))""",
        stems,
    )
    assert found == {language: listed["stems"] for language, listed in stems.items()}


def test_terms_are_the_servers_when_texts_are_nasty(tab: Page) -> None:
    texts = known("terms")["texts"]
    found = tab.evaluate(
        "texts => texts.map(({ text, language }) => parts.terms(text, language))", texts
    )
    assert found == [one["terms"] for one in texts]


def test_query_weights_are_the_servers(tab: Page) -> None:
    queries = known("terms")["queries"]
    found = tab.evaluate(
        """queries => queries.map(({ text, background, languages }) =>
            [...parts.queryTerms({ text, background }, new Set(languages))])""",
        queries,
    )
    assert found == [one["weights"] for one in queries]


def _searched(tab: Page, chunks: list[Any], searches: list[Any]) -> Any:
    return tab.evaluate(
        """async ({ chunks, searches }) => {
            const indexes = new Map();
            for (const { of } of searches) {
                if (!indexes.has(of)) indexes.set(of, await parts.Index.of(chunks.slice(0, of)));
            }
            return searches.map(({ of, query }) => indexes.get(of).search(query, 10).map(
                ({ chunk, score, matchedTerms }) => ({ id: chunk.id, score, matchedTerms })));
        }""",
        {"chunks": chunks, "searches": searches},
    )


def _alike(found: list[Any], expected: list[Any]) -> bool:
    """The same chunks in the same order, for the same terms, with scores that agree to 1e-4."""
    return [(hit["id"], hit["matchedTerms"]) for hit in found] == [
        (hit["id"], hit["matchedTerms"]) for hit in expected
    ] and all(
        abs(one["score"] - other["score"]) < 1e-4
        for one, other in zip(found, expected, strict=True)
    )


def test_rankings_are_the_servers_when_collections_are_empty_small_or_mixed(tab: Page) -> None:
    ranking = known("ranking")
    found = _searched(tab, ranking["chunks"], ranking["searches"])
    odd = [
        (search, hits)
        for search, hits in zip(ranking["searches"], found, strict=True)
        if not _alike(hits, search["hits"])
    ]
    assert odd == []


def _shared(name: str) -> tuple[list[Chunk], list[str]]:
    if not SHARED.is_dir():
        pytest.skip("the question sets in ../shared/data are not here")
    chunks = [
        chunk
        for path in sorted((SHARED / name / "docs").glob("*.md"))
        for chunk in chunked(read(path, path.name, Limits()), max_tokens=192, overlap=0.25)
    ]
    lines = (SHARED / name / "qa.jsonl").read_text(encoding="utf-8").splitlines()
    return chunks, [json.loads(line)["question"] for line in lines]


@pytest.mark.parametrize("name", ["xquad-en", "xquad-ro", "squad2"])
def test_rankings_are_the_servers_on_real_questions(tab: Page, name: str) -> None:
    chunks, questions = _shared(name)
    index = MemoryIndex(chunks)
    searches = [{"of": len(chunks), "query": question} for question in questions]
    found = _searched(tab, list(map(vectors.as_chunk, chunks)), searches)
    expected = [
        [vectors.as_hit(hit) for hit in index.search(Query(question), 10)] for question in questions
    ]
    odd = [
        q
        for q, one, other in zip(questions, found, expected, strict=True)
        if not _alike(one, other)
    ]
    assert odd == []


@pytest.mark.parametrize(("name", "language"), [("xquad-en", "en"), ("xquad-ro", "ro")])
def test_terms_are_the_servers_in_whole_documents(tab: Page, name: str, language: str) -> None:
    texts = [chunk.text for chunk in _shared(name)[0]]
    found = tab.evaluate(
        "({ texts, language }) => texts.map(text => parts.terms(text, language))",
        {"texts": texts, "language": language},
    )
    assert found == [terms(text, language) for text in texts]


def test_terms_are_the_servers_in_our_own_documentation(tab: Page) -> None:
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").rglob("*.md"))]
    found = tab.evaluate("texts => texts.map(text => parts.terms(text, 'en'))", texts)
    assert found == [terms(text, "en") for text in texts]


def test_the_language_is_the_servers_in_our_own_documentation(tab: Page) -> None:
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").rglob("*.md"))]
    assert tab.evaluate("texts => texts.map(parts.detect)", texts) == list(map(detect, texts))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Care este termenul de livrare?", "ro"),
        ("care este termenul de livrare", "ro"),
        ("How long is the warranty?", "en"),
        ("Wie lange ist die Garantie?", "de"),
        ("¿Cuánto dura la garantía de los filtros?", "es"),
        ("Quelle est la durée de la garantie ?", "fr"),
        ("Библиотеки открыты, что это", "ru"),
        ("Бібліотеки відкриті", "uk"),
        ("東京都は日本の首都です", "ja"),
        ("机器学习模型", "zh"),
        ("Οι βιβλιοθήκες", "el"),
        ("Biblioteka jest otwarta cały dzień i nie ma tam żadnej kolejki.", ""),
        ("1234 5678", ""),
        ("", ""),
    ],
)
def test_a_language_is_told_or_left_open_when_texts_are_short(
    tab: Page, text: str, language: str
) -> None:
    assert tab.evaluate("text => parts.detect(text)", text) == language


_HITS = (
    "const hits = chunks.map((chunk, at) => ({ chunk, score: 1, rank: at + 1, matchedTerms: [] }));"
)


def test_passages_are_packed_as_on_the_server(tab: Page) -> None:
    packed = known("prompt")["packed"]
    found = tab.evaluate(
        "({ chunks, packed }) => {"
        + _HITS
        + """
            return packed.map(({ of, passages }) => {
                const context = parts.pack(hits.slice(0, of), 100000, passages);
                return { of, passages, text: context.text,
                    kept: context.hits.map(({ chunk }) => chunk.id),
                    dropped: context.dropped.map(({ hit, reason }) => [hit.chunk.id, reason]) };
            });
        }""",
        {"chunks": known("ranking")["chunks"], "packed": packed},
    )
    assert found == packed


def test_prompts_are_the_servers_in_every_form_and_language(tab: Page) -> None:
    prompts = known("prompt")["prompts"]
    found = tab.evaluate(
        "({ chunks, prompts }) => {"
        + _HITS
        + """
            const packed = parts.pack(hits, 100000, 5);
            const context = parts.pack(packed.hits, 100000, 99);
            return prompts.map(({ question, turns, language, form }) => parts.messages(
                question, context, parts.recent(turns, 100000), language, form));
        }""",
        {"chunks": known("ranking")["chunks"], "prompts": prompts},
    )
    assert found == [one["messages"] for one in prompts]


def test_answers_are_cited_as_on_the_server(tab: Page) -> None:
    expected = known("citations")
    found = tab.evaluate(
        "({ chunks, answers }) => {"
        + _HITS
        + """
            const context = parts.pack(hits, 100000, 5);
            return answers.map(({ answer, question }) => {
                const { text, citations, unsupported } = parts.resolve(answer, context, question);
                return { answer, question, text, citations, unsupported };
            });
        }""",
        {"chunks": known("ranking")["chunks"], "answers": expected},
    )
    assert found == expected


def test_refusals_are_noticed_as_on_the_server(tab: Page) -> None:
    expected = known("prompt")["refusals"]
    assert (
        tab.evaluate("all => all.map(([text]) => [text, parts.refuses(text)])", expected)
        == expected
    )


def test_overviews_are_noticed_as_on_the_server(tab: Page) -> None:
    expected = known("prompt")["overviews"]
    found = tab.evaluate(
        "all => all.map(([text]) => [text, parts.asksForOverview(text)])", expected
    )
    assert found == expected


def test_questions_lean_on_what_was_said_as_on_the_server(tab: Page) -> None:
    expected = known("prompt")["talks"]
    found = tab.evaluate(
        """all => all.map(({ history, question }) => {
            const turns = parts.earlier(question, history);
            return { history, question, leans: parts.leans(question), earlier: turns.length,
                background: parts.background(turns) };
        })""",
        expected,
    )
    assert found == expected


def test_an_overview_begins_with_the_openings_of_the_latest_documents(tab: Page) -> None:
    chunks = known("ranking")["chunks"]
    server = MemoryIndex(cases.CHUNKS)
    expected = [chunk.id for chunk in server.openings(9)]
    found = tab.evaluate(
        """async chunks => parts.found(await parts.Index.of(chunks), "What is this about?", 9)
            .map(({ chunk, rank }) => [chunk.id, rank])""",
        chunks,
    )
    assert found == [[id_, rank] for rank, id_ in enumerate(expected, 1)]


def test_sentences_end_where_they_do_on_the_server(tab: Page) -> None:
    expected = known("documents")["sentences"]
    found = tab.evaluate(
        """all => all.map(([text]) =>
            [text, parts.sentenceSpans(text).map(span => text.slice(...span))])""",
        expected,
    )
    assert found == expected


def test_pages_are_cleaned_and_parted_by_headings_as_on_the_server(tab: Page) -> None:
    expected = known("documents")["pages"]
    found = tab.evaluate(
        """all => all.map(({ text, isMarkdown }) => {
            const cleaned = parts.clean(isMarkdown ? parts.asSeen(text) : text, !isMarkdown);
            const type = isMarkdown ? "text/markdown" : "text/plain";
            return { text, isMarkdown, cleaned, headings: parts.headings(cleaned, type) };
        })""",
        expected,
    )
    assert found == expected


def test_the_page_draws_on_while_two_thousand_chunks_are_counted(tab: Page) -> None:
    """Frames come, not one long task; how many is the machine's affair."""
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")[:900]
    frames, count, best = tab.evaluate(
        """async text => {
            const chunks = Array.from({ length: 2000 }, (_, at) => ({
                id: `c${at}`, documentId: "d", documentName: "d.md", page: 1, section: "",
                text: `${text} number${at}`, start: 0, end: 1, language: "en" }));
            let frames = 0, isDone = false;
            const draw = () => { frames += 1; if (!isDone) setTimeout(draw); };
            draw();
            const index = await parts.Index.of(chunks);
            isDone = true;
            return [frames, index.chunkCount, index.search("number1234", 3)[0].chunk.id];
        }""",
        text,
    )
    assert (count, best) == (2000, "c1234")
    assert frames > 5
