import json
import sys

import pytest
import spacy
from spacy.training import Example
from toys import write_pretrained
from typer.testing import CliRunner

from spacy_xlmr_ner.cli import app

TEXT = "Jack Sparrow loves New York and Anna lives in Berlin"


@pytest.fixture
def run():
    return lambda *args: CliRunner().invoke(app, ["export", *map(str, args)])


def get_ents(nlp):
    return [(ent.text, ent.label_) for ent in nlp(TEXT).ents]


def get_model_settings(nlp, name="xlmr_ner"):
    return nlp.config["components"][name]["model"]


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_export_of_a_checkpoint_makes_a_pipeline_with_its_graph(run, precision, chosen_checkpoint, tmp_path):
    result = run(chosen_checkpoint, tmp_path / "out", "--runtime", "onnx", "--precision", precision)
    assert result.exit_code == 0, result.output
    assert f"xlmr_ner: onnx, {precision}" in " ".join(result.output.split())  # lines are as long as the terminal
    assert (tmp_path / "out" / "xlmr_ner" / "checkpoint" / f"graph.{precision}.onnx").is_file()
    nlp = spacy.load(tmp_path / "out")
    settings = get_model_settings(nlp)
    assert (settings["runtime"], settings["precision"]) == ("onnx", precision)
    assert get_ents(nlp) == [("Jack Sparrow", "PER"), ("New York", "LOC"), ("Anna", "PER"), ("Berlin", "LOC")]


def test_export_of_a_pipeline_keeps_the_rest_of_it(run, chosen_checkpoint, make_nlp, tmp_path):
    nlp = make_nlp(chosen_checkpoint, name="ner", lang="en", label_map={"PER": "PERSON"}, model={"window": 100})
    nlp.add_pipe("sentencizer", first=True)
    nlp.to_disk(tmp_path / "pipeline")
    result = run(tmp_path / "pipeline", tmp_path / "out")
    assert result.exit_code == 0, result.output
    loaded = spacy.load(tmp_path / "out")
    assert (loaded.lang, loaded.pipe_names) == ("en", ["sentencizer", "ner"])
    assert get_model_settings(loaded, "ner")["window"] == 100
    assert get_ents(loaded)[0] == ("Jack Sparrow", "PERSON")


def test_export_to_torch_drops_the_graph(run, chosen_checkpoint, tmp_path):
    assert run(chosen_checkpoint, tmp_path / "first").exit_code == 0
    args = ("--runtime", "torch", "--precision", "bfloat16")
    assert run(tmp_path / "first", tmp_path / "second", *args).exit_code == 0
    assert not list((tmp_path / "second").rglob("graph.*"))
    assert get_model_settings(spacy.load(tmp_path / "second"))["precision"] == "bfloat16"


@pytest.mark.parametrize(
    "args, said",
    [
        (("--precision", "float16"), "XN102"),
        (("--precision", "int4"), "XN102"),
        (("--runtime", "tvm"), "tvm"),
    ],
)
def test_export_refuses_what_there_is_not(run, args, said, chosen_checkpoint, tmp_path):
    result = run(chosen_checkpoint, tmp_path / "out", *args)
    assert result.exit_code != 0
    assert said in result.output
    assert not (tmp_path / "out").exists()


def test_export_to_torch_keeps_the_precision(run, chosen_checkpoint, make_nlp, tmp_path):
    make_nlp(chosen_checkpoint, model={"precision": "bfloat16"}).to_disk(tmp_path / "pipeline")
    assert run(tmp_path / "pipeline", tmp_path / "out", "--runtime", "torch").exit_code == 0
    assert get_model_settings(spacy.load(tmp_path / "out"))["precision"] == "bfloat16"


def test_export_refuses_an_untrained_head(run, tmp_path):
    result = run(write_pretrained(tmp_path / "pretrained"), tmp_path / "out", "--precision", "int8")
    assert result.exit_code == 1
    assert "XN404" in result.output
    assert not (tmp_path / "out").exists()


def test_export_refuses_a_folder_in_use(run, chosen_checkpoint, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    result = run(chosen_checkpoint, tmp_path / "out")
    assert result.exit_code == 1
    assert "XN223" in result.output


def test_export_refuses_a_pipeline_without_the_component(run, tmp_path):
    spacy.blank("en").to_disk(tmp_path / "pipeline")
    result = run(tmp_path / "pipeline", tmp_path / "out")
    assert result.exit_code == 1
    assert "XN111" in result.output


def test_export_settings_reach_every_component(run, chosen_checkpoint, make_nlp, tmp_path):
    nlp = make_nlp(chosen_checkpoint)
    nlp.add_pipe("xlmr_ner", name="second", config={"model": {"name": str(chosen_checkpoint)}})
    nlp.to_disk(tmp_path / "pipeline")
    assert run(tmp_path / "pipeline", tmp_path / "out").exit_code == 0
    config = json.loads(json.dumps(spacy.load(tmp_path / "out").config))
    assert [config["components"][name]["model"]["runtime"] for name in ("xlmr_ner", "second")] == ["onnx", "onnx"]


def test_export_names_the_extra_that_makes_graphs(run, chosen_checkpoint, tmp_path, monkeypatch):
    """A pipeline with a graph runs without it, but none can be made."""
    monkeypatch.setitem(sys.modules, "onnx", None)
    result = run(chosen_checkpoint, tmp_path / "out")
    assert result.exit_code == 1
    assert "XN112" in result.output
    assert "onnx" in result.output
    assert not (tmp_path / "out").exists()


def test_export_to_torch_of_int8_is_in_float32(run, chosen_checkpoint, tmp_path):
    assert run(chosen_checkpoint, tmp_path / "first", "--precision", "int8").exit_code == 0
    result = run(tmp_path / "first", tmp_path / "second", "--runtime", "torch")
    assert result.exit_code == 0, result.output
    settings = get_model_settings(spacy.load(tmp_path / "second"))
    assert (settings["runtime"], settings["precision"]) == ("torch", "float32")


def add_head_without_network(nlp):
    nlp.add_pipe("tok2vec", first=True, config={"model": {"width": 8}})
    tok2vec = {"@architectures": "spacy.Tok2VecListener.v1", "width": 8, "upstream": "*"}
    model = {"@architectures": "spacy-xlmr-ner.TokenTagger.v1", "tok2vec": tok2vec}
    nlp.add_pipe("xlmr_ner", name="head", config={"model": model})
    nlp.initialize(lambda: [Example.from_dict(nlp.make_doc("Anna"), {"entities": [(0, 4, "PER")]})])
    return nlp


def test_export_refuses_a_pipeline_whose_component_has_no_network_of_its_own(run, tmp_path):
    add_head_without_network(spacy.blank("en")).to_disk(tmp_path / "pipeline")
    result = run(tmp_path / "pipeline", tmp_path / "out")
    assert result.exit_code == 1
    assert "XN445" in result.output
    assert "`runtime` and `precision`" in " ".join(result.output.split())
