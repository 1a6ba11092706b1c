import numpy as np
import pytest

from spacy_xlmr_ner.layers.transformer_pieces import give_markers


def give(tokens, markers, n_pieces):
    """Pieces by token, before and after."""
    pieces = np.array([piece for token in tokens for piece in token], dtype=np.int64)
    lengths = np.array([len(token) for token in tokens])
    is_marker = np.isin(np.arange(n_pieces), markers)
    moved, new_lengths = give_markers(pieces, lengths, is_marker=is_marker)
    return [part.tolist() for part in np.split(moved, np.cumsum(new_lengths)[:-1])]


@pytest.mark.parametrize(
    "tokens, markers, expected",
    [
        ([[0, 1], [2]], [1], [[0], [1, 2]]),  # "in 🚀": in ▁ 🚀
        ([[0], [2, 3]], [1], [[0], [1, 2, 3]]),  # nobody had it
        ([[0], [1, 2]], [1], [[0], [1, 2]]),  # it is there already
        ([[1], [2]], [], [[1], [2]]),
        ([[1], [], [3]], [2], [[1], [], [2, 3]]),  # a token without pieces between
        ([[1, 2], [3], [3]], [2], [[1], [2, 3], [2, 3]]),  # two tokens under one piece
        ([[0, 1]], [1], [[0, 1]]),  # at the end it is of no word behind
        ([[], []], [0], [[], []]),
    ],
)
def test_lone_marker_is_given_to_the_word_behind_it(tokens, markers, expected):
    assert give(tokens, markers, 5) == expected
