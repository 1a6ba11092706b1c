"""Make the pieces of the next docs while the network is busy with these."""

import threading
from typing import Iterable, List, Optional, Sequence

import numpy as np
from spacy.tokens import Doc

from ..types import Input
from .tokenizer import Pieces, PieceTokenizer, read_docs


class PreparedDocs(List[Doc]):
    """Docs whose pieces are made in a thread.

    The thread has no part of the docs: they, and the memory zone they may be in, can go away while it runs.

    docs (Iterable[Doc]): The docs; they are read at once.
    tokenizer (PieceTokenizer), input (Input): As for find_pieces.
    """

    def __init__(self, docs: Iterable[Doc], tokenizer: PieceTokenizer, input: Input):
        super().__init__(docs)
        self._tokenizer = tokenizer
        self._input = input
        self._read = read_docs(self, input)
        self._pieces: Optional[Pieces] = None
        # A thread for each batch, no pool: a forked worker has no threads, and would wait for a pool's for ever.
        self._thread = threading.Thread(target=self._cut, name="xlmr_ner pieces")
        self._thread.start()

    def _cut(self) -> None:
        try:
            self._pieces = self._tokenizer.cut(self._read)
        except BaseException:  # also panics of the tokenizer; what fails here fails again, and is told, in find_pieces
            self._pieces = None

    def take(self, tokenizer: PieceTokenizer, input: Input) -> Optional[Pieces]:
        """Wait for the pieces; None if there are none, or not for these docs as they are now.

        tokenizer (PieceTokenizer), input (Input): What is asked for.
        """
        self._thread.join()
        n_tokens = [len(doc) for doc in self]
        is_same = tokenizer is self._tokenizer and input == self._input
        return self._pieces if is_same and np.array_equal(n_tokens, self._read.n_tokens) else None


def find_pieces(docs: Sequence[Doc], tokenizer: PieceTokenizer, input: Input) -> Pieces:
    """The pieces of docs, made by now if they were prepared.

    docs (Sequence[Doc]): Any docs.
    tokenizer (PieceTokenizer): Makes the pieces.
    input (Input): As for its `tokenize`.
    RETURNS (Pieces): Of all docs.
    """
    pieces = docs.take(tokenizer, input) if isinstance(docs, PreparedDocs) else None
    return tokenizer.tokenize(docs, input) if pieces is None else pieces
