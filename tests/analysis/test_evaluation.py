import json
import random
import warnings

import pytest
import spacy
from seqeval.metrics import classification_report
from seqeval.scheme import IOB2
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_xlmr_ner.analysis import evaluate
from spacy_xlmr_ner.analysis.evaluation import NO_PROBS

pytestmark = pytest.mark.filterwarnings("ignore:.*XW23")
LABELS = ("PER", "ORG", "LOC")
ANSWERS = {}


@Language.component("look_up_ents", assigns=["doc.ents"])
def look_up_ents(doc):
    """Sets the entities that stand in ANSWERS."""
    answer = Doc(doc.vocab, words=[token.text for token in doc], ents=ANSWERS[doc.text])
    doc.ents = [Span(doc, ent.start, ent.end, label=ent.label) for ent in answer.ents]
    return doc


def make_gold(words, tags, vocab=None):
    return Doc(vocab or Vocab(), words=words, ents=tags)


def draw_tags(generator, n_tokens):
    """IOB2 tags."""
    tags = []
    for _ in range(n_tokens):
        inside = [f"I-{tags[-1][2:]}"] if tags and tags[-1] != "O" else []
        tags.append(generator.choice(["O", "O", "B-PER", "B-ORG", "B-LOC", *inside, *inside]))
    return tags


@pytest.fixture
def answered():
    """A pipeline that gives random answers; and gold and found tags of 300 docs in three languages."""
    generator = random.Random(5)
    pairs = {language: [] for language in ("de", "fr", "ja")}
    data = {language: [] for language in pairs}
    for i in range(300):
        language = generator.choice(sorted(pairs))
        words = [f"w{i}x{j}" for j in range(generator.randint(1, 12))]
        gold = draw_tags(generator, len(words))
        # now and then another answer
        found = gold if generator.random() < 0.5 else draw_tags(generator, len(words))
        pairs[language].append((gold, found))
        data[language].append(make_gold(words, gold))
        ANSWERS[data[language][-1].text] = found
    nlp = spacy.blank("xx")
    nlp.add_pipe("look_up_ents")
    return nlp, data, pairs


@pytest.mark.parametrize("language", ["de", "fr", "ja", None])
def test_evaluate_is_seqeval_in_its_strict_mode(answered, language):
    nlp, data, pairs = answered
    scores = evaluate(nlp, data, n_resamples=2).scores
    chosen = [pair for name, both in pairs.items() for pair in both if language in (name, None)]
    gold, found = map(list, zip(*chosen))
    expected = classification_report(gold, found, mode="strict", scheme=IOB2, output_dict=True)
    ours = {"micro avg": scores.languages[language] if language else scores.overall}
    ours |= scores.languages_labels[language] if language else scores.labels
    assert set(ours) == {"micro avg", *LABELS}
    for name, score in ours.items():
        theirs = expected[name]
        assert score.precision.value == pytest.approx(theirs["precision"])
        assert score.recall.value == pytest.approx(theirs["recall"])
        assert score.f1.value == pytest.approx(theirs["f1-score"])
        assert score.support == theirs["support"]


def test_evaluate_takes_missing_annotation_as_spacys_scorer():
    nlp = spacy.blank("xx")
    patterns = [{"label": "PER", "pattern": "Jack"}, {"label": "LOC", "pattern": "Berlin"}]
    nlp.add_pipe("entity_ruler").add_patterns(patterns)
    half = make_gold(["Jack", "in", "Berlin", "Siemens"], ["B-PER", "O", "", "B-ORG"])
    none = make_gold(["Jack"], [""])
    with pytest.warns(UserWarning, match="XW232.*1 of 2 docs|XW230"):
        result = evaluate(nlp, {"de": [half, none]})
    spacys = nlp.evaluate([Example(nlp.make_doc(doc.text), doc) for doc in (half, none)])
    overall = result.scores.overall
    assert (overall.predicted, overall.correct, overall.support) == (1, 1, 2)
    assert overall.precision.value == spacys["ents_p"]
    assert overall.recall.value == spacys["ents_r"]
    assert result.n_docs == 1


@pytest.fixture
def nlp(make_nlp, chosen_checkpoint):
    return make_nlp(chosen_checkpoint)


def test_evaluate_reports_scores_errors_and_losses(nlp):
    docs = [
        make_gold(["Jack", "in", "Berlin"], ["B-PER", "O", "B-ORG"]),
        make_gold(["Jack", "Sparrow", "loves", "New", "York"], ["B-PER", "I-PER", "O", "B-LOC", "I-LOC"]),
        make_gold(["the", "Siemens"], ["B-ORG", "O"]),
    ]
    result = evaluate(nlp, {"de": docs[:1], "en": docs[1:]})
    assert (result.n_docs, result.n_tokens) == (3, 10)
    assert result.scores.overall.correct == 3
    assert result.errors.counts == {
        "wrong label": 1,
        "wrong border": 0,
        "wrong border and label": 0,
        "missed": 1,
        "invented": 1,
    }
    (example,) = result.errors.examples["wrong label"]
    assert (example.language, example.doc, example.before, example.text) == ("de", 0, "Jack in ", "Berlin")
    assert (example.gold.label, example.found.label, example.found_text) == ("ORG", "LOC", "Berlin")
    assert result.errors.languages["en"]["missed"] == 1
    assert result.tags.n_tokens == 10
    assert [(doc.language, doc.doc) for doc in result.hardest] == [("en", 1), ("de", 0), ("en", 0)]
    assert [mention.label for mention in result.hardest[1].found] == ["PER", "LOC"]


def test_hardest_are_sentences_where_docs_are_parted_in_them(nlp):
    # By hand: of each sentence only Berlin is wrong, by 8 and a little; the first sentence has no loss to speak of.
    words = ["Jack", "lives", "Anna", "in", "Berlin", "Berlin"]
    doc = Doc(Vocab(), words=words, ents=["B-PER", "O", "B-PER", "O", "B-ORG", "B-LOC"], sent_starts=[1, 0, 1, 0, 0, 1])
    first, *others = evaluate(nlp, {"en": [doc]}).hardest
    assert (first.doc, first.start, first.text, first.n_tokens) == (0, 11, "Anna in Berlin", 3)
    assert first.loss == pytest.approx(8, abs=0.1)
    assert [mention.key for mention in first.gold] == [(0, 4, "PER"), (8, 14, "ORG")]
    assert [mention.key for mention in first.found] == [(0, 4, "PER"), (8, 14, "LOC")]
    assert sorted(sentence.text for sentence in others) == ["Berlin", "Jack lives"]


def test_intervals_are_over_sentences_where_docs_are_parted_in_them(nlp):
    sentences = [(["Jack", "lives"], ["B-PER", "O"]), (["the", "Berlin"], ["B-ORG", "B-LOC"]), (["Siemens"], ["B-LOC"])]
    sentences *= 5
    words, tags = ([part for sentence in sentences for part in sentence[i]] for i in (0, 1))
    starts = [i == 0 for words, _ in sentences for i in range(len(words))]
    whole = Doc(Vocab(), words=words, ents=tags, sent_starts=starts)
    expected = evaluate(nlp, {"en": [make_gold(*sentence) for sentence in sentences]}).scores
    assert expected.overall.f1.low < expected.overall.f1.value < expected.overall.f1.high
    assert evaluate(nlp, {"en": [whole]}).scores == expected


def test_one_doc_without_sentences_has_no_interval(nlp):
    f1 = evaluate(nlp, {"en": [make_gold(["Jack", "the"], ["B-PER", "B-ORG"])]}).to_json()["scores"]["overall"]["f1"]
    assert f1 == {"value": pytest.approx(2 / 3), "low": 0.0, "high": 1.0}  # of 2 gold ones 1 is found, and right


def test_evaluate_finds_what_the_pipeline_finds(nlp):
    """The stop for the losses changes nothing: rulers before, merged tokens behind."""
    nlp.add_pipe("entity_ruler", before="xlmr_ner").add_patterns([{"label": "ORG", "pattern": "Jack"}])
    nlp.add_pipe("merge_entities")
    data = {"-": [make_gold(["Jack", "in", "New", "York"], ["B-ORG", "O", "B-LOC", "I-LOC"])]}
    result = evaluate(nlp, data)
    assert result.scores.overall.f1.value == 1.0
    assert result.tags.n_tokens == 4
    assert evaluate(nlp, data, with_losses=False).scores == result.scores


def test_evaluate_predicts_once(nlp, monkeypatch):
    ner = nlp.get_pipe("xlmr_ner")
    predict, asked = ner.predict, []
    monkeypatch.setattr(ner, "predict", lambda docs: asked.extend(docs) or predict(docs))
    evaluate(nlp, {"en": [make_gold(["Jack"], ["B-PER"]), make_gold(["Anna"], ["B-PER"])]})
    assert [doc.text.strip() for doc in asked] == ["Jack", "Anna"]


def test_evaluate_keeps_the_tokens_of_the_data_unless_told(nlp):
    data = {"en": [make_gold(["in", "York!"], ["O", "B-LOC"])]}
    assert evaluate(nlp, data).scores.overall.correct == 1
    result = evaluate(nlp, data, own_tokens=True)
    assert result.errors.counts["wrong border"] == 1


def test_evaluate_counts_gold_entities_that_fit_no_tokens(nlp):
    doc = Doc(Vocab(), words=["Jack", "_Berlin"], spaces=[False, False], ents=["O", "B-LOC"])
    assert evaluate(nlp, {"en": [doc]}, own_tokens=True).tags.n_misfits == 1


def test_evaluate_leaves_the_data_alone(nlp):
    doc = make_gold(["Jack", "Anna"], ["B-PERSON", "B-MISC"])
    before = doc.to_bytes()
    evaluate(nlp, {"en": [doc]}, label_map={"PERSON": "PER", "MISC": None})
    assert doc.to_bytes() == before


def test_evaluate_maps_and_leaves_out_labels(nlp):
    doc = make_gold(["Jack", "in", "Berlin", "the"], ["B-PERSON", "O", "B-LOC", "B-MISC"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = evaluate(nlp, {"en": [doc]}, label_map={"PERSON": "PER"}, labels=["PER"])
    assert (result.scores.overall.correct, result.scores.overall.support) == (1, 1)
    assert result.notes == []


@pytest.mark.parametrize(
    "words, tags, code, said",
    [
        (["Jack", "the"], ["B-PER", "B-MISC"], "XW230", "lacks: MISC. Their entities (1 here) "),
        (["Jack", "Berlin"], ["B-PER", "O"], "XW231", "lacks: LOC. Their entities (1 here) "),
    ],
)
def test_evaluate_tells_of_labels_that_gold_or_model_lack(nlp, words, tags, code, said):
    with pytest.warns(UserWarning, match=code):
        result = evaluate(nlp, {"en": [make_gold(words, tags)]})
    assert [note for note in result.notes if code in note and said in note]


def test_evaluate_of_another_component_has_no_losses():
    nlp = spacy.blank("xx")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "PER", "pattern": "Jack"}])
    result = evaluate(nlp, {"en": [make_gold(["Jack"], ["B-PER"])]})
    assert result.scores.overall.f1.value == 1.0
    assert (result.tags, result.hardest, result.notes) == (None, [], [NO_PROBS])


def test_evaluate_counts_a_doc_that_the_error_handler_drops(nlp):
    @Language.component("refuse_berlin")
    def refuse_berlin(doc):
        if "Berlin" in doc.text:
            raise ValueError("no")
        return doc

    nlp.add_pipe("refuse_berlin", first=True)
    nlp.set_error_handler(lambda *_: None)
    data = {"en": [make_gold(["Berlin"], ["B-LOC"]), make_gold(["Jack"], ["B-PER"])]}
    overall = evaluate(nlp, data, with_losses=False).scores.overall
    assert (overall.correct, overall.predicted, overall.support) == (1, 1, 2)


@pytest.mark.parametrize(
    "data, code",
    [({}, "XN232"), ({"de": []}, "XN232"), ({"de": [make_gold(["Jack"], [""])]}, "XN233")],
)
def test_evaluate_refuses_data_without_anything_to_compare(nlp, data, code):
    with pytest.raises(ValueError, match=code):
        evaluate(nlp, data)


def test_evaluate_refuses_a_pipeline_that_finds_nothing():
    with pytest.raises(ValueError, match="XN234"):
        evaluate(spacy.blank("xx"), {"de": [make_gold(["Jack"], ["B-PER"])]})


def test_to_json_is_json_with_every_part(nlp):
    result = evaluate(nlp, {"ar": [make_gold(["Jack", "in", "Berlin"], ["B-PER", "O", "B-ORG"])]})
    read = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert set(read) == {"format", "model", "n_docs", "n_tokens", "scores", "errors", "tags", "hardest", "notes"}
    assert set(read["scores"]) == {"overall", "mean", "labels", "languages", "languages_labels"}
    assert set(read["scores"]["languages"]["ar"]["f1"]) == {"value", "low", "high"}
    assert read["hardest"][0]["gold"] == [[0, 4, "PER", None], [8, 14, "ORG", None]]
    assert read["errors"]["examples"]["wrong label"][0]["gold"] == [8, 14, "ORG", None]


def test_evaluate_is_the_same_again_and_in_other_batches(nlp):
    docs = [make_gold(["Jack", "in", "Berlin"], ["B-PER", "O", "O"]) for _ in range(5)]
    docs += [make_gold(["the", "Anna"], ["B-ORG", "O"]) for _ in range(20)]
    first = evaluate(nlp, {"en": docs}, n_examples=3)
    assert len(first.errors.examples["missed"]) == 3
    assert evaluate(nlp, {"en": docs}, n_examples=3).to_json() == first.to_json()
    again = evaluate(nlp, {"en": docs}, n_examples=3, batch_size=4)
    assert (again.scores, again.errors.counts, again.tags.confusion) == (
        first.scores,
        first.errors.counts,
        first.tags.confusion,
    )
