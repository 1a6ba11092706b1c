import warnings
from itertools import pairwise
from typing import List

import numpy as np
import pytest

from spacy_xlmr_ner.tags import MAX_TAGS, TagScheme, are_unnamed, detect_scheme, list_tags, warn_of_tags

BIOES = ["O", "B-X", "I-X", "E-X", "S-X"]
BILOU = ["O", "B-X", "I-X", "L-X", "U-X"]
BMES = ["O", "B-X", "M-X", "E-X", "S-X"]

TAG_LISTS = {
    "pan-x": (["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"], "iob", ["PER", "ORG", "LOC"]),
    "conll iob1": (
        ["B-LOC", "B-MISC", "B-ORG", "I-LOC", "I-MISC", "I-ORG", "I-PER", "O"],
        "iob",
        ["LOC", "MISC", "ORG", "PER"],
    ),
    "only I-": (["O", "I-PER", "I-LOC"], "io", ["PER", "LOC"]),
    "only B-": (["O", "B-PER", "B-LOC"], "iob", ["PER", "LOC"]),
    "plain io": (["O", "PER", "LOC"], "io", ["PER", "LOC"]),
    "no O": (["PER", "LOC"], "io", ["PER", "LOC"]),
    "lower-case hyphen": (["O", "geo-loc", "person"], "io", ["geo-loc", "person"]),
    "hyphen behind a prefix": (["O", "B-Sign-symptom", "I-Sign-symptom"], "iob", ["Sign-symptom"]),
    "label that looks prefixed, io": (["O", "PER", "E-mail"], "io", ["PER", "E-mail"]),
    "label that begins with B-, io": (["O", "PER", "B-cell"], "io", ["PER", "B-cell"]),
    "label that looks prefixed, iob": (["O", "B-E-mail", "I-E-mail"], "iob", ["E-mail"]),
    "all labels look like singles": (["O", "S-Bahn", "U-Bahn"], "io", ["S-Bahn", "U-Bahn"]),
    "bioes": (BIOES, "bioes", ["X"]),
    "bilou": (BILOU, "bioes", ["X"]),
    "bmes": (BMES, "bioes", ["X"]),
    "a label with S- alone": ([*BIOES, "S-Y"], "bioes", ["X", "Y"]),
    "a label without M or I": (["O", "B-X", "E-X", "S-X"], "bioes", ["X"]),
}


@pytest.mark.parametrize("tags, scheme, labels", TAG_LISTS.values(), ids=TAG_LISTS)
def test_scheme_is_told_from_the_tags(tags, scheme, labels):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = TagScheme(tags)
        if "O" in tags:
            warn_of_tags(found)
    assert (detect_scheme(tags), found.name, list(found.labels)) == (scheme, scheme, labels)


@pytest.mark.parametrize("tags, scheme, labels", TAG_LISTS.values(), ids=TAG_LISTS)
def test_scheme_does_not_depend_on_the_order_of_tags(tags, scheme, labels):
    found = TagScheme(tags[::-1])
    assert (found.name, sorted(found.labels)) == (scheme, sorted(labels))


@pytest.mark.parametrize("bare", ["MISC", "[PAD]", "geo-loc", "E-mail"])
@pytest.mark.parametrize("tags", [["O", "B-PER", "I-PER"], BIOES], ids=["iob", "bioes"])
def test_scheme_keeps_bare_labels_and_warns_of_them(tags, bare):
    scheme = TagScheme([*tags, bare])
    with pytest.warns(UserWarning, match="XW201"):
        warn_of_tags(scheme)
    assert scheme.labels[-1] == bare
    assert scheme.label_ids[-1] == 1


def test_scheme_takes_the_settings_word():
    # As plain labels, I-PER and B-PER would be two.
    assert TagScheme(["O", "I-PER", "I-LOC"], "iob").labels == ("PER", "LOC")
    assert TagScheme(["O", "B-PER", "I-PER"], "bioes").labels == ("PER",)


@pytest.mark.parametrize("tags", [[], ["O"]])
def test_scheme_refuses_tags_without_a_label(tags):
    with pytest.raises(ValueError, match="XN203"):
        TagScheme(tags)


@pytest.mark.parametrize(
    "tags, expected",
    [(["LABEL_0", "LABEL_10"], True), (["LABEL_0", "PER"], False), (["LABEL_X"], False), ([], False)],
)
def test_are_unnamed_finds_made_up_names(tags, expected):
    assert are_unnamed(tags) is expected


def is_legal(scheme: TagScheme, sequence: List[str]) -> bool:
    ids = [scheme.tags.index(tag) for tag in sequence]
    moves = all(scheme.legal_moves[a, b] for a, b in pairwise(ids))
    return bool(scheme.legal_first[ids[0]] and scheme.legal_last[ids[-1]] and moves)


# What stands in for a role that the tag list lacks; whole sets are proven by brute force in test_decoding.
@pytest.mark.parametrize(
    "tags, sequence, expected",
    [
        (["O", "B-X", "I-X", "E-X"], "B-X", True),  # no S: B is an entity of one
        (["O", "B-X", "I-X", "E-X"], "B-X O", True),
        (["O", "B-X", "I-X", "E-X"], "I-X E-X", False),
        (["O", "B-X", "I-X", "S-X"], "B-X I-X", True),  # no E: I closes
        (["O", "B-X", "I-X", "S-X"], "B-X O", False),
        (["O", "I-X", "E-X", "S-X"], "I-X E-X", True),  # no B: I opens
        (["O", "I-X", "E-X", "S-X"], "E-X", False),
        (["O", "I-X", "E-X"], "E-X", True),  # neither B nor S: E is an entity of one
        (["O", "B-X", "E-X", "S-X"], "B-X E-X", True),
        ([*BIOES, "S-Y"], "S-Y S-Y", True),
        ([*BIOES, "S-Y"], "B-X S-Y", False),
        ([*BIOES, "I-Y"], "I-Y I-Y O", True),  # a label of I alone
        (BILOU, "B-X I-X L-X U-X", True),
        (BILOU, "B-X U-X", False),
        (BMES, "B-X M-X E-X", True),
        (BMES, "M-X E-X", False),
    ],
)
def test_scheme_lets_roles_stand_in_only_where_others_lack(tags, sequence, expected):
    assert is_legal(TagScheme(tags, "bioes"), sequence.split()) is expected


@pytest.mark.parametrize("tags", [["O", "X"], ["O", "I-X"], ["O", "B-X", "I-X", "B-Y", "I-Y"]])
def test_scheme_allows_every_sequence_of_io_and_iob(tags):
    # A strict IOB2 would forbid O I-X, which is how IOB1 begins an entity.
    scheme = TagScheme(tags)
    assert scheme.legal_first.all() and scheme.legal_last.all() and scheme.legal_moves.all()


@pytest.mark.parametrize(
    "tags, tag, parts",
    [
        (["O", "B-X", "I-X", "B-Y", "I-Y"], "B-Y", ["B-Y", "I-Y", "I-Y"]),
        (["O", "B-X", "I-X"], "I-X", ["I-X", "I-X", "I-X"]),
        (["O", "B-X", "I-X"], "O", ["O", "O", "O"]),
        (["O", "X"], "X", ["X", "X", "X"]),
        (["O", "I-X", "I-Y"], "I-Y", ["I-Y", "I-Y", "I-Y"]),
        (BIOES, "S-X", ["B-X", "I-X", "E-X"]),
        (BIOES, "B-X", ["B-X", "I-X", "I-X"]),
        (BIOES, "E-X", ["I-X", "I-X", "E-X"]),
        (BILOU, "U-X", ["B-X", "I-X", "L-X"]),
        (["O", "B-X"], "B-X", ["B-X", "B-X", "B-X"]),  # no other tag to become
    ],
)
def test_as_part_spreads_a_tag_over_the_tokens_of_one_piece(tags, tag, parts):
    scheme = TagScheme(tags)
    places = [(True, False), (False, False), (False, True)]
    becomes = [scheme.as_part(is_first=first, is_last=last)[tags.index(tag)] for first, last in places]
    assert [tags[i] for i in becomes] == parts


@pytest.mark.parametrize("tags", [BIOES, BILOU, BMES, ["O", "B-X", "I-X"], ["O", "X"], ["O", "I-X"]])
def test_as_part_of_one_token_is_the_tag(tags):
    np.testing.assert_array_equal(TagScheme(tags).as_part(is_first=True, is_last=True), np.arange(len(tags)))


@pytest.mark.parametrize(
    "tags, expected",
    [
        (["O", "X"], ("new-one",)),
        (["O", "I-X"], ("I-new-one",)),
        (["O", "B-X", "I-X"], ("B-new-one", "I-new-one")),
        (BIOES, ("B-new-one", "I-new-one", "E-new-one", "S-new-one")),
        (BILOU, ("B-new-one", "I-new-one", "L-new-one", "U-new-one")),
        (BMES, ("B-new-one", "M-new-one", "E-new-one", "S-new-one")),
    ],
)
def test_make_tags_spells_as_the_present_tags_do(tags, expected):
    scheme = TagScheme(tags)
    made = scheme.make_tags("new-one")
    grown = TagScheme([*tags, *made])
    assert made == expected
    assert (grown.name, grown.labels) == (scheme.name, ("X", "new-one"))


def test_tags_without_an_o_are_warned_of():
    with pytest.warns(UserWarning, match=r"XW202.*o, b-per"):
        warn_of_tags(TagScheme(["o", "b-per", "i-per"]))


@pytest.mark.parametrize(
    "tags, n_tokens, expected",
    [
        (["O", "B-X", "I-X"], 1, ["B-X"]),
        (["O", "B-X", "I-X"], 3, ["B-X", "I-X", "I-X"]),
        (["O", "I-X"], 2, ["I-X", "I-X"]),
        (["O", "X", "Y"], 2, ["X", "X"]),
        (["O", "B-X", "I-X", "E-X", "S-X"], 1, ["S-X"]),
        (["O", "B-X", "I-X", "E-X", "S-X"], 2, ["B-X", "E-X"]),
        (["O", "B-X", "I-X", "L-X", "U-X"], 4, ["B-X", "I-X", "I-X", "L-X"]),
        (["O", "B-X", "I-X", "E-X"], 1, ["B-X"]),  # without S the entity still opens
    ],
)
def test_spell_gives_the_tags_of_an_entity(tags, n_tokens, expected):
    scheme = TagScheme(tags)
    assert [tags[i] for i in scheme.spell(0, n_tokens)] == expected


@pytest.mark.parametrize(
    "name, expected",
    [
        ("io", ("O", "I-A", "I-B")),
        ("iob", ("O", "B-A", "I-A", "B-B", "I-B")),
        ("bioes", ("O", "B-A", "I-A", "E-A", "S-A", "B-B", "I-B", "E-B", "S-B")),
    ],
)
def test_list_tags_is_read_back_as_the_scheme(name, expected):
    assert list_tags(["A", "B"], name) == expected
    assert (TagScheme(expected).name, TagScheme(expected).labels) == (name, ("A", "B"))


def test_more_tags_than_can_be_gone_through_are_refused():
    tags = ["O", *(f"B-{i}" for i in range(MAX_TAGS))]
    TagScheme(tags[:MAX_TAGS])
    with pytest.raises(ValueError, match=rf"XN240\] There are {MAX_TAGS + 1} different tags .*at most {MAX_TAGS}"):
        TagScheme(tags)
