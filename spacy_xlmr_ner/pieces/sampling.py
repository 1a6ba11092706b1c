"""Subword regularisation: other ways to cut words into pieces, drawn anew each time a text is trained on."""

import json
import random
from functools import lru_cache
from typing import Dict, List, Sequence, Tuple

import numpy as np
from sentencepiece import SentencePieceProcessor, sentencepiece_model_pb2
from spacy.tokens import Doc
from thinc.types import Ragged
from tokenizers import Tokenizer

from ..errors import Errors
from .tokenizer import Pieces

# Of each word the best 64 ways are drawn from, as in Kudo (2018); keeps a word's chances in a small table.
N_BEST = 64
MAX_WORDS = 100_000
# What SentencePiece takes off for a character that it does not know.
UNKNOWN_PENALTY = 10.0


class PieceSampler:
    """Draws pieces of words by SentencePiece's unigram model.

    backend (Tokenizer): Of the `tokenizers` library; its model is a unigram one.
    alpha (float): How much the model's own probabilities count: 0 draws evenly, 1 as it believes.
    RAISES (ValueError): XN122 if the model is of another kind.
    SOURCE: Kudo (2018), Subword Regularization, l-best sampling.
    """

    def __init__(self, backend: Tokenizer, *, alpha: float):
        model = json.loads(backend.to_str())["model"]
        if model.get("type") != "Unigram":
            raise ValueError(Errors.XN122.format(kind=model.get("type")))
        self._backend = backend
        self._alpha = alpha
        self._unknown = model["unk_id"]
        self._special = special = {token.content for token in backend.get_added_tokens_decoder().values()}
        self._ids = {piece: i for i, (piece, _) in enumerate(model["vocab"]) if piece not in special}
        self._scores = {piece: score for piece, score in model["vocab"] if piece not in special}
        self._least = min(self._scores.values()) - UNKNOWN_PENALTY
        self._processor = _make_processor(self._scores)
        self._find_ways = lru_cache(maxsize=MAX_WORDS)(self._list_ways)

    def draw(self, word: str) -> List[int]:
        """Draw one way to cut a word.

        word (str): A word, as it stands in a text.
        RETURNS (List[int]): Ids of its pieces; none for a word that the normaliser makes nothing of, or that holds a
            special piece.
        """
        drawn: List[int] = []
        for ways, shares in self._find_ways(word):
            # spaCy seeds this module, so that a training run can be repeated.
            drawn += random.choices(ways, shares)[0]
        return drawn

    def _list_ways(self, word: str) -> List[Tuple[List[List[int]], List[float]]]:
        """The best ways to cut each part of a word that has one piece at least, and how likely each is to be drawn."""
        if any(piece in word for piece in self._special):
            return []  # the tokenizer takes such a piece out of a word before all else
        normal = word if self._backend.normalizer is None else self._backend.normalizer.normalize_str(word)
        parts = [(normal, (0, 0))]
        if self._backend.pre_tokenizer is not None:
            parts = self._backend.pre_tokenizer.pre_tokenize_str(normal)
        found: List[Tuple[List[List[int]], List[float]]] = []
        for part, _ in parts:
            ways = self._processor.nbest_encode(part, nbest_size=N_BEST, out_type=str)
            scores = np.array([sum(self._scores.get(piece, self._least) for piece in way) for way in ways])
            shares = np.exp(self._alpha * (scores - scores.max()))
            ids = [[self._ids.get(piece, self._unknown) for piece in way] for way in ways]
            found.append((ids, shares.tolist()))
        return found


def _make_processor(scores: Dict[str, float]) -> SentencePieceProcessor:
    """SentencePiece over the pieces of a fast tokenizer, which normalises and splits before."""
    model = sentencepiece_model_pb2.ModelProto()  # type: ignore[attr-defined]
    kinds = model.SentencePiece
    for piece, kind in (("<unk>", kinds.UNKNOWN), ("<s>", kinds.CONTROL), ("</s>", kinds.CONTROL)):
        model.pieces.add(piece=piece, score=0.0, type=kind)
    for piece, score in scores.items():
        model.pieces.add(piece=piece, score=score)
    model.trainer_spec.model_type = model.trainer_spec.UNIGRAM
    model.normalizer_spec.name = "identity"
    model.normalizer_spec.add_dummy_prefix = False
    model.normalizer_spec.remove_extra_whitespaces = False
    model.normalizer_spec.escape_whitespaces = False
    return SentencePieceProcessor(model_proto=model.SerializeToString())


def sample_pieces(pieces: Pieces, docs: Sequence[Doc], sampler: PieceSampler, *, share: float) -> Pieces:
    """Cut some of the words of a batch anew.

    pieces (Pieces): Of docs read word by word: each piece belongs to one token.
    docs (Sequence[Doc]): Those.
    sampler (PieceSampler): Draws.
    share (float): Of the words that are cut anew, in [0, 1].
    RETURNS (Pieces): The same tokens over other pieces.
    """
    starts = np.cumsum(pieces.tokens.lengths) - pieces.tokens.lengths
    ids = np.split(pieces.ids[pieces.tokens.dataXd], starts[1:]) if len(starts) else []
    for i, token in enumerate(token for doc in docs for token in doc):
        if random.random() < share and len(ids[i]):
            drawn = sampler.draw(token.text)
            if drawn:
                ids[i] = np.array(drawn, dtype=np.int64)
    lengths = np.array([len(own) for own in ids], dtype=np.int64)
    ends = np.cumsum(np.append(0, lengths))
    doc_ends = np.cumsum([len(doc) for doc in docs])
    doc_lengths = np.diff(ends[doc_ends], prepend=0)
    joined = np.concatenate([np.zeros(0, dtype=np.int64), *ids])
    return Pieces(joined, doc_lengths, Ragged(np.arange(len(joined)), lengths))
