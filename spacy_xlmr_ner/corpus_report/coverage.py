"""How a checkpoint's vocabulary reads a corpus."""

import json
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Dict, Optional, Sequence

import numpy as np
from spacy.attrs import IS_SPACE, LENGTH
from spacy.tokens import Doc

from ..pieces.tokenizer import MARKER, PieceTokenizer
from ..types import Input, IntArray
from .stats import Finding, shorten

MAX_CHARACTERS = 100  # that are listed
# A token is read badly if a piece of it is unknown, or if it falls to bits: of so many characters, and so many pieces
# to each. A text is, if so many of its tokens are. XLM-R reads Chinese at 0.6 pieces to a character, and words at 0.3.
MIN_CHARS = 4
MAX_PIECES_PER_CHAR = 0.75
MAX_BAD_SHARE = 0.2


@dataclass
class Coverage:
    """How a vocabulary reads the docs of a corpus, as the pipeline's tokenizer makes them.

    n_tokens (int): Tokens but whitespace.
    n_pieces (int): Their pieces.
    n_unknown (int): Pieces among them that stand for what the vocabulary lacks.
    unknown (Dict[str, int]): Characters that it lacks, most frequent first, and how often they occur. A token that is
        unknown though its characters are known stands for itself.
    bare_tokens (Finding): Tokens that have no piece at all; no tag can be found for them.
    long_tokens (Finding): Tokens longer than a window; they are read by their first pieces.
    long_docs (Finding): Docs longer than a window; they are read in several that overlap.
    bad_docs (Finding): Docs of which more than a fifth of the tokens have unknown pieces or fall to bits.
    capacity (int): Pieces that a window holds, without specials.
    """

    n_tokens: int = 0
    n_pieces: int = 0
    n_unknown: int = 0
    unknown: Dict[str, int] = field(default_factory=dict)
    bare_tokens: Finding = field(default_factory=Finding)
    long_tokens: Finding = field(default_factory=Finding)
    long_docs: Finding = field(default_factory=Finding)
    bad_docs: Finding = field(default_factory=Finding)
    capacity: int = 0

    @property
    def pieces_per_token(self) -> float:
        """Pieces of a token, on average."""
        return self.n_pieces / self.n_tokens if self.n_tokens else 0.0


class CoverageCounter:
    """Counts how a vocabulary reads docs.

    tokenizer (PieceTokenizer): Has the vocabulary.
    input (Input): How docs are fed to it.
    capacity (int): Pieces that a window holds, without specials.
    """

    def __init__(self, tokenizer: PieceTokenizer, *, input: Input, capacity: int):
        self._tokenizer = tokenizer
        self._input = input
        self._unknown_id = find_unknown(tokenizer)
        self._marker_id = tokenizer.backend.token_to_id(MARKER)
        self._characters: Counter[str] = Counter()
        self._coverage = Coverage(capacity=capacity)
        self._is_unknown = lru_cache(maxsize=None)(self._has_unknown)

    def add(self, docs: Sequence[Doc]) -> None:
        """Count a batch of docs."""
        pieces = self._tokenizer.tokenize(docs, self._input)
        owners = np.repeat(np.arange(len(pieces.tokens.lengths)), pieces.tokens.lengths)
        ids = pieces.ids[pieces.tokens.dataXd]

        def count(piece_id: Optional[int]) -> IntArray:
            return np.bincount(owners[ids == (-1 if piece_id is None else piece_id)], minlength=len(lengths))

        lengths = np.asarray(pieces.tokens.lengths)
        unknown, markers = count(self._unknown_id), count(self._marker_id)
        ends = np.cumsum([0, *map(len, docs)]).tolist()
        for doc, n_pieces, start, end in zip(docs, pieces.doc_lengths.tolist(), ends, ends[1:]):
            self._add_doc(doc, n_pieces, lengths[start:end], unknown[start:end], markers[start:end])

    def _add_doc(self, doc: Doc, n_pieces: int, lengths: IntArray, unknown: IntArray, markers: IntArray) -> None:
        """Count a doc. lengths, unknown, markers: shape (n_tokens,), pieces of each token of all kinds and of these."""
        coverage = self._coverage
        n_chars, is_space = doc.to_array([LENGTH, IS_SPACE]).astype(np.int64).reshape(-1, 2).T
        is_word = is_space == 0
        is_broken = (n_chars >= MIN_CHARS) & (lengths - markers > MAX_PIECES_PER_CHAR * n_chars)
        is_bad = is_word & (is_broken | (unknown > 0))
        coverage.n_tokens += int(is_word.sum())
        coverage.n_pieces += int(lengths[is_word].sum())
        coverage.n_unknown += int(unknown[is_word].sum())
        for i in np.flatnonzero(unknown).tolist():
            self._add_unknown(doc[i].text)
        for i in np.flatnonzero(is_word & (lengths == 0)).tolist():
            coverage.bare_tokens.add(name_characters(shorten(doc[i].text)))
        for i in np.flatnonzero(lengths > coverage.capacity).tolist():
            coverage.long_tokens.add(shorten(doc[i].text))
        if n_pieces > coverage.capacity:
            coverage.long_docs.add(f"{shorten(doc.text)} ({n_pieces} pieces)")
        if is_bad.sum() > MAX_BAD_SHARE * is_word.sum():
            coverage.bad_docs.add(shorten(doc.text))

    def _add_unknown(self, text: str) -> None:
        characters = {character for character in text if self._is_unknown(character)}
        for character in characters:
            self._characters[character] += text.count(character)
        if not characters:
            self._characters[shorten(text)] += 1

    def _has_unknown(self, character: str) -> bool:
        encoding = self._tokenizer.backend.encode([character], is_pretokenized=True, add_special_tokens=False)
        return self._unknown_id in encoding.ids

    def finish(self) -> Coverage:
        """What was counted."""
        self._coverage.unknown = dict(self._characters.most_common(MAX_CHARACTERS))
        return self._coverage


def find_unknown(tokenizer: PieceTokenizer) -> Optional[int]:
    """The id of the piece that stands for what a vocabulary lacks; None where it lacks nothing."""
    model = json.loads(tokenizer.backend.to_str())["model"]
    if "unk_id" in model:
        found: Optional[int] = model["unk_id"]
        return found
    piece = model.get("unk_token")
    return None if piece is None else tokenizer.backend.token_to_id(piece)


def name_characters(text: str) -> str:
    """A text with the numbers of its characters, for some of them do not show."""
    return f"{text!r} ({' '.join(f'U+{ord(character):04X}' for character in text[:MIN_CHARS])})"
