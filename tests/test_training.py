"""The component learns: as spaCy's own do, through nlp.initialize, nlp.update and friends."""

import itertools
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as train_as_spacy
from spacy.util import fix_random_seed, load_config, registry
from thinc.api import SGD, Adam
from toys import IOB_TAGS, TOY_RATES, make_config, make_example, make_overrides, write_random, write_tokenizer
from transformers import (
    AutoModelForTokenClassification,
    Qwen2Config,
    Qwen2ForTokenClassification,
    XLMRobertaModel,
)

from spacy_xlmr_ner import trainable

CONFIGS = Path(__file__).parents[1] / "configs"
SENTENCES = [
    (["Jack", "Sparrow", "loves", "New", "York", "!"], [(0, 2, "PER"), (3, 5, "LOC")]),
    (["Anna", "lives", "in", "Berlin"], [(0, 1, "PER"), (3, 4, "LOC")]),
    (["the", "Siemens", "AG", "and", "the", "car"], [(1, 3, "ORG")]),
    (["the", "car", "and", "the", "fox"], []),
]


def make_examples(nlp, sentences=SENTENCES):
    return [make_example(nlp.vocab, words, ents) for words, ents in sentences]


def get_ents(docs):
    return [[(ent.text, ent.label_) for ent in doc.ents] for doc in docs]


def get_weights(nlp):
    network = nlp.get_pipe("xlmr_ner").model.shims[0].checkpoint.network
    return {name: weight.detach().cpu().numpy().copy() for name, weight in network.named_parameters()}


def train(nlp, examples, *, steps=30, drop=0.1, learn_rate=3e-3):
    optimizer = nlp.initialize(lambda: examples, sgd=Adam(learn_rate))
    for _ in range(steps):
        losses = {}
        nlp.update(examples, sgd=optimizer, drop=drop, losses=losses)
    return optimizer, losses["xlmr_ner"]


@pytest.fixture(autouse=True)
def seed():
    fix_random_seed(1)


@pytest.fixture
def headless_checkpoint(tmp_path):
    """An encoder alone, as xlm-roberta-base is: config.json names no tags either."""
    write_random(tmp_path)
    network = AutoModelForTokenClassification.from_pretrained(tmp_path)
    config = make_config(network.config.vocab_size, ["LABEL_0", "LABEL_1"])
    encoder = XLMRobertaModel(config, add_pooling_layer=False)
    encoder.load_state_dict(network.roberta.state_dict())
    encoder.save_pretrained(tmp_path)
    return tmp_path


SETTINGS = {
    "plain": {},
    "bioes": {"model": {"scheme": "bioes"}},
    "io": {"model": {"scheme": "io"}},
    "argmax, smoothed": {"decoding": "argmax", "label_smoothing": 0.1},
    "sampled pieces": {"model": {"sample_pieces": 0.3}},
    "short windows": {"model": {"window": 6, "overlap": 2}},
    "raw text": {"model": {"input": "text", "pooling": "mean"}},
    "mixed precision": {"model": {"mixed_precision": "bfloat16"}},
    "predicts in bfloat16": {"model": {"precision": "bfloat16"}},
    "own names": {"label_map": {"PER": "PERSON"}},
}


@pytest.mark.parametrize("case", SETTINGS)
def test_component_overfits_and_comes_back_from_disk(make_nlp, headless_checkpoint, tmp_path, case):
    settings = SETTINGS[case]
    nlp = make_nlp(headless_checkpoint, **settings)
    names = settings.get("label_map", {})
    sentences = [(words, [(a, b, names.get(label, label)) for a, b, label in ents]) for words, ents in SENTENCES]
    examples = make_examples(nlp, sentences)
    _, loss = train(nlp, examples)
    expected = get_ents(example.reference for example in examples)
    assert loss < (0.5 if "smoothed" in case else 0.15)
    assert get_ents(nlp.pipe([Doc(nlp.vocab, words=words) for words, _ in SENTENCES])) == expected
    nlp.to_disk(tmp_path / "saved")
    loaded = spacy.load(tmp_path / "saved")
    assert get_ents(loaded.pipe([Doc(loaded.vocab, words=words) for words, _ in SENTENCES])) == expected
    assert loaded.evaluate(make_examples(loaded, sentences))["ents_f"] == 1.0


# Labels and the head


def test_same_labels_keep_the_head(make_nlp, random_checkpoint):
    nlp = make_nlp(random_checkpoint)
    before = get_weights(nlp)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nlp.initialize(lambda: make_examples(nlp))
    assert all((values == before[name]).all() for name, values in get_weights(nlp).items())


def test_other_labels_get_a_new_head_and_a_warning(make_nlp, random_checkpoint):
    nlp = make_nlp(random_checkpoint)
    before = get_weights(nlp)
    examples = make_examples(nlp, [(["Anna", "runs"], [(0, 1, "ANIMAL")]), (["a", "b"], [(1, 2, "PLANT")])])
    with pytest.warns(UserWarning, match="XW203.*PER, ORG, LOC; the labels to train are ANIMAL, PLANT"):
        nlp.initialize(lambda: examples)
    ner = nlp.get_pipe("xlmr_ner")
    assert ner.labels == ("ANIMAL", "PLANT")
    assert ner.tags == ("O", "B-ANIMAL", "I-ANIMAL", "B-PLANT", "I-PLANT")
    after = get_weights(nlp)
    assert after["classifier.weight"].shape == (5, 64)
    assert all((after[name] == before[name]).all() for name in before if not name.startswith("classifier"))


def test_labels_of_the_config_come_before_those_of_the_data(make_nlp, headless_checkpoint):
    nlp = make_nlp(headless_checkpoint)
    nlp.config["initialize"]["components"]["xlmr_ner"] = {"labels": ["MISC", "PER", "LOC", "ORG"]}
    nlp.initialize(lambda: make_examples(nlp))
    assert nlp.get_pipe("xlmr_ner").labels == ("MISC", "PER", "LOC", "ORG")


def test_label_data_gives_the_same_tags_again(make_nlp, headless_checkpoint):
    nlp, other = make_nlp(headless_checkpoint), make_nlp(headless_checkpoint)
    nlp.initialize(lambda: make_examples(nlp))
    ner = nlp.get_pipe("xlmr_ner")
    other.get_pipe("xlmr_ner").initialize(lambda: [], nlp=other, labels=ner.label_data)
    assert other.get_pipe("xlmr_ner").tags == ner.tags == ("O", "B-LOC", "I-LOC", "B-ORG", "I-ORG", "B-PER", "I-PER")


def test_checkpoint_without_head_has_no_labels_and_does_not_predict(make_nlp, headless_checkpoint):
    nlp = make_nlp(headless_checkpoint)
    assert nlp.get_pipe("xlmr_ner").labels == ()
    with pytest.raises(OSError, match=r"XN404.*train this one first"):
        nlp("Anna")


def test_add_label_makes_the_head_of_a_checkpoint_without_one(make_nlp, headless_checkpoint):
    ner = make_nlp(headless_checkpoint).get_pipe("xlmr_ner")
    assert [ner.add_label("PER"), ner.add_label("LOC"), ner.add_label("PER")] == [1, 1, 0]
    assert ner.tags == ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def test_label_that_is_added_can_be_learned(make_nlp, random_checkpoint):
    nlp = make_nlp(random_checkpoint)
    nlp.get_pipe("xlmr_ner").add_label("ANIMAL")
    examples = make_examples(nlp, [*SENTENCES[:3], (["the", "fox", "runs"], [(1, 2, "ANIMAL")])])
    optimizer = nlp.resume_training(sgd=Adam(3e-3))
    for _ in range(40):
        nlp.update(examples, sgd=optimizer)
    assert nlp.evaluate(examples)["ents_per_type"]["ANIMAL"]["f"] == 1.0


def test_label_can_be_added_between_two_updates(make_nlp, random_checkpoint):
    nlp = make_nlp(random_checkpoint)
    examples = make_examples(nlp)
    optimizer, _ = train(nlp, examples, steps=2)
    nlp.get_pipe("xlmr_ner").add_label("ANIMAL")
    with nlp.use_params(optimizer.averages):  # those of the head are of its former size
        nlp("Anna")
    nlp.update(examples, sgd=optimizer)
    with nlp.use_params(optimizer.averages):
        assert nlp.get_pipe("xlmr_ner").token_probs([examples[0].predicted])[0].shape == (6, 9)


def test_initialize_without_labels_or_head_is_refused(make_nlp, headless_checkpoint):
    nlp = make_nlp(headless_checkpoint)
    with pytest.raises(ValueError, match=r"XN208.*no training doc has an entity"):
        nlp.initialize(lambda: make_examples(nlp, SENTENCES[3:]))


def test_update_before_initialize_is_refused_where_there_is_no_head(make_nlp, headless_checkpoint):
    nlp = make_nlp(headless_checkpoint)
    with pytest.raises(ValueError, match=r"XN208.*`initialize` was not called"):
        nlp.update(make_examples(nlp))


def test_initialize_with_an_empty_corpus_is_refused(make_nlp, random_checkpoint):
    with pytest.raises(ValueError, match=r"XN205.*\[corpora.train\]"):
        make_nlp(random_checkpoint).initialize(lambda: [])


def test_initialize_without_entities_keeps_the_labels_and_says_so(make_nlp, random_checkpoint):
    nlp = make_nlp(random_checkpoint)
    with pytest.warns(UserWarning, match="XW206.*PER, ORG, LOC"):
        nlp.initialize(lambda: make_examples(nlp, SENTENCES[3:]))
    assert nlp.get_pipe("xlmr_ner").labels == ("PER", "ORG", "LOC")


def make_unannotated(nlp, n_docs):
    return [Example(nlp.make_doc("Anna runs"), nlp.make_doc("Anna runs")) for _ in range(n_docs)]


@pytest.mark.parametrize("n_docs", [1, 3])
def test_initialize_without_annotation_keeps_the_labels_and_says_so(make_nlp, random_checkpoint, n_docs):
    nlp = make_nlp(random_checkpoint)
    with pytest.warns(UserWarning, match=f"XW217.* {n_docs} training docs .*PER, ORG, LOC"):
        nlp.initialize(lambda: make_unannotated(nlp, n_docs))
    assert nlp.get_pipe("xlmr_ner").labels == ("PER", "ORG", "LOC")


def test_initialize_without_entities_says_so_behind_a_doc_without_annotation(make_nlp, random_checkpoint):
    nlp = make_nlp(random_checkpoint)
    with pytest.warns(UserWarning, match="XW206"):
        nlp.initialize(lambda: [*make_unannotated(nlp, 1), *make_examples(nlp, SENTENCES[3:])])


def test_initialize_without_data_says_nothing(make_nlp, random_checkpoint):
    nlp = make_nlp(random_checkpoint)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nlp.initialize()


def test_training_on_random_weights_beneath_the_head_is_refused(make_nlp, tmp_path):
    write_tokenizer(tmp_path)
    network = XLMRobertaModel(make_config(2000, IOB_TAGS))
    state = {name: weight for name, weight in network.state_dict().items() if "layer.1." not in name}
    network.save_pretrained(tmp_path, state_dict=state)
    nlp = make_nlp(tmp_path)
    with pytest.raises(OSError, match="XN405"):
        nlp.initialize(lambda: make_examples(nlp))


@pytest.mark.parametrize("labels", ["PER", ["PER", 1], ["PER", ""], ["PER", "PER"]])
def test_labels_must_be_labels(make_nlp, random_checkpoint, labels):
    nlp = make_nlp(random_checkpoint)
    with pytest.raises(ValueError, match=r"XN110.*labels.*\[initialize.components.xlmr_ner\]"):
        nlp.get_pipe("xlmr_ner").initialize(lambda: [], labels=labels)


@pytest.mark.parametrize(
    "label_map, labels",
    [
        ({"MISC": None}, ["PER"]),
        ({"GPE": "LOC"}, ["PER"]),
        ({"ORG": "LOC", "GPE": "LOC"}, ["LOC"]),
        ({"PER": "PERSON"}, ["PER", "LOC"]),
        ({"PER": "PERSON"}, ["PER", "PERSON"]),
    ],
)
def test_label_map_that_does_not_go_with_a_new_head_is_refused(make_nlp, headless_checkpoint, label_map, labels):
    nlp = make_nlp(headless_checkpoint, label_map=label_map)
    with pytest.raises(ValueError, match=r"XN126.*\[components.xlmr_ner.label_map\]"):
        nlp.get_pipe("xlmr_ner").initialize(lambda: [], labels=labels)


def test_labels_that_were_added_before_are_kept(make_nlp, headless_checkpoint):
    nlp = make_nlp(headless_checkpoint)
    nlp.get_pipe("xlmr_ner").add_label("ANIMAL")
    with pytest.warns(UserWarning, match=r"XW203"):
        nlp.initialize(lambda: make_examples(nlp))
    assert nlp.get_pipe("xlmr_ner").labels == ("LOC", "ORG", "PER", "ANIMAL")


def test_initialize_begins_anew(make_nlp, random_checkpoint):
    """Else the second of two folds would be tested on what the first was trained on."""
    nlp = make_nlp(random_checkpoint)
    before = get_weights(nlp)
    train(nlp, make_examples(nlp), steps=2)
    nlp.initialize(lambda: make_examples(nlp))
    assert all((values == before[name]).all() for name, values in get_weights(nlp).items())


def test_initialize_keeps_what_a_loaded_pipeline_has_learned(make_nlp, random_checkpoint, tmp_path):
    nlp = make_nlp(random_checkpoint)
    train(nlp, make_examples(nlp), steps=2)
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    before = get_weights(loaded)
    loaded.initialize(lambda: make_examples(loaded))
    assert all((values == before[name]).all() for name, values in get_weights(loaded).items())


def test_head_of_another_name_is_found(make_nlp, tmp_path):
    write_tokenizer(tmp_path)
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = Qwen2Config(vocab_size=2000, num_key_value_heads=1, pad_token_id=1, num_labels=3, **sizes)
    Qwen2ForTokenClassification(config).save_pretrained(tmp_path)
    nlp = make_nlp(tmp_path, model={"labels": ["O", "B-X", "I-X"]})
    nlp.get_pipe("xlmr_ner").add_label("Y")
    assert nlp.get_pipe("xlmr_ner").tags == ("O", "B-X", "I-X", "B-Y", "I-Y")
    with pytest.warns(UserWarning, match="XW203"):
        nlp.initialize(lambda: make_examples(nlp, SENTENCES[:1]))
    nlp.update(make_examples(nlp, SENTENCES[:1]))
    assert get_weights(nlp)["score.weight"].shape == (7, 16)


# Gold that does not fit


@pytest.fixture
def misfit():
    """An entity that ends inside a token."""
    vocab = spacy.blank("xx").vocab
    reference = Doc(vocab, words=["Jack", "'s", "car"], spaces=[False, True, False])
    reference.set_ents([Span(reference, 0, 1, "PER")])
    return Example(Doc(vocab, words=["Jack's", "car"]), reference)


def test_misfits_of_the_training_data_are_counted_and_warned_of_once(make_nlp, random_checkpoint, misfit):
    nlp = make_nlp(random_checkpoint)
    examples = [misfit, *make_examples(nlp), misfit]
    with pytest.warns(UserWarning, match="XW204.* the 6 docs that .* 2 gold entities .*'Jack'"):
        optimizer = nlp.initialize(lambda: examples)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nlp.update(examples, sgd=optimizer)


def test_misfits_are_counted_in_a_first_batch_where_the_labels_are_given(make_nlp, random_checkpoint, misfit):
    nlp = make_nlp(random_checkpoint)
    optimizer = nlp.initialize(lambda: make_examples(nlp))
    with pytest.warns(UserWarning, match="XW204.* a first batch 1 gold entities .*'Jack'"):
        nlp.update([misfit, *make_examples(nlp)], sgd=optimizer)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nlp.update([misfit], sgd=optimizer)


def test_labels_of_dev_that_training_lacks_are_warned_of_once(make_nlp, random_checkpoint):
    nlp = make_nlp(random_checkpoint)
    nlp.initialize(lambda: make_examples(nlp))
    dev = [(["Anna", "runs"], [(0, 1, "ANIMAL")])]
    with pytest.warns(UserWarning, match=r"XW207.* ANIMAL \(1 .*PER, ORG, LOC"):
        assert nlp.evaluate(make_examples(nlp, dev))["ents_per_type"]["ANIMAL"]["r"] == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nlp.evaluate(make_examples(nlp, dev))


def make_dev(nlp, kind):
    """Examples that nothing can be measured by."""
    return {"empty": [], "unannotated": make_unannotated(nlp, 2), "no entity": make_examples(nlp, SENTENCES[3:])}[kind]


@pytest.mark.parametrize(
    "kind, said",
    [
        ("empty", "there is no doc"),
        ("unannotated", "none of the 2 docs .* is annotated with entities"),
        ("no entity", "none of the 1 docs .* has an entity"),
    ],
)
def test_docs_that_nothing_can_be_measured_by_are_warned_of(make_nlp, random_checkpoint, kind, said):
    nlp = make_nlp(random_checkpoint)
    with pytest.warns(UserWarning, match=rf"XW216.*'xlmr_ner' .*: {said}.*\[corpora.dev\]"):
        nlp.evaluate(make_dev(nlp, kind))


def test_docs_that_nothing_can_be_measured_by_are_warned_of_once(make_nlp, random_checkpoint):
    nlp = make_nlp(random_checkpoint)
    with pytest.warns(UserWarning, match="XW216"):
        nlp.evaluate([])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nlp.evaluate([])


def test_docs_without_entities_among_others_are_measured_without_a_warning(make_nlp, random_checkpoint):
    nlp = make_nlp(random_checkpoint)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nlp.evaluate(make_examples(nlp))
        nlp.evaluate(make_examples(nlp, SENTENCES[3:]))  # a round after one that had some


def test_labels_that_the_component_lacks_are_warned_of_once(make_nlp, random_checkpoint):
    nlp = make_nlp(random_checkpoint)
    optimizer = nlp.initialize(lambda: make_examples(nlp))
    examples = make_examples(nlp, [(["Anna", "runs"], [(0, 1, "ANIMAL")])])
    with pytest.warns(UserWarning, match=r"XW205.*ANIMAL.*PER, ORG, LOC"):
        nlp.update(examples, sgd=optimizer)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nlp.update(examples, sgd=optimizer)


def test_docs_without_annotation_teach_nothing(make_nlp, random_checkpoint):
    nlp = make_nlp(random_checkpoint)
    optimizer = nlp.initialize(lambda: make_examples(nlp))
    before = get_weights(nlp)
    losses = nlp.update([Example(nlp.make_doc("Anna runs"), nlp.make_doc("Anna runs"))], sgd=optimizer)
    assert losses["xlmr_ner"] == 0.0
    assert all((values == before[name]).all() for name, values in get_weights(nlp).items())


@pytest.mark.parametrize("words", [[], [" "]])
def test_update_takes_docs_without_pieces(make_nlp, random_checkpoint, words):
    nlp = make_nlp(random_checkpoint)
    optimizer = nlp.initialize(lambda: make_examples(nlp))
    doc = Doc(nlp.vocab, words=words)
    assert nlp.update([Example(doc, doc.copy())], sgd=optimizer)["xlmr_ner"] == 0.0


def test_update_teaches_docs_longer_than_a_window(make_nlp, headless_checkpoint):
    nlp = make_nlp(headless_checkpoint, model={"window": 16, "overlap": 4})
    words = [word for words, _ in SENTENCES for word in words] * 5
    ents = [(i, i + 1, "LOC") for i, word in enumerate(words) if word == "Berlin"]
    examples = make_examples(nlp, [(words, ents)])
    train(nlp, examples)
    assert nlp.evaluate(examples)["ents_f"] == 1.0


# Optimizer and updates


def test_update_without_sgd_waits_for_finish_update(make_nlp, random_checkpoint):
    nlp = make_nlp(random_checkpoint)
    ner = nlp.get_pipe("xlmr_ner")
    optimizer = nlp.initialize(lambda: make_examples(nlp))
    before = get_weights(nlp)
    ner.update(make_examples(nlp))
    assert all((values == before[name]).all() for name, values in get_weights(nlp).items())
    ner.finish_update(optimizer)
    assert any((values != before[name]).any() for name, values in get_weights(nlp).items())


def test_accumulated_gradients_step_as_one_batch_does(make_nlp, random_checkpoint):
    """However a batch is divided, each of its tokens counts alike."""
    results = []
    for sizes in ([4], [1, 3], [2, 2]):
        nlp = make_nlp(random_checkpoint)
        given = make_examples(nlp)
        optimizer = nlp.initialize(lambda given=given: given, sgd=SGD(0.1, use_averages=False))
        for size in sizes:
            nlp.get_pipe("xlmr_ner").update(given[:size])
            given = given[size:]
        nlp.get_pipe("xlmr_ner").finish_update(optimizer)
        results.append(get_weights(nlp))
    for other in results[1:]:
        for name, values in results[0].items():
            np.testing.assert_allclose(values, other[name], atol=1e-4, err_msg=name)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_get_loss_is_the_mean_cross_entropy(make_nlp, chosen_checkpoint, smoothing):
    # By hand: the right tag has the logit 8, six others 0, so -log p is log(1 + 6 exp(-8)) for it and 8 more for them.
    nlp = make_nlp(chosen_checkpoint, label_smoothing=smoothing)
    ner = nlp.get_pipe("xlmr_ner")
    examples = make_examples(nlp, [(["Anna", "loves", "Berlin"], [(0, 1, "PER"), (2, 3, "LOC")])])
    loss, gradient = ner.get_loss(examples, ner.predict([examples[0].predicted]))
    assert loss == pytest.approx(np.log(1 + 6 * np.exp(-8)) + smoothing * 8 * 6 / 7, rel=1e-3)
    assert gradient[0].shape == (3, 7)
    np.testing.assert_allclose(gradient[0].sum(axis=1), 0, atol=1e-7)


def test_use_params_changes_what_is_evaluated_and_saved(make_nlp, headless_checkpoint, tmp_path):
    nlp = make_nlp(headless_checkpoint)
    examples = make_examples(nlp)
    optimizer, _ = train(nlp, examples)
    assert nlp.evaluate(examples)["ents_f"] == 1.0
    shim_id = nlp.get_pipe("xlmr_ner").model.shims[0].id
    params = {(shim_id, "classifier.weight"): np.zeros((7, 64), dtype=np.float32)}
    with nlp.use_params(params):
        assert nlp.evaluate(examples)["ents_f"] == 0.0
        nlp.to_disk(tmp_path)
    assert nlp.evaluate(examples)["ents_f"] == 1.0
    assert not get_weights(spacy.load(tmp_path))["classifier.weight"].any()
    assert (shim_id, "classifier.weight") in optimizer.averages


def test_use_params_needs_no_training_before(make_nlp, random_checkpoint):
    nlp = make_nlp(random_checkpoint)
    ner = nlp.get_pipe("xlmr_ner")
    doc = nlp.make_doc("Jack lives in Berlin")
    before = ner.token_probs([doc])[0]
    with nlp.use_params({(ner.model.shims[0].id, "classifier.weight"): np.zeros((7, 64), dtype=np.float32)}):
        assert np.allclose(ner.token_probs([doc])[0], 1 / 7, atol=0.05)
    np.testing.assert_array_equal(ner.token_probs([doc])[0], before)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_averages_are_used_in_every_precision(make_nlp, headless_checkpoint, precision):
    nlp = make_nlp(headless_checkpoint, model={"precision": precision})
    examples = make_examples(nlp)
    train(nlp, examples)
    probs = nlp.get_pipe("xlmr_ner").token_probs
    before = probs([examples[0].predicted])[0]
    key = (nlp.get_pipe("xlmr_ner").model.shims[0].id, "classifier.weight")
    with nlp.use_params({key: np.zeros((7, 64), dtype=np.float32)}):
        inside = probs([examples[0].predicted])[0]
    np.testing.assert_allclose(inside, np.repeat(inside[:1], 6, axis=0), atol=1e-3)
    np.testing.assert_array_equal(probs([examples[0].predicted])[0], before)


def test_rehearse_pulls_back_to_the_former_answers(make_nlp, random_checkpoint):
    nlp = make_nlp(random_checkpoint)
    examples = make_examples(nlp)
    optimizer = nlp.resume_training(sgd=Adam(1e-3, use_averages=False))
    assert nlp.rehearse(examples, sgd=optimizer)["xlmr_ner"] == pytest.approx(0.0, abs=1e-6)
    for _ in range(5):
        nlp.update(examples, sgd=optimizer)
    far = nlp.rehearse(examples, sgd=optimizer)["xlmr_ner"]
    for _ in range(10):
        near = nlp.rehearse(examples, sgd=optimizer)["xlmr_ner"]
    assert near < far / 2


def test_freeze_encoder_trains_the_head_alone(make_nlp, random_checkpoint):
    nlp = make_nlp(random_checkpoint, model={"freeze": "encoder"})
    before = get_weights(nlp)
    train(nlp, make_examples(nlp), steps=3)
    changed = {name for name, values in get_weights(nlp).items() if (values != before[name]).any()}
    assert changed == {"classifier.weight", "classifier.bias"}


def test_weights_are_saved_in_float32_after_training(make_nlp, tmp_path):
    folder = write_random(tmp_path / "half")
    AutoModelForTokenClassification.from_pretrained(folder).half().save_pretrained(folder)
    nlp = make_nlp(folder)
    train(nlp, make_examples(nlp), steps=1)
    nlp.to_disk(tmp_path / "saved")
    assert {values.dtype for values in get_weights(spacy.load(tmp_path / "saved")).values()} == {np.dtype("float32")}


def test_training_can_be_repeated(make_nlp, headless_checkpoint):
    losses = []
    for _ in range(2):
        fix_random_seed(5)
        nlp = make_nlp(headless_checkpoint, model={"sample_pieces": 0.5})
        losses.append(train(nlp, make_examples(nlp), steps=4, drop=0.2)[1])
    assert losses[0] == losses[1]


SIZES = {"vocab_size": 40, "hidden_size": 32, "layers": 1, "heads": 2, "intermediate_size": 64}


def test_component_learns_from_nothing(make_nlp, tmp_path):
    nlp = make_nlp("never/fetched", model={"overlap": 8})
    sentences = [(words, ents) for words, ents in SENTENCES for _ in range(10)]
    nlp.config["initialize"]["components"]["xlmr_ner"] = {"scratch": {**SIZES, "window": 64}}
    examples = make_examples(nlp, sentences)
    train(nlp, examples, steps=60, drop=0.0, learn_rate=1e-2)
    assert nlp.evaluate(examples)["ents_f"] > 0.9
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    assert loaded.get_pipe("xlmr_ner").model.shims[0].checkpoint.max_window == 64
    assert loaded.evaluate(make_examples(loaded, sentences))["ents_f"] > 0.9


@pytest.mark.parametrize("change", [{"depth": 2}, {"layers": None}])
def test_sizes_of_a_network_from_nothing_are_checked(make_nlp, change):
    nlp = make_nlp(None)
    sizes = {name: size for name, size in {**SIZES, **change}.items() if size is not None}
    with pytest.raises(ValueError, match=r"XN124.*takes vocab_size, hidden_size, layers, heads"):
        nlp.get_pipe("xlmr_ner").initialize(lambda: make_examples(nlp), scratch=sizes)


# What goes wrong


@pytest.mark.parametrize("broken", ["classifier.bias", "roberta.encoder.layer.0.output.dense.bias"])
@pytest.mark.parametrize("learn", ["update", "rehearse"])
def test_broken_loss_is_raised_before_the_step(make_nlp, random_checkpoint, broken, learn):
    nlp = make_nlp(random_checkpoint)
    optimizer = nlp.resume_training()
    before = get_weights(nlp)
    network = nlp.get_pipe("xlmr_ner").model.shims[0].checkpoint.network
    dict(network.named_parameters())[broken].data[0] = float("nan")
    with pytest.raises(ValueError, match=r"XN206.*'xlmr_ner' is nan, in a batch of 4 docs \('Jack Sparrow loves"):
        getattr(nlp, learn)(make_examples(nlp), sgd=optimizer)
    after = get_weights(nlp)
    assert all((after[name] == before[name]).all() for name in before if name != broken)


def test_batch_whose_loss_is_broken_is_not_named_in_a_later_step(make_nlp, random_checkpoint, monkeypatch):
    ner = make_nlp(random_checkpoint).get_pipe("xlmr_ner")
    examples = make_examples(ner)
    ner.update(examples[:1])
    with monkeypatch.context() as patch, pytest.raises(ValueError, match="XN206"):
        patch.setattr(trainable, "compute_loss", lambda logits, *_, **__: (float("nan"), np.zeros_like(logits)))
        ner.update(examples[1:2])
    ner.update(examples[2:3])
    with pytest.raises(
        ValueError, match=r"XN209.* over 'Jack Sparrow loves New York ! '; 'the Siemens AG and the car '"
    ):
        ner.finish_update(Adam(float("inf")))


# Weights that have diverged


@registry.schedules("tests.jump.v1")
def make_jump(rate, at):
    return itertools.chain(itertools.repeat(TOY_RATES["finetune_base"], at), itertools.repeat(rate))


FORMER = [("Jack Sparrow", "PER"), ("Berlin", "LOC")]


@pytest.mark.parametrize("rate", [pytest.param(1e4, marks=pytest.mark.slow), 1e38])
def test_training_that_diverges_leaves_the_last_good_model(tmp_path, rate):
    """The rate jumps between two evaluations: spaCy saves once more when the next batch's loss is no number."""
    config = load_config(CONFIGS / "finetune_base.cfg", overrides=make_overrides("finetune_base", tmp_path))
    config["training"].update(max_steps=60, eval_frequency=20)
    config["training"]["optimizer"]["learn_rate"] = {"@schedules": "tests.jump.v1", "rate": rate, "at": 25}
    with pytest.warns(UserWarning, match="XW215.*model-last.* is kept"), pytest.raises(ValueError, match="XN206"):
        train_as_spacy(init_nlp(config), tmp_path)
    docs = [spacy.load(tmp_path / name)("Jack Sparrow in Berlin") for name in ("model-last", "model-best")]
    assert get_ents(docs) == [FORMER, FORMER]


def read_files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def diverged(make_nlp, random_checkpoint):
    """A component after one good step and one that has ruined it, and what it was before."""

    def make(folder, **settings):
        nlp = make_nlp(random_checkpoint, model=settings)
        examples = make_examples(nlp)
        nlp.update(examples, sgd=Adam(1e-3, use_averages=False))
        if folder is not None:
            nlp.to_disk(folder)
        nlp.update(examples, sgd=Adam(1e38, use_averages=False))
        return nlp

    return make


@pytest.mark.parametrize("runtime", ["torch", "onnx"])
def test_diverged_weights_do_not_replace_what_stands_there(diverged, tmp_path, runtime):
    if runtime == "onnx":
        pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (extra `onnx`)")
    nlp = diverged(tmp_path / "saved", runtime=runtime)
    before = read_files(tmp_path / "saved" / "xlmr_ner")
    with pytest.warns(UserWarning, match=r"XW215.*'xlmr_ner'.*checkpoint', cannot predict: .* is kept.*learn_rate"):
        nlp.to_disk(tmp_path / "saved")
    assert read_files(tmp_path / "saved" / "xlmr_ner") == before
    assert spacy.load(tmp_path / "saved")("Jack lives in Berlin").ents


def test_diverged_weights_do_not_replace_what_a_crash_left_aside(diverged, tmp_path):
    nlp = diverged(tmp_path)
    (tmp_path / "xlmr_ner" / "checkpoint").rename(tmp_path / "xlmr_ner" / "checkpoint.old")
    with pytest.warns(UserWarning, match="XW215.* is kept"):
        nlp.to_disk(tmp_path)
    with pytest.warns(UserWarning, match="XW401"):
        spacy.load(tmp_path)("Jack lives in Berlin")


def test_diverged_weights_are_written_where_nothing_stands(diverged, tmp_path):
    with pytest.warns(UserWarning, match="XW215.*Nothing stood there, so they were written"):
        diverged(None).to_disk(tmp_path)
    with pytest.raises(ValueError, match="XN901"):
        spacy.load(tmp_path)("Jack lives in Berlin")


def save_quietly(nlp, folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nlp.to_disk(folder)


def test_good_averages_of_diverged_weights_are_saved(diverged, tmp_path):
    """What would be written is looked at, not what stands in the weights else."""
    nlp = diverged(tmp_path / "saved")
    shim_id = nlp.get_pipe("xlmr_ner").model.shims[0].id
    averages = {(shim_id, name): values * 0 for name, values in get_weights(spacy.load(tmp_path / "saved")).items()}
    with nlp.use_params(averages):
        save_quietly(nlp, tmp_path / "saved")
    assert not get_weights(spacy.load(tmp_path / "saved"))["classifier.weight"].any()


def test_broken_averages_do_not_replace_what_stands_there(make_nlp, random_checkpoint, tmp_path):
    nlp = make_nlp(random_checkpoint)
    train(nlp, make_examples(nlp), steps=1)
    nlp.to_disk(tmp_path)
    shim_id = nlp.get_pipe("xlmr_ner").model.shims[0].id
    broken = {(shim_id, "classifier.bias"): np.full(7, np.nan, dtype=np.float32)}
    with nlp.use_params(broken), pytest.warns(UserWarning, match=r"XW215.* 1 of \d+ weights .* classifier.bias"):
        nlp.to_disk(tmp_path)
    assert spacy.load(tmp_path)("Jack lives in Berlin").ents


def test_batch_whose_loss_is_broken_does_not_keep_good_weights_from_being_saved(
    make_nlp, random_checkpoint, tmp_path, monkeypatch
):
    nlp = make_nlp(random_checkpoint)
    nlp.to_disk(tmp_path)
    examples = make_examples(nlp)
    optimizer, _ = train(nlp, examples, steps=1)
    with monkeypatch.context() as patch, pytest.raises(ValueError, match="XN206"):
        patch.setattr(trainable, "compute_loss", lambda logits, *_, **__: (float("nan"), np.zeros_like(logits)))
        nlp.update(examples, sgd=optimizer)
    save_quietly(nlp, tmp_path)
    saved = get_weights(spacy.load(tmp_path))
    assert all((saved[name] == values).all() for name, values in get_weights(nlp).items())


def test_weights_that_were_only_loaded_are_not_looked_at(diverged, tmp_path):
    with pytest.warns(UserWarning, match="XW215"):
        diverged(None).to_disk(tmp_path)
    save_quietly(spacy.load(tmp_path), tmp_path)


@pytest.mark.parametrize(
    "setting, value, message",
    [
        ("freeze", "everything", "XN120.*'everything'"),
        ("freeze", 0, "XN120.* 0 "),
        ("layer_decay", 0, "XN121.*layer_decay.*above 0, at most 1"),
        ("dropout", 1.0, "XN121.*dropout"),
        ("mixed_precision", "float32", "XN102.*mixed_precision.*'bfloat16', 'float16'"),
        ("sample_pieces", 1.5, "XN121.*sample_pieces"),
        ("sampling_alpha", -1, "XN121.*sampling_alpha"),
    ],
)
def test_settings_of_training_are_checked(make_nlp, setting, value, message):
    with pytest.raises(ValueError, match=message):
        make_nlp(None, model={setting: value})


def test_sampling_does_not_go_with_raw_text(make_nlp):
    with pytest.raises(ValueError, match="XN123"):
        make_nlp(None, model={"sample_pieces": 0.1, "input": "text"})


def test_label_smoothing_is_checked(make_nlp):
    with pytest.raises(ValueError, match=r"XN121.*label_smoothing.*\[components.xlmr_ner\]"):
        make_nlp(None, label_smoothing=1.0)


def test_pipeline_trained_in_mixed_precision_predicts_where_that_is_not_to_be_had(
    make_nlp, random_checkpoint, monkeypatch
):
    from spacy_xlmr_ner.runtimes import torch_training

    def refuse(precision, device, *, setting):
        raise ValueError(f"no {setting} here")

    monkeypatch.setattr(torch_training, "check_precision", refuse)
    nlp = make_nlp(random_checkpoint, model={"mixed_precision": "bfloat16"})
    nlp("Anna")
    with pytest.raises(ValueError, match="no mixed_precision here"):
        nlp.update(make_examples(nlp))


def test_predictions_of_other_threads_have_no_dropout(make_nlp, random_checkpoint):
    nlp = make_nlp(random_checkpoint)
    ner = nlp.get_pipe("xlmr_ner")
    examples = make_examples(nlp)
    doc = nlp.make_doc("Jack lives in Berlin")
    expected = ner.token_probs([doc])[0]
    ner.update(examples, drop=0.5)  # makes the trainer
    with ThreadPoolExecutor(1) as pool:
        answers = pool.map(lambda _: ner.token_probs([doc])[0], range(100))
        for _ in range(20):
            ner.update(examples, drop=0.5)
        assert all(np.allclose(answer, expected, atol=1e-5) for answer in answers)


@pytest.mark.parametrize("drop", [1.0, -0.1])
def test_dropout_of_an_update_is_checked(make_nlp, random_checkpoint, drop):
    nlp = make_nlp(random_checkpoint)
    with pytest.raises(ValueError, match=r"XN121.*dropout.*\[training\]"):
        nlp.update(make_examples(nlp), drop=drop)


def test_update_takes_examples_alone(make_nlp, random_checkpoint):
    ner = make_nlp(random_checkpoint).get_pipe("xlmr_ner")
    with pytest.raises(TypeError, match=r"XlmrNer\.update"):
        ner.update([Doc(ner.vocab)])


def test_other_components_train_beside_it(make_nlp, random_checkpoint):
    nlp = make_nlp(random_checkpoint)
    nlp.add_pipe("tagger")
    examples = make_examples(nlp)
    for example in examples:
        for token in example.reference:
            token.tag_ = "N"
    train(nlp, examples, steps=2)
    assert partial(nlp, "Anna")()[0].tag_ == "N"
