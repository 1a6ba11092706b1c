import pytest
import spacy
from spacy.tokens import Doc
from spacy.training import Example

from spacy_xlmr_ner.corpus_report.stats import CorpusCounter, find_overlap, measure_novelty


def make_example(words, tags=None, *, text=None, **annotation):
    """An example whose predicted doc is tokenized by the pipeline. "-" leaves a token without annotation."""
    nlp = spacy.blank("xx")
    ents = None if tags is None else [None if tag == "-" else tag for tag in tags.split()]
    gold = Doc(nlp.vocab, words.split(" ") if isinstance(words, str) else words, ents=ents, **annotation)
    return Example(nlp.make_doc(gold.text if text is None else text), gold)


def count(*examples):
    counter = CorpusCounter()
    for example in examples:
        counter.add(example)
    return counter


def test_stats_count_docs_tokens_and_entities():
    stats = count(make_example("Jack saw Anna", "B-PER O B-PER"), make_example("New York", "B-LOC I-LOC")).finish()
    assert (stats.n_docs, stats.n_tokens, stats.n_ents) == (2, 5, 3)
    assert stats.labels == {"PER": 2, "LOC": 1}
    assert stats.docs_by_label == {"PER": 1, "LOC": 1}
    assert stats.ent_lengths == {1: 2, 2: 1}


def test_stats_tell_empty_bare_and_unannotated_docs_apart():
    partly = make_example("a b c", "O - O")
    stats = count(make_example([], ""), make_example("a b", "O O"), make_example("c d"), partly).finish()
    assert (stats.empty, stats.without_ents) == (1, 2)
    assert (stats.unannotated.n, stats.unannotated.examples) == (1, ["c d "])
    assert stats.missing_tokens == 3


def test_stats_find_entities_that_do_not_fit_tokens():
    inside = make_example(["don", "'", "t", " ", "Jack", "son"], "O O O O B-PER O", spaces=[False] * 6)
    assert [token.text for token in inside.predicted] == ["don't", "Jackson"]
    space = make_example(["the", "\n"], "O B-LOC", spaces=[True, False])
    stats = count(inside, space).finish()
    assert (stats.misfits.n, stats.misfits.examples) == (2, ["don't [Jack]son PER", "the [⏎] LOC"])


@pytest.mark.parametrize("words", ["Berlin ,", "( Berlin", '" Berlin "'])
def test_stats_find_punctuation_at_borders(words):
    tags = " ".join(["B-LOC", *["I-LOC"] * words.count(" ")])
    assert count(make_example(words, tags)).finish().edges.n == 1


def test_stats_find_spaces_inside_border_tokens():
    assert count(make_example([" Berlin"], "B-LOC")).finish().edges.n == 1


def test_stats_leave_clean_borders_alone():
    assert count(make_example("U.S. - Mexico", "B-LOC I-LOC I-LOC")).finish().edges.n == 0


def test_stats_find_entities_across_sentences():
    tags = "B-PER I-PER O"
    assert count(make_example("Jack Anna .", tags, sent_starts=[True, True, False])).finish().crossing.n == 1
    assert count(make_example("Jack Anna .", tags, sent_starts=[True, False, True])).finish().crossing.n == 0
    assert count(make_example("Jack Anna .", tags)).finish().crossing.n == 0


def test_stats_find_duplicates_and_their_conflicts():
    same = make_example("Jack saw", "B-PER O")
    other = make_example("Jack saw", "B-ORG O")
    spaced = make_example(["Jack", " ", "saw"], "B-PER O O")
    stats = count(same, same, other, spaced).finish()
    assert (stats.duplicates.n, stats.conflicts.n) == (3, 1)


def test_stats_keep_a_few_short_examples():
    examples = [make_example(f"{'long' * 50} {i}\nend") for i in range(9)]
    unannotated = count(*examples).finish().unannotated
    assert (unannotated.n, len(unannotated.examples)) == (9, 5)
    assert all(len(example) == 60 and "\n" not in example for example in unannotated.examples)


def test_find_overlap_counts_texts_of_dev_in_train():
    train = count(make_example("a b", "O O"), make_example("Jack saw", "B-PER O"))
    dev = count(make_example(["Jack", " ", "saw"], "O O O"), make_example("Anna saw", "B-PER O"))
    assert (find_overlap(train, dev).n, find_overlap(train, dev).examples) == (1, ["Jack saw"])


def test_measure_novelty_looks_at_text_and_label():
    train = count(make_example("Jack York", "B-PER B-LOC"))
    dev = count(make_example("Jack York Anna Anna", "B-PER B-ORG B-PER B-PER"))
    assert measure_novelty(train, dev) == pytest.approx(2 / 3)  # York ORG and Anna PER of three
    assert measure_novelty(train, count()) == 0.0
