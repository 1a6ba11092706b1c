"""Texts on which word rules, schemes or alignment go wrong easily, each with a checkpoint that knows the answer."""

from typing import Dict, NamedTuple, Sequence, Tuple

from toys import IOB_TAGS, WORDS


class Case(NamedTuple):
    """A text and what is to be found in it.

    name (str): What it is about.
    text (str): The text.
    tag_by_piece (Dict[str, str]): What the checkpoint says of each piece, wherever it stands; O of all others.
    right (Sequence[Tuple[str, str, int]]): The entities: text, label, first character.
    tags (Sequence[str]): The checkpoint's tags.
    lang (str): Of the spaCy pipeline.
    words, suffixes (Sequence[str]): Pieces that the vocabulary has beside single characters.
    """

    name: str
    text: str
    tag_by_piece: Dict[str, str]
    right: Sequence[Tuple[str, str, int]]
    tags: Sequence[str] = IOB_TAGS
    lang: str = "xx"
    words: Sequence[str] = WORDS
    suffixes: Sequence[str] = ("row", "s")


SYMPTOM_TAGS = ("O", "B-Sign-symptom", "I-Sign-symptom")
NAMES = ("John", "Lee", "Hooker", "Hans", "navn", "er", "My", "name", "is", "Wolfgang", "I", "live", *WORDS)
HAN = {"张": "B-PER", "三": "I-PER", "北": "B-LOC", "京": "I-LOC"}

CASES = [
    Case("full stop after a name", "in Berlin.", {"▁Berlin": "B-LOC"}, [("Berlin", "LOC", 3)]),
    Case(
        "newline between names",
        "Anna\nBerlin",
        {"▁Anna": "B-PER", "▁Berlin": "B-LOC"},
        [("Anna", "PER", 0), ("Berlin", "LOC", 5)],
    ),
    Case(
        "no spaces between words",
        "张三住在北京",
        {**HAN, **{f"▁{character}": tag for character, tag in HAN.items()}},
        [("张三", "PER", 0), ("北京", "LOC", 4)],
        lang="zh",
        words=tuple("张三住在北京"),
    ),
    Case(
        "emoji",
        "My name is Wolfgang 🚀🚀 🚀 and I live in Berlin.",
        {"▁Wolfgang": "B-PER", "▁Berlin": "B-LOC"},
        [("Wolfgang", "PER", 11), ("Berlin", "LOC", 39)],
        words=NAMES,
    ),
    Case(
        "space at the start",
        " Hans navn er John Lee Hooker",
        {"▁John": "B-PER", "▁Lee": "I-PER", "▁Hooker": "I-PER"},
        [("John Lee Hooker", "PER", 14)],
        words=NAMES,
    ),
    Case(
        "name that ends within a token",
        "vB_SauS_SA2",
        {"▁vB": "B-ORG", "Sau": "I-ORG"},
        [("vB_SauS_SA2", "ORG", 0)],
        words=("vB",),
        suffixes=("Sau", "SA"),
    ),
    Case(
        "word longer than a window",
        "contact" * 800,
        {"▁contact": "B-ORG", "contact": "I-ORG"},
        [("contact" * 800, "ORG", 0)],
        words=("contact",),
        suffixes=("contact",),
    ),
    Case(
        "IOB1 neighbours",
        "Anna Berlin",
        {"▁Anna": "I-PER", "▁Berlin": "I-LOC"},
        [("Anna", "PER", 0), ("Berlin", "LOC", 5)],
    ),
    Case(
        "IOB1 without any B",
        "Anna Berlin",
        {"▁Anna": "I-PER", "▁Berlin": "I-LOC"},
        [("Anna", "PER", 0), ("Berlin", "LOC", 5)],
        tags=("O", "I-PER", "I-LOC"),
    ),
    Case(
        "B of one label, I of another",
        "Anna Berlin",
        {"▁Anna": "B-PER", "▁Berlin": "I-LOC"},
        [("Anna", "PER", 0), ("Berlin", "LOC", 5)],
    ),
    Case(
        "label with a hyphen",
        "the fever rises",
        {"▁fever": "B-Sign-symptom"},
        [("fever", "Sign-symptom", 4)],
        tags=SYMPTOM_TAGS,
        words=("the", "fever", "rises"),
    ),
    Case(
        "label with a hyphen, no prefixes",
        "Anna in New York",
        {"▁Anna": "person", "▁New": "geo-loc", "▁York": "geo-loc"},
        [("Anna", "person", 0), ("New York", "geo-loc", 8)],
        tags=("O", "person", "geo-loc"),
    ),
]
