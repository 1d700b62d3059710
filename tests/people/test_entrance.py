from __future__ import annotations

from typing import Any

import pytest

from rag.errors import SettingsError
from rag.people import entrance


def scope(address: str | None, *headers: tuple[str, str]) -> dict[str, Any]:
    raw = [(name.encode(), value.encode()) for name, value in headers]
    return {"type": "http", "client": address and (address, 1), "headers": raw}


@pytest.mark.parametrize(
    ("history", "login", "host", "keeps"),
    [
        ("auto", "none", "127.0.0.1", True),
        ("auto", "none", "localhost", True),
        ("auto", "none", "0.0.0.0", False),
        ("auto", "password", "0.0.0.0", True),
        ("on", "none", "::1", True),
        ("on", "oauth", "0.0.0.0", True),
        ("off", "password", "127.0.0.1", False),
    ],
)
def test_chats_are_kept_when_it_is_known_whose_they_are(
    history: str, login: Any, host: str, keeps: bool
) -> None:
    assert entrance.keeps_history(history, login, host) is keeps


def test_it_is_refused_when_everybodys_chats_would_be_one_history() -> None:
    with pytest.raises(SettingsError, match="needs a login"):
        entrance.keeps_history("on", "none", "0.0.0.0")


@pytest.mark.parametrize(
    ("address", "headers", "here"),
    [
        ("127.0.0.1", [], True),
        ("::1", [], True),
        ("127.0.0.1", [("x-forwarded-for", "10.0.0.7")], False),
        ("127.0.0.1", [("Forwarded", "for=10.0.0.7")], False),
        ("127.0.0.1", [("via", "1.1 proxy")], False),
        ("10.0.0.7", [], False),
        (None, [], False),
    ],
)
def test_a_request_is_of_this_machine_when_nobody_passed_it_on(
    address: str | None, headers: list[tuple[str, str]], here: bool
) -> None:
    assert entrance.is_here(scope(address, *headers)) is here


def test_a_header_is_not_believed_when_it_comes_twice() -> None:
    twice = scope("10.0.0.1", ("X-User", "ann"), ("x-user", "bo"))
    assert entrance.header(twice, "X-User") == ""
    assert entrance.header(scope("10.0.0.1", ("x-user", " Ștefan ")), "X-User") == "Ștefan"
    assert entrance.without(twice, "X-USER")["headers"] == []


def test_only_one_cookie_is_left_when_it_is_set() -> None:
    many = scope("127.0.0.1", ("cookie", "access_token=forged"), ("cookie", "a=b"), ("host", "x"))
    headers = entrance.with_cookie(many, "access_token", "t")["headers"]
    assert headers == [(b"host", b"x"), (b"cookie", b"access_token=t")]


@pytest.mark.parametrize("address", ["", "testclient", "10.0.1.7", "::2"])
def test_an_address_is_no_proxy_when_it_is_not_named(address: str) -> None:
    assert not entrance.is_proxy(address, ["10.0.0.0/24", "::1"])


@pytest.mark.parametrize("name", ["github:bo", "gitlab:ann", "google:x@b.org", "ann", ""])
def test_nobody_enters_when_they_are_not_named(name: str) -> None:
    assert not entrance.may_enter(name, ["github:ann", "google:*@a.org"])
