import contextlib
import pickle
import sys
import threading

import numpy as np
import pytest
import spacy
import torch
from spacy.tokens import Doc
from spacy.util import raise_error
from toys import IOB_TAGS, write_chosen, write_random
from transformers import AutoModelForTokenClassification, AutoTokenizer

from spacy_xlmr_ner import XlmrNer
from spacy_xlmr_ner.checkpoint_files import BUNDLED
from spacy_xlmr_ner.component import LEAST_AHEAD

SENTENCE = "Jack Sparrow loves New York!"
TAGS = {"▁Jack": "B-PER", "▁Spar": "I-PER", "▁New": "B-LOC", "▁York": "I-LOC", "▁Siemens": "B-ORG", "▁AG": "I-ORG"}
# Of 7 tags one has the logit 2 and the others 0. A label has two of them.
SOFT_SCORE = (np.exp(2) + 1) / (np.exp(2) + 6)
SOFT_SCORE_OF_TWO_LABELS = (np.exp(2) + 3) / (np.exp(2) + 6)


@pytest.fixture(scope="module")
def soft_checkpoint(tmp_path_factory):
    """Entities whose score is SOFT_SCORE."""
    return write_chosen(tmp_path_factory.mktemp("soft"), TAGS, sharpness=2.0)


@pytest.fixture
def loads(monkeypatch):
    """The folders from which weights have been loaded."""
    folders = []
    load = AutoModelForTokenClassification.from_pretrained

    def load_and_record(folder, **kwargs):
        folders.append(folder)
        return load(folder, **kwargs)

    monkeypatch.setattr(AutoModelForTokenClassification, "from_pretrained", load_and_record)
    return folders


@pytest.fixture
def ner(make_nlp, chosen_checkpoint):
    return make_nlp(chosen_checkpoint).get_pipe("xlmr_ner")


def get_ents(doc):
    return [(ent.text, ent.label_) for ent in doc.ents]


def test_call_sets_ents_iob_type_and_score(make_nlp, soft_checkpoint):
    doc = make_nlp(soft_checkpoint)(SENTENCE)
    assert get_ents(doc) == [("Jack Sparrow", "PER"), ("New York", "LOC")]
    assert [token.ent_iob_ for token in doc] == ["B", "I", "O", "B", "I", "O"]
    assert [token.ent_type_ for token in doc] == ["PER", "PER", "", "LOC", "LOC", ""]
    assert [ent._.score for ent in doc.ents] == pytest.approx([SOFT_SCORE] * 2, abs=1e-4)


def test_call_sets_span_group_with_scores(make_nlp, soft_checkpoint):
    doc = make_nlp(soft_checkpoint, spans_key="mine")(SENTENCE)
    assert list(doc.spans) == ["mine"]
    assert list(doc.spans["mine"]) == list(doc.ents)
    assert doc.spans["mine"].attrs["scores"] == [ent._.score for ent in doc.ents]


def test_call_without_spans_key_sets_no_group(make_nlp, soft_checkpoint):
    doc = make_nlp(soft_checkpoint, spans_key=None)(SENTENCE)
    assert not doc.spans
    assert doc.ents[0]._.score == pytest.approx(SOFT_SCORE, abs=1e-4)


@pytest.mark.parametrize("decoding, expected", [("viterbi", ["Anna Berlin"]), ("argmax", ["Anna", "Berlin"])])
def test_decoding_chooses_the_decoder(make_nlp, tmp_path, decoding, expected):
    # B-X then S-X is not legal. Taken one by one both stand; in the best legal sequence E-X takes the place of S-X.
    tags = ["O", "B-X", "I-X", "E-X", "S-X"]
    folder = write_chosen(tmp_path, {"▁Anna": "B-X", "▁Berlin": "S-X"}, tags=tags)
    weights = AutoModelForTokenClassification.from_pretrained(folder)
    with torch.no_grad():
        weights.classifier.weight[3] = weights.classifier.weight[4] * 0.9
    weights.save_pretrained(folder)
    assert [ent.text for ent in make_nlp(folder, decoding=decoding)("Anna Berlin").ents] == expected


# Loading


@contextlib.contextmanager
def record_audit(*events):
    """Record what Python does: its audit hooks see every file opened and every socket. A hook cannot be taken back."""
    seen = []
    is_on = True

    def hook(event, args):
        if is_on and event.split(".")[0] in events:
            seen.append((event, str(args[0]) if args else ""))

    sys.addaudithook(hook)
    yield seen
    is_on = False


@pytest.mark.parametrize("name", [None, "acme/not-there", "folder/that/is/gone"])
def test_building_reads_nothing(make_nlp, loads, name):
    with record_audit("open", "socket") as seen:
        nlp = make_nlp(name)
        nlp.config.to_str()
        nlp.analyze_pipes()
        with nlp.select_pipes(disable="xlmr_ner"):
            nlp("Anna")
    # Another thread may open a file of its own; what counts is the network and checkpoints.
    assert [entry for entry in seen if entry[0] != "open" or str(BUNDLED) in entry[1]] == []
    assert loads == []


def test_building_is_seen_by_the_record(make_nlp):
    with record_audit("open") as seen:
        make_nlp(None)("Anna")
    assert any(str(BUNDLED / "config.json") in path for _, path in seen)


USES = {
    "call": lambda nlp: nlp("Anna"),
    "pipe": lambda nlp: list(nlp.pipe(["Anna", "Berlin"])),
    "labels": lambda nlp: nlp.pipe_labels,
    "initialize": lambda nlp: nlp.initialize(),
    "token_probs": lambda nlp: nlp.get_pipe("xlmr_ner").token_probs([nlp.make_doc("Anna")]),
    "to_bytes": lambda nlp: nlp.get_pipe("xlmr_ner").to_bytes(),
}


@pytest.mark.parametrize("use", USES)
def test_first_use_loads_weights_once(make_nlp, chosen_checkpoint, loads, use):
    nlp = make_nlp(chosen_checkpoint)
    USES[use](nlp)
    USES[use](nlp)
    nlp("Anna lives in Berlin")
    assert loads == [chosen_checkpoint]


def test_to_disk_loads_weights_once(make_nlp, chosen_checkpoint, loads, tmp_path):
    nlp = make_nlp(chosen_checkpoint)
    nlp.to_disk(tmp_path)
    nlp.to_disk(tmp_path)
    assert loads == [chosen_checkpoint]


def test_pickle_loads_weights_once(make_nlp, chosen_checkpoint, loads):
    pickle.dumps(make_nlp(chosen_checkpoint).get_pipe("xlmr_ner"))
    assert loads == [chosen_checkpoint]


def test_initialize_after_from_disk_keeps_the_saved_weights(make_nlp, chosen_checkpoint, loads, tmp_path):
    make_nlp(chosen_checkpoint).to_disk(tmp_path)
    loads.clear()
    nlp = spacy.load(tmp_path)
    nlp.initialize()
    nlp("Anna")
    assert loads == [tmp_path / "xlmr_ner" / "checkpoint"]


def test_untrained_head_is_refused_past_the_error_handler(make_nlp, tmp_path):
    # Docs are not at fault: a handler that swallows errors must not turn this into an empty stream.
    folder = write_random(tmp_path)
    network = AutoModelForTokenClassification.from_pretrained(folder)
    network.roberta.save_pretrained(folder)
    nlp = make_nlp(folder)
    nlp.set_error_handler(lambda *args: None)
    with pytest.raises(OSError, match="XN404"):
        list(nlp.pipe(["Anna", "Berlin"]))


# Settings


@pytest.mark.parametrize(
    "settings, code, shown",
    [
        ({"decoding": "greedy"}, "XN102", ["'greedy'", "'viterbi', 'argmax'", "[components.tagger]"]),
        ({"existing_ents": ""}, "XN102", ["''", "'keep', 'overwrite', 'best'", "[components.tagger]"]),
        ({"model": {"input": "chars"}}, "XN102", ["'chars'", "'words', 'text'", "[components.<name>.model]"]),
        ({"model": {"pooling": "sum"}}, "XN102", ["'sum'", "'first', 'mean', 'max'"]),
        ({"model": {"precision": "int8"}}, "XN102", ["'int8'", "'float32', 'bfloat16', 'float16'"]),
        ({"model": {"scheme": "bio"}}, "XN102", ["'bio'", "'io', 'iob', 'bioes'"]),
        ({"threshold": 1.5}, "XN103", ["1.5", "0 to 1", "[components.tagger]"]),
        ({"threshold": {"PER": -0.1}}, "XN103", ["'PER'", "-0.1"]),
        ({"label_map": {"a:b": "X"}}, "XN104", ["a:b"]),
        ({"label_map": {"a=b": "X"}}, "XN104", ["a=b"]),
        ({"label_map": {"#a": "X"}}, "XN104", ["#a"]),
        ({"label_map": {"PER": "${paths.x}"}}, "XN104", ["${paths.x}"]),
        ({"threshold": {"a:b": 0.5}}, "XN104", ["`threshold`", "a:b"]),
        ({"label_map": {"PER": ""}}, "XN110", ["'PER': ''"]),
        ({"model": {"window": 20, "overlap": 18}}, "XN101", ["18", "window"]),
        ({"model": {"overlap": -1}}, "XN106", ["`overlap`", "-1", "at least 0"]),
        ({"model": {"max_batch_pieces": 0}}, "XN106", ["`max_batch_pieces`", "at least 1"]),
        ({"model": {"window": 2}}, "XN106", ["`window`", "2"]),
    ],
)
def test_setting_is_refused_when_the_config_is_read(make_nlp, settings, code, shown):
    with pytest.raises(ValueError, match=code) as caught:
        make_nlp("acme/not-there", name="tagger", **settings)
    assert all(part in str(caught.value) for part in shown), caught.value


def test_overlap_just_below_the_window_is_taken(make_nlp, random_checkpoint):
    nlp = make_nlp(random_checkpoint, model={"window": 6, "overlap": 3})
    assert len(nlp("Anna lives in Berlin and the New York")) == 8


@pytest.mark.parametrize(
    "settings, code, shown",
    [
        ({"label_map": {"PERS": "PERSON"}}, "XN107", ["`label_map`", "PERS", "PER, ORG, LOC", "[components.xlmr_ner]"]),
        ({"threshold": {"MISC": 0.5}}, "XN107", ["`threshold`", "MISC", "PER, ORG, LOC"]),
        # Thresholds are of the labels that come out.
        ({"threshold": {"PER": 0.5}, "label_map": {"PER": "PERSON"}}, "XN107", ["PERSON, ORG, LOC"]),
        ({"model": {"overlap": 510}}, "XN101", ["510"]),
        ({"model": {"window": 513}}, "XN105", ["513", "512"]),
        ({"model": {"labels": ["O", "PER"]}}, "XN202", ["2", "7"]),
    ],
)
@pytest.mark.parametrize("use", ["call", "pipe", "token_probs"])
def test_setting_is_checked_against_the_checkpoint(make_nlp, random_checkpoint, settings, code, shown, use):
    nlp = make_nlp(random_checkpoint, **settings)
    nlp.set_error_handler(lambda *args: None if use == "pipe" else raise_error(*args))
    with pytest.raises(ValueError, match=code) as caught:
        USES[use](nlp)
    assert all(part in str(caught.value) for part in shown), caught.value


def test_label_map_is_checked_when_a_saved_pipeline_loads(make_nlp, random_checkpoint, tmp_path):
    make_nlp(random_checkpoint).to_disk(tmp_path)
    with pytest.raises(ValueError, match="XN107"):
        spacy.load(tmp_path, config={"components.xlmr_ner.label_map": {"PERS": "PERSON"}})


@pytest.mark.parametrize("device", ["cuda:99", "banana", ""])
def test_device_that_is_not_there_is_refused_before_weights_are_read(make_nlp, random_checkpoint, loads, device):
    nlp = make_nlp(random_checkpoint, model={"device": device})
    with pytest.raises(ValueError, match="XN108") as caught:
        nlp("Anna")
    assert repr(device) in str(caught.value)
    assert loads == []


def test_precision_that_the_device_lacks_is_refused_before_weights_are_read(
    make_nlp, random_checkpoint, loads, monkeypatch
):
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_fp16_supported", lambda: False)
    nlp = make_nlp(random_checkpoint, model={"precision": "float16", "device": "cpu"})
    with pytest.raises(ValueError, match=r"XN109.*'float16'.*'cpu'"):
        nlp("Anna")
    assert loads == []


def test_bfloat16_gives_nearly_the_scores_of_float32(make_nlp, random_checkpoint):
    probs = {}
    for precision in ("float32", "bfloat16"):
        nlp = make_nlp(random_checkpoint, model={"precision": precision})
        probs[precision] = nlp.get_pipe("xlmr_ner").token_probs([nlp.make_doc(SENTENCE)])[0]
    assert probs["bfloat16"] == pytest.approx(probs["float32"], abs=0.1)
    assert not np.array_equal(probs["bfloat16"], probs["float32"])


@pytest.mark.parametrize(
    "threshold, expected",
    [
        (0.0, ["Jack Sparrow", "New York"]),
        (SOFT_SCORE - 1e-3, ["Jack Sparrow", "New York"]),
        (SOFT_SCORE + 1e-3, []),
        (1, []),
        ({"PER": 0.9}, ["New York"]),
        ({"PER": 0.9, "LOC": 0.9}, []),
        ({}, ["Jack Sparrow", "New York"]),
    ],
)
def test_threshold_is_the_least_score(make_nlp, soft_checkpoint, threshold, expected):
    doc = make_nlp(soft_checkpoint, threshold=threshold)(SENTENCE)
    assert [ent.text for ent in doc.ents] == expected
    assert [span.text for span in doc.spans["xlmr_ner"]] == expected


def test_threshold_applies_to_mapped_labels(make_nlp, soft_checkpoint):
    nlp = make_nlp(soft_checkpoint, label_map={"PER": "PERSON"}, threshold={"PERSON": 0.9})
    assert get_ents(nlp(SENTENCE)) == [("New York", "LOC")]


def test_labels_of_one_name_are_scored_as_one(make_nlp, soft_checkpoint):
    nlp = make_nlp(soft_checkpoint, label_map={"ORG": "LOC"}, threshold={"LOC": SOFT_SCORE_OF_TWO_LABELS - 1e-3})
    doc = nlp(SENTENCE)
    assert doc.ents[1]._.score == pytest.approx(SOFT_SCORE_OF_TWO_LABELS, abs=1e-4)


def test_label_map_renames_and_drops(make_nlp, chosen_checkpoint):
    nlp = make_nlp(chosen_checkpoint, label_map={"PER": "PERSON", "ORG": None})
    doc = nlp("Jack and Siemens AG in Berlin")
    assert get_ents(doc) == [("Jack", "PERSON"), ("Berlin", "LOC")]
    assert nlp.get_pipe("xlmr_ner").labels == ("PERSON", "LOC")


def test_label_map_may_swap_labels(make_nlp, chosen_checkpoint):
    nlp = make_nlp(chosen_checkpoint, label_map={"PER": "LOC", "LOC": "PER"})
    assert get_ents(nlp("Jack in Berlin")) == [("Jack", "LOC"), ("Berlin", "PER")]


# Labels


def test_labels_are_those_of_the_checkpoint(ner):
    assert ner.labels == ner.label_data == ("PER", "ORG", "LOC")
    assert ner.tags == IOB_TAGS


def test_add_label_extends_labels(ner):
    assert ner.add_label("MISC") == 1
    assert ner.labels == ("PER", "ORG", "LOC", "MISC")
    assert ner.tags == (*IOB_TAGS, "B-MISC", "I-MISC")


@pytest.mark.parametrize("settings, label", [({}, "PER"), ({"label_map": {"PER": "PERSON"}}, "PERSON")])
def test_add_label_that_is_there_adds_nothing(make_nlp, chosen_checkpoint, settings, label):
    ner = make_nlp(chosen_checkpoint, **settings).get_pipe("xlmr_ner")
    assert ner.add_label(label) == 0
    assert ner.tags == IOB_TAGS


@pytest.mark.parametrize("label", ["", None, 5])
def test_add_label_refuses_what_is_no_label(ner, label):
    with pytest.raises(ValueError, match="XN204"):
        ner.add_label(label)


def test_add_label_leaves_predictions_as_they_were(make_nlp, random_checkpoint):
    nlp = make_nlp(random_checkpoint)
    ner, doc = nlp.get_pipe("xlmr_ner"), nlp.make_doc(SENTENCE)
    before = ner.predict([doc])[0]
    ner.add_label("MISC")
    after = ner.predict([doc])[0]
    assert after[:, :7] == pytest.approx(before, abs=1e-5)
    assert (after[:, 7:] < before.min()).all()


def test_add_label_survives_saving(make_nlp, chosen_checkpoint, tmp_path):
    nlp = make_nlp(chosen_checkpoint)
    nlp.get_pipe("xlmr_ner").add_label("MISC")
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    assert loaded.get_pipe("xlmr_ner").labels == ("PER", "ORG", "LOC", "MISC")
    assert get_ents(loaded("Anna")) == [("Anna", "PER")]


# Probabilities


def test_token_probs_are_those_of_transformers(ner, make_nlp, random_checkpoint):
    nlp = make_nlp(random_checkpoint)
    words = ["Anna", "lives", "in", "New", "York"]
    hf_tokenizer = AutoTokenizer.from_pretrained(random_checkpoint)
    encoded = hf_tokenizer(words, is_split_into_words=True, return_tensors="pt")
    with torch.no_grad():
        network = AutoModelForTokenClassification.from_pretrained(random_checkpoint).eval()
        rows = network(**encoded).logits[0].softmax(-1).numpy()
    first_pieces = [encoded.word_ids().index(i) for i in range(len(words))]
    probs = nlp.get_pipe("xlmr_ner").token_probs([Doc(nlp.vocab, words=words)])[0]
    assert probs == pytest.approx(rows[first_pieces], abs=1e-5)


def test_token_probs_are_nan_for_tokens_without_pieces(ner):
    doc = Doc(ner.vocab, words=["Anna", "\n", "Berlin"])
    probs = ner.token_probs([doc, Doc(ner.vocab)])
    assert [array.shape for array in probs] == [(3, 7), (0, 7)]
    assert np.isnan(probs[0]).all(axis=1).tolist() == [False, True, False]
    assert probs[0][[0, 2]].sum(axis=1) == pytest.approx(1.0)


def test_token_probs_leave_the_doc_alone(ner):
    doc = Doc(ner.vocab, words=["Anna"])
    ner.token_probs([doc])
    assert not doc.has_annotation("ENT_IOB")
    assert not doc.user_data


# Streams

TEXTS = ["Jack Sparrow loves New York!", "", "Anna", " \n ", "Siemens AG in Berlin and the New York " * 30, "in love"]


@pytest.mark.parametrize("batch_size", [1, 3, 128])
def test_pipe_equals_call(make_nlp, random_checkpoint, batch_size):
    nlp = make_nlp(random_checkpoint)
    expected = [nlp(text) for text in TEXTS]
    docs = list(nlp.pipe(TEXTS, batch_size=batch_size))
    assert [doc.text for doc in docs] == TEXTS
    assert [get_ents(doc) for doc in docs] == [get_ents(doc) for doc in expected]
    scores = [ent._.score for doc in docs for ent in doc.ents]
    assert len(scores) > 10
    assert scores == pytest.approx([ent._.score for doc in expected for ent in doc.ents], abs=1e-4)


def test_pipe_is_lazy(make_nlp, chosen_checkpoint):
    taken = []
    texts = (taken.append(i) or "Anna" for i in range(100))
    next(make_nlp(chosen_checkpoint).pipe(texts, batch_size=4))
    assert len(taken) <= 8


@pytest.fixture(params=["predict", "set_annotations"])
def fails_on_bad(request, monkeypatch):
    """The component fails on a batch that holds the word BAD."""
    real = getattr(XlmrNer, request.param)

    def fail(self, docs, *args):
        docs = list(docs)
        if any("BAD" in doc.text for doc in docs):
            raise RuntimeError("a doc was bad")
        return real(self, docs, *args)

    monkeypatch.setattr(XlmrNer, request.param, fail)


@pytest.mark.parametrize("batch_size", [1, 2, 128])
def test_pipe_hands_only_the_failing_doc_to_the_error_handler(make_nlp, chosen_checkpoint, fails_on_bad, batch_size):
    nlp = make_nlp(chosen_checkpoint)
    handled = []
    nlp.set_error_handler(lambda name, proc, docs, err: handled.append((name, [doc.text for doc in docs], str(err))))
    docs = list(nlp.pipe(["Anna", "BAD one", "Berlin", "Jack", "BAD two"], batch_size=batch_size))
    assert [get_ents(doc) for doc in docs] == [[("Anna", "PER")], [("Berlin", "LOC")], [("Jack", "PER")]]
    assert handled == [("xlmr_ner", [text], "a doc was bad") for text in ("BAD one", "BAD two")]


def test_pipe_raises_by_default(make_nlp, chosen_checkpoint, fails_on_bad):
    with pytest.raises(RuntimeError, match="a doc was bad"):
        list(make_nlp(chosen_checkpoint).pipe(["Anna", "BAD", "Berlin"]))


def test_call_hands_a_failing_doc_to_the_error_handler(make_nlp, chosen_checkpoint, fails_on_bad):
    ner = make_nlp(chosen_checkpoint).get_pipe("xlmr_ner")
    handled = []
    ner.set_error_handler(lambda name, proc, docs, err: handled.extend(docs))
    doc = Doc(ner.vocab, words=["BAD"])
    ner(doc)
    assert handled == [doc]


def test_pipe_leaves_errors_of_its_consumer_alone(make_nlp, chosen_checkpoint):
    handled = []
    ner = make_nlp(chosen_checkpoint).get_pipe("xlmr_ner")
    ner.set_error_handler(lambda *args: handled.append(args))
    stream = ner.pipe([Doc(ner.vocab, words=["Anna"])])
    next(stream)
    with pytest.raises(KeyError):
        stream.throw(KeyError())
    assert handled == []


def make_stream(ner, n_docs, taken, *, fails_at=None):
    for i in range(n_docs):
        if i == fails_at:
            raise RuntimeError("the stream broke")
        taken.append(i)
        yield Doc(ner.vocab, words=["Anna", str(i)])


def test_pipe_reads_one_batch_ahead_and_tokenizes_it_meanwhile(make_nlp, chosen_checkpoint, cutting_threads):
    ner = make_nlp(chosen_checkpoint).get_pipe("xlmr_ner")
    taken = []
    docs = ner.pipe(make_stream(ner, 100, taken), batch_size=LEAST_AHEAD)
    first = next(docs)
    assert len(taken) == 2 * LEAST_AHEAD
    assert [get_ents(doc) for doc in [first, *docs]] == [[("Anna", "PER")]] * 100
    assert sorted(cutting_threads) == sorted([threading.current_thread().name, *["xlmr_ner pieces"] * 3])


def test_pipe_of_small_batches_does_not_wait_for_the_next_doc(make_nlp, chosen_checkpoint):
    ner = make_nlp(chosen_checkpoint).get_pipe("xlmr_ner")
    taken = []
    for i, doc in enumerate(ner.pipe(make_stream(ner, 3, taken), batch_size=1)):
        assert get_ents(doc) == [("Anna", "PER")]
        assert taken == list(range(i + 1))


def test_docs_before_the_stream_broke_come_out(make_nlp, chosen_checkpoint):
    ner = make_nlp(chosen_checkpoint).get_pipe("xlmr_ner")
    docs = []
    with pytest.raises(RuntimeError, match="the stream broke"):
        docs.extend(ner.pipe(make_stream(ner, 100, [], fails_at=LEAST_AHEAD + 1), batch_size=LEAST_AHEAD))
    assert len(docs) == LEAST_AHEAD
