import copy
import warnings

import pytest
import spacy
from spacy.util import load_config, load_model_from_config
from thinc.api import Config

from spacy_xlmr_ner import migrate_config

ARCHITECTURE = "spacy-xlmr-ner.XlmrTagger.v1"


def make_config(**settings):
    """A pipeline's config with the component, as spaCy saves it."""
    block = {
        "factory": "hf_token_pipe",
        "model": "owner/name",
        "revision": "main",
        "stride": 16,
        "aggregation_strategy": "first",
        "annotate": "ents",
        "annotate_spans_key": None,
        "alignment_mode": "expand",
        "scorer": None,
        "kwargs": {},
        **settings,
    }
    return Config(
        {
            "nlp": {"lang": "en", "pipeline": ["sentencizer", "ner"]},
            "components": {"sentencizer": {"factory": "sentencizer"}, "ner": block},
        }
    )


def migrate(**settings):
    return migrate_config(make_config(**settings))["components"]["ner"]


def collect_notes(**settings):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        migrate(**settings)
    return [str(warning.message) for warning in caught]


def test_each_setting_has_its_counterpart():
    assert migrate(model="owner/other", revision="v2", stride=32, aggregation_strategy="first") == {
        "factory": "xlmr_ner",
        "existing_ents": "overwrite",
        "model": {
            "@architectures": ARCHITECTURE,
            "name": "owner/other",
            "revision": "v2",
            "input": "text",
            "pooling": "first",
            "overlap": 32,
        },
    }


def test_what_is_the_same_is_not_warned_of():
    assert collect_notes() == []


@pytest.mark.filterwarnings("ignore:.*XW260")
@pytest.mark.parametrize("theirs, ours", [("simple", "first"), ("first", "first"), ("average", "mean"), ("max", "max")])
def test_aggregation_strategy_is_pooling(theirs, ours):
    assert migrate(aggregation_strategy=theirs)["model"]["pooling"] == ours


@pytest.mark.parametrize(
    "settings, note",
    [
        ({"aggregation_strategy": "average"}, "of logits in place of scores"),
        ({"aggregation_strategy": "simple"}, "a token has one tag"),
        ({"aggregation_strategy": "max"}, "of each tag's logits"),
        ({"alignment_mode": "strict"}, "no entity is dropped"),
        ({"alignment_mode": "contract"}, "no entity is dropped"),
        ({"stride": None}, "read in whole"),
        ({"annotate": "spans", "annotate_spans_key": "hf"}, "doc.ents is set as well"),
        ({"kwargs": {"batch_size": 8, "num_workers": 2}}, "batch_size, num_workers"),
    ],
)
def test_what_differs_is_said(settings, note):
    (said,) = collect_notes(**settings)
    assert said.startswith("[XW260] 'ner' of hf_token_pipe")
    assert note in said


@pytest.mark.filterwarnings("ignore:.*XW260")
def test_spans_key_is_kept_and_entities_of_others_too():
    migrated = migrate(annotate="spans", annotate_spans_key="hf")
    assert (migrated["spans_key"], migrated["existing_ents"]) == ("hf", "keep")


def test_variables_of_a_config_stay_variables(tmp_path):
    config = make_config(model="${paths.checkpoint}")
    config["paths"] = {"checkpoint": "owner/name"}
    config.to_disk(tmp_path / "config.cfg", interpolate=False)
    read = load_config(tmp_path / "config.cfg")
    migrated = migrate_config(read)
    assert migrated["components"]["ner"]["model"]["name"] == "${paths.checkpoint}"
    assert migrated.interpolate()["components"]["ner"]["model"]["name"] == "owner/name"


@pytest.mark.filterwarnings("ignore:.*XW260")
def test_without_stride_the_overlap_is_ours():
    assert "overlap" not in migrate(stride=None)["model"]


@pytest.mark.parametrize("theirs, ours", [(-1, "cpu"), (0, "cuda:0"), (1, "cuda:1"), ("mps", "mps")])
def test_device_is_kept(theirs, ours):
    assert migrate(kwargs={"device": theirs})["model"]["device"] == ours


def test_scorer_is_kept():
    scorer = {"@scorers": "spacy.ner_scorer.v1"}
    assert migrate(scorer=scorer)["scorer"] == scorer


def test_everything_else_and_what_was_given_stay_as_they_are():
    config = make_config()
    before = copy.deepcopy(dict(config))
    migrated = migrate_config(config)
    assert dict(config) == before
    assert migrated["nlp"] == config["nlp"]
    assert migrated["components"]["sentencizer"] == {"factory": "sentencizer"}


@pytest.mark.filterwarnings("ignore:.*XW260")
def test_block_alone_is_migrated():
    block = migrate_config({"factory": "hf_token_pipe", "model": "owner/name"})
    assert block["model"] == {
        "@architectures": ARCHITECTURE,
        "name": "owner/name",
        "revision": "main",
        "input": "text",
        "pooling": "mean",
        "overlap": 16,
    }


@pytest.mark.filterwarnings("ignore:.*XW260")
def test_settings_for_add_pipe_are_migrated(chosen_checkpoint):
    nlp = spacy.blank("xx")
    block = migrate_config({"model": str(chosen_checkpoint)})
    nlp.add_pipe(block.pop("factory"), config=block)
    assert [(ent.text, ent.label_) for ent in nlp("Anna in Berlin").ents] == [("Anna", "PER"), ("Berlin", "LOC")]


def test_migrated_pipeline_loads_and_answers(chosen_checkpoint):
    nlp = load_model_from_config(migrate_config(make_config(model=str(chosen_checkpoint))), auto_fill=True)
    assert nlp.pipe_names == ["sentencizer", "ner"]
    assert [(ent.text, ent.label_) for ent in nlp("Anna in Berlin").ents] == [("Anna", "PER"), ("Berlin", "LOC")]


@pytest.mark.parametrize("config", [{}, {"factory": "ner"}, {"factory": "hf_token_pipe"}, {"components": {}}])
def test_config_without_the_component_is_refused(config):
    with pytest.raises(ValueError, match="XN260"):
        migrate_config(config)


def test_components_that_were_found_are_named():
    with pytest.raises(ValueError, match=r"XN260.*ner \(ner\), tagger \(sourced\)"):
        migrate_config({"components": {"ner": {"factory": "ner"}, "tagger": {"source": "x"}}})


@pytest.mark.parametrize("settings", [{"aggregation_strategy": "none"}, {"agregation": "first"}])
def test_unknown_setting_is_refused(settings):
    with pytest.raises(ValueError, match=f"XN261.*{next(iter(settings))}"):
        migrate(**settings)


@pytest.mark.parametrize("annotate", ["tag", "pos"])
def test_annotation_of_tokens_is_refused(annotate):
    with pytest.raises(ValueError, match=rf"XN262.*token.{annotate}_"):
        migrate(annotate=annotate)
