from __future__ import annotations

import errno
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, Router
from starlette.testclient import TestClient

from rag.errors import NotFound, SettingsError
from rag.page import routes
from rag.page.routes import Source

LIMIT_BYTES = 1_000_000


class Session:
    def __init__(self, files_dir: Path) -> None:
        self.files: dict[str, Any] = {}
        self.files_dir = files_dir
        self.added: list[tuple[str, str]] = []
        self.expected = 0  # files that have begun to arrive
        self.looks = 0  # for a chat that is "soon" there

    def is_there(self, session_id: str) -> bool:
        self.looks += session_id == "soon"
        return session_id == "known" or self.looks == 3


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(tmp_path / "session")


@pytest.fixture
def client(session: Session, tmp_path: Path) -> TestClient:
    async def source(document_id: str) -> Source:
        if document_id == "gone":
            raise NotFound("The library holds nothing under gone.")
        media_type, _, name = document_id.rpartition("@")
        return Source(tmp_path / name, media_type.replace("_", "/"))

    async def on_upload() -> None:
        session.expected += 1

    async def add_server(address: str, key: str) -> str:
        if not address.startswith("http"):
            raise SettingsError("That is no address.")
        session.added.append((address, key))
        return address

    app = Starlette()
    ours = routes.page_routes(
        html=lambda: "<html><link href='https://cdn.example/x.css'></html>",
        session=lambda one: session if session.is_there(one) else None,
        source=source,
        on_upload=on_upload,
        add_server=add_server,
        max_bytes=LIMIT_BYTES,
    )
    routes.install(ours, app, Router())
    return TestClient(app)


def upload(client: TestClient, name: str, content: bytes, session_id: str = "known") -> Any:
    return client.post(
        f"/project/file?session_id={session_id}",
        files={"file": (name, content, "text/html")},
        headers={"accept-language": "en"},
    )


@pytest.mark.parametrize("path", ["/", "/login", "/thread/1"])
def test_the_page_is_clean_when_it_is_served(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.text == "<html></html>"
    assert "default-src 'self'" in response.headers["content-security-policy"]


def test_nothing_is_there_when_a_path_is_unknown(client: TestClient) -> None:
    assert client.get("/healthz").status_code == 404


@pytest.mark.parametrize("content", [b"", b"<script>alert(1)</script>"])
def test_a_file_is_kept_when_it_is_uploaded(
    client: TestClient, session: Session, content: bytes
) -> None:
    response = upload(client, "../a page.html", content)
    assert response.status_code == 200
    kept = session.files[response.json()["id"]]
    assert kept["path"].read_bytes() == content
    assert kept["path"].parent == session.files_dir
    assert (kept["name"], kept["type"], kept["size"]) == (
        "a page.html",
        "application/octet-stream",
        len(content),
    )
    assert uuid.UUID(response.json()["id"]).version == 4
    assert session.expected == 1


def test_nothing_is_left_of_a_file_when_it_is_discarded(
    client: TestClient, session: Session
) -> None:
    file_id = upload(client, "a.txt", b"x").json()["id"]
    path = session.files[file_id]["path"]
    routes.discard(file_id, session)
    routes.discard(file_id, session)
    assert (session.files, path.exists()) == ({}, False)


@pytest.mark.parametrize(
    ("language", "beginning"), [("ro", "despre"), ("ro-RO", "despre"), ("en-GB", "about")]
)
def test_the_page_about_it_is_romanian_when_the_browser_is(
    tmp_path: Path, language: str, beginning: str
) -> None:
    (tmp_path / "chainlit.md").write_text("about")
    (tmp_path / "chainlit_ro-RO.md").write_text("despre")
    assert routes.about(str(tmp_path), language) == beginning


def test_an_upload_is_refused_when_it_is_too_large(client: TestClient, session: Session) -> None:
    response = upload(client, "large.bin", b"x" * (LIMIT_BYTES + 20_000))
    assert response.status_code == 413
    assert response.json() == {
        "detail": "It is larger than 1 MB. Split it, or raise RAG_MAX_FILE_MB."
    }
    assert session.files == {}
    assert session.expected == 0


def form(pieces: int) -> Iterator[bytes]:
    """A file in pieces of 100 kB, sent without a word on how large it is."""
    yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
    for _ in range(pieces):
        yield b"x" * 100_000
    yield b"\r\n--b--\r\n"


def test_an_upload_is_cut_when_it_is_larger_than_it_says(
    client: TestClient, session: Session
) -> None:
    headers = {"content-type": "multipart/form-data; boundary=b", "accept-language": "en"}
    address = "/project/file?session_id=known"
    assert client.post(address, content=form(9), headers=headers).status_code == 200
    response = client.post(address, content=form(50), headers=headers)
    assert response.status_code == 413
    assert response.json()["detail"].startswith("It is larger than 1 MB.")
    assert len(session.files) == 1
    assert len(list(session.files_dir.iterdir())) == 1


def test_nothing_is_left_of_an_upload_when_the_disk_is_full(
    client: TestClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: IO[bytes], target: IO[bytes]) -> None:
        target.write(source.read(10))
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    response = upload(client, "a.txt", b"x" * 1_000)
    assert response.status_code == 507
    assert response.json() == {"detail": "The disk of the server is full. Tell who looks after it."}
    assert (session.files, list(session.files_dir.iterdir())) == ({}, [])


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\win.ini", "win.ini"),
        ("/etc/passwd", "passwd"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\x00b.txt", "ab.txt"),
    ],
)
def test_a_files_name_is_no_path_and_no_disguise_when_it_is_uploaded(
    client: TestClient, session: Session, name: str, kept: str
) -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="'
        + name.encode()
        + b'"\r\n\r\nx\r\n--b--\r\n'
    )
    headers = {"content-type": "multipart/form-data; boundary=b"}
    response = client.post("/project/file?session_id=known", content=body, headers=headers)
    [file] = session.files.values()
    assert file["name"] == kept
    assert file["path"] == session.files_dir / response.json()["id"]


def test_an_upload_waits_when_its_chat_is_still_connecting(
    client: TestClient, session: Session
) -> None:
    assert upload(client, "a.txt", b"x", "soon").status_code == 200
    assert session.looks == 3


def test_a_server_is_added_when_a_chat_asks_for_it(client: TestClient, session: Session) -> None:
    asked = {"address": "http://127.0.0.1:9/v1", "key": "secret"}
    response = client.post("/models/server?session_id=known", json=asked)
    assert response.json() == {"address": "http://127.0.0.1:9/v1"}
    assert session.added == [("http://127.0.0.1:9/v1", "secret")]


@pytest.mark.parametrize(
    ("session_id", "body", "status"),
    [
        ("unknown", b'{"address": "http://a"}', 404),
        ("known", b"", 400),
        ("known", b'["http://a"]', 400),
        ("known", b'{"key": "secret"}', 400),
        ("known", b'{"address": "nowhere", "key": "secret"}', 400),
    ],
)
def test_a_server_is_refused_in_a_sentence_when_it_cannot_be_added(
    client: TestClient, session: Session, session_id: str, body: bytes, status: int
) -> None:
    response = client.post(f"/models/server?session_id={session_id}", content=body)
    assert response.status_code == status
    assert response.json()["detail"].endswith(".")
    assert "secret" not in response.text
    assert session.added == []


def test_an_upload_is_refused_when_its_chat_has_ended(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "SESSION_LOOKS", 2)
    assert upload(client, "a.txt", b"x", "unknown").status_code == 404


def test_an_upload_is_refused_when_the_form_holds_no_file(client: TestClient) -> None:
    response = client.post("/project/file?session_id=known", data={"file": "text"})
    assert response.status_code == 400


@pytest.mark.parametrize(
    ("document_id", "content_type", "disposition"),
    [
        ("application_pdf@a.pdf", "application/pdf", None),
        ("text_markdown@a.pdf", "text/plain; charset=utf-8", None),
        ("text_html@a.pdf", "application/octet-stream", 'attachment; filename="a.pdf"'),
    ],
)
def test_a_documents_file_is_harmless_when_it_is_opened(
    client: TestClient,
    tmp_path: Path,
    document_id: str,
    content_type: str,
    disposition: str | None,
) -> None:
    (tmp_path / "a.pdf").write_bytes(b"content")
    response = client.get(f"/source/{document_id}")
    assert response.content == b"content"
    assert response.headers["content-type"] == content_type
    assert response.headers.get("content-disposition") == disposition


@pytest.mark.parametrize("document_id", ["gone", "application_pdf@missing.pdf"])
def test_a_documents_file_is_not_found_when_it_is_gone(
    client: TestClient, document_id: str
) -> None:
    assert client.get(f"/source/{document_id}").status_code == 404


def test_routes_replace_the_former_ones_when_installed_again() -> None:
    async def endpoint(_request: Request) -> Response:
        return PlainTextResponse("")

    def named(path: str, name: str) -> Route:
        return Route(path, endpoint, name=name)

    app = Starlette(routes=[named("/docs", "swagger_ui_html"), named("/x", "x")])
    chat = Router(routes=[named("/y", "y"), named("/{path:path}", "serve")])
    ours = [named("/", f"{routes.PREFIX}html")]
    routes.install(ours, app, chat)
    routes.install(ours, app, chat)
    assert [route.path for route in app.router.routes] == ["/", "/x"]  # type: ignore[attr-defined]
    assert [route.path for route in chat.routes] == ["/y"]  # type: ignore[attr-defined]
