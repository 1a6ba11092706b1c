"""DocBin with docs of many kinds; one doc at a time: tests/test_cases.py and tests/test_ent_score.py."""

import pytest
import spacy
from spacy.tokens import DocBin

TEXTS = ["Jack Sparrow loves New York", "", "nothing in it", "Anna lives in Berlin", " "]


def get_ents(doc):
    return [(ent.text, ent.label_, ent.start, ent._.score) for ent in doc.ents]


@pytest.mark.parametrize("spans_key, store_user_data", [("xlmr_ner", False), ("xlmr_ner", True), (None, True)])
def test_docs_come_back_from_a_file(make_nlp, chosen_checkpoint, tmp_path, spans_key, store_user_data):
    docs = list(make_nlp(chosen_checkpoint, spans_key=spans_key).pipe(TEXTS))
    halves = [DocBin(docs=half, store_user_data=store_user_data) for half in (docs[:2], docs[2:])]
    halves[0].merge(halves[1])
    halves[0].to_disk(tmp_path / "docs.spacy")
    read = list(
        DocBin(store_user_data=store_user_data).from_disk(tmp_path / "docs.spacy").get_docs(spacy.blank("xx").vocab)
    )
    assert [doc.text for doc in read] == TEXTS
    assert [get_ents(doc) for doc in read] == [get_ents(doc) for doc in docs]
    assert [len(doc.ents) for doc in read] == [2, 0, 0, 2, 0]
    assert all(ent._.score > 0.9 for doc in read for ent in doc.ents)


def test_recipe_brings_scores_back(run_recipe, bundled):
    docs = run_recipe("DocBin")["docs"]
    expected = [[("Angela Merkel", "PER"), ("Paris", "LOC")], [], [("山田さん", "PER")]]
    assert [[(ent.text, ent.label_) for ent in doc.ents] for doc in docs] == expected
    scores = [ent._.score for doc in docs for ent in doc.ents]
    assert scores == pytest.approx([ent._.score for doc in docs for ent in bundled(doc.text).ents], abs=1e-4)
