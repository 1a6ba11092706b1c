import numpy as np
import pytest

from spacy_xlmr_ner.analysis import scores
from spacy_xlmr_ner.analysis.mentions import Mention
from spacy_xlmr_ner.analysis.scores import Estimate, Judged, count_ents, part_judged, resample_counts, score_ents

JACK, BERLIN = Mention(0, 4, "PER"), Mention(10, 16, "LOC")
RIGHT = Judged(gold=[JACK, BERLIN], found=[JACK, BERLIN])
WRONG_LABEL = Judged(gold=[JACK], found=[Mention(0, 4, "LOC")])
MISSED = Judged(gold=[JACK], found=[])
NOTHING = Judged(gold=[], found=[])


def draw_docs(n_docs, seed=0):
    """Docs of up to four entities, each found, missed, or found with another label."""
    generator = np.random.default_rng(seed)
    docs = []
    for _ in range(n_docs):
        gold = [Mention(10 * i, 10 * i + 5, "PER") for i in range(generator.integers(5))]
        fates = generator.integers(4, size=len(gold))
        found = [m._replace(label="LOC") if fate == 0 else m for m, fate in zip(gold, fates) if fate != 1]
        docs.append(Judged(gold, found))
    return docs


def test_count_ents_counts_by_doc_and_label():
    counts = count_ents([RIGHT, WRONG_LABEL, NOTHING], ["LOC", "PER"])
    # (correct, predicted, gold) of LOC, then of PER
    assert counts.tolist() == [[[1, 1, 1], [1, 1, 1]], [[0, 1, 0], [0, 0, 1]], [[0, 0, 0], [0, 0, 0]]]


def test_score_ents_by_hand():
    result = score_ents({"de": [RIGHT, WRONG_LABEL], "fr": [MISSED]}, n_resamples=10)
    # all: 2 of 3 found are right, of 4 gold ones 2 were found
    assert result.overall.precision.value == pytest.approx(2 / 3)
    assert result.overall.recall.value == pytest.approx(1 / 2)
    assert result.overall.f1.value == pytest.approx(4 / 7)
    assert (result.overall.correct, result.overall.predicted, result.overall.support) == (2, 3, 4)
    assert result.labels["PER"].recall.value == pytest.approx(1 / 3)
    assert result.languages["de"].f1.value == pytest.approx(2 / 3)
    assert result.mean.f1.value == pytest.approx((2 / 3 + 0) / 2)
    assert list(result.languages_labels["fr"]) == ["PER"]


def test_score_ents_mean_leaves_out_languages_without_gold_entities():
    result = score_ents({"de": [RIGHT], "fr": [NOTHING] * 2}, n_resamples=10)
    assert (result.mean.f1.value, result.mean.n_languages) == (1.0, 1)
    assert result.languages["fr"].f1 == Estimate(0.0, 0.0, 0.0)


def test_score_ents_without_any_entity_is_zero():
    result = score_ents({"de": [NOTHING] * 2}, n_resamples=10)
    assert result.overall.f1 == result.mean.f1 == Estimate(0.0, 0.0, 0.0)
    assert result.labels == {}


def test_score_ents_of_docs_that_are_alike_has_no_width():
    f1 = score_ents({"de": [WRONG_LABEL._replace(found=[Mention(0, 4, "PER"), BERLIN])] * 7}, n_resamples=50).overall.f1
    assert (f1.low, f1.value, f1.high) == pytest.approx((2 / 3, 2 / 3, 2 / 3))


def test_score_ents_of_one_unit_has_no_interval():
    result = score_ents({"de": [Judged(gold=[JACK, BERLIN], found=[JACK])]}, n_resamples=10)
    assert result.overall.precision == Estimate(1.0, 0.0, 1.0)
    assert result.overall.recall == result.mean.recall == Estimate(0.5, 0.0, 1.0)
    assert result.labels["LOC"].f1 == Estimate(0.0, 0.0, 1.0)


def test_score_ents_of_one_unit_without_entities_has_no_interval():
    result = score_ents({"de": [NOTHING]}, n_resamples=10)
    assert result.overall.f1 == result.mean.f1 == Estimate(0.0, 0.0, 1.0)


def test_score_ents_has_no_interval_where_all_of_a_label_is_in_languages_of_one_unit():
    person, place = Judged(gold=[JACK], found=[JACK]), Judged(gold=[BERLIN], found=[BERLIN])
    result = score_ents({"de": [person] * 3, "fr": [place]}, n_resamples=10)
    assert result.labels["PER"].f1 == result.languages["de"].f1 == result.overall.f1 == Estimate(1.0, 1.0, 1.0)
    assert result.labels["LOC"].f1 == result.languages["fr"].f1 == Estimate(1.0, 0.0, 1.0)


def test_score_ents_of_languages_of_one_unit_each_has_no_interval():
    result = score_ents({"de": [RIGHT], "fr": [MISSED]}, n_resamples=10)
    assert result.mean.f1 == Estimate(0.5, 0.0, 1.0)
    assert result.overall.recall == Estimate(pytest.approx(2 / 3), 0.0, 1.0)


def test_part_judged_gives_each_entity_to_the_sentence_in_which_it_begins():
    # Sentences at 0, 6 and 20; what was found at 4 goes on over the border.
    across = Mention(4, 9, "PER")
    parts = part_judged(Judged(gold=[JACK, BERLIN], found=[across, BERLIN]), [0, 6, 20])
    assert parts == [Judged([JACK], [across]), Judged([BERLIN], [BERLIN]), Judged([], [])]


def test_score_ents_leaves_out_resamples_without_the_label():
    """Where the label is drawn at all, it is right."""
    f1 = score_ents({"de": [RIGHT] + [NOTHING] * 9}).labels["PER"].f1
    assert (f1.low, f1.value, f1.high) == (1.0, 1.0, 1.0)


def test_score_ents_interval_is_that_of_docs_drawn_one_by_one():
    docs = draw_docs(80)
    generator = np.random.default_rng(123)
    drawn = []
    for _ in range(4000):
        sample = [docs[i] for i in generator.integers(len(docs), size=len(docs))]
        n_right = sum(len({m.key for m in doc.gold} & {m.key for m in doc.found}) for doc in sample)
        drawn.append(2 * n_right / sum(len(doc.gold) + len(doc.found) for doc in sample))
    f1 = score_ents({"de": docs}, n_resamples=4000).overall.f1
    assert (f1.low, f1.high) == pytest.approx(np.percentile(drawn, [2.5, 97.5]), abs=0.01)
    assert f1.low < f1.value - 0.03 < f1.value + 0.03 < f1.high


def test_score_ents_mean_interval_is_narrower_than_its_languages():
    groups = {language: draw_docs(60) for language in ("de", "fr", "it", "en")}
    result = score_ents(groups)
    widths = [score.f1.high - score.f1.low for score in result.languages.values()]
    mean = result.mean.f1
    # of independent languages of like width: half of it for four, were they drawn together all of it
    assert mean.high - mean.low == pytest.approx(np.mean(widths) / 2, rel=0.2)


def test_score_ents_of_a_language_does_not_hang_on_the_others():
    alone = score_ents({"fr": draw_docs(30)})
    beside = score_ents({"de": draw_docs(50, seed=9), "fr": draw_docs(30)})
    assert alone.languages["fr"] == beside.languages["fr"]


def test_score_ents_follows_the_seed():
    docs = {"de": draw_docs(40)}
    assert score_ents(docs, seed=1) == score_ents(docs, seed=1)
    assert score_ents(docs, seed=1).overall.f1.low != score_ents(docs, seed=2).overall.f1.low


def test_resample_counts_in_steps_is_the_same(monkeypatch):
    counts = count_ents(draw_docs(30), ["LOC", "PER"])
    whole = resample_counts(counts, n_resamples=20, seed=(1,))
    monkeypatch.setattr(scores, "MAX_DRAWN_CELLS", 1)
    np.testing.assert_array_equal(resample_counts(counts, n_resamples=20, seed=(1,)), whole)
    assert whole.shape == (20, 2, 3)
