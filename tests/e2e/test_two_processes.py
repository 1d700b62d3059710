"""Two processes of the chat behind nginx, with one PostgreSQL: one is killed, nothing is lost."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from e2e import driving
from e2e.driving import App, Tab, says
from playwright.sync_api import expect
from postgres_server import postgres_server
from scripted_server import Scripted, ScriptedServer

pytestmark = pytest.mark.browser

CONF = driving.ROOT / "deploy" / "nginx.conf"
QUESTION, ANSWER = "When does the fountain run?", "The fountain runs in summer [1]."
PASSWORD = "a password of ann"
KEY = "of-the-operator"
START_S = 60


@pytest.fixture
def database() -> Iterator[str]:
    with postgres_server() as server:
        yield server.fresh()


@pytest.fixture
def apps(
    start_app: Callable[..., App],
    scripted_server: ScriptedServer,
    database: str,
    tmp_path: Path,
) -> list[App]:
    """Of one data folder, with Ann who logs in."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "garden.md").write_text("# Garden\n\nThe fountain runs in summer.\n")
    data = str(tmp_path / "data")
    subprocess.run(
        [sys.executable, "-m", "rag", "people", "add", "ann"],
        input=f"{PASSWORD}\n", text=True, check=True, cwd=driving.ROOT,
        env={"RAG_DATA_DIR": data, "PATH": ""}, capture_output=True,
    )  # fmt: skip
    settings = {
        "RAG_DATA_DIR": data,
        "RAG_DOCS_DIR": str(tmp_path / "docs"),
        "RAG_SLM": f"{scripted_server.base_url}#small",
        "RAG_LLM": "none",
        "RAG_MODE": "slm",
        "RAG_LOGIN": "password",
        "RAG_API_KEY": KEY,
        "RAG_DATABASE_URL": database,
    }
    return [start_app(settings), start_app(settings)]


@pytest.fixture
def proxy(apps: list[App], tmp_path: Path) -> Iterator[str]:
    """The address of nginx, with the project's own configuration but for the ports."""
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if nginx is None:
        if "CI" in os.environ:
            pytest.fail("no nginx: apt-get install nginx-light")
        pytest.skip("no nginx: apt-get install nginx-light")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    ports = {"8000": str(port), "8001": _port(apps[0]), "8002": _port(apps[1])}
    ours = re.sub(r"127\.0\.0\.1:(800\d)", lambda at: f"127.0.0.1:{ports[at[1]]}", CONF.read_text())
    folders = "".join(
        f"{kind}_temp_path {tmp_path / kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = tmp_path / "nginx.conf"
    whole.write_text(
        f"pid {tmp_path / 'nginx.pid'}; daemon off; master_process off; error_log stderr;\n"
        f"events {{}}\nhttp {{ access_log off; {folders}\n{ours}\n}}\n"
    )
    with (tmp_path / "nginx.log").open("wb") as log:
        process = subprocess.Popen([nginx, "-c", whole, "-e", "stderr"], stderr=log)
    address = f"http://127.0.0.1:{port}"
    _wait_for(address, tmp_path / "nginx.log")
    yield address
    process.terminate()
    process.wait(START_S)


def _port(app: App) -> str:
    return app.url.rpartition(":")[2]


def _wait_for(address: str, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            assert httpx.get(f"{address}/healthz").status_code == 200
            return
        except httpx.TransportError:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)


def log_in(open_tab: Callable[..., Tab], address: str) -> Tab:
    tab = open_tab(address, "#email")
    tab.page.fill("#email", "ann")
    tab.page.fill("#password", PASSWORD)
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_selector(driving.READY)
    return tab


def stored(database: str) -> str:
    with psycopg.connect(database) as connection:
        return str(connection.execute("SELECT * FROM steps").fetchall())


def is_writing(app: App) -> bool:
    key = {"Authorization": f"Bearer {KEY}"}
    told = httpx.get(f"{app.url}/metrics", headers=key).raise_for_status().text
    return 'rag_turns_running{phase="writing"} 1.0' in told


def test_no_stored_message_is_lost_when_one_of_two_processes_is_killed(
    apps: list[App],
    proxy: str,
    database: str,
    open_tab: Callable[..., Tab],
    scripted_server: ScriptedServer,
) -> None:
    tab = log_in(open_tab, proxy)
    scripted_server.fallback = says(ANSWER)
    tab.ask(QUESTION)
    thread = tab.page.url
    scripted_server.script(Scripted(("It runs ", "in "), then="stall"))
    tab.type("And in winter?")
    tab.send()
    expect(tab.page.locator('[data-step-type="assistant_message"]').last).to_contain_text("runs in")

    [serving] = [app for app in apps if is_writing(app)]
    serving.process.kill()
    serving.process.wait()
    tab.page.goto(thread)
    tab.page.wait_for_selector(".rag-card")
    expect(tab.page.locator("body")).to_contain_text("The fountain runs in summer")
    expect(tab.page.locator("body")).to_contain_text("And in winter?")
    expect(tab.page.get_by_text("This answer was cut off when the program ended.")).to_have_count(1)
    tab.ask("What runs in summer?")  # the other process answers
    assert "What runs in summer?" in stored(database)
    tab.faults.clear()  # of the connection that broke
