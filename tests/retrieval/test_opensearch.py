"""What is said to a cluster, and what becomes of its refusals: a scripted one, on a real socket."""

from __future__ import annotations

import gzip
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from retrieval.passages import chunk

from rag.errors import SearchError
from rag.retrieval import opensearch
from rag.retrieval.address import ClusterAddress
from rag.retrieval.opensearch import asked, connected, load

Reply = Callable[[str], tuple[int, dict[str, Any]]]  # the request's text in, status and JSON out


@contextmanager
def scripted(reply: Reply, certificate: Path | None = None) -> Iterator[tuple[int, list[Any]]]:
    """Its port, and the headers of what was asked."""
    headers: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers.append(self.headers)
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            text = (
                gzip.decompress(sent) if "gzip" in str(self.headers["Content-Encoding"]) else sent
            )
            status, found = reply(text.decode())
            body = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port, headers
        server.shutdown()


def at(port: int, **parts: Any) -> ClusterAddress:
    return ClusterAddress((("127.0.0.1", port),), "rag", **{"uses_tls": False, **parts})


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opensearch, "_PAUSES_S", (0.0, 0.0))


def test_name_and_password_are_sent_when_the_address_has_them() -> None:
    with scripted(lambda _: (200, {})) as (port, headers):
        client = connected(at(port, user="ann", password="p@ss"))
        asked(client.info)
        client.close()

    assert headers[0]["Authorization"] == "Basic YW5uOnBAc3M="


@pytest.mark.parametrize(
    ("status", "said", "times"),
    [
        (401, "refused the name or the password", 1),
        (403, "refused the name or the password", 1),
        (400, "could not do what was asked (status 400)", 1),
        (429, "could not do what was asked (status 429)", 3),
    ],
)
def test_a_refusal_is_a_sentence_when_a_cluster_says_no(status: int, said: str, times: int) -> None:
    with scripted(lambda _: (status, {"error": "secret"})) as (port, headers):
        client = connected(at(port))
        with pytest.raises(SearchError) as refused:
            asked(client.info)
        client.close()

    assert said in str(refused.value)
    assert "secret" not in str(refused.value)
    assert len(headers) == times


def test_it_is_said_that_nobody_is_there_when_nothing_listens() -> None:
    with scripted(lambda _: (200, {})) as (port, _):
        pass
    client = connected(at(port))
    with pytest.raises(SearchError, match="cannot be reached"):
        asked(client.info)
    client.close()


def test_only_what_was_not_taken_is_sent_again_when_a_cluster_is_busy() -> None:
    sent: list[list[str]] = []

    def reply(text: str) -> tuple[int, dict[str, Any]]:
        sent.append([json.loads(line)["document_id"] for line in text.splitlines()[1::2]])
        busy = [len(sent) == 1 and name == "id of b.md" for name in sent[-1]]
        items = [{"index": {"status": 429 if one else 201}} for one in busy]
        return 200, {"errors": any(busy), "items": items}

    with scripted(reply) as (port, _):
        client = connected(at(port))
        load(client, "rag", [chunk("x", document=name) for name in ("a.md", "b.md", "c.md")])
        client.close()

    assert sent == [["id of a.md", "id of b.md", "id of c.md"], ["id of b.md"]]


@pytest.mark.parametrize(("status", "times"), [(429, 3), (400, 1)])
def test_it_is_an_error_when_a_passage_is_never_taken(status: int, times: int) -> None:
    refused = {"errors": True, "items": [{"index": {"status": status}}]}
    with scripted(lambda _: (200, refused)) as (port, headers):
        client = connected(at(port))
        with pytest.raises(SearchError, match="did not take some passages"):
            load(client, "rag", [chunk("x")])
        client.close()

    assert len(headers) == times


def test_a_certificate_is_believed_when_its_issuer_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = tmp_path / "own.pem"
    certificate.write_bytes(_self_signed())
    with scripted(lambda _: (200, {"ok": True}), certificate) as (port, _):
        stranger = connected(at(port, uses_tls=True))
        with pytest.raises(SearchError, match="certificate of OpenSearch is not trusted"):
            asked(stranger.info)
        stranger.close()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        friend = connected(at(port, uses_tls=True))
        assert asked(friend.info) == {"ok": True}
        friend.close()


def _self_signed() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return secret + certificate.public_bytes(pem)
