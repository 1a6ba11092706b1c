"""Strategies of hypothesis for cases: the bytes that a target takes."""

from hypothesis import strategies as st

from .bulk_cases import ROWS
from .corpus_cases import SEEDS

MARKS = "\u0301\u0302\u0303\u0327\u0f39\u20dd\ufe0f\u200d\u200b\u200e\u200f\u202e\u2066\u2069\u00ad\ufeff"
ENDS = "\n\r\t\x0b\x0c\x1c\x1e\x85\u00a0\u2028\u2029\u3000"
SCRIPTS = "Añß張三東京עבריתالعربيةไทยहिन्दी한국어ქართული𝔄\U0010ffff"
EMOJI = ("👩‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "🚀", "👍🏽")
NAMES = ("Anna", "Berlin", "Siemens AG", " ", "  ", ".", "'s", "<s>", "</s>", "▁", "\x00", "\x1b[31m", "<b>", "&amp;")


def texts(most: int = 60) -> st.SearchStrategy[str]:
    """Texts of any script, marks, ends of lines, emoji and names; some of a few parts said many times."""
    characters = st.one_of(
        st.sampled_from(MARKS + ENDS + SCRIPTS), st.characters(exclude_categories=["Cs"]), st.sampled_from("aB1.,-' ")
    )
    parts = st.one_of(st.sampled_from(NAMES), st.sampled_from(EMOJI), st.text(characters, max_size=12))
    short = st.lists(parts, max_size=most).map("".join)
    repeated = st.builds(lambda part, n: part * n, parts, st.integers(1, 400))
    return st.one_of(short, st.builds("{}{}{}".format, short, repeated, short))


def numbers(most: int = 120) -> st.SearchStrategy[bytes]:
    """Cases that are read as choices."""
    return st.binary(min_size=0, max_size=most)


def headed(n_head: int, body: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Some choices, then what they are about."""
    return st.builds(bytes.__add__, st.binary(min_size=n_head, max_size=n_head), body)


def corpora() -> st.SearchStrategy[bytes]:
    """Files made of lines of all formats, whole and broken, and of any bytes."""
    lines = [line + "\n" for seed in SEEDS for line in seed.split("\n")]
    tags = st.sampled_from(["O", "B-PER", "I-PER", "E-X", "S-X", "-", "B-", "X", "B-\u00a0", "LOC", "B-O"])
    words = st.one_of(st.sampled_from(["a", "Rom", "#", "de:a", "1", "1-2", '{"text":']), st.text(max_size=6))
    rows = st.builds("{}{}{}\n".format, words, st.sampled_from(["\t", " ", "\t\t", "\t \t", ""]), tags)
    line = st.one_of(st.sampled_from(lines), rows, st.just("\n")).map(lambda text: text.encode("utf8", "replace"))
    return st.lists(st.one_of(line, st.binary(max_size=20)), max_size=25).map(b"".join)


def rows() -> st.SearchStrategy[bytes]:
    """Files of rows, made of lines whole and broken, quotes, ends of lines, and any bytes."""
    lines = [line for seed in ROWS for line in seed.splitlines(keepends=True)]
    parts = st.sampled_from(
        [b'"', b'""', b",", b"\n", b"\r\n", b"text", b"{", b"}", b"[", b"\\", b"Anna", b" ", b"\xff"]
    )
    return st.lists(st.one_of(st.sampled_from(lines), parts, st.binary(max_size=8)), max_size=25).map(b"".join)
