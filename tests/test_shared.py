"""One transformer for several components, by spacy-transformers, which needs transformers 4."""

import json
import socket

import numpy as np
import pytest
import spacy
import torch
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import fix_random_seed, load_model_from_config
from thinc.api import Adam
from toys import make_toy_docs, write_random

pytest.importorskip("spacy_transformers", reason="spacy-transformers is not installed (extra `shared`)")

from spacy_xlmr_ner import tag_text
from spacy_xlmr_ner.checkpoint import Checkpoint, read_checkpoint
from spacy_xlmr_ner.splitting import split_checkpoint

LISTENER = {
    "@architectures": "spacy-transformers.TransformerListener.v1",
    "grad_factor": 1.0,
    "pooling": {"@layers": "reduce_mean.v1"},
}
TAGGER = {"@architectures": "spacy.Tagger.v2", "tok2vec": LISTENER}
TOKEN_TAGGER = {"@architectures": "spacy-xlmr-ner.TokenTagger.v1", "tok2vec": LISTENER}
STEPS = 60
TEXTS = ["Jack Sparrow lives in Berlin", "", "the Siemens AG in York and Anna", "don't"]


@pytest.fixture(autouse=True)
def seed():
    fix_random_seed(1)


def describe_transformer(folder):
    return {
        "@architectures": "spacy-transformers.TransformerModel.v3",
        "name": str(folder),
        "tokenizer_config": {"use_fast": True},
        "get_spans": {"@span_getters": "spacy-transformers.strided_spans.v1", "window": 128, "stride": 96},
    }


def make_nlp(folder, *, model=TOKEN_TAGGER):
    nlp = spacy.blank("xx")
    nlp.add_pipe("transformer", config={"model": describe_transformer(folder)})
    nlp.add_pipe("tagger", config={"model": TAGGER})
    nlp.add_pipe("xlmr_ner", config={"model": model})
    return nlp


def make_examples(nlp):
    """Toy sentences; a word's tag says whether it is in capitals."""
    examples = []
    for doc in make_toy_docs(40):
        words = [token.text for token in doc]
        ents = [f"{token.ent_iob_}-{token.ent_type_}" if token.ent_type_ else "O" for token in doc]
        tags = ["NAME" if word[0].isupper() else "WORD" for word in words]
        reference = Doc(nlp.vocab, words, ents=ents, tags=tags)
        examples.append(Example(nlp.make_doc(reference.text), reference))
    return examples


def train(nlp, *, steps=STEPS):
    examples = make_examples(nlp)
    optimizer = nlp.initialize(lambda: examples, sgd=Adam(0.003))
    for _ in range(steps):
        nlp.update(examples, sgd=optimizer, drop=0.0)
    return nlp


def find_ents(nlp, texts=TEXTS):
    return [[(ent.text, ent.label_) for ent in doc.ents] for doc in nlp.pipe(texts)]


def find_network(nlp):
    """The transformer of a pipeline, in PyTorch."""
    return next(shim for node in nlp.get_pipe("transformer").model.walk() for shim in node.shims)._model


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    fix_random_seed(1)
    return train(make_nlp(write_random(tmp_path_factory.mktemp("checkpoint"))))


@pytest.fixture
def count_passes():
    """How often the network of a pipeline's transformer has run."""

    def count(nlp):
        calls = []
        find_network(nlp).register_forward_hook(lambda *args: calls.append(1))
        return calls

    return count


def test_both_components_learn_and_one_pass_of_the_transformer_serves_both(random_checkpoint, count_passes):
    nlp = make_nlp(random_checkpoint)
    examples = make_examples(nlp)
    optimizer = nlp.initialize(lambda: examples, sgd=Adam(0.003))
    passes = count_passes(nlp)
    losses = [nlp.update(examples, sgd=optimizer, drop=0.0) for _ in range(STEPS)]
    assert len(passes) == STEPS
    for name in ("tagger", "xlmr_ner"):
        assert losses[-1][name] < 0.7 * losses[0][name]
    scores = nlp.evaluate(examples)
    assert scores["tag_acc"] > 0.7  # "WORD" alone is right in 55 %
    assert scores["ents_f"] > 0.7


def test_each_component_has_a_say_in_the_transformer(random_checkpoint):
    """Neither drowns the other: the gradients that they pass on are of one order."""
    norms = {}
    for silent in ("tagger", "xlmr_ner"):
        fix_random_seed(1)
        mute = {**LISTENER, "grad_factor": 0.0}
        nlp = spacy.blank("xx")
        nlp.add_pipe("transformer", config={"model": describe_transformer(random_checkpoint)})
        for name, model in (("tagger", TAGGER), ("xlmr_ner", TOKEN_TAGGER)):
            listener = mute if name == silent else LISTENER
            nlp.add_pipe(name, config={"model": {**model, "tok2vec": listener}})
        examples = make_examples(nlp)
        optimizer = nlp.initialize(lambda examples=examples: examples, sgd=Adam(0.01))
        for _ in range(10):  # the tagger's head begins with zeros, which pass nothing on
            nlp.update(examples, sgd=optimizer, drop=0.0)
        nlp.update(examples, sgd=False, drop=0.0)
        grads = [weight.grad for weight in find_network(nlp).parameters() if weight.grad is not None]
        norms[silent] = float(sum((grad**2).sum() for grad in grads)) ** 0.5
    assert 0.1 < norms["xlmr_ner"] / norms["tagger"] < 10


def test_prediction_runs_the_transformer_once(trained, count_passes):
    passes = count_passes(trained)
    trained("Jack Sparrow lives in Berlin")
    assert len(passes) == 1


def test_saved_pipeline_needs_no_network(trained, tmp_path, monkeypatch):
    expected = find_ents(trained)
    trained.to_disk(tmp_path)

    def refuse(*args, **kwargs):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert find_ents(spacy.load(tmp_path)) == expected


def test_pipeline_goes_through_bytes(trained):
    nlp = load_model_from_config(trained.config)
    nlp.from_bytes(trained.to_bytes())
    assert find_ents(nlp) == find_ents(trained)


@pytest.mark.parametrize("texts", [[""], ["", ""], ["", "Jack", ""]])
def test_empty_docs_pass_through_the_listener(trained, texts):
    assert [doc.text for doc in trained.pipe(texts)] == texts


TEXTS_WITH_SPACES = ["Jack in Berlin\n\nAnna", "Jack  in", "Berlin.\n", " ", "\n"]


def test_tokens_without_pieces_bear_pooling_by_first_piece(split):
    """thinc's reduce_first refuses them; the tokenizer is as on the hub, whose offsets leave the spaces out."""
    docs = list(split.pipe(TEXTS_WITH_SPACES))
    assert [doc.text for doc in docs] == TEXTS_WITH_SPACES
    logits = split.get_pipe("xlmr_ner").predict(docs)
    for doc, rows in zip(docs, logits):
        assert np.isnan(rows).all(axis=1).tolist() == [token.is_space for token in doc]


def test_tokens_without_pieces_bear_training_by_first_piece(split, tmp_path):
    split.to_disk(tmp_path)
    nlp = spacy.load(tmp_path)
    examples = [Example(nlp.make_doc(text), nlp.make_doc(text)) for text in ("Jack  in", "Berlin \n\n Anna")]
    for example in examples:
        example.reference.set_ents([], default="outside")
    optimizer = nlp.resume_training()
    assert nlp.update(examples, sgd=optimizer)["xlmr_ner"] > 0


def test_broken_weights_are_told(trained, tmp_path):
    trained.to_disk(tmp_path)
    nlp = spacy.load(tmp_path)
    with torch.no_grad():
        next(find_network(nlp).parameters()).fill_(float("nan"))
    with pytest.raises(ValueError, match="XN901"):
        nlp("Jack in Berlin")
    nlp.remove_pipe("tagger")  # it would say so first
    examples = make_examples(nlp)
    with pytest.raises(ValueError, match="XN206"):
        nlp.update(examples, sgd=nlp.resume_training())


def test_initialize_again_begins_anew(random_checkpoint):
    nlp = train(make_nlp(random_checkpoint), steps=30)
    before = nlp.get_pipe("xlmr_ner").model.layers[1].get_param("W").copy()
    nlp.initialize(lambda: make_examples(nlp))
    assert not np.allclose(nlp.get_pipe("xlmr_ner").model.layers[1].get_param("W"), before, atol=0.05)


def test_empty_docs_pass_through_training(random_checkpoint):
    nlp = make_nlp(random_checkpoint)
    examples = make_examples(nlp)
    empty = Example(nlp.make_doc(""), nlp.make_doc(""))
    optimizer = nlp.initialize(lambda: examples)
    losses = nlp.update([empty, *examples[:3], empty], sgd=optimizer)
    assert losses["xlmr_ner"] > 0
    nlp.update([empty], sgd=optimizer)


def test_replaced_listener_answers_the_same(trained, tmp_path):
    expected = find_ents(trained)
    trained.to_disk(tmp_path / "shared")
    nlp = spacy.load(tmp_path / "shared")
    nlp.replace_listeners("transformer", "xlmr_ner", ["model.tok2vec"])
    nlp.remove_pipe("tagger")
    nlp.remove_pipe("transformer")
    assert find_ents(nlp) == expected
    nlp.to_disk(tmp_path / "alone")
    assert find_ents(spacy.load(tmp_path / "alone")) == expected


def test_frozen_transformer_that_annotates_is_listened_to(random_checkpoint):
    nlp = make_nlp(random_checkpoint)
    examples = make_examples(nlp)
    optimizer = nlp.initialize(lambda: examples, sgd=Adam(0.01))
    network = find_network(nlp)
    before = {name: weight.detach().clone() for name, weight in network.named_parameters()}
    first = nlp.update(examples, sgd=optimizer, drop=0.0, exclude=["transformer"], annotates=["transformer"])
    for _ in range(20):
        last = nlp.update(examples, sgd=optimizer, drop=0.0, exclude=["transformer"], annotates=["transformer"])
    assert last["xlmr_ner"] < first["xlmr_ner"] / 2
    assert all((weight == before[name]).all() for name, weight in network.named_parameters())


def test_frozen_transformer_that_does_not_annotate_is_told(random_checkpoint):
    nlp = make_nlp(random_checkpoint)
    examples = make_examples(nlp)
    optimizer = nlp.initialize(lambda: examples)
    with nlp.select_pipes(disable="tagger"), pytest.raises(ValueError, match=r"XN440.*annotating_components"):
        nlp.update(examples, sgd=optimizer, exclude=["transformer"])


def test_transformer_that_did_not_run_is_told(trained):
    with trained.select_pipes(disable="transformer"), pytest.raises(ValueError, match=r"XN440.*'Jack in Berlin'"):
        trained("Jack in Berlin")


def test_transformer_behind_the_component_is_told(random_checkpoint):
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlmr_ner", config={"model": TOKEN_TAGGER})
    nlp.add_pipe("transformer", config={"model": describe_transformer(random_checkpoint)})
    with pytest.raises(ValueError, match="XN443"):
        nlp.initialize(lambda: make_examples(nlp))


def test_transformer_of_another_width_than_the_head_is_told(trained, tmp_path):
    wide = make_nlp(write_random(tmp_path / "wide", hidden_size=128))
    train(wide, steps=1)
    component = trained.get_pipe("xlmr_ner")
    with pytest.raises(ValueError, match=r"128|width"):
        wide.get_pipe("xlmr_ner").from_bytes(component.to_bytes())


def test_pieces_and_tags_are_those_of_the_transformer(trained):
    found = tag_text("Jack Sparrow", trained)
    assert found.loc["Tokens"].tolist() == ["<s>", "▁Jack", "▁Spar", "row", "</s>"]
    assert set(found.loc["Tags"]) <= set(trained.get_pipe("xlmr_ner").tags)


# What XLM-R's tokenizer.json on the hub splits texts with; converted by transformers 4, a bare SentencePiece file gets
# Metaspace alone, whose offsets take in the space before a word.
METASPACE = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}


@pytest.fixture(scope="module")
def hub_checkpoint(tmp_path_factory):
    folder = write_random(tmp_path_factory.mktemp("hub"))
    file = folder / "tokenizer.json"
    settings = json.loads(file.read_text(encoding="utf8"))
    steps = settings["normalizer"].get("normalizers", [settings["normalizer"]])
    settings["normalizer"] = next(step for step in steps if step["type"] == "Precompiled")
    settings["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, METASPACE]}
    file.write_text(json.dumps(settings), encoding="utf8")
    return folder


@pytest.fixture(scope="module", params=["hub_checkpoint", "random_checkpoint"])
def split_folder(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def split(split_folder):
    return split_checkpoint(str(split_folder))


LONG = "Jack loves the new car in York and the old one , Siemens AG said in Berlin today ."
SPLIT_TEXTS = [*TEXTS, LONG, "  Jack  in\tBerlin ", "Anna,Berlin", "张三住在北京", "🚀🚀 Jack"]


def test_split_checkpoint_has_the_entities_of_the_checkpoint(split, split_folder, make_nlp):
    whole = make_nlp(split_folder, model={"input": "text"})
    for found, expected in zip(split.pipe(SPLIT_TEXTS), whole.pipe(SPLIT_TEXTS), strict=True):
        assert [(e.start, e.end, e.label_) for e in found.ents] == [(e.start, e.end, e.label_) for e in expected.ents]
        scores = [ent._.score for ent in expected.ents]
        assert [ent._.score for ent in found.ents] == pytest.approx(scores, abs=1e-4)
    assert sum(len(doc.ents) for doc in whole.pipe(SPLIT_TEXTS)) > 10


def test_replaced_listener_answers_the_same_when_it_was_saved(split, tmp_path):
    expected = find_ents(split, SPLIT_TEXTS)
    split.to_disk(tmp_path / "shared")
    nlp = spacy.load(tmp_path / "shared")
    nlp.replace_listeners("transformer", "xlmr_ner", ["model.tok2vec"])
    nlp.remove_pipe("transformer")
    assert find_ents(nlp, SPLIT_TEXTS) == expected
    nlp.to_disk(tmp_path / "alone")
    assert find_ents(spacy.load(tmp_path / "alone"), SPLIT_TEXTS) == expected


def test_text_longer_than_the_network_holds_is_cut_off_and_not_an_error(split):
    doc = split(" ".join(["Jackjackjackjackjackjackjack"] * 120))
    assert len(doc) == 120


def test_layers_between_encoder_and_head_are_refused(random_checkpoint, monkeypatch):
    monkeypatch.setattr(Checkpoint, "find_between", lambda self: ["head.dense.weight"])
    with pytest.raises(ValueError, match=r"XN447.*head.dense.weight"):
        split_checkpoint(str(random_checkpoint))


def test_weights_between_encoder_and_head_are_found(random_checkpoint):
    checkpoint = read_checkpoint(random_checkpoint)
    assert checkpoint.find_between() == []
    checkpoint.network.register_module("head", torch.nn.Linear(3, 3))
    assert checkpoint.find_between() == ["head.weight", "head.bias"]


def test_split_checkpoint_loads_where_the_checkpoint_is_gone(tmp_path):
    folder = write_random(tmp_path / "checkpoint")
    nlp = split_checkpoint(str(folder))
    expected = find_ents(nlp)
    nlp.to_disk(tmp_path / "saved")
    folder.rename(tmp_path / "elsewhere")
    assert find_ents(spacy.load(tmp_path / "saved")) == expected


def test_split_checkpoint_keeps_its_tags_when_it_is_trained_on(tmp_path, random_checkpoint):
    split_checkpoint(str(random_checkpoint)).to_disk(tmp_path)
    nlp = spacy.load(tmp_path)
    expected = nlp.get_pipe("xlmr_ner").tags
    examples = make_examples(nlp)
    optimizer = nlp.resume_training(sgd=Adam(0.003))
    first = nlp.update(examples, sgd=optimizer, drop=0.0)["xlmr_ner"]
    for _ in range(10):
        last = nlp.update(examples, sgd=optimizer, drop=0.0)["xlmr_ner"]
    assert nlp.get_pipe("xlmr_ner").tags == expected
    assert last < first
    assert np.isfinite(last)


@pytest.mark.parametrize("window, stride", [(10, 0), (10, 11)])
def test_window_and_stride_that_do_not_go_together_are_refused(random_checkpoint, window, stride):
    with pytest.raises(ValueError, match="XN446"):
        split_checkpoint(str(random_checkpoint), window=window, stride=stride)
