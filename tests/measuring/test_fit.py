from __future__ import annotations

import numpy as np
import pytest
from measuring import examplemaking
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped]

from rag.errors import RagError
from rag.measuring import curves
from rag.measuring.examples import Example, examples_of
from rag.measuring.fit import fitted, out_of_fold

EXAMPLES = examples_of(*examplemaking.rows(200))


def example(right: bool, group: str = "a", **signals: float | None) -> Example:
    return Example(group, signals, 0.5, right, None, 3)


def test_what_made_it_right_weighs_most_when_the_rest_is_noise() -> None:
    weights = fitted(EXAMPLES).weights
    assert set(weights) == {"coverage", "least_probability"}  # what never changes tells nothing
    assert weights["coverage"].weight > 0.6 > 4 * abs(weights["least_probability"].weight)
    assert weights["least_probability"].missing == weights["least_probability"].mean


def test_it_gives_the_probabilities_of_scikit_learn_when_every_signal_is_known() -> None:
    known = [each for each in EXAMPLES if each.signals["least_probability"] is not None]
    signals = [[each.signals["coverage"], each.signals["least_probability"]] for each in known]
    standard = StandardScaler().fit_transform(signals)
    theirs = LogisticRegression(C=0.05).fit(standard, [each.right for each in known])
    ours = fitted(known)
    assert [ours.probability(each.signals) for each in known] == pytest.approx(
        theirs.predict_proba(standard)[:, 1].tolist(),
        abs=0.001,  # weights have four digits
    )


def test_a_signal_has_no_weight_when_it_is_left_out() -> None:
    assert set(fitted(EXAMPLES, {"coverage", "other"}).weights) == {"least_probability"}


def test_a_document_is_judged_by_the_others_when_it_is_held_out() -> None:
    # In a, high coverage is right; in b, low coverage is: each is judged by the other's rule.
    examples = [
        example(right, group, coverage=at / 10, lack=1 - at / 10)
        for group in "ab"
        for at in range(10)
        for right in [at > 5 if group == "a" else at < 4]
    ]
    found = out_of_fold(examples)
    right = np.array([float(each.right) for each in examples])
    assert curves.auroc(found[:10], right[:10]) == 0.0
    assert curves.auroc(found[10:], right[10:]) == 0.0


def test_a_signal_has_no_weight_when_it_would_speak_against_what_it_stands_for() -> None:
    examples = [example(at > 5, coverage=at / 10, lack=1 - at / 10) for at in range(10)]
    assert set(fitted(examples).weights) == {"coverage"}


def test_there_is_nothing_to_fit_when_no_signal_speaks_for_right_answers() -> None:
    with pytest.raises(RagError, match="nothing to fit"):
        fitted([example(at < 5, coverage=at / 10) for at in range(10)])


def test_every_example_is_judged_once_when_there_are_more_documents_than_folds() -> None:
    found = out_of_fold(EXAMPLES)
    assert ((found > 0) & (found < 1)).all()
    right = np.array([float(each.right) for each in EXAMPLES])
    auroc = curves.auroc(found, right)
    assert auroc is not None
    assert auroc > 0.7


@pytest.mark.parametrize(
    "examples",
    [
        [],
        [example(True, coverage=0.5), example(True, coverage=0.7)],
        [example(True, coverage=0.5), example(False, coverage=0.5)],
        [example(True, coverage=None), example(False)],
    ],
    ids=["no examples", "all right", "equal signals", "no signals"],
)
def test_there_is_nothing_to_fit_when_examples_do_not_differ(examples: list[Example]) -> None:
    with pytest.raises(RagError, match="There is nothing to fit"):
        fitted(examples)


def test_two_documents_are_asked_for_when_there_is_one() -> None:
    with pytest.raises(RagError, match="two are needed"):
        out_of_fold([example(True, coverage=0.5), example(False, coverage=0.7)])
