"""presidio-analyzer on top of the component: its entities are ours, and so are their scores."""

from importlib.util import find_spec

import pytest

pytestmark = pytest.mark.skipif(
    find_spec("presidio_analyzer") is None, reason="presidio-analyzer is not installed (extra `ecosystem`)"
)
# What a reader finds: presidio's name for it, its text.
FOUND = {
    "de": ("Angela Merkel besuchte Paris.", [("PERSON", "Angela Merkel"), ("LOCATION", "Paris")]),
    "es": (
        "Gabriel García Márquez nació en Colombia.",
        [("PERSON", "Gabriel García Márquez"), ("LOCATION", "Colombia")],
    ),
    "ru": ("Лев Толстой родился в Ясной Поляне.", [("PERSON", "Лев Толстой"), ("LOCATION", "Ясной Поляне")]),
}


@pytest.fixture(scope="module")
def recipe(read_recipe, bundled):
    import spacy

    namespace = {"spacy": spacy, "nlp": bundled}
    exec(read_recipe("Personal data"), namespace)
    return namespace


def get_found(text, results):
    return [(found.entity_type, text[found.start : found.end]) for found in sorted(results, key=lambda r: r.start)]


def get_scores(results):
    return [found.score for found in sorted(results, key=lambda r: r.start)]


@pytest.mark.parametrize("language", FOUND)
def test_recipe_gives_our_entities_with_our_scores(recipe, bundled, language):
    text, expected = FOUND[language]
    results = recipe["analyzer"].analyze(text, language=language)
    assert get_found(text, results) == expected
    scores = [ent._.score for ent in bundled(text).ents]
    assert get_scores(results) == pytest.approx(scores, abs=1e-6)
    assert len(set(scores)) == 2


def test_presidio_leaves_out_what_scores_below_its_threshold(recipe, bundled):
    text, expected = FOUND["de"]
    scores = [ent._.score for ent in bundled(text).ents]
    assert scores[0] != scores[1]
    results = recipe["analyzer"].analyze(text, language="de", score_threshold=sum(scores) / 2)
    assert get_found(text, results) == [expected[scores.index(max(scores))]]


def test_entities_stand_beside_those_of_presidios_patterns(recipe):
    text = "Gabriel García Márquez paga con 4012888888881881 en Colombia."
    results = recipe["analyzer"].analyze(text, language="es")
    expected = [("PERSON", "Gabriel García Márquez"), ("CREDIT_CARD", "4012888888881881"), ("LOCATION", "Colombia")]
    assert get_found(text, results) == expected


def test_batches_give_the_same(recipe, bundled):
    from presidio_analyzer import BatchAnalyzerEngine

    text, expected = FOUND["de"]
    texts = [text, "Nichts.", text]
    batches = BatchAnalyzerEngine(recipe["analyzer"]).analyze_iterator(texts, language="de", batch_size=2)
    assert [get_found(text, results) for results in batches] == [expected, [], expected]
    scores = [ent._.score for ent in bundled(text).ents]
    assert [get_scores(results) for results in batches] == [
        pytest.approx(scores, abs=1e-4),
        [],
        pytest.approx(scores, abs=1e-4),
    ]


def test_recognizer_reads_the_span_group_of_a_saved_pipeline(make_nlp, chosen_checkpoint, tmp_path):
    """Presidio loads the pipeline itself; what the recognizer needs is in the doc."""
    from presidio_analyzer import AnalyzerEngine, LocalRecognizer, RecognizerRegistry, RecognizerResult
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    class XlmrRecognizer(LocalRecognizer):
        def load(self):
            pass

        def analyze(self, text, entities, nlp_artifacts=None):
            group = nlp_artifacts.tokens.spans["xlmr_ner"]
            return [
                RecognizerResult(span.label_, span.start_char, span.end_char, score)
                for span, score in zip(group, group.attrs["scores"])
                if span.label_ in entities
            ]

    nlp = make_nlp(chosen_checkpoint, label_map={"PER": "PERSON", "LOC": "LOCATION"})
    nlp.to_disk(tmp_path)
    engine = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": str(tmp_path)}])
    registry = RecognizerRegistry([XlmrRecognizer(["PERSON", "LOCATION"])])
    analyzer = AnalyzerEngine(registry=registry, nlp_engine=engine)
    text = "Jack Sparrow lives in New York and loves Siemens"
    results = analyzer.analyze(text, language="en")
    assert get_found(text, results) == [("PERSON", "Jack Sparrow"), ("LOCATION", "New York")]
    assert get_scores(results) == pytest.approx([ent._.score for ent in nlp(text).ents[:2]], abs=1e-6)
