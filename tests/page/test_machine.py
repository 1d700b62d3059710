from __future__ import annotations

from rag.machine import Finding
from rag.page.machine import Look, Running, busy, live, shown
from rag.page.wording import Wording

ENGLISH, ROMANIAN = Wording("en"), Wording("ro")

WELL = Finding("memory", "ok", "12.0 GB of memory available.")
LITTLE = Finding("disk", "warning", "1.0 GB free on the disk.", "Make room.")


def test_what_has_to_be_mended_comes_first_when_it_was_found_last() -> None:
    props = shown([WELL, LITTLE], [], ENGLISH)
    assert [one["state"] for one in props["findings"]] == ["warning", "ok"]
    assert props["findings"][0]["fix"] == "Make room."
    assert props["summary"] == "1 thing to look at"
    assert not props["is_well"]


def test_the_port_is_not_told_when_the_page_itself_has_it() -> None:
    taken = Finding("port", "warning", "Something answers at http://127.0.0.1:8000 already.")
    props = shown([taken, WELL], [], ROMANIAN)
    assert [one["text"] for one in props["findings"]] == ["12.0 GB de memorie disponibili."]
    assert props["summary"] == "Nu este nimic de îndreptat."


def test_figures_are_told_when_a_models_process_can_be_seen() -> None:
    now, before = Look(12.0, 4.0, 1_230_000_000), Look(10.0, 1.0, 0)
    one = Running("slm", "small", "machine", now, before, 21.54, is_writing=True)
    [row] = live([one], ENGLISH)
    assert row["state"] == "writes"
    assert [figure["value"] for figure in row["figures"]] == ["1.2 GB", "1.5", "21.5"]


def test_nothing_is_made_up_when_a_model_does_not_run_or_is_elsewhere() -> None:
    rows = live([Running("slm", "small", "machine"), Running("llm", "large", "cloud")], ENGLISH)
    assert [(row["state"], row["figures"]) for row in rows] == [
        ("not started", []),
        ("its process cannot be seen from here", []),
    ]


def test_processors_are_unknown_when_the_server_was_started_anew() -> None:
    assert busy(Look(10.0, 100.0, 0), Look(12.0, 1.0, 0)) is None
    assert busy(Look(10.0, 1.0, 0), Look(10.0, 1.0, 0)) is None
