import copy
import json
import pickle

import pytest
import spacy
from spacy.pipeline.functions import merge_entities
from spacy.tokens import Doc, DocBin, Span, SpanGroup
from toys import write_chosen

from spacy_xlmr_ner.ent_score import register_extension

TEXT = "Then Jack Sparrow loves New York!"


@pytest.fixture(params=["xlmr_ner", None], ids=["group", "no group"])
def nlp(request, make_nlp, chosen_checkpoint):
    return make_nlp(chosen_checkpoint, spans_key=request.param)


@pytest.fixture
def grouped(make_nlp, chosen_checkpoint):
    return make_nlp(chosen_checkpoint)


def get_scores(doc):
    return {(ent.text, ent.label_): ent._.score for ent in doc.ents}


def test_score_is_a_python_float(nlp):
    scores = [ent._.score for ent in nlp(TEXT).ents]
    assert [type(score) for score in scores] == [float, float]


def test_score_is_json_through_doc_spans(grouped):
    doc = grouped(TEXT)
    attrs = json.loads(json.dumps(doc.spans["xlmr_ner"].attrs))
    assert attrs["scores"] == [ent._.score for ent in doc.ents]


COPIES = {
    "bytes": lambda doc: Doc(doc.vocab).from_bytes(doc.to_bytes()),
    "bytes, other vocab": lambda doc: Doc(spacy.blank("xx").vocab).from_bytes(doc.to_bytes()),
    "pickle": lambda doc: pickle.loads(pickle.dumps(doc)),
    "deepcopy": copy.deepcopy,
    "copy": lambda doc: doc.copy(),
    "DocBin": lambda doc: next(
        DocBin().from_bytes(DocBin(docs=[doc], store_user_data=True).to_bytes()).get_docs(doc.vocab)
    ),
    "from_docs": lambda doc: Doc.from_docs([doc]),
    "as_doc": lambda doc: doc[:].as_doc(copy_user_data=True),
}


@pytest.mark.parametrize("how", COPIES)
def test_score_survives_a_copy(nlp, how):
    doc = nlp(TEXT)
    expected = get_scores(doc)
    assert list(expected) == [("Jack Sparrow", "PER"), ("New York", "LOC")]
    assert None not in expected.values()
    assert get_scores(COPIES[how](doc)) == expected


def test_score_survives_a_docbin_without_user_data(grouped):
    doc = grouped(TEXT)
    data = DocBin(docs=[doc]).to_bytes()
    assert get_scores(next(DocBin().from_bytes(data).get_docs(doc.vocab))) == get_scores(doc)


def test_score_survives_as_doc_of_a_part(nlp):
    doc = nlp(TEXT)
    part = doc[3:7].as_doc(copy_user_data=True)
    assert get_scores(part) == {("New York", "LOC"): doc.ents[1]._.score}


def test_score_survives_from_docs_of_several(nlp):
    docs = [nlp("Anna"), nlp(""), nlp(TEXT)]
    scores = get_scores(Doc.from_docs(docs))
    assert list(scores) == [("Anna", "PER"), ("Jack Sparrow", "PER"), ("New York", "LOC")]
    assert None not in scores.values()


def test_score_survives_merge_entities(nlp):
    expected = get_scores(nlp(TEXT))
    nlp.add_pipe("merge_entities")
    doc = nlp(TEXT)
    assert [token.text for token in doc] == ["Then", "Jack Sparrow", "loves", "New York", "!"]
    assert get_scores(doc) == expected


@pytest.mark.parametrize("store_user_data", [True, False])
def test_score_of_any_span_can_be_read_after_merging(grouped, store_user_data):
    # spaCy leaves the spans of a group at their old tokens, beyond the end of the doc by now.
    doc = next(DocBin(docs=[grouped(TEXT)], store_user_data=store_user_data).get_docs(grouped.vocab))
    doc = merge_entities(doc)
    with pytest.raises(IndexError):
        list(doc.spans["xlmr_ner"])
    assert [doc[i : i + 1]._.score for i in range(len(doc))] == [None] * 5
    assert [ent._.score is not None for ent in doc.ents] == [True, store_user_data]


def test_score_survives_split_tokens(nlp):
    doc = nlp(TEXT)
    expected = get_scores(doc)
    with doc.retokenize() as retokenizer:
        retokenizer.split(doc[0], ["Th", "en"], heads=[(doc[0], 1), doc[0]])
    assert get_scores(doc) == expected


def test_score_is_none_for_entities_of_others(nlp):
    doc = nlp(TEXT)
    doc.ents = [*doc.ents, Span(doc, 0, 1, label="X")]
    assert doc.ents[0]._.score is None


def test_score_is_none_for_another_label_in_the_same_place(nlp):
    doc = nlp(TEXT)
    doc.ents = [Span(doc, 1, 3, label="ORG")]
    assert doc.ents[0]._.score is None


def test_score_is_none_where_nothing_ran():
    register_extension()
    doc = Doc(spacy.blank("xx").vocab, words=["a", "b"])
    assert doc[0:1]._.score is None
    assert doc[0:0]._.score is None


@pytest.mark.parametrize("attrs", [{"scores": 5}, {"scores": None}, {"scores": ["a"]}, {"component": "x"}, {}])
def test_score_reads_past_groups_of_others(nlp, attrs):
    doc = nlp(TEXT)
    spans = [Span(doc, 0, 1, label="X")]
    doc.spans["other"] = SpanGroup(doc, name="other", spans=spans, attrs=attrs)
    assert spans[0]._.score is None
    assert None not in get_scores(doc).values()


def test_running_twice_changes_nothing(nlp):
    doc = nlp(TEXT)
    before = doc.to_bytes(), get_scores(doc), {**doc.user_data}
    doc = nlp.get_pipe("xlmr_ner")(doc)
    assert (doc.to_bytes(), get_scores(doc), doc.user_data) == before


def test_running_again_on_a_docbin_without_user_data_keeps_scores(grouped):
    # Only the span group says there that the entities are of this component.
    doc = next(DocBin(docs=[grouped(TEXT)]).get_docs(grouped.vocab))
    again = grouped.get_pipe("xlmr_ner")(doc)
    assert get_scores(again) == get_scores(grouped(TEXT))
    assert len(again.spans["xlmr_ner"]) == 2


@pytest.fixture
def bare_extension(monkeypatch):
    monkeypatch.setattr("spacy_xlmr_ner.ent_score._foreign_default", None)
    Span.remove_extension("score")
    yield
    if Span.has_extension("score"):
        Span.remove_extension("score")
    register_extension()


def test_register_extension_keeps_values_of_another_packages_attribute(nlp, bare_extension):
    Span.set_extension("score", default=0.25)
    doc = Doc(nlp.vocab, words=["a", "b"])
    doc[0:1]._.score = "theirs"
    register_extension()
    doc[1:2]._.score = "theirs too"
    assert [doc[0:1]._.score, doc[1:2]._.score] == ["theirs", "theirs too"]
    assert doc[0:2]._.score == 0.25
    assert None not in get_scores(nlp(TEXT)).values()


@pytest.mark.parametrize("kind", ["getter", "method"])
def test_register_extension_leaves_a_computed_one_alone(bare_extension, kind):
    Span.set_extension("score", **{kind: lambda span: "theirs"})
    with pytest.warns(UserWarning, match=f"XW501.*{kind}"):
        register_extension()
    read = Doc(spacy.blank("xx").vocab, words=["a"])[0:1]._.score
    assert (read() if kind == "method" else read) == "theirs"


def test_score_may_be_set_by_hand(nlp):
    doc = nlp(TEXT)
    doc.ents[0]._.score = 0.25
    assert doc.ents[0]._.score == 0.25


def test_spans_of_a_group_keep_their_score_where_another_component_overwrote_the_label(make_nlp, tmp_path):
    first = make_nlp(write_chosen(tmp_path / "a", {"▁Jack": "B-PER"}, sharpness=8.0), name="a", spans_key="a")
    second = make_nlp(write_chosen(tmp_path / "b", {"▁Jack": "B-LOC"}, sharpness=6.0), name="b", spans_key="b")
    first.add_pipe("b", source=second).existing_ents = "overwrite"
    doc = first("Jack")
    assert [ent.label_ for ent in doc.ents] == ["LOC"]
    assert doc.spans["a"][0]._.score == doc.spans["a"].attrs["scores"][0]
    assert doc.ents[0]._.score == doc.spans["b"].attrs["scores"][0] != doc.spans["a"].attrs["scores"][0]
