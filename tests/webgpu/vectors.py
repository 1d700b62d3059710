"""What the server says of the cases, and the tab must say: ``python tests/webgpu/vectors.py``.

Writes tests/data/vectors, and the two files of words that the tab takes over from the server.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
if __name__ == "__main__":  # as tests/conftest.py does for pytest
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from rag.answering import citations, conversation, prompt, refusals, safety, sentences  # noqa: E402
from rag.answering.context import pack  # noqa: E402
from rag.documents.cleaning import clean  # noqa: E402
from rag.documents.headings import headings  # noqa: E402
from rag.documents.plain import as_seen  # noqa: E402
from rag.retrieval.analysis import query_terms, terms  # noqa: E402
from rag.retrieval.memory import MemoryIndex  # noqa: E402
from rag.retrieval.stopwords import STOP_WORDS  # noqa: E402
from rag.types import Chunk, Context, Dropped, Hit, Query  # noqa: E402
from webgpu import cases  # noqa: E402

FOLDER = ROOT / "tests" / "data" / "vectors"
SOURCES = ROOT / "webgpu" / "src"
_WORD = r"[\p{L}\p{N}_]"  # Python's \w in JavaScript
_K = 10
_ROOM_TOKENS = 100_000
_PASSAGES = 5


def files() -> Mapping[Path, Any]:
    """Every file and what belongs into it."""
    return {
        FOLDER / "stems.json": _stems(),
        FOLDER / "terms.json": _terms(),
        FOLDER / "ranking.json": _ranking(),
        FOLDER / "prompt.json": _prompt(),
        FOLDER / "citations.json": _citations(),
        FOLDER / "documents.json": _documents(),
        SOURCES / "retrieval" / "stopwords.json": {
            language: " ".join(sorted(words)) for language, words in STOP_WORDS.items()
        },
        SOURCES / "answering" / "wording.json": {
            "instructions": dict(prompt.INSTRUCTIONS),
            "languages": dict(prompt._LANGUAGES),
            "refusal": _in_javascript(refusals._REFUSAL),
            "unseen": _spelt_out(safety._UNSEEN.pattern),
            "control": safety._CONTROL.pattern,
            "overview": conversation._OVERVIEW.pattern.replace(r"\w", _WORD),
            "documents": conversation._DOCUMENTS.pattern.replace(r"\w", _WORD),
            "openers": _of_any_letters(conversation._OPENERS),
            "pointing": _of_any_letters(conversation._POINTING),
            "fragment": _of_any_letters(conversation._FRAGMENT),
            "asking": _of_any_letters(conversation._ASKING),
            "aboutDocuments": conversation._ABOUT_DOCUMENTS.pattern.replace(r"\w", _WORD),
        },
    }


def as_chunk(chunk: Chunk) -> dict[str, Any]:
    """As the tab has it."""
    return {
        "id": chunk.id,
        "documentId": chunk.document_id,
        "documentName": chunk.document_name,
        "page": chunk.page,
        "section": chunk.section,
        "text": chunk.text,
        "start": chunk.start,
        "end": chunk.end,
        "language": chunk.language,
    }


def as_hit(hit: Hit) -> dict[str, Any]:
    return {
        "id": hit.chunk.id,
        "score": round(hit.score, 6),
        "matchedTerms": list(hit.matched_terms),
    }


def _stems() -> dict[str, dict[str, str]]:
    """Of the words that stand in the file already, in as many languages as the tab can stem."""
    known = json.loads((FOLDER / "stems.json").read_text(encoding="utf-8"))
    return {
        language: {"words": listed["words"], "stems": " ".join(terms(listed["words"], language))}
        for language, listed in known.items()
    }


def _terms() -> dict[str, Any]:
    return {
        "texts": [
            {"text": text, "language": language, "terms": terms(text, language)}
            for text, language in cases.TEXTS
        ],
        "queries": [
            {
                "text": text,
                "background": background,
                "languages": list(languages),
                "weights": list(map(list, query_terms(Query(text, background), languages).items())),
            }
            for text, background, languages in cases.QUERIES
        ],
    }


def _ranking() -> dict[str, Any]:
    collections = [cases.CHUNKS, cases.CHUNKS[:1], cases.CHUNKS[:2], ()]
    return {
        "chunks": list(map(as_chunk, cases.CHUNKS)),
        "searches": [
            {"of": len(chunks), "query": query, "hits": list(map(as_hit, _hits(chunks, query)))}
            for chunks in collections
            for query in cases.SEARCHES
        ],
    }


def _hits(chunks: tuple[Chunk, ...], query: str) -> tuple[Hit, ...]:
    return tuple(MemoryIndex(chunks).search(Query(query), _K))


def _context() -> Context:
    hits = tuple(Hit(chunk, 1.0, rank, ()) for rank, chunk in enumerate(cases.CHUNKS, 1))
    return pack(hits, budget_tokens=_ROOM_TOKENS, max_passages=_PASSAGES)


def _prompt() -> dict[str, Any]:
    everything = pack(_context().hits, budget_tokens=_ROOM_TOKENS, max_passages=99)
    return {
        "packed": [
            _packed(cases.CHUNKS, _PASSAGES),
            _packed(cases.CHUNKS, 99),
            _packed((), 3),
        ],
        "prompts": [
            {
                "question": question,
                "language": language,
                "form": form,
                "turns": list(map(asdict, turns)),
                "messages": [
                    asdict(one)
                    for one in prompt.messages(
                        question,
                        everything,
                        prompt.recent(turns, _ROOM_TOKENS),
                        language,
                        form,
                    )
                ],
            }
            for question, language, form, turns in cases.ASKED
        ],
        "overviews": [[text, conversation.asks_for_overview(text)] for text in cases.OVERVIEWS],
        "talks": [
            {
                "history": [{"role": one.role, "content": one.content} for one in history],
                "question": question,
                "leans": conversation.leans(question),
                "earlier": len(conversation.earlier(question, history)),
                "background": conversation.query(question, history).background,
            }
            for history, question in cases.TALKS
        ],
        "refusals": [[text, refusals.refuses(text)] for text in cases.REFUSALS],
    }


def _packed(chunks: tuple[Chunk, ...], passages: int) -> dict[str, Any]:
    hits = [Hit(chunk, 1.0, rank, ()) for rank, chunk in enumerate(chunks, 1)]
    packed = pack(hits, budget_tokens=_ROOM_TOKENS, max_passages=passages)
    return {
        "of": len(chunks),
        "passages": passages,
        "text": packed.text,
        "kept": [hit.chunk.id for hit in packed.hits],
        "dropped": [[one.hit.chunk.id, _kind(one)] for one in packed.dropped],
    }


def _kind(dropped: Dropped) -> str:
    return "twin" if dropped.reason.startswith("It repeats") else "passages"


def _citations() -> list[dict[str, Any]]:
    context = _context()
    return [
        {
            "answer": answer,
            "question": question,
            "text": cited.text,
            "citations": [
                {
                    "number": one.number,
                    "documentName": one.document,
                    "page": one.page,
                    "quote": one.quote,
                    "start": one.start,
                    "end": one.end,
                    "supported": one.supported,
                }
                for one in cited.citations
            ],
            "unsupported": list(cited.unsupported),
        }
        for answer in cases.ANSWERS
        for question in ("", "How long is the warranty?")
        for cited in [citations.resolve(answer, context, question)]
    ]


def _documents() -> dict[str, Any]:
    return {
        "pages": list(_pages()),
        "sentences": [
            [text, [text[start:end] for start, end in sentences.spans(text)]]
            for text in (*cases.ANSWERS, *(text for text, _ in cases.TEXTS))
        ],
    }


def _pages() -> Iterator[dict[str, Any]]:
    for text, is_markdown in cases.PAGES:
        cleaned = clean(as_seen(text) if is_markdown else text, wrapped=not is_markdown)
        found = headings(cleaned, "text/markdown" if is_markdown else "text/plain")
        yield {
            "text": text,
            "isMarkdown": bool(is_markdown),
            "cleaned": cleaned,
            "headings": [asdict(heading) for heading in found],
        }


def _in_javascript(pattern: re.Pattern[str]) -> str:
    r"""A verbose pattern without its white space, whose \w is Python's."""
    bare = re.sub(r"(?<!\\)\s+", "", pattern.pattern).replace("\\ ", " ")
    return bare.replace(r"\w", _WORD)


def _of_any_letters(pattern: re.Pattern[str]) -> str:
    r"""Whose \b and \W are Python's: JavaScript's know the letters of English alone."""
    edge = f"(?:(?<!{_WORD})(?={_WORD})|(?<={_WORD})(?!{_WORD}))"
    return pattern.pattern.replace(r"\b", edge).replace(r"\W", _WORD.replace("[", "[^", 1))


def _spelt_out(pattern: str) -> str:
    """A class of characters that nobody would see in a file."""
    return re.sub(r"[^ -~]", lambda found: f"\\u{{{ord(found[0]):x}}}", pattern)


def main() -> None:
    for path, content in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(written(content), encoding="utf-8")


def written(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    main()
