"""The head over vectors that another layer makes, with layers that spaCy itself has or that are made up here."""

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import fix_random_seed, load_model_from_config, registry
from thinc.api import Adam, Config, Model
from toys import make_example

from spacy_xlmr_ner.layers.token_tagger import TokenTagger, set_head, set_tags

TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
ARCHITECTURE = "spacy-xlmr-ner.TokenTagger.v1"
EMBED = {
    "@architectures": "spacy.HashEmbedCNN.v2",
    "width": 32,
    "depth": 1,
    "embed_size": 200,
    "window_size": 1,
    "maxout_pieces": 2,
    "subword_features": True,
    "pretrained_vectors": None,
}
SENTENCES = [
    (["Jack", "Sparrow", "loves", "New", "York", "!"], [(0, 2, "PER"), (3, 5, "LOC")]),
    (["Anna", "lives", "in", "Berlin"], [(0, 1, "PER"), (3, 4, "LOC")]),
    (["the", "car", "and", "the", "fox"], []),
]
VECTORS = {"Jack": [1.0, 2.0], "in": [0.5, -1.0], "York": [-2.0, 1.0], "nothing": [0.0, 0.0]}
WEIGHT = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], dtype=np.float32)
BIAS = np.array([0.0, 0.5, -1.0], dtype=np.float32)


def make_vectors(width=2):
    """A layer that knows the vector of a word, and keeps the gradient that it gets."""

    def forward(model, docs, is_train):
        def backprop(d_vectors):
            model.attrs["gradient"] = d_vectors
            return []

        return [
            np.array([VECTORS[token.text] for token in doc], dtype=np.float32).reshape(-1, 2) for doc in docs
        ], backprop

    return Model("vectors", forward, dims={"nO": width})


@pytest.fixture
def vocab():
    return spacy.blank("xx").vocab


@pytest.fixture
def tagger():
    model = TokenTagger(make_vectors(), None)
    set_tags(model, ("O", "B-PER", "I-PER"))
    set_head(model, WEIGHT, BIAS)
    return model


@pytest.fixture(autouse=True)
def seed():
    fix_random_seed(1)


def make_nlp(tok2vec=EMBED, **settings):
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlmr_ner", config={"model": {"@architectures": ARCHITECTURE, "tok2vec": tok2vec, **settings}})
    return nlp


def make_examples(nlp, sentences=SENTENCES):
    return [make_example(nlp.vocab, words, ents) for words, ents in sentences]


def train(nlp, *, steps=60):
    examples = make_examples(nlp)
    optimizer = nlp.initialize(lambda: examples, sgd=Adam(0.02))
    for _ in range(steps):
        nlp.update(examples, sgd=optimizer, drop=0.0)
    return nlp


@pytest.fixture(scope="module")
def trained():
    fix_random_seed(1)
    return train(make_nlp())


def find_ents(nlp):
    docs = nlp.pipe([Doc(nlp.vocab, words=words) for words, _ in SENTENCES])
    return [[(ent.start, ent.end, ent.label_) for ent in doc.ents] for doc in docs]


def test_architecture_is_registered():
    assert registry.architectures.get(ARCHITECTURE)(make_vectors(), None).name == "token_tagger"


def test_logits_are_weights_times_vectors_plus_bias(tagger, vocab):
    docs = [Doc(vocab, words=["Jack", "in"]), Doc(vocab, words=["York"])]
    first, second = tagger.predict(docs)
    assert first.tolist() == [[1.0, 2.5, 2.0], [0.5, -0.5, -1.5]]
    assert second.tolist() == [[-2.0, 1.5, -2.0]]


def test_token_without_a_vector_has_a_row_of_nan(tagger, vocab):
    (logits,) = tagger.predict([Doc(vocab, words=["Jack", "nothing"])])
    assert np.isnan(logits[1]).all()
    assert logits[0].tolist() == [1.0, 2.5, 2.0]


@pytest.mark.parametrize("words", [[[]], [[], []], [[], ["Jack"], []]])
def test_empty_docs_have_no_rows(tagger, vocab, words):
    logits = tagger.predict([Doc(vocab, words=own) for own in words])
    assert [rows.shape for rows in logits] == [(len(own), 3) for own in words]


def test_gradient_is_that_of_the_sum_over_tokens(tagger, vocab):
    docs = [Doc(vocab, words=["Jack", "nothing", "in"]), Doc(vocab, words=[]), Doc(vocab, words=["York"])]
    _, backprop = tagger.begin_update(docs)
    d_logits = [np.array([[1.0, 0, -1], [9, 9, 9], [0, 2, 0]]), np.zeros((0, 3)), np.zeros((1, 3))]
    backprop([rows.astype(np.float32) for rows in d_logits])
    d_used = 2 * np.array([[1.0, 0, -1], [0, 0, 0], [0, 2, 0], [0, 0, 0]])  # two tokens count; the mean becomes a sum
    vectors = np.array([VECTORS[word] for word in ("Jack", "nothing", "in", "York")])
    head = tagger.layers[1]
    assert head.get_grad("W") == pytest.approx(d_used.T @ vectors)
    assert head.get_grad("b") == pytest.approx(d_used.sum(axis=0))
    d_vectors = tagger.layers[0].attrs["gradient"]
    assert [len(rows) for rows in d_vectors] == [3, 1]  # a layer is not asked for empty docs
    assert np.concatenate(d_vectors) == pytest.approx(d_used @ WEIGHT)


def test_broken_vector_is_told(tagger, vocab, monkeypatch):
    monkeypatch.setitem(VECTORS, "in", [float("nan"), 1.0])
    docs = [Doc(vocab, words=["Jack", "in"])]
    with pytest.raises(ValueError, match="XN901"):
        tagger.predict(docs)
    ((first, second),), _ = tagger.begin_update(docs)
    assert np.isfinite(first).all()
    assert np.isinf(second).all()  # NaN would say that the token has none, and the loss would leave it out


def test_empty_docs_pass_through_training_with_a_listener():
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 32, "upstream": "tok2vec"}
    nlp = spacy.blank("xx")
    nlp.add_pipe("tok2vec", config={"model": EMBED})
    nlp.add_pipe("xlmr_ner", config={"model": {"@architectures": ARCHITECTURE, "tok2vec": listener}})
    examples = make_examples(nlp)
    optimizer = nlp.initialize(lambda: examples)
    empty = Example(nlp.make_doc(""), nlp.make_doc(""))
    assert nlp.update([empty, *examples, empty], sgd=optimizer)["xlmr_ner"] > 0
    frozen = {"exclude": ["tok2vec"], "annotates": ["tok2vec"]}
    assert nlp.update([empty, *examples, empty], sgd=optimizer, **frozen)["xlmr_ner"] > 0


def test_static_vectors_are_those_of_the_pipeline():
    embed = {
        "@architectures": "spacy.Tok2Vec.v2",
        "embed": {
            "@architectures": "spacy.MultiHashEmbed.v2",
            "width": 16,
            "attrs": ["NORM"],
            "rows": [100],
            "include_static_vectors": True,
        },
        "encode": {
            "@architectures": "spacy.MaxoutWindowEncoder.v2",
            "width": 16,
            "depth": 1,
            "window_size": 1,
            "maxout_pieces": 2,
        },
    }
    nlp = make_nlp(embed)
    for word in ("Jack", "Sparrow", "York"):
        nlp.vocab.set_vector(word, np.ones(5, dtype=np.float32))
    assert find_ents(train(nlp)) == [ents for _, ents in SENTENCES]


def test_neighbours_with_one_vector_and_no_space_between_are_one_entity(vocab):
    model = TokenTagger(make_vectors(), None)
    set_tags(model, ("O", "B-PER", "I-PER"))
    set_head(model, np.array([[0.0, 0.0], [0.0, 5.0], [0.0, 0.0]]), np.zeros(3))
    words = ["Jack", "Jack", "in"]
    glued, apart = Doc(vocab, words=words, spaces=[False, True, False]), Doc(vocab, words=words)
    best = [rows.argmax(axis=1).tolist() for rows in model.predict([glued, apart])]
    assert best == [[1, 2, 0], [1, 1, 0]]


def test_overfit_and_reload(trained, tmp_path):
    gold = [ents for _, ents in SENTENCES]
    assert find_ents(trained) == gold
    trained.to_disk(tmp_path)
    assert find_ents(spacy.load(tmp_path)) == gold
    loaded = make_nlp()
    loaded.from_bytes(trained.to_bytes())
    assert find_ents(loaded) == gold
    assert loaded.get_pipe("xlmr_ner").labels == trained.get_pipe("xlmr_ner").labels


def test_averages_are_what_is_evaluated_and_put_back(trained):
    model = trained.get_pipe("xlmr_ner").model
    head = model.layers[1]
    before = head.get_param("W").copy()
    with model.use_params({(head.id, "W"): np.zeros_like(before)}):
        assert not any(find_ents(trained))
    assert np.array_equal(head.get_param("W"), before)


def test_loaded_pipeline_keeps_what_it_learned_when_training_begins(trained, tmp_path):
    trained.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    loaded.initialize(lambda: make_examples(loaded))
    assert find_ents(loaded) == [ents for _, ents in SENTENCES]


def test_initialize_again_begins_anew():
    nlp = train(make_nlp(), steps=30)
    nlp.initialize(lambda: make_examples(nlp, [(["Anna", "eats"], [(0, 1, "WHO")])]))
    assert nlp.get_pipe("xlmr_ner").labels == ("WHO",)


def test_add_label_leaves_predictions_as_they_were(trained, tmp_path):
    trained.to_disk(tmp_path)
    nlp = spacy.load(tmp_path)
    assert nlp.get_pipe("xlmr_ner").add_label("ORG") == 1
    assert nlp.get_pipe("xlmr_ner").labels == ("LOC", "PER", "ORG")
    assert find_ents(nlp) == [ents for _, ents in SENTENCES]


def test_add_label_before_initialize_is_among_the_labels():
    nlp = make_nlp()
    nlp.get_pipe("xlmr_ner").add_label("ORG")
    nlp.initialize(lambda: make_examples(nlp))
    assert nlp.get_pipe("xlmr_ner").labels == ("LOC", "PER", "ORG")


def test_rehearsal_learns_to_answer_as_before(trained, tmp_path):
    trained.to_disk(tmp_path)
    nlp = spacy.load(tmp_path)
    optimizer = nlp.resume_training()
    head = nlp.get_pipe("xlmr_ner").model.layers[1]
    head.set_param("b", head.get_param("b") + np.array([3, 0, 0, 0, 0], dtype=np.float32))
    losses = [nlp.rehearse(make_examples(nlp), sgd=optimizer)["xlmr_ner"] for _ in range(20)]
    assert losses[-1] < losses[0] / 2


def test_shared_tok2vec_learns_with_both_components():
    """spaCy's own Tok2Vec and its listener, which need no other package."""
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 32, "upstream": "tok2vec"}
    nlp = spacy.blank("xx")
    nlp.add_pipe("tok2vec", config={"model": EMBED})
    nlp.add_pipe("xlmr_ner", config={"model": {"@architectures": ARCHITECTURE, "tok2vec": listener}})
    train(nlp)
    assert find_ents(nlp) == [ents for _, ents in SENTENCES]


def test_listener_whose_component_did_not_run_is_told():
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 32, "upstream": "tok2vec"}
    nlp = spacy.blank("xx")
    nlp.add_pipe("tok2vec", config={"model": EMBED})
    nlp.add_pipe("xlmr_ner", config={"model": {"@architectures": ARCHITECTURE, "tok2vec": listener}})
    nlp.initialize(lambda: make_examples(nlp))
    with nlp.select_pipes(disable="tok2vec"), pytest.raises(ValueError, match=r"XN440.*'tok2vec'.*'Jack in'"):
        nlp("Jack in")
    assert nlp("").ents == ()


def test_listener_without_its_component_is_told():
    config = Config().from_str(
        f"""
        [nlp]
        lang = "xx"
        pipeline = ["xlmr_ner"]

        [components]

        [components.xlmr_ner]
        factory = "xlmr_ner"

        [components.xlmr_ner.model]
        @architectures = "{ARCHITECTURE}"

        [components.xlmr_ner.model.tok2vec]
        @architectures = "spacy.Tok2VecListener.v1"
        width = 32
        upstream = "tok2vec"
        """
    )
    nlp = load_model_from_config(config, auto_fill=True)
    nlp.initialize(lambda: make_examples(nlp))
    with pytest.raises(ValueError, match="XN440"):
        nlp("Jack in")


def test_vectors_of_another_width_than_the_head_are_told(tagger, vocab):
    set_head(tagger, np.zeros((3, 7)), np.zeros(3))
    with pytest.raises(ValueError, match=r"XN441.*2 wide.*for 7"):
        tagger.predict([Doc(vocab, words=["Jack"])])


def test_prediction_before_training_is_told():
    with pytest.raises(ValueError, match="XN442"):
        make_nlp()("Jack in")


def test_number_of_tags_that_does_not_fit_the_labels_is_told():
    nlp = make_nlp(nO=3)
    with pytest.raises(ValueError, match=r"XN444.*`nO` is 3 but there are 5"):
        nlp.initialize(lambda: make_examples(nlp))


@pytest.mark.parametrize("n_tags", [0, -1])
def test_number_of_tags_that_is_none_is_refused(n_tags):
    with pytest.raises(ValueError, match=r"XN106.*`nO`"):
        make_nlp(nO=n_tags)


def test_scratch_is_refused():
    nlp = make_nlp()
    sizes = {"vocab_size": 50, "hidden_size": 8, "layers": 1, "heads": 2, "intermediate_size": 8}
    nlp.config["initialize"]["components"]["xlmr_ner"] = {"scratch": sizes}
    with pytest.raises(ValueError, match="XN445"):
        nlp.initialize(lambda: make_examples(nlp))


def test_damaged_file_is_told_and_what_was_there_is_kept(trained, tmp_path):
    trained.to_disk(tmp_path)
    file = tmp_path / "xlmr_ner" / "checkpoint" / "model"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"XN406.*model of"):
        spacy.load(tmp_path)
    with pytest.raises(ValueError, match="XN406"):
        trained.get_pipe("xlmr_ner").from_disk(tmp_path / "xlmr_ner", exclude=["vocab"])
    assert find_ents(trained) == [ents for _, ents in SENTENCES]


def test_pieces_of_what_has_none_are_tokens(trained):
    component = trained.get_pipe("xlmr_ner")
    found = component.tag_pieces(trained.make_doc("Anna lives in Berlin"))
    assert found.pieces == ["Anna", "lives", "in", "Berlin"]
    best = [component.tags[i] for i in found.logits.argmax(axis=1)]
    assert best == ["B-PER", "O", "O", "B-LOC"]


@pytest.mark.parametrize("value", [np.nan, 3e38])
def test_head_that_has_diverged_is_found(tagger, vocab, value):
    docs = [Doc(vocab, words=["Jack", "in"])]
    _, backprop = tagger.begin_update(docs)
    backprop([np.zeros((len(doc), 3), dtype=np.float32) for doc in docs])
    assert tagger.attrs["find_broken"](tagger) == ""
    set_head(tagger, np.full_like(WEIGHT, value), BIAS)
    assert "no finite numbers" in tagger.attrs["find_broken"](tagger)


def test_head_that_has_learned_nothing_is_not_looked_at(tagger):
    set_head(tagger, np.full_like(WEIGHT, np.nan), BIAS)
    assert tagger.attrs["find_broken"](tagger) == ""


def test_layer_beneath_that_has_diverged_is_found(tmp_path):
    nlp = train(make_nlp(), steps=1)
    nlp.to_disk(tmp_path)
    embed = next(node for node in nlp.get_pipe("xlmr_ner").model.walk() if node.name == "hashembed")
    embed.get_param("E")[0] = np.nan
    with pytest.warns(UserWarning, match="XW215.*: E of hashembed holds no finite numbers. What stood there is kept"):
        nlp.to_disk(tmp_path)
    assert np.isfinite(spacy.load(tmp_path).get_pipe("xlmr_ner").predict([nlp.make_doc("Jack")])[0]).all()
