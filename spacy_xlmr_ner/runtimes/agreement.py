"""How far two ways to run a checkpoint agree, by the logits that they give a sample of text."""

import warnings
from dataclasses import dataclass
from typing import Sequence

import numpy as np
from spacy.tokens import Doc
from spacy.vocab import Vocab

from ..pieces.alignment import pool_logits
from ..pieces.runner import launch_piece_logits
from ..pieces.windows import find_token_ranges, own_tokens
from ..tags import OUTSIDE
from ..types import FloatArray, InputSettings, LoadedCheckpoint, Runtime
from .sample_text import SAMPLE


@dataclass(frozen=True)
class Agreement:
    """What a comparison came to.

    share (float): Of the words that either way takes for part of an entity, how many get the same tag; 1.0 if none.
    n_words (int): How many these words are.
    """

    share: float
    n_words: int


def score_sample(runtime: Runtime, checkpoint: LoadedCheckpoint) -> FloatArray:
    """The logits of each word of SAMPLE, as it is and in lower case, shape (n_words, n_tags)."""
    vocab = Vocab()
    sentences = [*SAMPLE, *map(str.lower, SAMPLE)]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"\[XW30[13]\]")  # of words and windows that are not the user's
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
    return pool_logits(result.logits[rows], links, "first")


def compare_logits(found: FloatArray, expected: FloatArray, tags: Sequence[str]) -> Agreement:
    """How many tags of entities would be the same in text such as that of the sample.

    Of so few words hardly one changes its tag, and whether it is none or two is chance. Therefore what is counted is
    how often a change as large as that of any word would outweigh the lead of the best tag of any other; and the words
    that did change where these are more than chance explains.

    found, expected (FloatArray): Logits of the same words, shape (n_words, n_tags).
    tags (Sequence[str]): The tags of the columns.
    """
    in_ent = np.array([tag != OUTSIDE for tag in tags])
    best, found_best = expected.argmax(axis=1), found.argmax(axis=1)
    n_words = int((in_ent[found_best] | in_ent[best]).sum())
    if not n_words:
        return Agreement(1.0, 0)
    n_changed = float((best != found_best).sum())
    if len(tags) > 1:
        words, second = np.arange(len(best)), expected.argsort(axis=1)[:, -2]
        leads = expected[words, best] - expected[words, second]
        losses = leads - (found[words, best] - found[words, second])
        losses = np.sort(np.concatenate([losses, -losses]))  # a change has no direction of its own
        n_likely = float((1 - np.searchsorted(losses, leads, side="right") / len(losses)).sum())
        if n_changed <= n_likely + 3 * max(1.0, n_likely) ** 0.5:
            n_changed = n_likely
    return Agreement(max(0.0, 1 - n_changed / n_words), n_words)
