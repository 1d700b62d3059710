"""Who the page takes a request to be from, in each way to log in; without a browser."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from test_app import app, client  # noqa: F401

from rag.errors import PeopleError, SettingsError
from rag.people.accounts import PEOPLE, Accounts
from rag.people.attempts import Attempts
from rag.settings import Settings, load

Open = Callable[..., TestClient]


@pytest.fixture
def opened(
    app: ModuleType,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[Open]:
    """A page that says who it takes the request to be from, with the settings that are given."""
    people, state = app.people, app.server.app.state
    home = state.home
    for name in ("CHAINLIT_AUTH_SECRET", "CHAINLIT_CUSTOM_AUTH", "FORWARDED_ALLOW_IPS"):
        monkeypatch.setenv(name, "")
    for module in (people.auth, people.server):
        monkeypatch.setattr(module, "decode_jwt", module.decode_jwt)
    for name in ("password_auth_callback", "header_auth_callback", "oauth_callback"):
        monkeypatch.setattr(people.config.code, name, None)

    def open_one(sender: str = "127.0.0.1", host: str = "127.0.0.1", **values: Any) -> TestClient:
        settings = load(data_dir=tmp_path, **values)
        state.home = SimpleNamespace(settings=settings)
        state.attempts = Attempts()
        people.open_doors(settings, host)

        async def who(request: Request) -> JSONResponse:
            headers = dict(request.headers)
            return JSONResponse({"owner": people.asking.get(), "may": people.may_ask(), **headers})

        async def login(request: Request) -> JSONResponse:
            name, password = request.query_params["name"], request.query_params["password"]
            user = await people.by_password(name, password)
            return JSONResponse({"token": user and people.create_jwt(user)})

        async def proxied(request: Request) -> JSONResponse:
            user = await people.by_header(request.headers)
            return JSONResponse({"token": user and people.create_jwt(user)})

        routes = [Route("/", who), Route("/login", login), Route("/header", proxied)]
        return TestClient(people.Asking(Starlette(routes=routes)), client=(sender, 1))

    yield open_one
    state.home = home


def with_token(token: str, **headers: str) -> dict[str, str]:
    return {"cookie": f"access_token={token}", **headers}


def test_the_one_person_is_known_without_a_cookie_when_there_is_no_login(opened: Open) -> None:
    page = opened()
    assert page.get("/").json()["owner"] == ""
    assert page.get("/", headers=with_token("forged")).json()["owner"] == ""


def test_nothing_is_kept_of_a_guest_when_a_proxy_passed_the_request_on(opened: Open) -> None:
    told = opened().get("/", headers={"x-forwarded-for": "10.0.0.7"}).json()
    assert (told["owner"], told["may"]) == (None, True)


def test_nobody_is_known_when_the_page_is_open_to_all(opened: Open) -> None:
    told = opened(host="0.0.0.0").get("/").json()
    assert (told["owner"], told["may"], "cookie" in told) == (None, True, False)


def test_a_cookie_is_worth_nothing_when_it_was_made_for_another_way_to_log_in(
    opened: Open, tmp_path: Path
) -> None:
    local = opened().get("/").json()["cookie"].partition("=")[2]
    page = opened(login="password")
    assert page.get("/", headers=with_token(local)).json()["owner"] is None
    assert not page.get("/", headers=with_token(local)).json()["may"]


def test_a_person_is_known_when_the_password_was_right(opened: Open, tmp_path: Path) -> None:
    accounts = Accounts(tmp_path / PEOPLE)
    accounts.add("ann", "correct horse")
    page = opened(login="password")
    assert page.get("/login?name=ann&password=wrong").json() == {"token": None}
    token = page.get("/login?name=ann&password=correct horse").json()["token"]
    assert page.get("/", headers=with_token(token)).json()["owner"] == "ann"
    assert page.get("/", headers=with_token(token[:-2])).json()["owner"] is None
    accounts.add("ann", "battery staple")
    assert page.get("/", headers=with_token(token)).json()["owner"] is None


def test_a_header_is_believed_when_a_proxy_sent_it(opened: Open) -> None:
    values = {"login": "header", "login_proxies": "10.0.0.0/24"}
    proxy = opened(sender="10.0.0.7", **values)
    token = proxy.get("/header", headers={"x-forwarded-user": "ann"}).json()["token"]
    cookie = with_token(token)
    assert proxy.get("/", headers=with_token(token, **{"x-forwarded-user": "ann"})).json()[
        "owner"
    ] == "ann"  # fmt: skip
    assert proxy.get("/", headers=cookie).json()["owner"] is None  # it names nobody any more
    other = proxy.get("/", headers=with_token(token, **{"x-forwarded-user": "bo"})).json()
    assert (other["owner"], "cookie" in other) == (None, False)
    assert proxy.get("/header", headers={"x-forwarded-user": "local"}).json()["token"] is None
    stranger = opened(sender="10.0.1.7", **values)
    told = stranger.get("/", headers=with_token(token, **{"x-forwarded-user": "ann"})).json()
    assert (told["owner"], "x-forwarded-user" in told) == (None, False)
    assert stranger.get("/header", headers={"x-forwarded-user": "ann"}).json()["token"] is None


def test_only_who_is_named_enters_when_a_provider_knows_everybody(
    opened: Open,
    app: ModuleType,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    people = app.people
    with pytest.raises(SettingsError, match="RAG_LOGIN_ALLOW"):
        opened(login="oauth")
    with pytest.raises(SettingsError, match="needs a provider"):
        opened(login="oauth", login_allow="github:ann")
    monkeypatch.setenv("OAUTH_GITHUB_CLIENT_ID", "id")
    monkeypatch.setenv("OAUTH_GITHUB_CLIENT_SECRET", "secret")
    page = opened(login="oauth", login_allow="github:ann")

    async def enter(name: str) -> Any:
        return await people.by_oauth("github", "token", {}, people.cl.User(identifier=name))

    ann = asyncio.run(enter("ann"))
    assert ann.identifier == "github:ann"
    assert asyncio.run(enter("eve")) is None
    cookie = with_token(people.create_jwt(ann))
    assert page.get("/", headers=cookie).json()["owner"] == "github:ann"
    page = opened(login="oauth", login_allow="github:bo")
    assert page.get("/", headers=cookie).json()["owner"] is None


# --- what is stored


@pytest.fixture
def history(app: ModuleType, tmp_path: Path) -> Any:  # noqa: F811
    return app.history.History(Settings(data_dir=tmp_path))


@pytest.mark.anyio
async def test_it_is_told_once_and_nothing_fails_when_a_chat_cannot_be_stored(
    app: ModuleType,  # noqa: F811
    history: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []

    async def tell(exc: PeopleError) -> None:
        told.append(str(exc))

    def full(*_: object) -> None:
        raise PeopleError("The disk is full.")

    monkeypatch.setattr(app.history, "whose", lambda: ("ann", "c1"))
    monkeypatch.setattr(app.history, "tell_once", tell)
    await history.write(full, {})
    assert told == ["The disk is full."]
    assert await history.read(full) is None
    await history.close()


@pytest.mark.anyio
async def test_nothing_is_stored_when_it_is_a_guests(
    app: ModuleType,  # noqa: F811
    history: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(app.history, "whose", lambda: (None, "c1"))
    await history.write(history.archive.begin, "")
    assert history.archive.owners() == ()
    await history.close()


@pytest.mark.anyio
async def test_a_deleted_chat_does_not_come_back_when_something_is_still_written(
    app: ModuleType,  # noqa: F811
    history: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(app.history, "whose", lambda: ("ann", "c1"))
    app.people.asking.set("ann")
    await history.write(history.archive.begin, "")
    await history.delete_thread("c1")
    await history.write(history.archive.put_step, {"id": "late"})
    assert history.archive.owners() == ()
    await history.close()


def test_a_key_typed_into_the_settings_is_not_stored(app: ModuleType) -> None:  # noqa: F811
    values = {"slm_other": "http://secret@127.0.0.1/v1#small", "top_k": "3", "documents": ["d"]}
    kept = app.history.worth_keeping({"chat_settings": values, "env": {"KEY": "secret"}})
    assert kept == {"chat_settings": {**values, "slm_other": "http://127.0.0.1/v1#small"}}
