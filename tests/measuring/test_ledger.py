from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from measuring.entries import NOON, asked_at_once, declined, entry, escalated
from measuring.rowmaking import answer

from rag.errors import LedgerError
from rag.measuring.entries import Entry, Part, entry_of
from rag.measuring.ledger import Ledger, record, record_kept, unlink
from rag.types import Answer, Attempt, Confidence, Energy, Failed, Latency, Message, Signal, Usage

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "ledger.sqlite"


# --- what is kept ----------------------------------------------------------------------------


def test_nothing_is_held_and_nothing_made_when_no_turn_was_noted(path: Path) -> None:
    assert Ledger(path).entries() == ()
    Ledger(path).wipe()
    assert not path.parent.exists()


def test_a_turn_comes_back_as_it_went_in_when_it_is_the_only_one(path: Path) -> None:
    Ledger(path).append(escalated())
    assert Ledger(path).entries() == (escalated(),)


def test_turns_come_in_the_order_of_time_when_they_were_noted_in_another(path: Path) -> None:
    later, earlier = declined(at=NOON + 60), asked_at_once(at=NOON)
    for one in (later, earlier):
        Ledger(path).append(one)
    assert Ledger(path).entries() == (earlier, later)


amounts = st.floats(0, 1e9, allow_nan=False)
entries = st.builds(
    entry,
    at=amounts,
    trace_id=st.text("0123456789abcdef"),
    route=st.sampled_from(["slm", "llm", "refined", "declined"]),
    llm=st.text(st.characters(codec="utf-8")),
    draft_confidence=st.none() | st.floats(0, 1),
    signals=st.dictionaries(st.text(), st.none() | st.floats(0, 1)),
    latency=st.builds(Latency, retrieve_ms=st.none() | amounts, total_ms=amounts),
    usage=st.dictionaries(
        st.text(), st.builds(Usage, st.integers(0, 10**9), st.integers(0, 10**9), st.booleans())
    ),
    cost_usd=st.none() | amounts,
    parts=st.dictionaries(
        st.sampled_from(["slm", "llm"]),
        st.builds(
            Part,
            st.sampled_from(["machine", "network", "cloud"]),
            st.booleans(),
            st.none() | st.builds(Energy, amounts, st.just("measured"), st.booleans()),
        ),
    ),
    is_kept=st.booleans(),
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(entries)
def test_any_turn_comes_back_as_it_went_in_when_it_was_noted(path: Path, one: Entry) -> None:
    ledger = Ledger(path)
    ledger.wipe()
    ledger.append(one)
    assert ledger.entries() == (one,)


def judged(value: float, verdict: str) -> Confidence:
    return Confidence(
        value,
        verdict,  # type: ignore[arg-type]
        {"coverage": Signal(0.25, 0.5, 1.0)},
        ("The secret number 4711 is not in the sources.",),
        calibration="small-1",
    )


def escalated_answer() -> Answer:
    prompt = (Message("user", "a secret question"),)
    draft = Attempt("slm", "small", prompt, "a secret draft", "stop", judged(0.2, "escalate"))
    final = Attempt("llm", "large", prompt, "a secret answer", "stop", judged(0.9, "accept"))
    return replace(
        answer("a secret answer"),
        route="llm",
        model="large",
        confidence=judged(0.9, "accept"),
        attempts=(draft, final),
        warnings=("a secret warning",),
    )


def test_both_judgements_are_noted_when_a_draft_was_superseded() -> None:
    noted = entry_of(escalated_answer(), "auto", NOON)
    assert (noted.mode, noted.route, noted.slm, noted.llm) == ("auto", "llm", "small", "large")
    assert (noted.verdict, noted.confidence) == ("accept", 0.9)
    assert (noted.draft_verdict, noted.draft_confidence) == ("escalate", 0.2)
    assert (noted.calibration, noted.signals) == ("small-1", {"coverage": 0.25})


def test_no_draft_is_noted_when_the_larger_model_was_asked_at_once() -> None:
    at_once = replace(escalated_answer(), attempts=escalated_answer().attempts[1:])
    noted = entry_of(at_once, "llm", NOON)
    assert (noted.slm, noted.llm, noted.draft_confidence) == ("", "large", None)


def test_no_word_of_a_turn_is_in_the_file_when_it_was_noted(path: Path) -> None:
    asked = escalated_answer()
    record(path, asked, "auto")
    [noted] = Ledger(path).entries()
    assert noted.trace_id == asked.trace_id
    assert b"secret" not in path.read_bytes()
    assert b"large" in path.read_bytes()


def test_a_turn_is_noted_without_its_words_when_it_failed(path: Path) -> None:
    record(path, Failed("A secret.", "A secret.", "4711", Latency(total_ms=5.0)), "auto")
    [noted] = Ledger(path).entries()
    assert (noted.trace_id, noted.mode, noted.route) == ("4711", "auto", "failed")
    assert (noted.verdict, noted.confidence, noted.cost_usd) == (None, None, None)
    assert noted.latency == Latency(total_ms=5.0)
    assert b"secret" not in path.read_bytes()


def test_who_was_asked_and_for_how_much_is_noted_when_a_turn_failed(path: Path) -> None:
    prompt = (Message("user", "a secret question"),)
    attempt = Attempt("llm", "large", prompt, "", "error", reach="cloud")
    used = {"large": Usage(900, 0, estimated=True)}
    record(path, Failed("It broke.", attempts=(attempt,), usage=used), "llm")
    [noted] = Ledger(path).entries()
    assert (noted.slm, noted.llm, noted.usage) == ("", "large", used)
    assert noted.parts == {"llm": Part("cloud")}
    assert b"secret" not in path.read_bytes()


def test_reach_warmth_and_energy_are_noted_by_tier_when_both_were_asked(path: Path) -> None:
    draft, final = escalated_answer().attempts
    taken = Energy(0.25, "measured", is_whole=False)
    attempts = (replace(draft, is_cold=True, energy=taken), replace(final, reach="network"))
    record(path, replace(escalated_answer(), attempts=attempts), "auto")
    [noted] = Ledger(path).entries()
    assert noted.parts == {"slm": Part("machine", True, taken), "llm": Part("network")}


# --- the local answer after all --------------------------------------------------------------


def test_it_is_noted_that_the_draft_was_kept_when_a_person_takes_it_back(path: Path) -> None:
    for trace_id in ("one", "other"):
        Ledger(path).append(escalated(trace_id=trace_id))
    record_kept(path, "other")
    assert [one.is_kept for one in Ledger(path).entries()] == [False, True]


def test_nothing_changes_when_the_turn_was_never_noted(path: Path) -> None:
    record_kept(path, "other")
    assert not path.exists()
    Ledger(path).append(escalated())
    record_kept(path, "other")
    assert Ledger(path).entries() == (escalated(),)


def test_the_log_tells_when_a_spoilt_ledger_cannot_note_what_was_kept(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.mkdir()
    corrupt(path)
    record_kept(path, "other")
    assert "It is not in the ledger that the local answer was kept." in caplog.text


# --- a file of the version before ------------------------------------------------------------

VERSION_2 = """
    CREATE TABLE turns (
        at REAL NOT NULL, trace_id TEXT NOT NULL, mode TEXT NOT NULL, route TEXT NOT NULL,
        slm TEXT NOT NULL, llm TEXT NOT NULL, verdict TEXT, confidence REAL, draft_verdict TEXT,
        draft_confidence REAL, calibration TEXT NOT NULL, signals TEXT NOT NULL,
        latency TEXT NOT NULL, usage TEXT NOT NULL, cost_usd REAL
    );
    CREATE INDEX turns_in_order ON turns (at);
    PRAGMA application_id = 0x45524C47;
    PRAGMA user_version = 2;
    INSERT INTO turns VALUES (
        1800000000, 'old', 'auto', 'slm', 'small', '', 'accept', 0.7, 'accept', 0.7, '',
        '{"coverage": 0.5, "least_probability": null}',
        '{"retrieve_ms": 8, "pack_ms": 2, "generate_ms": 1990, "total_ms": 2000}',
        '{"small": {"prompt_tokens": 600, "completion_tokens": 50, "estimated": false}}', 0.0
    );
"""


@pytest.fixture
def older(path: Path) -> Path:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as database:
        database.executescript(VERSION_2)
    return path


def test_older_turns_are_kept_and_newer_added_when_the_file_is_of_the_version_before(
    older: Path,
) -> None:
    assert Ledger(older).entries() == (entry(trace_id="old"),)
    newer = escalated(at=NOON + 1, parts={"slm": Part("machine")}, is_kept=True)
    Ledger(older).append(newer)
    assert Ledger(older).entries() == (entry(trace_id="old"), newer)


def test_every_turn_is_noted_when_processes_bring_an_older_file_up_to_date_at_once(
    older: Path,
) -> None:
    assert appended_by(older, "a", "b", "c") == {"old", *EXPECTED}


def test_turns_before_people_were_told_apart_are_nobodys_when_the_file_is_of_version_3(
    older: Path,
) -> None:
    with closing(sqlite3.connect(older)) as database:
        database.executescript(
            "ALTER TABLE turns ADD COLUMN parts TEXT NOT NULL DEFAULT '{}';"
            "ALTER TABLE turns ADD COLUMN is_kept INTEGER NOT NULL DEFAULT 0;"
            "PRAGMA user_version = 3;"
        )
    hers = entry(at=NOON + 1, owner="ann", chat="c1")
    Ledger(older).append(hers)
    assert Ledger(older).entries() == (entry(trace_id="old"), hers)


# --- whose they are --------------------------------------------------------------------------


def test_the_figures_stay_and_nobody_is_named_when_a_chat_is_deleted(path: Path) -> None:
    ledger = Ledger(path)
    ledger.unlink("ann", "c1")
    assert not path.exists()
    turns = [
        entry(at=NOON + number, trace_id=f"t{number}", owner=owner, chat=chat)
        for number, (owner, chat) in enumerate((("ann", "c1"), ("ann", "c2"), ("bo", "c1")))
    ]
    for turn in turns:
        ledger.append(turn)
    ledger.unlink("ann", "c1")
    bare = replace(turns[0], owner="", chat="", trace_id="")
    assert ledger.entries() == (bare, turns[1], turns[2])
    ledger.unlink("ann")
    assert [(one.owner, one.chat) for one in ledger.entries()] == [("", ""), ("", ""), ("bo", "c1")]


def test_a_turn_names_its_owner_when_it_is_recorded(path: Path) -> None:
    record(path, Failed("It broke."), "auto", "ann", "c1")
    [noted] = Ledger(path).entries()
    assert (noted.owner, noted.chat) == ("ann", "c1")
    unlink(path, "ann", "c1")
    assert Ledger(path).entries()[0].owner == ""


# --- wiping ----------------------------------------------------------------------------------


def test_nothing_is_left_in_the_file_when_it_was_wiped(path: Path) -> None:
    ledger = Ledger(path)
    ledger.append(entry(slm="a-model-with-a-name"))
    assert b"a-model-with-a-name" in path.read_bytes()
    ledger.wipe()
    assert ledger.entries() == ()
    assert b"a-model-with-a-name" not in path.read_bytes()
    ledger.append(entry())
    assert ledger.entries() == (entry(),)


# --- files that cannot be used ---------------------------------------------------------------


def corrupt(path: Path) -> None:
    path.write_bytes(b"no database at all, but long enough to be read as one" * 100)


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE turns (at REAL)")


def newer(path: Path) -> None:
    Ledger(path).append(entry())
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 99")


def odd_row(path: Path) -> None:
    Ledger(path).append(entry())
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE turns SET usage = 'nothing'")


def cut(path: Path) -> None:
    for _ in range(50):
        Ledger(path).append(entry())
    path.write_bytes(path.read_bytes()[:5000])


SPOILT = {
    corrupt: "file is not a database",
    foreign: "is not a ledger",
    newer: "another version of this program",
    odd_row: "a row that makes no sense",
    cut: "malformed",
}


@pytest.mark.parametrize("spoil", SPOILT, ids=lambda spoil: spoil.__name__)
def test_it_says_what_to_do_and_can_begin_anew_when_the_file_is_spoilt(
    spoil: object, path: Path
) -> None:
    path.parent.mkdir()
    spoil(path)  # type: ignore[operator]
    with pytest.raises(LedgerError, match=f"{SPOILT[spoil]}.*ledger --wipe`"):  # type: ignore[index]
        Ledger(path).entries()
    Ledger(path).wipe()
    Ledger(path).append(entry())
    assert Ledger(path).entries() == (entry(),)


@pytest.mark.parametrize("spoil", [corrupt, foreign, newer])
def test_the_turn_goes_on_and_the_log_tells_when_it_cannot_be_noted(
    spoil: object, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.mkdir()
    spoil(path)  # type: ignore[operator]
    before = path.read_bytes()
    record(path, answer("500 hours"), "auto")
    [told] = caplog.messages
    assert told.startswith("This turn is not in the ledger. ")
    assert path.read_bytes() == before


def test_the_turn_goes_on_when_the_data_folder_is_a_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "data").touch()
    with caplog.at_level(logging.WARNING):
        record(tmp_path / "data" / "ledger.sqlite", answer("500 hours"), "auto")
    assert "Choose another data folder" in caplog.text


def test_the_turn_goes_on_when_a_model_is_called_by_what_is_no_text(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    prompt = (Message("user", "?"),)
    odd = Attempt("slm", "\ud800", prompt, "500 hours", "stop")
    record(path, replace(answer("500 hours"), attempts=(odd,)), "slm")
    assert "no text" in caplog.text


def test_it_asks_for_patience_when_another_process_is_writing(path: Path) -> None:
    Ledger(path).append(entry())
    hasty = Ledger(path, wait_s=0)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        for method in (lambda: hasty.append(entry()), hasty.wipe):
            with pytest.raises(LedgerError, match="try again in a moment"):
                method()
        assert hasty.entries() == (entry(),)  # reading goes on
        database.execute("ROLLBACK")
    hasty.append(entry())
    assert hasty.entries() == (entry(), entry())


# --- several processes -----------------------------------------------------------------------

_WRITER = """
import sys
from pathlib import Path
from measuring.entries import entry
from rag.measuring.ledger import Ledger

for number in range(20):
    Ledger(Path(sys.argv[1]), wait_s=60).append(entry(trace_id=f"{sys.argv[2]}-{number}"))
"""


EXPECTED = {f"{name}-{number}" for name in ("a", "b", "c") for number in range(20)}


def appended_by(path: Path, *names: str) -> set[str]:
    """The trace ids in the ledger after a process of each name has added its twenty."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path), name],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    assert [writer.communicate()[1] for writer in writers] == [""] * len(names)
    return {one.trace_id for one in Ledger(path).entries()}


def test_every_turn_is_noted_when_processes_append_to_a_new_file_at_once(path: Path) -> None:
    assert appended_by(path, "a", "b", "c") == EXPECTED
