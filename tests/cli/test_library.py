"""`index`, `documents`, `forget` and `search`: JSON shapes, exit codes, what a person reads."""

from __future__ import annotations

from pathlib import Path

from cli.running import Output, as_json

from rag.cli import main

HIT_KEYS = ["rank", "score", "document", "page", "section", "text", "matched_terms"]


def test_figures_are_printed_when_files_are_indexed(pump: Path, lamp: Path, capsys: Output) -> None:
    result = as_json(capsys, "index", str(pump), str(lamp))
    assert result.pop("seconds") > 0
    assert result == {"added": 2, "unchanged": 0, "failed": [], "chunks": 2, "pages": 2}
    again = as_json(capsys, "index", str(pump))
    assert (again["added"], again["unchanged"], again["chunks"]) == (0, 1, 0)


def test_a_folder_is_indexed_when_it_is_named(pump: Path, lamp: Path, capsys: Output) -> None:
    (pump.parent / "picture.png").write_bytes(b"\x89PNG")
    assert as_json(capsys, "index", str(pump.parent))["added"] == 2


def test_it_succeeds_when_one_of_two_files_is_broken(
    pump: Path, tmp_path: Path, capsys: Output
) -> None:
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7 nothing")
    result = as_json(capsys, "index", str(pump), str(broken))
    assert result["added"] == 1
    [failure] = result["failed"]
    assert failure["path"] == str(broken)
    assert failure["reason"].endswith(".")


def test_it_fails_when_no_file_can_be_read(tmp_path: Path, capsys: Output) -> None:
    empty = tmp_path / "empty.txt"
    empty.touch()
    result = as_json(capsys, "index", str(empty), code=1)
    assert (result["added"], len(result["failed"])) == (0, 1)


def test_the_library_is_listed_when_it_is_empty_and_when_not(pump: Path, capsys: Output) -> None:
    assert as_json(capsys, "documents") == []
    main(["index", str(pump)])
    [entry] = as_json(capsys, "documents")
    assert len(entry.pop("id")) == 64
    assert entry.pop("added_at").endswith("+00:00")
    assert entry == {
        "name": "pump.md",
        "media_type": "text/markdown",
        "pages": 1,
        "chunks": 1,
        "language": "en",
        "note": "",
        "source": str(pump),
    }


def test_nothing_of_it_is_found_when_a_document_was_forgotten(pump: Path, capsys: Output) -> None:
    main(["index", str(pump)])
    [entry] = as_json(capsys, "documents")
    forgotten = as_json(capsys, "forget", entry["id"][:12])
    assert forgotten == {"forgotten": {"id": entry["id"], "name": "pump.md"}}
    assert as_json(capsys, "documents") == []
    assert as_json(capsys, "search", "oil")["hits"] == []


# --- search ----------------------------------------------------------------------------------


def test_hits_have_the_promised_keys_when_a_passage_matches(pump: Path, capsys: Output) -> None:
    main(["index", str(pump)])
    result = as_json(capsys, "search", "oil")
    assert list(result) == ["query", "hits", "latency_ms"]
    assert result["query"] == "oil"
    [hit] = result["hits"]
    assert list(hit) == HIT_KEYS
    assert (hit["rank"], hit["document"], hit["page"], hit["section"]) == (1, "pump.md", 1, "Pump")
    assert hit["matched_terms"] == ["oil"]


def test_no_more_than_k_are_printed_when_more_match(pump: Path, lamp: Path, capsys: Output) -> None:
    main(["index", str(pump), str(lamp)])
    assert len(as_json(capsys, "search", "oil", "-k", "1")["hits"]) == 1


def test_only_the_document_is_searched_when_it_is_named(
    pump: Path, lamp: Path, capsys: Output
) -> None:
    main(["index", str(pump), str(lamp)])
    for name in ("pump.md", "PUMP.MD"):
        hits = as_json(capsys, "search", "oil", "--document", name)["hits"]
        assert [hit["document"] for hit in hits] == ["pump.md"]
    both = as_json(capsys, "search", "oil", "--document", "pump.md", "--document", "lamp.txt")
    assert len(both["hits"]) == 2


def test_the_library_is_untouched_when_a_folder_is_searched(
    pump: Path, lamp: Path, tmp_path: Path, capsys: Output
) -> None:
    main(["index", str(lamp)])
    lamp.unlink()
    hits = as_json(capsys, "search", "oil", "--docs", str(tmp_path))["hits"]
    assert [hit["document"] for hit in hits] == ["pump.md"]
    assert [entry["name"] for entry in as_json(capsys, "documents")] == ["lamp.txt"]


def test_passages_are_readable_when_a_person_searches(pump: Path, capsys: Output) -> None:
    main(["index", str(pump)])
    capsys.readouterr()
    assert main(["search", "oil"]) == 0
    output = capsys.readouterr().out
    assert output.startswith("1. pump.md, page 1 · Pump  (")
    assert "Change the oil every 500 hours." in output
