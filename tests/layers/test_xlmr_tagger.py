import numpy as np
import pytest
import spacy
from spacy.tokens import Doc
from toys import IOB_TAGS, write_chosen

from spacy_xlmr_ner.layers.pooled_logits import NEVER, split_shared
from spacy_xlmr_ner.tags import TagScheme


@pytest.fixture
def make_model(make_nlp):
    def make(folder, **settings):
        return make_nlp(folder, model=settings).get_pipe("xlmr_ner").model

    return make


def make_docs(*texts):
    return list(spacy.blank("xx").pipe(texts))


@pytest.mark.parametrize("input", ["words", "text"])
def test_xlmr_tagger_gives_a_row_for_each_token(make_model, chosen_checkpoint, input):
    docs = make_docs("Jack loves\n\nBerlin", "", "  ", "New York", "")
    logits = make_model(chosen_checkpoint, input=input).predict(docs)
    assert [rows.shape for rows in logits] == [(len(doc), 7) for doc in docs]
    tags = [[IOB_TAGS[row.argmax()] if not np.isnan(row).any() else None for row in rows] for rows in logits]
    assert tags == [["B-PER", "O", None, "B-LOC"], [], [None], ["B-LOC", "I-LOC"], []]


@pytest.mark.parametrize("texts", [[], [""], ["", ""], [" "]])
def test_xlmr_tagger_takes_docs_without_pieces(make_model, chosen_checkpoint, texts):
    docs = make_docs(*texts)
    logits = make_model(chosen_checkpoint).predict(docs)
    assert [rows.shape for rows in logits] == [(len(doc), 7) for doc in docs]
    assert all(np.isnan(rows).all() for rows in logits)


def test_xlmr_tagger_gives_a_doc_the_same_whatever_stands_beside_it(make_model, random_checkpoint):
    texts = ["Jack loves New York", "Anna", "Berlin " * 40, "", "in Berlin and in New York"]
    model = make_model(random_checkpoint, window=20, overlap=5, max_batch_pieces=60)
    together = model.predict(make_docs(*texts))
    alone = [model.predict(make_docs(text))[0] for text in texts]
    np.testing.assert_allclose(np.concatenate(together), np.concatenate(alone), atol=1e-5)


# By hand: nine times ▁Jack ▁Spar row ▁love s ▁New ▁York, of which five begin a word and seven belong to one, between
# <s> and </s>: 65, 45 and 63 pieces. Rows come by 16.
@pytest.mark.parametrize("pooling, n_rows", [("first", 48), ("mean", 64)])
def test_xlmr_tagger_computes_the_last_layer_for_what_is_pooled(make_model, random_checkpoint, pooling, n_rows):
    model = make_model(random_checkpoint, pooling=pooling)
    network = model.shims[0].runtime.network
    layers = [module for name, module in network.named_modules() if name.endswith("_inner")]
    shapes = []
    for layer in layers:
        layer.register_forward_hook(lambda module, args, output: shapes.append(args[0].shape[:-1]))
    model.predict(make_docs(" ".join(["Jack Sparrow loves New York"] * 9)))
    assert shapes == [(80,)] * (len(layers) - 1) + [(n_rows,)]


def test_xlmr_tagger_refuses_logits_that_are_no_numbers(make_model, tmp_path):
    model = make_model(write_chosen(tmp_path, {"▁Jack": "B-PER"}, sharpness=float("nan")))
    with pytest.raises(ValueError, match=r"XN901.* 2 tokens"):
        model.predict(make_docs("Jack loves"))


@pytest.mark.parametrize("input", ["words", "text"])
def test_token_that_is_longer_than_a_window_keeps_its_first_pieces(make_model, random_checkpoint, input):
    nlp = spacy.blank("xx")
    docs = [Doc(nlp.vocab, words=["in", "x" * 50, "Berlin"]), Doc(nlp.vocab, words=["Anna"])]
    model = make_model(random_checkpoint, input=input, window=12, overlap=3)
    with pytest.warns(UserWarning, match=r"XW301.* 1 token\(s\) in 1 of 2 docs .*first 10 pieces"):
        logits = model.predict(docs)
    # With those pieces it fills a window alone, and its neighbours have windows of their own.
    first_pieces = [Doc(nlp.vocab, words=[word]) for word in ("in", "x" * 9, "Berlin")]  # "▁" and 9 x
    expected = [rows[0] for rows in make_model(random_checkpoint, input=input).predict(first_pieces)]
    np.testing.assert_allclose(logits[0], expected, atol=1e-5)


# One piece over several tokens


@pytest.mark.parametrize(
    "tags, logits, expected",
    [
        # First token: B stays. Last: what B had is I's.
        (("O", "B-X", "I-X"), [0, 5, -9], [["O", "B-X"], ["O", "I-X"]]),
        (("O", "B-X", "I-X", "E-X", "S-X"), [0, -9, -9, -9, 5], [["O", "B-X"], ["O", "E-X"]]),
        (("O", "X"), [0, 5], [["O", "X"], ["O", "X"]]),
    ],
)
def test_split_shared_moves_the_tag_to_what_it_is_on_each_token(tags, logits, expected):
    rows = np.array([logits, logits], dtype=np.float32)
    split_shared(rows, np.array([1]), TagScheme(tags))
    top = [[tags[i] for i in np.sort(np.argsort(-row)[:2])] for row in rows]
    assert [sorted(names) for names in top] == [sorted(names) for names in expected]


def test_split_shared_keeps_the_probability_of_each_label():
    tags = ("O", "B-X", "I-X", "B-Y", "I-Y")
    logits = np.array([[0.5, 1.0, 2.0, -1.0, 0.25]], dtype=np.float32)
    rows = np.repeat(logits, 3, axis=0)
    split_shared(rows, np.array([1, 2]), TagScheme(tags))
    odds = np.exp(rows)
    by_label = np.stack([odds[:, 0], odds[:, 1:3].sum(axis=1), odds[:, 3:].sum(axis=1)], axis=1)
    before = np.exp(logits[0])
    expected = [before[0], before[1] + before[2], before[3] + before[4]]
    np.testing.assert_allclose(by_label, [expected] * 3, rtol=1e-5)
    assert (rows[1:, [1, 3]] == NEVER).all()  # behind the first token none opens


def test_split_shared_leaves_other_tokens_alone():
    rows = np.arange(12, dtype=np.float32).reshape(4, 3)
    split_shared(rows, np.array([2]), TagScheme(("O", "B-X", "I-X")))
    np.testing.assert_array_equal(rows[[0, 3]], [[0, 1, 2], [9, 10, 11]])


# Training


def make_loss(logits, weights):
    """A loss that each logit has a part in: their sum, weighted. Returns it and its gradient."""
    loss = sum(float((rows[~np.isnan(rows)] * own[~np.isnan(rows)]).sum()) for rows, own in zip(logits, weights))
    return loss, [np.where(np.isnan(rows), 0.0, own).astype(np.float32) for rows, own in zip(logits, weights)]


@pytest.mark.parametrize(
    "settings",
    [
        {"window": 512},
        {"window": 12, "overlap": 7, "max_batch_pieces": 30},
        {"window": 12, "overlap": 7, "pooling": "mean"},
        {"window": 12, "overlap": 7, "pooling": "max"},
        {"window": 12, "overlap": 7, "input": "text"},
    ],
)
def test_backprop_agrees_with_finite_differences(make_model, random_checkpoint, settings):
    """Each token's logits have one gradient, though most tokens here stand in two windows or three."""
    docs = make_docs("Jack Sparrow loves New York and don't love Berlin, in the Siemens AG.", "", "Anna \n lives")
    model = make_model(random_checkpoint, **settings)
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=rows.shape) for rows in model.predict(docs)]
    logits, backprop = model.begin_update(docs)
    backprop(make_loss(logits, weights)[1])
    network = model.shims[0].checkpoint.network
    names = ("classifier.weight", "layer.1.output.dense.weight", "layer.0.attention.self.key.weight", "word_embeddings")
    for name, weight in network.named_parameters():
        if not any(part in name for part in names):
            continue
        flat, slope = weight.data.view(-1), weight.grad.view(-1)
        for i in slope.abs().topk(3).indices.tolist():
            before, losses = float(flat[i]), []
            for change in (1e-2, -1e-2):
                flat[i] = before + change
                model.shims[0].reset()  # a runtime may have a copy
                losses.append(make_loss(model.predict(docs), weights)[0])
            flat[i] = before
            assert (losses[0] - losses[1]) / 2e-2 == pytest.approx(float(slope[i]), rel=0.05, abs=0.05), (name, i)


@pytest.mark.parametrize("tags", [IOB_TAGS, ("O", "B-X", "I-X", "E-X", "S-X")])
def test_split_shared_sends_its_gradient_back(tags):
    rng = np.random.default_rng(0)
    logits = np.repeat(rng.normal(size=(2, len(tags))), [3, 1], axis=0).astype(np.float32)
    weights = rng.normal(size=logits.shape).astype(np.float32)

    def compute(values):
        moved = values.copy()
        back = split_shared(moved, np.array([1, 2]), TagScheme(tags))
        return np.where(moved > NEVER / 2, moved * weights, 0.0).astype(np.float64).sum(), back

    gradient = weights.copy()
    compute(logits)[1](gradient)
    for row, tag in np.ndindex(logits.shape):
        step = np.zeros_like(logits)
        step[row, tag] = 1e-2
        slope = (compute(logits + step)[0] - compute(logits - step)[0]) / 2e-2
        assert gradient[row, tag] == pytest.approx(slope, abs=0.01)


def test_backprop_leaves_prediction_as_it_was(make_model, random_checkpoint):
    model = make_model(random_checkpoint)
    docs = make_docs("Jack loves Berlin")
    before = model.predict(docs)[0]
    logits, backprop = model.begin_update(docs)
    backprop([np.ones_like(rows) for rows in logits])
    np.testing.assert_array_equal(model.predict(docs)[0], before)


@pytest.mark.parametrize("texts", [[], [""], [" "]])
def test_backprop_takes_docs_without_pieces(make_model, random_checkpoint, texts):
    logits, backprop = make_model(random_checkpoint).begin_update(make_docs(*texts))
    assert len(backprop(logits)) == len(texts)


def test_pieces_are_sampled_in_training_alone(make_model, random_checkpoint):
    model = make_model(random_checkpoint, sample_pieces=1.0, sampling_alpha=0.0)
    docs = make_docs("Jack Sparrow loves New York in Berlin")
    plain = model.predict(docs)[0]
    np.testing.assert_array_equal(model.predict(docs)[0], plain)
    assert any(not np.allclose(model.begin_update(docs)[0][0], plain) for _ in range(3))
