"""A fast tokenizer, fed with docs: pieces, and which token each belongs to."""

import json
import os
from typing import Any, List, NamedTuple, Sequence, Union

import numpy as np
from spacy.attrs import IDX, LENGTH, ORTH
from spacy.tokens import Doc
from thinc.types import Ragged
from tokenizers import Encoding, Tokenizer

from ..types import Input, IntArray
from .alignment import align_pieces, trim_offsets

MARKER = "\u2581"
# Words that one thread of the tokenizer takes at a time.
WORDS_AT_ONCE = 256
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


class DocWords(NamedTuple):
    """The words of docs, each once, so that they can be tokenized when the docs are gone.

    words (List[str]): Shape (n_words,). In no order.
    rows (IntArray): Shape (n_tokens,). Which of them each token of all docs is.
    n_tokens (IntArray): Shape (n_docs,).
    """

    words: List[str]
    rows: IntArray
    n_tokens: IntArray


class DocTexts(NamedTuple):
    """The texts of docs, likewise.

    texts (List[str]): Of each doc.
    spans (List[IntArray]): For each doc where its tokens begin and end, (n_tokens, 2), in characters.
    n_tokens (IntArray): Shape (n_docs,).
    """

    texts: List[str]
    spans: List[IntArray]
    n_tokens: IntArray


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
        return self.cut(read_docs(docs, input))

    def cut(self, read: Union[DocWords, DocTexts]) -> Pieces:
        """Tokenize what was read of docs."""
        if os.getpid() != self._pid:
            # In a forked worker the threads of the parent are gone, and waiting for them would take for ever.
            os.environ["TOKENIZERS_PARALLELISM"] = "false"
        return self._cut_words(read) if isinstance(read, DocWords) else self._cut_texts(read)

    def _cut_words(self, read: DocWords) -> Pieces:
        """Each word once: its pieces are the same wherever it stands."""
        starts = range(0, len(read.words), WORDS_AT_ONCE)
        parts = [read.words[start : start + WORDS_AT_ONCE] for start in starts]
        encodings = self._word_backend.encode_batch(parts, is_pretokenized=True, add_special_tokens=False)
        ids = _join([np.array(encoding.ids, dtype=np.int64) for encoding in encodings])
        owners = [np.array(encoding.word_ids, dtype=np.int64) for encoding in encodings]
        lengths = _join([np.bincount(own, minlength=len(part)) for own, part in zip(owners, parts)])
        before = np.cumsum(lengths) - lengths
        token_lengths = lengths[read.rows]
        token_ends = np.append(0, np.cumsum(token_lengths))
        n_pieces = int(token_ends[-1])
        rows = np.arange(n_pieces) + np.repeat(before[read.rows] - token_ends[:-1], token_lengths)
        doc_ends = np.cumsum(read.n_tokens)
        doc_lengths = token_ends[doc_ends] - token_ends[doc_ends - read.n_tokens]
        return Pieces(ids[rows], doc_lengths, Ragged(np.arange(n_pieces), token_lengths))

    def _cut_texts(self, read: DocTexts) -> Pieces:
        encodings = self._backend.encode_batch(read.texts, add_special_tokens=False)
        tokens = [self._group_text(*one) for one in zip(encodings, read.texts, read.spans)]
        doc_lengths = np.array([len(encoding) for encoding in encodings], dtype=np.int64)
        doc_starts = np.cumsum(doc_lengths) - doc_lengths
        return Pieces(
            _join([np.array(encoding.ids, dtype=np.int64) for encoding in encodings]),
            doc_lengths,
            Ragged(
                _join([doc.dataXd + start for doc, start in zip(tokens, doc_starts)]),
                _join([doc.lengths for doc in tokens]),
            ),
        )

    def _group_text(self, encoding: Encoding, text: str, token_spans: IntArray) -> Ragged:
        chars = np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), dtype=np.uint32)
        offsets = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)
        is_marker = np.array(encoding.ids, dtype=np.int64) == (-1 if self._marker_id is None else self._marker_id)
        return align_pieces(token_spans, trim_offsets(offsets, np.isin(chars, _SPACES), is_marker))


def read_docs(docs: Sequence[Doc], input: Input) -> Union[DocWords, DocTexts]:
    """Read what a tokenizer needs of docs.

    docs, input: As for PieceTokenizer.tokenize.
    RETURNS (Union[DocWords, DocTexts]): Nothing of it is the docs' own.
    """
    n_tokens = np.array([len(doc) for doc in docs], dtype=np.int64)
    if input == "text":
        return DocTexts([doc.text for doc in docs], [_find_spans(doc) for doc in docs], n_tokens)
    no_words = np.zeros(0, dtype=np.uint64)
    orths = np.concatenate([no_words, *(doc.to_array([ORTH]).reshape(-1) for doc in docs)])
    keys, firsts, rows = np.unique(orths, return_index=True, return_inverse=True)
    owners = np.searchsorted(np.cumsum(n_tokens), firsts, side="right")  # docs may have different vocabularies
    strings = [doc.vocab.strings for doc in docs]
    words = [strings[doc][key] for doc, key in zip(owners.tolist(), keys.tolist())]
    return DocWords(words, rows.astype(np.int64), n_tokens)


def _find_spans(doc: Doc) -> IntArray:
    spans: IntArray = doc.to_array([IDX, LENGTH]).astype(np.int64).reshape(-1, 2)
    spans[:, 1] += spans[:, 0]
    return spans


def _join(arrays: Sequence[IntArray]) -> IntArray:
    return np.concatenate([np.zeros(0, dtype=np.int64), *arrays])


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
