"""How far two ways to run a checkpoint agree, by the tags that they give a sample of text."""

from dataclasses import dataclass
from typing import Sequence

import numpy as np
from spacy.tokens import Doc
from spacy.vocab import Vocab

from ..pieces.alignment import pool_logits
from ..pieces.runner import launch_piece_logits
from ..pieces.windows import find_token_ranges, own_tokens
from ..tags import OUTSIDE
from ..types import InputSettings, IntArray, LoadedCheckpoint, Runtime
from .sample_text import SAMPLE


@dataclass(frozen=True)
class Agreement:
    """What a comparison came to.

    share (float): Of the words that either way takes for part of an entity, how many get the same tag; 1.0 if none.
    n_words (int): How many these words are.
    """

    share: float
    n_words: int


def tag_sample(runtime: Runtime, checkpoint: LoadedCheckpoint) -> IntArray:
    """The tag of each word of SAMPLE, as it is and in lower case, shape (n_words,)."""
    vocab = Vocab()
    sentences = [*SAMPLE, *map(str.lower, SAMPLE)]
    result = launch_piece_logits(
        [Doc(vocab, sentence.split()) for sentence in sentences],
        checkpoint.tokenizer,
        runtime,
        settings=InputSettings(input="words", pooling="first", window=None, overlap=0, max_batch_pieces=2048),
        max_window=checkpoint.max_window,
        n_tags=len(checkpoint.tags),
    )()
    tokens = result.pieces.tokens
    rows, links = result.find_rows(tokens, own_tokens(*find_token_ranges(tokens), result.windows))
    return pool_logits(result.logits[rows], links, "first").argmax(axis=1)


def compare_tags(found: IntArray, expected: IntArray, tags: Sequence[str]) -> Agreement:
    """Compare the tags of the same words, as rows of `tags`. Shape (n_words,) each."""
    in_ent = np.array([tag != OUTSIDE for tag in tags])
    either = in_ent[found] | in_ent[expected]
    share = float((found == expected)[either].mean()) if either.any() else 1.0
    return Agreement(share, int(either.sum()))
