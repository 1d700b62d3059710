"""Files and pasted text become documents and passages in the tab, or a reason why not."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from documents import nasty
from playwright.sync_api import Browser, Page

from rag.documents.chunking import chunk as chunked
from rag.documents.limits import Limits
from rag.documents.readers import read
from rag.tokens import count_tokens

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
SHARED_PDFS = ROOT.parent / "shared" / "data" / "pdfs" / "files"
REAL_PDFS = (
    "pdfjs__test_pdfs_tracemonkey_a11y.pdf",
    "pdfjs__test_pdfs_calgray.pdf",
    "pdfjs__test_pdfs_issue918.pdf",
    "pypdf__resources_SF424_page2.pdf",
    "pypdf__resources_encryption_r6-empty-password.pdf",
    "samplefiles__011-google-doc-document_google-doc-document.pdf",
    "samplefiles__014-outlines_mistitled_outlines_example.pdf",
    "samplefiles__026-latex-multicolumn_multicolumn.pdf",
)
PROSE = "The pump was made in Cluj. It moves water, oil and milk. Nobody knows why it hums. "

_READ = """async ({ bytes, name }) => {
    const file = new File([Uint8Array.from(atob(bytes), one => one.charCodeAt(0))], name);
    const told = [];
    try {
        const document = await parts.readFile(file, (done, total) => told.push([done, total]));
        return { ...document, told, silent: parts.silentPages(document) };
    } catch (error) {
        return { code: error.code, detail: error.detail };
    }
}"""


@pytest.fixture(scope="module")
def tab(browser: Browser, serve: Callable[..., str]) -> Iterator[Page]:
    page = browser.new_context().new_page()
    page.goto(f"{serve()}/parts.js")
    page.evaluate("async () => { window.parts = await import('/parts.js') }")
    yield page
    page.context.close()


def opened(tab: Page, content: bytes | Path, name: str) -> Mapping[str, Any]:
    raw = content.read_bytes() if isinstance(content, Path) else content
    found = tab.evaluate(_READ, {"bytes": base64.b64encode(raw).decode(), "name": name})
    assert isinstance(found, dict)
    return found


def text_of(tab: Page, content: bytes, name: str = "a.txt") -> str:
    return "".join(page["text"] for page in opened(tab, content, name)["pages"])


def test_a_pdf_is_read_page_by_page(tab: Page, tmp_path: Path) -> None:
    path = nasty.pdf(tmp_path / "a.pdf", ["First page.\nSecond line.", "Third line."])
    found = opened(tab, path, "a.pdf")
    assert found["pages"] == [
        {"number": 1, "text": "First page.\nSecond line."},
        {"number": 2, "text": "Third line."},
    ]
    assert found["told"] == [[1, 2], [2, 2]]
    assert (found["note"], found["mediaType"]) == ("", "application/pdf")


def test_a_document_has_the_servers_id_and_text(tab: Page, tmp_path: Path) -> None:
    path = nasty.pdf(tmp_path / "a.pdf", ["One line,\nand an-\nother."])
    found = opened(tab, path, "a.pdf")
    same = read(path, "a.pdf", Limits())
    assert found["id"] == same.id
    assert [page["text"] for page in found["pages"]] == list(same.pages)


def test_pages_without_text_are_named_when_others_have_some(tab: Page, tmp_path: Path) -> None:
    path = nasty.pdf(tmp_path / "a.pdf", ["Text.", "", "", "Text.", ""])
    found = opened(tab, path, "a.pdf")
    assert (found["note"], found["silent"]) == ("note_no_text", "2–3, 5")


def test_nothing_of_a_pdf_is_fetched_from_elsewhere(tab: Page, tmp_path: Path) -> None:
    asked: list[str] = []
    tab.context.on("request", lambda request: asked.append(request.url))
    opened(tab, nasty.pdf(tmp_path / "a.pdf", ["Text."]), "a.pdf")
    here = tab.url.removesuffix("/parts.js")
    assert [url for url in asked if not url.startswith((here, "data:", "blob:"))] == []


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.txt", b"", "document-empty"),
        ("a.txt", b" \n\t ", "document-no-text"),
        ("a.md", b"<!-- hidden -->", "document-no-text"),
        ("a.pdf", b"Just words.", "document-misnamed"),
        ("a.md", b"%PDF-1.7\n...", "document-misnamed"),
        ("a.pdf", b"%PDF-1.7\nnothing else", "document-broken"),
        ("a.png", nasty.PNG, "document-unsupported"),
        ("a.txt", nasty.PNG, "document-unsupported"),
        ("a.doc", nasty.OLE, "document-unsupported"),
        ("a.docx", b"PK\x03\x04...", "document-unsupported"),
        ("a.html", b"<p>Words.</p>", "document-unsupported"),
        ("a.bin", bytes(range(32)) * 9, "document-unsupported"),
        ("a.txt", bytes(range(32)) * 9, "document-broken"),
    ],
)
def test_a_file_is_refused_with_its_reason(tab: Page, name: str, content: bytes, code: str) -> None:
    assert opened(tab, content, name)["code"] == code


def test_a_pdf_is_refused_when_a_password_locks_it(tab: Page, tmp_path: Path) -> None:
    locked = nasty.pdf_locked(tmp_path / "a.pdf", "secret")
    assert opened(tab, locked, "a.pdf")["code"] == "document-encrypted"


def test_a_pdf_is_read_when_only_its_owner_is_locked_out(tab: Page, tmp_path: Path) -> None:
    path = nasty.pdf_locked(tmp_path / "a.pdf", "")
    assert opened(tab, path, "a.pdf")["pages"][0]["text"] == nasty.SENTENCE


def test_a_pdf_is_refused_when_no_page_has_text(tab: Page, tmp_path: Path) -> None:
    path = nasty.pdf(tmp_path / "a.pdf", ["", ""])
    assert opened(tab, path, "a.pdf")["code"] == "document-no-text"


def test_a_pdf_is_read_or_refused_when_it_is_damaged(tab: Page, tmp_path: Path) -> None:
    cut = opened(tab, nasty.pdf_truncated(tmp_path / "a.pdf"), "a.pdf")
    assert cut.get("code") == "document-broken" or nasty.SENTENCE in cut["pages"][0]["text"]
    loop = opened(tab, nasty.pdf_page_tree_loop(tmp_path / "b.pdf"), "b.pdf")
    assert loop["code"] in {"document-broken", "document-no-text"}


def test_a_file_is_refused_when_it_is_too_large(tab: Page) -> None:
    code = tab.evaluate(
        """() => parts.readFile({ size: 60_000_000, name: "a.txt" }).catch(error => error.code)"""
    )
    assert code == "document-too-large"


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8-sig", b""),
        ("utf-16-le", b"\xff\xfe"),
        ("utf-16-be", b"\xfe\xff"),
        ("utf-16-le", b""),
        ("cp1250", b""),
    ],
)
def test_romanian_is_read_in_any_encoding(tab: Page, encoding: str, mark: bytes) -> None:
    text = "Şcoala are ţevi şi pompe în curte, iar apa este rece şi bună."
    assert text_of(tab, mark + text.encode(encoding)) == text


def test_western_letters_are_read_in_their_code_page(tab: Page) -> None:
    text = "Où est l’école à côté ? Ça coûte 5 € à l’élève. Die Tür ist größer."
    assert text_of(tab, text.encode("cp1252")) == text


def test_only_odd_lines_are_read_in_a_code_page_when_most_are_utf_8(tab: Page) -> None:
    content = "Țara și școala.\n".encode() * 3 + "café\n".encode("cp1252")
    assert text_of(tab, content) == "Țara și școala.\n" * 3 + "café"


def test_pasted_text_is_a_document(tab: Page) -> None:
    found = tab.evaluate("() => parts.readText('# Tea\\n\\nTea is hot.', 'Pasted text')")
    assert found["pages"] == [{"number": 1, "text": "# Tea\n\nTea is hot."}]
    assert found["name"] == "Pasted text"
    assert tab.evaluate("() => parts.readText(' ', 'a').catch(error => error.code)") == (
        "document-no-text"
    )


def _chunks(tab: Page, pages: list[str], media_type: str, max_tokens: int = 192) -> Any:
    return tab.evaluate(
        """({ pages, mediaType, maxTokens }) => parts.chunk({ id: "0123456789abcdef00", name: "a",
            mediaType, note: "", pages: pages.map((text, at) => ({ number: at + 1, text })) },
            maxTokens)""",
        {"pages": pages, "mediaType": media_type, "maxTokens": max_tokens},
    )


@pytest.mark.parametrize("max_tokens", [1, 7, 40, 192])
@pytest.mark.parametrize(
    "text",
    [
        "# One\n\nText. More text!\n\n## Two\n\n" + PROSE * 30,
        PROSE * 60,
        "x" * 3000,
        "ab " * 900,
        "東京都は日本の首都です。" * 80,
        "Șirul are ț și ă. " * 90,
        "line\n" * 300,
        "😀👩‍🔬" * 200,
        "",
        "   \n\n  ",
    ],
)
def test_passages_hold_all_of_a_page_within_the_budget(
    tab: Page, text: str, max_tokens: int
) -> None:
    offsets, lost, over = tab.evaluate(
        """async ({ text, maxTokens }) => {
            const found = await parts.chunk({ id: "0123456789abcdef00", name: "a", note: "",
                mediaType: "text/markdown", pages: [{ number: 1, text }] }, maxTokens);
            const held = new Uint8Array(text.length);
            for (const { start, end } of found) held.fill(1, start, end);
            return [found.every(one => text.slice(one.start, one.end) === one.text),
                [...text].length && [...text.matchAll(/\\S/g)].filter(at => !held[at.index]).length,
                found.filter(one => parts.estimateTokens(one.text) > 1.3 * maxTokens + 9).length];
        }""",
        {"text": text, "maxTokens": max_tokens},
    )
    assert (offsets, lost, over) == (True, 0, 0)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 1),
        ("The warranty lasts twenty-four months from the day of delivery.", 12),
        ("Garanția este de douăzeci și patru de luni de la data livrării.", 25),
        ("1.000,50", 8),
    ],
)
def test_tokens_are_hardly_underestimated_when_no_model_counts(
    tab: Page, text: str, tokens: int
) -> None:
    """``tokens`` are those of Qwen's tokenizer."""
    assert tokens <= tab.evaluate("text => parts.estimateTokens(text)", text) <= 2 * tokens + 2


def test_a_context_keeps_to_its_budget_when_passages_are_many(tab: Page) -> None:
    kept, reasons, tokens, passages = tab.evaluate(
        """() => {
            const hits = Array.from({ length: 9 }, (_, at) => ({ score: 1, rank: at + 1,
                matchedTerms: [], chunk: { id: `${at}`, documentId: `${at}`, documentName: "a.md",
                page: 1, section: "", start: 0, end: 1, language: "en",
                text: `Fact ${at}: the pump of hall ${at} moves ${at}00 litres of water.` } }));
            const context = parts.pack(hits, 60, 99);
            const model = { contextTokens: 512, bestPassages: 3 };
            const fitted = parts.fit("How much water?", hits, model, 128);
            return [context.hits.length, context.dropped.map(one => one.reason),
                context.tokenCount, fitted.context.hits.length];
        }"""
    )
    assert 0 < kept < 9
    assert reasons == ["budget"] * (9 - kept)
    assert tokens <= 60
    assert passages == 3


def test_no_passage_is_left_when_the_question_fills_the_context(tab: Page) -> None:
    found = tab.evaluate(
        """() => {
            const chunk = { id: "1", documentId: "1", documentName: "a.md", page: 1, section: "",
                start: 0, end: 1, language: "en", text: "The pump hums." };
            const hits = [{ score: 1, rank: 1, matchedTerms: [], chunk }];
            const model = { contextTokens: 256, bestPassages: 3 };
            return parts.fit("why ".repeat(500), hits, model, 64).context.hits;
        }"""
    )
    assert found == []


def test_passages_keep_to_headings_which_hold_for_the_next_page(tab: Page) -> None:
    found = _chunks(tab, ["# A\n\nOne.\n\n# B\n\nTwo.", "Three."], "text/markdown")
    assert [(one["page"], one["section"], one["text"]) for one in found] == [
        (1, "A", "# A\n\nOne."),
        (1, "B", "# B\n\nTwo."),
        (2, "B", "Three."),
    ]
    assert [one["id"] for one in found] == [
        "0123456789abcdef-1-0",
        "0123456789abcdef-1-11",
        "0123456789abcdef-2-0",
    ]


def test_passages_overlap_when_a_paragraph_is_split(tab: Page) -> None:
    one, other, *_ = _chunks(tab, [PROSE.strip() + " " + PROSE * 9], "text/plain", 60)
    assert one["start"] < other["start"] < one["end"]


@pytest.mark.parametrize("name", ["architecture.md", "ghid.md"])
def test_passages_are_about_those_of_the_server(tab: Page, name: str) -> None:
    """Their lengths are estimated here: a few more or less of them, under the same headings."""
    document = read(ROOT / "docs" / name, name, Limits())
    server = chunked(document, max_tokens=192, overlap=0.25)
    found = _chunks(tab, list(document.pages), "text/markdown")
    assert {one["section"] for one in found} == {one.section for one in server}
    assert {one["language"] for one in found} == {one.language for one in server}
    assert 0.8 < len(found) / len(server) < 1.3
    assert max(count_tokens(one["text"]) for one in found) < 1.2 * 192


def test_a_passage_has_a_language_of_its_own_when_a_document_mixes_some(tab: Page) -> None:
    english = "# A\n\nThe pump was made in the town and it is used for the water of all. " * 3
    romanian = "# B\n\nPompa a fost făcută în oraș și este folosită pentru apa din țară. " * 3
    languages = {one["language"] for one in _chunks(tab, [english, romanian], "text/markdown")}
    assert languages == {"en", "ro"}


@pytest.mark.parametrize("name", REAL_PDFS)
def test_a_real_pdf_reads_as_on_the_server(tab: Page, name: str) -> None:
    """Nearly word for word; where a page is set in boxes or tables, readers part more."""
    path = SHARED_PDFS / name
    if not path.is_file():
        pytest.skip("the real PDFs in ../shared/data are not here")
    pages = opened(tab, path, name)["pages"]
    for page, text in zip(pages, read(path, name, Limits()).pages, strict=True):
        words, others = set(page["text"].split()), set(text.split())
        assert len(words & others) > 0.9 * len(words | others)
