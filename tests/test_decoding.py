import math
from functools import lru_cache
from itertools import product
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spacy_xlmr_ner import decoding
from spacy_xlmr_ner.decoding import EntDecoder, compute_probs, decode_tags, find_spans, search_tags
from spacy_xlmr_ner.tags import TagScheme
from spacy_xlmr_ner.types import Ent

SETS: Dict[str, Tuple[str, ...]] = {
    "io": ("O", "X", "Y"),
    "io, prefixed": ("O", "I-X", "I-Y"),
    "iob": ("O", "B-X", "I-X", "B-Y", "I-Y"),
    "bioes": ("O", "B-X", "I-X", "E-X", "S-X", "B-Y", "I-Y", "E-Y", "S-Y"),
    "bilou": ("L-X", "U-Y", "I-X", "B-X", "O", "U-X", "L-Y", "I-Y", "B-Y"),
    "bioes without O": ("B-X", "I-X", "E-X", "S-X"),
}
# Small and large logits, and many ties.
LOGITS = st.one_of(st.floats(-6, 6, width=32), st.sampled_from([-100.0, 0.0, 1.0, 100.0]))


def split_tag(tag: str) -> Tuple[str, str]:
    """Role and label as a reader of the tag sets above sees them; L is E and U is S."""
    if tag == "O":
        return "O", ""
    if "-" not in tag:
        return "I", tag
    return {"L": "E", "U": "S"}.get(tag[0], tag[0]), tag[2:]


def is_legal(sequence: Sequence[str], *, strict: bool) -> bool:
    """The rule of a whole BIOES set: what B begins, E ends, with I and no other label between."""
    if not strict:
        return True
    open_label: Optional[str] = None
    for tag in sequence:
        role, label = split_tag(tag)
        if (role in "IE") != (open_label is not None) or (open_label is not None and label != open_label):
            return False
        open_label = label if role in "BI" else None
    return open_label is None


@lru_cache
def list_legal(name: str, length: int) -> np.ndarray:
    """All legal sequences of tag ids, shape (n_sequences, length)."""
    tags = SETS[name]
    strict = name.startswith("bi")
    sequences = product(range(len(tags)), repeat=length)
    return np.array([ids for ids in sequences if is_legal([tags[i] for i in ids], strict=strict)])


def read_conll(tags: Sequence[str]) -> List[Tuple[int, int, str]]:
    """Entities as the conlleval script finds them: its startOfChunk and endOfChunk, tag by tag."""
    found: List[Tuple[int, int, str]] = []
    start, previous_role, previous_label = 0, "O", ""
    for i, tag in enumerate([*tags, "O"]):
        role, label = split_tag(tag)
        pair = {"S": "E"}.get(previous_role, previous_role) + {"S": "B"}.get(role, role)
        changed = label != previous_label
        if previous_role != "O" and (pair in ("BB", "BO", "IB", "IO", "EE", "EI", "EO", "EB") or changed):
            found.append((start, i, previous_label))
        if role != "O" and (pair in ("BB", "IB", "OB", "OI", "EE", "EI", "EB", "OE") or changed):
            start = i
        previous_role, previous_label = role, label
    return found


@st.composite
def batches(draw, max_tokens: int = 5) -> Tuple[str, np.ndarray, List[int]]:
    """The name of a tag set, logits of a batch of docs in a row, and the docs' lengths."""
    name = draw(st.sampled_from(sorted(SETS)))
    lengths = draw(st.lists(st.integers(0, max_tokens), max_size=4))
    return name, draw(arrays(np.float32, (sum(lengths), len(SETS[name])), elements=LOGITS)), lengths


def split_rows(rows: np.ndarray, lengths: Sequence[int]) -> List[np.ndarray]:
    return np.split(rows, np.cumsum(lengths)[:-1]) if lengths else []


@pytest.mark.parametrize("search_all", [False, True])
@settings(max_examples=150, deadline=None)
@given(batch=batches(max_tokens=4))
def test_viterbi_is_the_best_of_all_legal_sequences(search_all, batch):
    name, logits, lengths = batch
    scheme = TagScheme(SETS[name])
    if search_all:  # also where the best tags taken one by one would do
        lengths = [length for length in lengths if length]
        tags = search_tags(logits, np.array(lengths), scheme) if lengths else np.zeros(0, dtype=int)
    else:
        tags = decode_tags(logits, np.array(lengths, dtype=int), scheme, "viterbi")
    for doc_logits, doc_tags in zip(split_rows(logits, lengths), split_rows(tags, lengths)):
        if len(doc_tags):
            every = list_legal(name, len(doc_tags))
            positions = np.arange(len(doc_tags))
            sums = doc_logits.astype(np.float64)[positions, every].sum(axis=1)
            assert (every == doc_tags).all(axis=1).any(), "not legal"
            assert doc_logits.astype(np.float64)[positions, doc_tags].sum() == pytest.approx(sums.max())


@settings(max_examples=100, deadline=None)
@given(batch=batches())
def test_viterbi_of_a_batch_is_that_of_each_doc(batch):
    name, logits, lengths = batch
    scheme = TagScheme(SETS[name])
    together = decode_tags(logits, np.array(lengths, dtype=int), scheme, "viterbi")
    alone = [decode_tags(rows, np.array([len(rows)]), scheme, "viterbi") for rows in split_rows(logits, lengths)]
    assert together.tolist() == [tag for tags in alone for tag in tags.tolist()]


def test_viterbi_is_the_same_in_small_steps(monkeypatch):
    logits = np.random.default_rng(1).normal(size=(300, 9)).astype(np.float32)
    lengths = np.array([7, 0, 90, 3, 200])
    scheme = TagScheme(SETS["bioes"])
    expected = decode_tags(logits, lengths, scheme, "viterbi")
    monkeypatch.setattr(decoding, "MAX_SEARCH_CELLS", 1)
    assert decode_tags(logits, lengths, scheme, "viterbi").tolist() == expected.tolist()


@pytest.mark.parametrize(
    "favourites, expected",
    [
        # Of each token the tag with logit 5 and the one with 4; the rest have 0, and O has 0.5 more.
        ([("B-X", "S-X"), ("O", "E-X")], "S-X O"),  # 4 + 5.5 as against 5 + 4 for B-X E-X
        ([("I-X", "B-X"), ("E-X", "O")], "B-X E-X"),
        ([("E-X", "S-X")], "S-X"),
        ([("B-X", "O"), ("E-Y", "O")], "O O"),
        ([("B-X", "O"), ("I-Y", "I-X"), ("E-X", "O")], "B-X I-X E-X"),
    ],
)
def test_viterbi_mends_what_is_illegal(favourites, expected):
    scheme = TagScheme(SETS["bioes"])
    logits = np.zeros((len(favourites), scheme.n_tags), dtype=np.float32)
    for row, (best, second) in zip(logits, favourites):
        row[scheme.tags.index(best)] = 5.0
        row[scheme.tags.index(second)] = 4.0
    logits[:, scheme.tags.index("O")] += 0.5
    tags = decode_tags(logits, np.array([len(logits)]), scheme, "viterbi")
    assert " ".join(scheme.tags[i] for i in tags) == expected


@settings(max_examples=300, deadline=None)
@given(batch=batches())
def test_argmax_is_repaired_as_conlleval_reads(batch):
    name, logits, lengths = batch
    scheme = TagScheme(SETS[name])
    tags = decode_tags(logits, np.array(lengths, dtype=int), scheme, "argmax")
    assert tags.tolist() == [int(np.argmax(row)) for row in logits]
    spans = find_spans(tags, np.array(lengths, dtype=int), scheme)
    found = [
        (start, end, scheme.labels[label])
        for start, end, label in zip(spans.starts.tolist(), spans.ends.tolist(), spans.label_ids.tolist())
    ]
    expected = [
        (start + offset, end + offset, label)
        for ids, offset in zip(split_rows(tags, lengths), np.cumsum([0, *lengths]).tolist())
        for start, end, label in read_conll([scheme.tags[i] for i in ids])
    ]
    assert found == expected


def make_logits(tags: Sequence[str], sequence: str, *, sharpness: float = 8.0) -> np.ndarray:
    """Logits of 0 but for the tags of a sequence; "-" makes a row of NaN."""
    logits = np.zeros((len(sequence.split()), len(tags)), dtype=np.float32)
    for row, tag in zip(logits, sequence.split()):
        if tag == "-":
            row[:] = np.nan
        else:
            row[list(tags).index(tag)] = sharpness
    return logits


def find_ents(tags, docs: List[np.ndarray], *, solid=None, method="viterbi", label_map=None) -> List[List[Ent]]:
    scheme = TagScheme(tags)
    names = [(label_map or {}).get(label, label) for label in scheme.labels]
    solid = [np.ones(len(doc), dtype=bool) for doc in docs] if solid is None else solid
    return EntDecoder(scheme, method=method, names=names).decode(docs, solid)


@pytest.mark.parametrize("method", ["viterbi", "argmax"])
@pytest.mark.parametrize(
    "name, sequence, expected",
    [
        ("iob", "I-X", [(0, 1, "X")]),
        ("iob", "O I-X O", [(1, 2, "X")]),
        ("iob", "I-X I-Y", [(0, 1, "X"), (1, 2, "Y")]),
        ("iob", "B-X I-Y", [(0, 1, "X"), (1, 2, "Y")]),
        ("iob", "I-X B-X I-X", [(0, 1, "X"), (1, 3, "X")]),
        ("iob", "B-X B-X", [(0, 1, "X"), (1, 2, "X")]),
        ("io", "X X Y O Y", [(0, 2, "X"), (2, 3, "Y"), (4, 5, "Y")]),
        ("bioes", "S-X S-X B-Y I-Y E-Y", [(0, 1, "X"), (1, 2, "X"), (2, 5, "Y")]),
        ("bilou", "U-X U-X B-Y I-Y L-Y", [(0, 1, "X"), (1, 2, "X"), (2, 5, "Y")]),
    ],
)
def test_decode_reads_entities(name, sequence, expected, method):
    (ents,) = find_ents(SETS[name], [make_logits(SETS[name], sequence)], method=method)
    assert [ent[:3] for ent in ents] == expected


def test_decode_leaves_an_iob1_entity_its_strong_tag():
    # A strict IOB2 makes O of it, for B-X has nearly nothing.
    (ents,) = find_ents(SETS["iob"], [np.log([[0.02, 0.001, 0.97, 0.001, 0.008]]).astype(np.float32)])
    assert [ent[:3] for ent in ents] == [(0, 1, "X")]
    assert ents[0].score == pytest.approx(0.971, abs=1e-6)


@pytest.mark.parametrize("gap", ["no pieces", "whitespace"])
@pytest.mark.parametrize(
    "name, sequence, expected",
    [
        # "-" is a token without pieces, or one of whitespace that the model tags I-X; it bounds no entity.
        ("iob", "- B-X - I-X - O", [(1, 4)]),
        ("iob", "B-X -", [(0, 1)]),
        ("iob", "- -", []),
        ("iob", "B-X - B-X", [(0, 1), (2, 3)]),
        ("io", "X - X - O", [(0, 3)]),
        ("bioes", "- B-X - - E-X -", [(1, 5)]),
        ("bioes", "S-X - S-X", [(0, 1), (2, 3)]),
    ],
)
def test_decode_bounds_no_entity_with_an_empty_token(name, sequence, expected, gap):
    logits = make_logits(SETS[name], sequence)
    solid = np.ones(len(logits), dtype=bool)
    if gap == "whitespace":
        solid = ~np.isnan(logits).any(axis=1)
        logits[~solid] = make_logits(SETS[name], "X" if name == "io" else "I-X")
    (ents,) = find_ents(SETS[name], [logits], solid=[solid])
    assert [(ent.start, ent.end) for ent in ents] == expected


def test_decode_keeps_docs_apart():
    # An entity at the end of one doc does not go on in the next.
    docs = [make_logits(SETS["iob"], "O B-X"), np.zeros((0, 5), dtype=np.float32), make_logits(SETS["iob"], "I-X O")]
    assert [[ent[:3] for ent in ents] for ents in find_ents(SETS["iob"], docs)] == [[(1, 2, "X")], [], [(0, 1, "X")]]


def test_decode_of_nothing_is_nothing():
    assert find_ents(SETS["iob"], []) == []


def test_score_is_the_mean_of_the_labels_summed_probability():
    # Of X: 0.3 + 0.5, then none (no pieces), then 0.1 + 0.6.
    probs = np.array([[0.1, 0.5, 0.3, 0.05, 0.05], [1, 1, 1, 1, 1], [0.1, 0.1, 0.6, 0.1, 0.1]])
    logits = np.log(probs).astype(np.float32)
    logits[1] = np.nan
    ((ent,),) = find_ents(SETS["iob"], [logits])
    assert ent[:3] == (0, 3, "X")
    assert ent.score == pytest.approx((0.8 + 0.7) / 2, abs=1e-6)
    assert type(ent.score) is float


def test_score_counts_labels_of_one_name_as_one():
    logits = np.log([[0.1, 0.5, 0.1, 0.2, 0.1]]).astype(np.float32)
    ((ent,),) = find_ents(SETS["iob"], [logits], label_map={"X": "Z", "Y": "Z"})
    assert ent.label == "Z"
    assert ent.score == pytest.approx(0.9, abs=1e-6)


def test_score_is_at_most_one():
    ((ent,),) = find_ents(SETS["iob"], [make_logits(SETS["iob"], "B-X I-X I-X", sharpness=1e4)])
    assert ent.score == 1.0


def test_label_map_joins_names_but_not_entities():
    (ents,) = find_ents(SETS["iob"], [make_logits(SETS["iob"], "B-X I-Y")], label_map={"X": "Z", "Y": "Z"})
    assert [ent[:3] for ent in ents] == [(0, 1, "Z"), (1, 2, "Z")]


def test_label_map_drops_a_label_and_leaves_its_place_empty():
    (ents,) = find_ents(SETS["iob"], [make_logits(SETS["iob"], "B-X B-Y I-Y O")], label_map={"X": None})
    assert [ent[:3] for ent in ents] == [(1, 3, "Y")]


def decode_slowly(tags: Sequence[str], logits: np.ndarray, solid: np.ndarray) -> List[Ent]:
    """Argmax, repairs and scores, token by token."""
    places = [i for i in range(len(logits)) if solid[i] and not math.isnan(logits[i][0])]
    found = []
    for start, end, label in read_conll([tags[int(np.argmax(logits[i]))] for i in places]):
        first, last = places[start], places[end - 1]
        scores = []
        for row in logits[first : last + 1].tolist():
            if not math.isnan(row[0]):
                weights = [math.exp(logit - max(row)) for logit in row]
                scores.append(sum(w for w, tag in zip(weights, tags) if split_tag(tag)[1] == label) / sum(weights))
        found.append(Ent(first, last + 1, label, sum(scores) / len(scores)))
    return found


@st.composite
def holed_batches(draw) -> Tuple[str, List[np.ndarray], List[np.ndarray]]:
    """Docs with tokens that have no pieces, and tokens that are whitespace."""
    name, logits, lengths = draw(batches(max_tokens=8))
    logits[draw(arrays(np.bool_, len(logits), elements=st.sampled_from([False, False, True])))] = np.nan
    solid = draw(arrays(np.bool_, len(logits), elements=st.sampled_from([True, True, False])))
    return name, split_rows(logits, lengths), split_rows(solid, lengths)


@settings(max_examples=200, deadline=None)
@given(batch=holed_batches())
def test_decode_by_argmax_equals_a_slow_reference(batch):
    name, docs, solid = batch
    found = find_ents(SETS[name], docs, solid=solid, method="argmax")
    for ents, doc_logits, doc_solid in zip(found, docs, solid):
        expected = decode_slowly(SETS[name], doc_logits, doc_solid)
        assert [ent[:3] for ent in ents] == [ent[:3] for ent in expected]
        assert [ent.score for ent in ents] == pytest.approx([ent.score for ent in expected], abs=1e-5)


@settings(max_examples=200, deadline=None)
@given(batch=holed_batches())
def test_decode_by_viterbi_keeps_to_solid_tokens(batch):
    name, docs, solid = batch
    for ents, doc_logits, doc_solid in zip(find_ents(SETS[name], docs, solid=solid), docs, solid):
        may_bound = doc_solid & ~np.isnan(doc_logits).any(axis=1)
        edges = [0, *(edge for ent in ents for edge in (ent.start, ent.end)), len(doc_logits)]
        assert edges == sorted(edges)
        assert all(may_bound[ent.start] and may_bound[ent.end - 1] for ent in ents)
        assert all(0.0 <= ent.score <= 1.0 for ent in ents)


def test_probs_are_a_softmax_that_large_logits_do_not_break():
    logits = np.array([[1000.0, 1000.0, -1000.0], [0.0, math.log(2.0), math.log(5.0)]], dtype=np.float32)
    np.testing.assert_allclose(compute_probs(logits), [[0.5, 0.5, 0.0], [0.125, 0.25, 0.625]], atol=1e-6)


def test_probs_of_a_token_without_pieces_are_nan():
    probs = compute_probs(np.array([[np.nan, np.nan], [0.0, 0.0]], dtype=np.float32))
    np.testing.assert_array_equal(probs, [[np.nan, np.nan], [0.5, 0.5]])
