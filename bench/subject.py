"""Does search know that a question's subject is in no document? Fits what decides before a draft.

    python -m bench.subject [--json] [--write]

Every question of the sets in ../shared/data that has an answer is put to six collections: all
documents of its set, all but its own, its own alone, another alone, the two or three passages
around its answer, and as many around another's. In three of them its subject is there. Weights are
those of rag/answering/calibrations/retrieval.json; ``--write`` replaces it. Figures are of
documents that the weights did not see.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.passages import chunks_of
from rag.answering.calibration import SHIPPED, write
from rag.answering.confidence import OF_SEARCH, SEARCH
from rag.answering.evidence import Found
from rag.measuring.curves import auroc
from rag.measuring.examples import Example
from rag.measuring.fit import fitted, out_of_fold
from rag.measuring.metrics import contained
from rag.measuring.questions import Question, read_questions
from rag.retrieval.memory import MemoryIndex
from rag.types import Chunk, Query

DATA = Path(__file__).parents[2] / "shared" / "data"
SETS = ("squad2", "xquad-en", "xquad-ro")
USED = ("words_held", "score_ratio", "collection_size")
# Below "decline" nobody is asked, below "draft" the larger model at once; a draft that fails, or
# refuses, is not worth the larger model below the other two.
THRESHOLDS = {"decline": 0.25, "draft": 0.4, "failed": 0.6, "refused": 0.7}
DEPTH = 10


def put(question: Question, index: MemoryIndex, kind: str, *, is_there: bool) -> Example:
    """The kind of collection stands where a draft's words would."""
    query = Query(question.question)
    found = Found(query.text, query, tuple(index.search(query, DEPTH)), index.statistics(query))
    signals = {name: OF_SEARCH[name](found) for name in USED}
    return Example(str(question.document), signals, float(KINDS.index(kind)), is_there, None, 0)


KINDS = ("whole set", "but its document", "its document", "another document", "its passages",
         "other passages")  # fmt: skip


def examples(chunks: Sequence[Chunk], questions: Sequence[Question]) -> Iterator[Example]:
    draw = random.Random(0)
    by_document: dict[str, list[Chunk]] = {}
    for chunk in chunks:
        by_document.setdefault(chunk.document_name, []).append(chunk)
    whole = MemoryIndex(chunks)
    alone = {name: MemoryIndex(own) for name, own in by_document.items()}
    rest = {
        name: MemoryIndex([chunk for chunk in chunks if chunk.document_name != name])
        for name in by_document
    }
    for question in questions:
        own, other = str(question.document), question
        while other.document == own:
            other = draw.choice(questions)
        yield put(question, whole, KINDS[0], is_there=True)
        yield put(question, rest[own], KINDS[1], is_there=False)
        yield put(question, alone[own], KINDS[2], is_there=True)
        yield put(question, alone[str(other.document)], KINDS[3], is_there=False)
        for kind, asked in ((KINDS[4], question), (KINDS[5], other)):
            around = passages_around(by_document[str(asked.document)], asked)
            yield put(question, MemoryIndex(around), kind, is_there=asked is question)


def passages_around(chunks: Sequence[Chunk], question: Question) -> Sequence[Chunk]:
    holding = (at for at, chunk in enumerate(chunks) if contained(chunk.text, question.answers))
    at = next(holding, 0)
    return chunks[max(0, at - 1) : at + 2]


def report(found: Sequence[Example]) -> dict:
    values = out_of_fold(found)
    there = np.array([float(example.right) for example in found])
    kinds = np.array([int(example.value) for example in found])
    table = {
        kind: {
            f"{threshold:g}": float(((values >= threshold) == there)[kinds == at].mean())
            for threshold in (0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7)
        }
        for at, kind in enumerate(KINDS)
    }
    return {"examples": len(found), "auroc": auroc(values, there), "right_by_threshold": table}


def gathered() -> Iterator[Example]:
    for name in SETS:
        questions = [each for each in read_questions(DATA / name / "qa.jsonl") if each.answers]
        files = sorted((DATA / name / "docs").glob("*.md"))
        yield from examples(asyncio.run(chunks_of(files)), questions)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--write", action="store_true", help="use the weights from now on")
    options = parser.parse_args()
    if not DATA.is_dir():
        sys.exit(f"There are no question sets in {DATA}.")
    found = list(gathered())
    told = report(found)
    sentence = (
        f"Whether the subject is there: {told['examples']} questions to collections of 1 to 400 "
        f"passages, with it and without ({', '.join(SETS)}); on documents it had not seen, AUROC "
        f"{told['auroc']:.3f}."
    )
    weights = replace(
        fitted(found), name=SEARCH, model=SEARCH, thresholds=THRESHOLDS, fitted_on=sentence
    )
    if options.write:
        (SHIPPED / f"{SEARCH}.json").write_text(write(weights), encoding="utf-8")
    if options.json:
        print(json.dumps({**told, "weights": json.loads(write(weights))}))
        return
    print(sentence, "\n\nShare decided rightly, by threshold:\n")
    for kind, shares in told["right_by_threshold"].items():
        print(f"{kind:18}" + "".join(f"{at:>6} {share:.3f}" for at, share in shares.items()))


if __name__ == "__main__":
    main()
