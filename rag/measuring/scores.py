"""What one row is worth: a row in, scores out.

A score lies between 0 and 1; it is None where it does not apply to that row. Higher is better but
for ``LOWER_IS_BETTER`` and ``NEITHER``. A question that failed has scores too: an answer that did
not come is a wrong one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from rag.answering import citations
from rag.answering.citations import without_marks
from rag.answering.grounding import Sources
from rag.measuring import decisions, metrics
from rag.measuring.decisions import declined
from rag.measuring.rows import Row

Score = Callable[[Row], float | None]
Relevance = Callable[[Row], Sequence[bool] | None]

# --- retrieval: which of the hits, best first, are what was expected? ----------------------


def of_document(row: Row) -> Sequence[bool] | None:
    wanted = row.question
    if not wanted.is_answerable or wanted.document is None:
        return None
    return [hit.document == wanted.document for hit in row.found]


def of_page(row: Row) -> Sequence[bool] | None:
    wanted = row.question
    if not wanted.is_answerable or wanted.document is None or wanted.page is None:
        return None
    return [(hit.document, hit.page) == (wanted.document, wanted.page) for hit in row.found]


def of_answer(row: Row) -> Sequence[bool] | None:
    """Passages in whose text an expected answer stands, wherever they come from."""
    return [hit.holds_answer for hit in row.found] if row.question.is_answerable else None


def ranked(relevance: Relevance, metric: Callable[[int | None], float]) -> Score:
    """A metric of the rank of the first relevant hit."""

    def score(row: Row) -> float | None:
        relevant = relevance(row)
        return None if relevant is None else metric(metrics.first_rank(relevant))

    return score


# --- answers -------------------------------------------------------------------------------


def compared(metric: Callable[[str, Sequence[str]], float]) -> Score:
    """A metric of the text and the expected answers."""

    def score(row: Row) -> float | None:
        if not row.question.is_answerable or row.mode == "retrieval":
            return None
        return metric(row.answer.text, row.question.answers) if row.answer else 0.0

    return score


# --- grounding: of answers that were given -------------------------------------------------


def groundedness(row: Row) -> float | None:
    """Share of the answer's content words that the passages the model read hold."""
    if row.answer is None or declined(row.answer):
        return None
    sources = Sources.of(hit.chunk for hit in row.answer.context.hits)
    return sources.share(without_marks(row.answer.text))


def citation_precision(row: Row) -> float | None:
    """Share of the citations whose passage backs the citing sentence (ALCE, Gao et al. 2023)."""
    if row.answer is None or declined(row.answer):
        return None
    backing = [citation.supported for citation in row.answer.citations]
    return sum(backing) / len(backing) if backing else None


def citation_recall(row: Row) -> float | None:
    """Share of the sentences that a passage they cite backs (ALCE, Gao et al. 2023)."""
    if row.answer is None or declined(row.answer):
        return None
    answer = row.answer
    backed = citations.resolve(answer.text, answer.context, row.question.question).backed
    return sum(backed) / len(backed) if backed else None


def citation_of_expected(row: Row) -> float | None:
    """1 if the expected document, and page where it is known, is cited."""
    if row.answer is None or declined(row.answer) or of_document(row) is None:
        return None
    wanted = row.question
    return float(
        any(
            cited.document == wanted.document and wanted.page in (None, cited.page)
            for cited in row.answer.citations
        )
    )


# --- all of them ---------------------------------------------------------------------------

_RANKINGS: Mapping[str, Relevance] = {
    "document": of_document,
    "page": of_page,
    "passage": of_answer,
}
_OF_RANKS: Mapping[str, Callable[[int | None], float]] = {
    "recall_at_1": partial(metrics.recall_at_k, k=1),
    "recall_at_5": partial(metrics.recall_at_k, k=5),
    "recall_at_10": partial(metrics.recall_at_k, k=10),
    "mrr": metrics.reciprocal_rank,
    "ndcg_at_10": partial(metrics.ndcg_at_k, k=10),
}

SCORES: Mapping[str, Score] = {
    **{
        f"{what}_{name}": ranked(relevance, metric)
        for what, relevance in _RANKINGS.items()
        for name, metric in _OF_RANKS.items()
    },
    "exact_match": compared(metrics.exact_match),
    "token_f1": compared(metrics.token_f1),
    "answer_contained": compared(metrics.contained),
    "groundedness": groundedness,
    "citation_precision": citation_precision,
    "citation_recall": citation_recall,
    "citation_of_expected": citation_of_expected,
    "declined_when_unanswerable": decisions.declined_when_unanswerable,
    "answered_when_answerable": decisions.answered_when_answerable,
    "accepted": decisions.accepted,
    "uncertain": decisions.uncertain,
    "judged_wrong_when_accepted": decisions.judged_wrong_when_accepted,
    "marked_when_unanswerable": decisions.marked_when_unanswerable,
    "marked_when_right": decisions.marked_when_right,
    "escalated": decisions.escalated,
    "early_stopped": decisions.early_stopped,
}
LOWER_IS_BETTER = {"judged_wrong_when_accepted", "marked_when_right"}
NEITHER = {"accepted", "uncertain", "escalated", "early_stopped"}  # they tell what was done


def scores_of(row: Row) -> dict[str, float]:
    """Those that apply, by name."""
    found = {name: score(row) for name, score in SCORES.items()}
    return {name: value for name, value in found.items() if value is not None}
