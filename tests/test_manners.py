import pytest
import spacy
from spacy.lang.xx import MultiLanguage
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_xlmr_ner import XlmrNer

SENTENCE = "Jack Sparrow loves New York!"


def get_ents(doc):
    return [(ent.text, ent.label_) for ent in doc.ents]


@pytest.fixture
def nlp(make_nlp, chosen_checkpoint):
    return make_nlp(chosen_checkpoint)


@pytest.mark.parametrize("name", ["ner", "xlmr_ner", "my tagger", "Ünï-1"])
def test_component_takes_any_name(make_nlp, chosen_checkpoint, tmp_path, name):
    nlp = make_nlp(chosen_checkpoint, name=name, threshold={"PER": 0.1})
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    assert loaded.pipe_names == [name]
    assert loaded.get_pipe(name).name == name
    assert get_ents(loaded(SENTENCE)) == [("Jack Sparrow", "PER"), ("New York", "LOC")]


def test_factory_is_found_with_its_meta():
    meta = MultiLanguage.get_factory_meta("xlmr_ner")
    assert meta.assigns == ["doc.ents", "token.ent_iob", "token.ent_type"]
    assert meta.default_score_weights == {"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0, "ents_per_type": None}


def test_analyze_pipes_shows_what_is_assigned(nlp):
    analysis = nlp.analyze_pipes()
    assert analysis["summary"]["xlmr_ner"]["assigns"] == ["doc.ents", "token.ent_iob", "token.ent_type"]
    assert analysis["summary"]["xlmr_ner"]["requires"] == []
    assert {"ents_f", "ents_p", "ents_r", "ents_per_type"} == set(analysis["summary"]["xlmr_ner"]["scores"])
    assert analysis["problems"] == {"xlmr_ner": []}


def test_analyze_pipes_satisfies_components_behind(nlp):
    nlp.add_pipe("merge_entities")
    assert nlp.analyze_pipes()["problems"] == {"xlmr_ner": [], "merge_entities": []}


def test_pipe_labels_are_the_labels(nlp):
    assert nlp.pipe_labels == {"xlmr_ner": ["PER", "ORG", "LOC"]}


def test_saved_meta_holds_the_labels(nlp, tmp_path):
    nlp.to_disk(tmp_path)
    assert spacy.util.get_model_meta(tmp_path)["labels"] == {"xlmr_ner": ["PER", "ORG", "LOC"]}


# Where spaCy reads nlp.meta, and with it all labels.


def test_removing_a_component_loads_no_weights(make_nlp):
    nlp = make_nlp("acme/not-there")
    nlp.add_pipe("sentencizer")
    nlp.remove_pipe("sentencizer")
    assert nlp.pipe_names == ["xlmr_ner"]


def test_sourcing_what_is_not_there_loads_no_weights(make_nlp):
    with pytest.raises(KeyError, match="E944"):
        spacy.blank("xx").add_pipe("nothing", source=make_nlp("acme/not-there"))


def test_config_with_a_sourced_component_loads_no_weights(make_nlp, tmp_path):
    source = spacy.blank("xx")
    source.add_pipe("sentencizer")
    source.to_disk(tmp_path)
    config = make_nlp("acme/not-there").config.copy()
    config["nlp"]["pipeline"] = ["xlmr_ner", "sentencizer"]
    config["components"]["sentencizer"] = {"source": str(tmp_path)}
    assert MultiLanguage.from_config(config).pipe_names == ["xlmr_ner", "sentencizer"]


def test_select_pipes_leaves_the_component_out(nlp):
    with nlp.select_pipes(disable="xlmr_ner"):
        assert get_ents(nlp("Anna")) == []
    assert get_ents(nlp("Anna")) == [("Anna", "PER")]


def test_component_starts_disabled(nlp, tmp_path):
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path, disable=["xlmr_ner"])
    assert get_ents(loaded("Anna")) == []
    loaded.enable_pipe("xlmr_ner")
    assert get_ents(loaded("Anna")) == [("Anna", "PER")]


def test_excluded_component_is_not_loaded(nlp, tmp_path):
    nlp.to_disk(tmp_path)
    assert spacy.load(tmp_path, exclude=["xlmr_ner"]).pipe_names == []


def test_renamed_component_goes_on(nlp):
    nlp.rename_pipe("xlmr_ner", "ner")
    assert get_ents(nlp("Anna")) == [("Anna", "PER")]


# Two in one pipeline


@pytest.fixture
def two(make_nlp, chosen_checkpoint):
    """Persons by "first"; everything, persons by another name, by "second"."""
    nlp = make_nlp(chosen_checkpoint, name="first", spans_key="first", label_map={"LOC": None, "ORG": None})
    config = {"model": {"name": str(chosen_checkpoint)}, "spans_key": "second", "label_map": {"PER": "PERSON"}}
    nlp.add_pipe("xlmr_ner", name="second", config=config)
    return nlp


def test_two_components_do_not_mix(two):
    doc = two(SENTENCE)
    assert get_ents(doc) == [("Jack Sparrow", "PER"), ("New York", "LOC")]
    groups = {key: [(span.text, span.label_) for span in group] for key, group in doc.spans.items()}
    assert groups == {"first": [("Jack Sparrow", "PER")], "second": [("New York", "LOC")]}
    assert [ent._.score for ent in doc.ents] == doc.spans["first"].attrs["scores"] + doc.spans["second"].attrs["scores"]


def test_two_components_survive_saving(two, tmp_path):
    two.to_disk(tmp_path)
    doc = spacy.load(tmp_path)(SENTENCE)
    assert get_ents(doc) == [("Jack Sparrow", "PER"), ("New York", "LOC")]


def test_two_components_with_one_spans_key_are_warned_of(make_nlp, chosen_checkpoint):
    nlp = make_nlp(chosen_checkpoint, name="first")
    nlp.add_pipe("xlmr_ner", name="second", config={"model": {"name": str(chosen_checkpoint)}})
    with pytest.warns(UserWarning, match=r"XW302.*doc\.spans\['xlmr_ner'\].*'first'.*'second' \(2 docs\)"):
        list(nlp.pipe([SENTENCE, "Anna"]))


@pytest.mark.filterwarnings("error")
def test_one_component_run_twice_is_not_warned_of(nlp):
    nlp.get_pipe("xlmr_ner")(nlp(SENTENCE))


def test_sourced_component_takes_its_name_in_the_pipeline(nlp, make_nlp, chosen_checkpoint):
    other = make_nlp(chosen_checkpoint, label_map={"PER": "PERSON"}, existing_ents="overwrite")
    nlp.add_pipe("xlmr_ner", name="sourced", source=other)
    with pytest.warns(UserWarning, match="XW302"):
        assert get_ents(nlp("Anna")) == [("Anna", "PERSON")]


# Beside other components


@pytest.mark.parametrize(
    "policy, expected",
    [
        ("keep", [("Sparrow loves New", "SHOW")]),
        ("overwrite", [("Jack Sparrow", "PER"), ("New York", "LOC")]),
        ("best", [("Sparrow loves New", "SHOW")]),
    ],
)
def test_entity_ruler_before(make_nlp, chosen_checkpoint, policy, expected):
    nlp = make_nlp(chosen_checkpoint, existing_ents=policy)
    ruler = nlp.add_pipe("entity_ruler", before="xlmr_ner")
    ruler.add_patterns([{"label": "SHOW", "pattern": "Sparrow loves New"}])
    assert get_ents(nlp(SENTENCE)) == expected


def test_entity_ruler_before_keeps_its_ids(nlp):
    ruler = nlp.add_pipe("entity_ruler", before="xlmr_ner")
    ruler.add_patterns([{"label": "CITY", "pattern": "York", "id": "york"}])
    ents = nlp("York and Anna").ents
    assert [(ent.text, ent.label_, ent.ent_id_, ent._.score is None) for ent in ents] == [
        ("York", "CITY", "york", True),
        ("Anna", "PER", "", False),
    ]


def test_entity_ruler_after(nlp):
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "X", "pattern": "loves"}])
    assert get_ents(nlp(SENTENCE)) == [("Jack Sparrow", "PER"), ("loves", "X"), ("New York", "LOC")]


def test_replace_listeners_of_other_components_works(nlp):
    nlp.add_pipe("tok2vec")
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 96, "upstream": "*"}
    tagger = nlp.add_pipe("tagger", config={"model": {"tok2vec": listener}})
    tagger.add_label("X")
    nlp.initialize()
    nlp.replace_listeners("tok2vec", "tagger", ["model.tok2vec"])
    assert get_ents(nlp("Anna")) == [("Anna", "PER")]


def test_replace_listeners_of_the_component_does_nothing(nlp):
    # As for any component that listens to nothing.
    nlp.add_pipe("tok2vec", first=True)
    nlp.initialize()
    nlp.replace_listeners("tok2vec", "xlmr_ner", [])
    assert get_ents(nlp("Anna")) == [("Anna", "PER")]


# Initialization and scores


def test_initialize_takes_labels(nlp):
    nlp.config["initialize"]["components"]["xlmr_ner"] = {"labels": ["PER", "MISC"]}
    with pytest.warns(UserWarning, match="XW203.* has the labels PER, ORG, LOC; the labels to train are PER, MISC"):
        nlp.initialize()
    assert nlp.get_pipe("xlmr_ner").labels == ("PER", "MISC")


def test_initialize_takes_its_own_label_data(make_nlp, chosen_checkpoint):
    nlp = make_nlp(chosen_checkpoint, label_map={"PER": "PERSON", "ORG": None})
    ner = nlp.get_pipe("xlmr_ner")
    before = ner.tags
    ner.initialize(lambda: [], nlp=nlp, labels=ner.label_data)
    assert ner.tags == before


def make_example(nlp, ents):
    reference = Doc(nlp.vocab, words=["Jack", "Sparrow", "loves", "New", "York", "!"])
    reference.ents = [Span(reference, *ent) for ent in ents]
    return Example(nlp.make_doc(SENTENCE), reference)


@pytest.mark.parametrize(
    "gold, f", [([(0, 2, "PER"), (3, 5, "LOC")], 1.0), ([(0, 2, "PER"), (3, 5, "ORG")], 0.5), ([(0, 1, "PER")], 0.0)]
)
def test_evaluate_gives_ents_f(nlp, gold, f):
    assert nlp.evaluate([make_example(nlp, gold)])["ents_f"] == f


def test_evaluate_scores_each_label(nlp):
    scores = nlp.evaluate([make_example(nlp, [(0, 2, "PER"), (3, 5, "ORG")])])
    assert {label: score["f"] for label, score in scores["ents_per_type"].items()} == {"PER": 1, "LOC": 0, "ORG": 0}


def test_scorer_may_be_none(make_nlp, chosen_checkpoint):
    nlp = make_nlp(chosen_checkpoint, scorer=None)
    assert "ents_f" not in nlp.get_pipe("xlmr_ner").score([])


# Configs

SETTINGS = {
    "decoding": "argmax",
    "existing_ents": "best",
    "threshold": {"ORG": 0.8, "PERSON": 0.25},
    "label_map": {"PER": "PERSON", "LOC": None},
    "spans_key": None,
    "scorer": None,
    "model": {"labels": ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"], "scheme": "iob", "overlap": 30},
}


def test_config_comes_back_from_its_text(make_nlp, chosen_checkpoint):
    nlp = make_nlp(chosen_checkpoint, **SETTINGS, name="ner")
    config = spacy.util.Config().from_str(nlp.config.to_str())
    again = MultiLanguage.from_config(config)
    assert again.config["components"] == nlp.config["components"]
    component = again.get_pipe("ner")
    assert isinstance(component, XlmrNer)
    for setting, value in SETTINGS.items():
        if setting != "model":
            assert getattr(component, setting) == value
    assert get_ents(again(SENTENCE)) == [("Jack Sparrow", "PERSON")]


def test_config_comes_back_from_a_saved_pipeline(make_nlp, chosen_checkpoint, tmp_path):
    nlp = make_nlp(chosen_checkpoint, **SETTINGS)
    nlp.to_disk(tmp_path)
    assert spacy.load(tmp_path).config["components"] == nlp.config["components"]


@pytest.mark.parametrize("label", ["geo-loc", "geo.loc", "a b", "PER_1", "Ö", "per", "%s", "1", "a#b", "[x]", "a;b"])
def test_label_map_is_kept_or_refused_but_never_corrupted(make_nlp, chosen_checkpoint, tmp_path, label):
    labels = ["O", f"B-{label}", f"I-{label}", "B-X", "I-X", "B-Y", "I-Y"]
    try:
        nlp = make_nlp(chosen_checkpoint, label_map={label: "Z"}, model={"labels": labels})
    except ValueError as err:
        assert "XN104" in str(err)
        return
    nlp.to_disk(tmp_path)
    assert spacy.load(tmp_path).get_pipe("xlmr_ner").label_map == {label: "Z"}


@pytest.mark.parametrize(
    "overrides, expected",
    [
        ({"components.xlmr_ner.threshold": 1.0}, []),
        ({"components.xlmr_ner.label_map": {"PER": "PERSON"}}, [("Jack Sparrow", "PERSON"), ("New York", "LOC")]),
        ({"components": {"xlmr_ner": {"label_map": {"PER": None}}}}, [("New York", "LOC")]),
    ],
)
def test_override_when_loading_takes_effect(nlp, tmp_path, overrides, expected):
    nlp.to_disk(tmp_path)
    assert get_ents(spacy.load(tmp_path, config=overrides)(SENTENCE)) == expected


@pytest.mark.parametrize("name, code", [("./no/folder", "XN401"), ("owner/name", "XN403")])
def test_initialize_tells_that_the_checkpoint_is_not_to_be_had(make_nlp, name, code):
    """spaCy reads the labels on its way there, and takes any OSError for missing vectors."""
    nlp = make_nlp(name, model={"local_files_only": True})
    with pytest.raises(ValueError, match=code):
        nlp.initialize()
