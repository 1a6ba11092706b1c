import pytest
import spacy
from spacy import registry
from thinc.api import Config

from spacy_xlmr_ner.architectures import build_xlmr_tagger_v1

SETTINGS = {
    "name": "owner/never-asked-for",
    "labels": None,
    "scheme": None,
    "revision": "main",
    "local_files_only": False,
    "input": "words",
    "pooling": "first",
    "window": None,
    "overlap": 64,
    "max_batch_pieces": None,
    "runtime": "torch",
    "precision": "float32",
    "device": None,
}


@pytest.mark.parametrize(
    "setting",
    [
        {},
        {"name": None},
        {"name": "/no/such/folder"},
        {"labels": ["O", "B-X", "I-X"]},
        {"scheme": "bioes"},
        {"input": "text", "pooling": "max"},
        {"window": 67},  # holds 65 pieces beside the specials: one more than the overlap
        {"precision": "bfloat16"},
        {"runtime": "onnx", "precision": "int8"},
        {"device": "cuda:7"},
    ],
)
def test_build_xlmr_tagger_reads_nothing(setting, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("something was read")

    for function in ("load_checkpoint", "read_checkpoint"):
        monkeypatch.setattr(f"spacy_xlmr_ner.architectures.{function}", refuse)
    for engine in ("torch_engine.TorchEngine", "onnx_engine.OnnxEngine"):
        monkeypatch.setattr(f"spacy_xlmr_ner.runtimes.{engine}.prepare", refuse)
    assert build_xlmr_tagger_v1(**{**SETTINGS, **setting}).name == "xlmr_tagger"


@pytest.mark.parametrize(
    "setting, code, found",
    [
        ({"input": "word"}, "XN102", "'words', 'text'"),
        ({"pooling": "last"}, "XN102", "'first', 'mean', 'max'"),
        ({"precision": "float64"}, "XN102", "'float32', 'bfloat16', 'float16'"),
        ({"runtime": "tvm"}, "XN102", "'torch', 'onnx'"),
        ({"runtime": "onnx", "precision": "int4"}, "XN102", "'float32', 'int8'"),
        ({"precision": "int8"}, "XN102", "'float16'. Set it in [components.<name>.model] (or runtime = \"onnx\")"),
        (
            {"runtime": "onnx", "precision": "bfloat16"},
            "XN102",
            "'float32', 'int8'. Set it in [components.<name>.model]",
        ),
        ({"scheme": "bilou"}, "XN102", "'io', 'iob', 'bioes'"),
        ({"overlap": -1}, "XN106", "`overlap` is -1"),
        ({"overlap": True}, "XN106", "`overlap` is True"),
        ({"max_batch_pieces": 0}, "XN106", "`max_batch_pieces` is 0"),
        ({"window": 2}, "XN106", "`window` is 2"),
        ({"window": 66}, "XN101", "`overlap` is 64"),
    ],
)
def test_build_xlmr_tagger_refuses_a_wrong_setting(setting, code, found):
    with pytest.raises(ValueError, match=code) as caught:
        build_xlmr_tagger_v1(**{**SETTINGS, **setting})
    assert found in str(caught.value)
    assert "[components.<name>.model]" in str(caught.value)


def test_xlmr_tagger_is_registered():
    block = {"model": {"@architectures": "spacy-xlmr-ner.XlmrTagger.v1", **SETTINGS}}
    assert registry.resolve(Config(block))["model"].name == "xlmr_tagger"


@pytest.mark.parametrize(
    "setting, code", [({"overlap": 510}, "XN101"), ({"window": 513}, "XN105"), ({"window": 600, "overlap": 0}, "XN105")]
)
def test_window_is_checked_against_the_checkpoint_when_it_loads(setting, code, chosen_checkpoint):
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlmr_ner", config={"model": {"name": str(chosen_checkpoint), **setting}})
    with pytest.raises(ValueError, match=code):
        nlp("Jack")


@pytest.mark.parametrize("device", ["cuda:99", "tpu-of-no-kind"])
def test_device_that_is_not_there_is_refused_before_weights_are_read(device):
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlmr_ner", config={"model": {"name": "/no/such/folder", "device": device}})
    with pytest.raises(ValueError, match=rf"XN108.*{device}"):
        nlp("Jack")
