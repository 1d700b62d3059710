"""How much of a file is read before it is refused. Plain values, handed down."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """For one file; ``memory_bytes`` is what the process that parses it may grow to."""

    file_bytes: int = 100_000_000
    pages: int = 5_000
    unpacked_bytes: int = 100_000_000  # of the text in a packed format (DOCX, EPUB)
    page_chars: int = 10_000_000
    cells: int = 5_000_000  # of a sheet, with the empty ones before others
    memory_bytes: int = 1_500_000_000
