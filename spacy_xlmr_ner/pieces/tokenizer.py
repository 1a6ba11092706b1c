"""A fast tokenizer, fed with docs: pieces, and which token each belongs to."""

import json
import os
from typing import Any, List, NamedTuple, Optional, Sequence

import numpy as np
from spacy.attrs import IDX, LENGTH
from spacy.tokens import Doc
from thinc.types import Ragged
from tokenizers import Encoding, Tokenizer

from ..types import Input, IntArray
from .alignment import align_pieces, trim_offsets

MARKER = "\u2581"
# Of the last ones str.isspace is False, yet SentencePiece's normaliser makes spaces of them.
_SPACES = np.array([i for i in range(0x3001) if chr(i).isspace()] + [*range(0x200B, 0x2010), 0x2581, 0xFEFF, 0xFFFD])


class Pieces(NamedTuple):
    """The pieces of a batch of docs, one after the other, without specials.

    ids (IntArray): Shape (n_pieces,).
    doc_lengths (IntArray): Shape (n_docs,). In pieces.
    tokens (Ragged): The pieces of each token of all docs: rows of ids.
    """

    ids: IntArray
    doc_lengths: IntArray
    tokens: Ragged


class DocTexts(NamedTuple):
    """What is read of docs to tokenize them, so that it can be done when they are gone.

    input (Input): As for PieceTokenizer.tokenize.
    texts (List[Any]): For each doc its words, or its text.
    n_tokens (IntArray): Shape (n_docs,).
    spans (List[Optional[IntArray]]): For each doc where its tokens begin and end, (n_tokens, 2), in characters; None
        for words.
    """

    input: Input
    texts: List[Any]
    n_tokens: IntArray
    spans: List[Optional[IntArray]]


class PieceTokenizer:
    """A Hugging Face tokenizer that cuts nothing off and pads nothing.

    backend (Tokenizer): Of the `tokenizers` library. It is copied: a saved tokenizer.json may hold a truncation.
    pad_id (int): The id to pad with.
    """

    prefix: IntArray
    suffix: IntArray
    pad_id: int

    def __init__(self, backend: Tokenizer, *, pad_id: int):
        self._backend = Tokenizer.from_str(backend.to_str())
        self._backend.no_truncation()
        self._backend.no_padding()
        self._word_backend = _with_prefix_space(self._backend)
        self._marker_id = self._backend.token_to_id(MARKER)
        self._pid = os.getpid()
        self.pad_id = pad_id
        self.prefix, self.suffix = self._find_specials()

    def __reduce__(self) -> Any:
        return _restore_tokenizer, (self._backend.to_str(), self.pad_id)

    def _find_specials(self) -> tuple[IntArray, IntArray]:
        """The ids that stand before and behind a text."""
        encoding = self._backend.encode("a")
        ids = np.array(encoding.ids, dtype=np.int64)
        content = np.flatnonzero(np.array(encoding.special_tokens_mask) == 0)
        start, stop = (content[0], content[-1] + 1) if len(content) else (len(ids), len(ids))
        return ids[:start], ids[stop:]

    @property
    def backend(self) -> Tokenizer:
        """The tokenizer that reads words."""
        return self._word_backend

    @property
    def n_special(self) -> int:
        """How many special pieces a window has."""
        return len(self.prefix) + len(self.suffix)

    def get_pieces(self, ids: IntArray) -> List[str]:
        """The pieces as they are spelt in the vocabulary."""
        return [self._backend.id_to_token(i) or "" for i in ids.tolist()]

    def tokenize(self, docs: Sequence[Doc], input: Input) -> Pieces:
        """Tokenize a batch of docs in one call.

        docs (Sequence[Doc]): Any docs, empty ones too.
        input (Input): "words": each token by itself, as checkpoints are trained; "text": doc.text as it is.
        RETURNS (Pieces): The pieces of all docs.
        """
        return self.cut(read_texts(docs, input))

    def cut(self, read: DocTexts) -> Pieces:
        """Tokenize what was read of docs."""
        if os.getpid() != self._pid:
            # In a forked worker the threads of the parent are gone, and waiting for them would take for ever.
            os.environ["TOKENIZERS_PARALLELISM"] = "false"
        if read.input == "words":
            encodings = self._word_backend.encode_batch(read.texts, is_pretokenized=True, add_special_tokens=False)
        else:
            encodings = self._backend.encode_batch(read.texts, add_special_tokens=False)
        tokens = [
            _group_words(encoding, int(n_tokens)) if spans is None else self._group_text(encoding, text, spans)
            for encoding, text, n_tokens, spans in zip(encodings, read.texts, read.n_tokens, read.spans)
        ]
        doc_lengths = np.array([len(encoding) for encoding in encodings], dtype=np.int64)
        doc_starts = np.cumsum(doc_lengths) - doc_lengths
        no_ids = np.zeros(0, dtype=np.int64)
        return Pieces(
            np.concatenate([no_ids, *(np.array(encoding.ids, dtype=np.int64) for encoding in encodings)]),
            doc_lengths,
            Ragged(
                np.concatenate([no_ids, *(doc.dataXd + start for doc, start in zip(tokens, doc_starts))]),
                np.concatenate([no_ids, *(doc.lengths for doc in tokens)]),
            ),
        )

    def _group_text(self, encoding: Encoding, text: str, token_spans: IntArray) -> Ragged:
        chars = np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), dtype=np.uint32)
        offsets = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)
        is_marker = np.array(encoding.ids, dtype=np.int64) == (-1 if self._marker_id is None else self._marker_id)
        return align_pieces(token_spans, trim_offsets(offsets, np.isin(chars, _SPACES), is_marker))


def read_texts(docs: Sequence[Doc], input: Input) -> DocTexts:
    """Read what a tokenizer needs of docs.

    docs, input: As for PieceTokenizer.tokenize.
    RETURNS (DocTexts): Nothing of it is the docs' own.
    """
    n_tokens = np.array([len(doc) for doc in docs], dtype=np.int64)
    if input == "words":
        return DocTexts(input, [[token.text for token in doc] for doc in docs], n_tokens, [None] * len(docs))
    return DocTexts(input, [doc.text for doc in docs], n_tokens, [_find_spans(doc) for doc in docs])


def _find_spans(doc: Doc) -> IntArray:
    spans: IntArray = doc.to_array([IDX, LENGTH]).astype(np.int64).reshape(-1, 2)
    spans[:, 1] += spans[:, 0]
    return spans


def _group_words(encoding: Encoding, n_tokens: int) -> Ragged:
    words = np.array(encoding.word_ids, dtype=np.int64)
    return Ragged(np.arange(len(words)), np.bincount(words, minlength=n_tokens))


def _with_prefix_space(backend: Tokenizer) -> Tokenizer:
    """Have single words spelt as they are inside a text.

    Tokenizers of bytes (RoBERTa's) mark the space before a word on its first piece; checkpoints are trained on words
    with that mark, as transformers asks for.
    """
    settings = json.loads(backend.to_str())
    pre_tokenizer = settings.get("pre_tokenizer") or {}
    if pre_tokenizer.get("type") != "ByteLevel" or pre_tokenizer["add_prefix_space"]:
        return backend
    pre_tokenizer["add_prefix_space"] = True
    return Tokenizer.from_str(json.dumps(settings))


def _restore_tokenizer(backend: str, pad_id: int) -> PieceTokenizer:
    return PieceTokenizer(Tokenizer.from_str(backend), pad_id=pad_id)
