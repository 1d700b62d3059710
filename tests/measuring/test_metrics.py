from rag.measuring.metrics import (
    contained,
    exact_match,
    first_rank,
    ndcg_at_k,
    normalise,
    recall_at_k,
    reciprocal_rank,
    token_f1,
)


def test_markers_articles_and_signs_vanish_when_text_is_normalised() -> None:
    assert normalise("The “Super Bowl”, 50 [1].") == "super bowl 50"
    assert normalise("Use `phi-4-mini` **now**") == "use phi 4 mini now"
    assert normalise(" […] ") == ""


def test_accents_make_no_difference_when_text_is_normalised() -> None:
    assert normalise("Ştefan, București") == normalise("Ștefan Bucuresti") == "stefan bucuresti"


def test_other_scripts_stay_whole_when_text_is_normalised() -> None:
    assert normalise("東京、1912年") == "東京 1912年"


def test_whole_words_count_when_an_answer_is_contained() -> None:
    assert contained("It was in 1912 [1].", ["1912"]) == 1.0
    assert contained("It cost 19120.", ["1912"]) == 0.0
    assert contained("", ["1912"]) == 0.0


def test_nothing_is_contained_when_there_are_no_answers() -> None:
    assert contained("1912", []) == 0.0


def test_one_answer_of_several_suffices_when_matching_exactly() -> None:
    assert exact_match("the Nile", ["Amazon", "Nile"]) == 1.0
    assert exact_match("the Nile river", ["Nile"]) == 0.0
    assert exact_match("Nile", []) == 0.0


def test_f1_is_literal_when_words_overlap() -> None:
    assert token_f1("in year 1912", ["1912"]) == 0.5
    assert token_f1("in year 1912", ["nothing", "year 1912"]) == 0.8
    assert token_f1("nothing", ["1912"]) == 0.0
    assert token_f1("nothing", []) == 0.0
    assert token_f1("", ["1912"]) == 0.0


def test_ranking_scores_are_literal_when_the_second_hit_is_relevant() -> None:
    rank = first_rank([False, True, True])
    assert rank == 2
    assert (recall_at_k(rank, 1), recall_at_k(rank, 2)) == (0.0, 1.0)
    assert reciprocal_rank(rank) == 0.5
    assert round(ndcg_at_k(rank, 10), 4) == 0.6309
    assert ndcg_at_k(rank, 1) == 0.0


def test_ranking_scores_are_one_when_the_only_hit_is_relevant() -> None:
    rank = first_rank([True])
    assert (recall_at_k(rank, 1), reciprocal_rank(rank), ndcg_at_k(rank, 10)) == (1.0, 1.0, 1.0)


def test_ranking_scores_are_zero_when_nothing_was_found() -> None:
    assert first_rank([]) is None
    assert first_rank([False, False]) is None
    assert (recall_at_k(None, 5), reciprocal_rank(None), ndcg_at_k(None, 10)) == (0.0, 0.0, 0.0)
