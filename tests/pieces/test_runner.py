import warnings
from typing import Callable, List, Optional, Tuple

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc
from thinc.types import Ragged
from toys import write_tokenizer

from spacy_xlmr_ner.pieces.runner import PieceLogits, find_window, launch_piece_logits
from spacy_xlmr_ner.pieces.tokenizer import Pieces, PieceTokenizer
from spacy_xlmr_ner.pieces.windows import Windows, find_token_ranges, own_tokens
from spacy_xlmr_ner.types import InputSettings

VOCAB = spacy.blank("xx").vocab
SENTENCE = ["Jack", "Sparrow", "\n", "loves", "New", "York", "and", "Berlin"]  # 9 pieces as words


class Echo:
    """A network that answers with the piece's id and its distance from the window's end, and keeps the shapes."""

    def __init__(self) -> None:
        self.shapes: List[Tuple[int, ...]] = []

    def __call__(self, piece_ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        assert ((piece_ids == 1) == ~mask).all(), "padding and nothing else is masked"
        self.shapes.append(piece_ids.shape)
        behind = mask.sum(axis=1, keepdims=True) - 1 - np.arange(piece_ids.shape[1])
        return np.stack([piece_ids, behind], axis=-1).astype(np.float32)


class Launcher(Echo):
    """The same on a card of its own: keeps what was started and waited for, and what was asked for."""

    max_batch_pieces, small_batch, overhead = 40, 1, 0

    def __init__(self) -> None:
        super().__init__()
        self.events: List[str] = []
        self.asked: List[List[int]] = []

    def launch(self, piece_ids: np.ndarray, mask: np.ndarray, is_read: np.ndarray) -> Callable[[], np.ndarray]:
        logits = self(piece_ids, mask)
        self.events.append("start")
        self.asked += [row[reads].tolist() for row, reads in zip(piece_ids, is_read)]

        def wait() -> np.ndarray:
            self.events.append("wait")
            return logits[is_read]

        return wait


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory) -> PieceTokenizer:
    return PieceTokenizer(write_tokenizer(tmp_path_factory.mktemp("vocabulary")).backend_tokenizer, pad_id=1)


def make_settings(*, window: Optional[int] = None, overlap: int = 2, max_batch_pieces: int = 4096) -> InputSettings:
    return InputSettings("words", "first", window, overlap, max_batch_pieces)


def run(tokenizer: PieceTokenizer, docs: List[Doc], settings: InputSettings) -> Tuple[PieceLogits, Echo]:
    echo = Echo()
    result = launch_piece_logits(docs, tokenizer, echo, settings=settings, max_window=512, n_tags=2)()
    return result, echo


def make_docs(*sizes: int) -> List[Doc]:
    """Docs of so many tokens."""
    return [Doc(VOCAB, words=(SENTENCE * size)[:size]) for size in sizes]


@pytest.mark.filterwarnings("ignore:.*XW303")
@pytest.mark.parametrize("window", [None, 6, 12])
@pytest.mark.parametrize("max_batch_pieces", [1, 30, 4096])
def test_logits_stand_where_their_pieces_are(tokenizer, window, max_batch_pieces):
    settings = make_settings(window=window, max_batch_pieces=max_batch_pieces)
    docs = make_docs(3, 40, 0, 8, 1, 25)
    result, _ = run(tokenizer, docs, settings)
    tokens = result.pieces.tokens
    rows, links = result.find_rows(tokens, own_tokens(*find_token_ranges(tokens), result.windows))
    assert links.lengths.tolist() == tokens.lengths.tolist()
    words = [token.text for doc in docs for token in doc]
    expected = tokenizer._backend.encode(words, is_pretokenized=True, add_special_tokens=False).ids
    assert result.logits[rows, 0].tolist() == expected


@pytest.mark.parametrize("window", [None, 6])
def test_logits_hold_the_specials_around_each_window(tokenizer, window):
    result, _ = run(tokenizer, make_docs(20, 4), make_settings(window=window))
    ends = result.window_rows + result.windows.ends - result.windows.starts
    assert set(result.logits[result.window_rows - 1, 0].tolist()) == {0.0}
    assert set(result.logits[ends, 0].tolist()) == {2.0}
    assert set(result.logits[ends, 1].tolist()) == {0.0}, "nothing but padding behind </s>"


@pytest.mark.parametrize("max_batch_pieces", [14, 30, 100])
def test_batches_go_across_docs_within_the_budget(tokenizer, max_batch_pieces):
    _, echo = run(tokenizer, make_docs(*[8] * 7, 40), make_settings(window=14, max_batch_pieces=max_batch_pieces))
    assert all(rows * width <= max_batch_pieces for rows, width in echo.shapes)
    assert max(rows for rows, _ in echo.shapes) > 1 or max_batch_pieces == 14


def test_window_that_is_longer_than_a_batch_is_told(tokenizer):
    with pytest.warns(UserWarning, match=r"XW303.* is 13, .*up to 14 pieces"):
        run(tokenizer, make_docs(40), make_settings(window=14, max_batch_pieces=13))


def test_windows_that_fit_a_batch_are_no_matter_of_a_warning(tokenizer):
    run(tokenizer, make_docs(40, 3), make_settings(window=14, max_batch_pieces=14))


def launch(tokenizer, docs, *, pooling=None, **settings):
    launcher = Launcher()
    wait = launch_piece_logits(
        docs,
        tokenizer,
        launcher,
        settings=make_settings(**{"max_batch_pieces": None, **settings}),
        max_window=512,
        n_tags=2,
        pooling=pooling,
    )
    return wait, launcher


def test_every_batch_is_started_before_the_first_is_waited_for(tokenizer):
    docs = make_docs(3, 40, 0, 8, 1, 25)
    wait, launcher = launch(tokenizer, docs)
    assert set(launcher.events) == {"start"}
    assert len(launcher.events) > 2
    result = wait()
    assert launcher.events[len(launcher.events) // 2 :] == ["wait"] * (len(launcher.events) // 2)
    expected, _ = run(tokenizer, docs, make_settings())
    assert result.logits[:, 0].tolist() == expected.logits[:, 0].tolist()


@pytest.mark.parametrize("pooling, expected", [("first", ["▁Jack", "▁Spar", "▁love"]), ("mean", None), ("max", None)])
def test_logits_that_are_not_pooled_are_not_asked_for(tokenizer, pooling, expected):
    doc = Doc(VOCAB, words=["Jack", "Sparrow", "\n", "loves"])
    _, launcher = launch(tokenizer, [doc], pooling=pooling)
    pieces = expected or ["▁Jack", "▁Spar", "row", "▁love", "s"]
    assert [tokenizer.get_pieces(np.array(ids)) for ids in launcher.asked] == [pieces]


def test_windows_that_overlap_are_asked_for_what_their_own_tokens_need(tokenizer):
    wait, launcher = launch(tokenizer, make_docs(24), pooling="mean", window=14)
    tokens = wait().pieces.tokens
    assert sum(map(len, launcher.asked)) == len(tokens.dataXd)
    assert sum(shape[0] * shape[1] for shape in launcher.shapes) > len(tokens.dataXd)


@pytest.mark.parametrize("max_batch_pieces, most", [(None, 40), (14, 14), (100, 100)])
def test_batches_have_the_size_of_the_card_unless_the_user_says_another(tokenizer, max_batch_pieces, most):
    _, launcher = launch(tokenizer, make_docs(*[8] * 45), max_batch_pieces=max_batch_pieces, window=14)
    assert max(rows * width for rows, width in launcher.shapes) == most // 11 * 11  # 9 pieces and 2 specials each


@pytest.mark.parametrize("overhead, n_batches", [(0, 2), (100, 1)])
def test_runtime_says_what_a_batch_costs_it(tokenizer, monkeypatch, overhead, n_batches):
    monkeypatch.setattr(Launcher, "overhead", overhead)
    _, launcher = launch(tokenizer, make_docs(8, 3))
    assert len(launcher.shapes) == n_batches


@pytest.mark.parametrize("docs", [[], make_docs(0), [Doc(VOCAB, words=[" ", "\n"])]])
def test_docs_of_nothing_never_reach_the_network(tokenizer, docs):
    result, echo = run(tokenizer, docs, make_settings())
    assert echo.shapes == []
    assert result.logits.shape == (0, 2)


def test_tokens_longer_than_a_window_keep_their_first_pieces(tokenizer):
    words = ["Jack", "contact" * 800, "York"]
    with pytest.warns(UserWarning, match="XW301"):
        result, _ = run(tokenizer, [Doc(VOCAB, words=words)], make_settings(window=8))
    whole = [tokenizer._backend.encode([word], is_pretokenized=True, add_special_tokens=False).ids for word in words]
    assert result.pieces.ids.tolist() == [*whole[0], *whole[1][:6], *whole[2]]
    assert result.pieces.tokens.lengths.tolist() == [1, 6, 1]


def test_tokens_longer_than_a_window_are_warned_of_once(tokenizer):
    long = "x" * 30
    docs = [Doc(VOCAB, words=words) for words in (["Jack"], [], ["York", long, long], ["New", long + "y"])]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run(tokenizer, docs, make_settings(window=8))
    (warning,) = caught
    assert "3 token(s) in 2 of 4 docs" in str(warning.message)
    assert "first 6 pieces" in str(warning.message)
    assert "xxxx" in str(warning.message)


def test_tokens_that_fill_a_window_are_read_without_a_warning(tokenizer):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result, _ = run(tokenizer, [Doc(VOCAB, words=["x" * 5])], make_settings(window=8))
    assert result.pieces.tokens.lengths.tolist() == [6]


def test_find_rows_leaves_out_pieces_beyond_the_owning_window():
    # The second token lies across the cut, as only a chain of tokens longer than a window does.
    tokens = Ragged(np.array([0, 1, 2, 3]), np.array([1, 2, 1]))
    windows = Windows(np.array([0, 2]), np.array([2, 4]))
    result = PieceLogits(Pieces(np.arange(4), np.array([4]), tokens), windows, np.zeros((8, 1)), np.array([1, 5]), [])
    rows, links = result.find_rows(tokens, np.array([0, 0, 1]))
    assert rows.tolist() == [1, 2, 6]
    assert links.lengths.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    "window, overlap, expected", [(None, 64, 512), (512, 0, 512), (3, 0, 3), (67, 64, 67), (None, 509, 512)]
)
def test_find_window_takes_what_the_checkpoint_holds(window, overlap, expected):
    assert find_window(make_settings(window=window, overlap=overlap), 512, 2) == expected


@pytest.mark.parametrize(
    "window, overlap, message",
    [
        (513, 64, "XN105.*513.*at least 3 and at most 512"),
        (2, 0, "XN105.*at least 3"),
        (None, 510, r"XN101.*510.*\(510\)"),
        (66, 64, r"XN101.*64.*\(64\)"),
    ],
)
def test_find_window_refuses_what_it_does_not_hold(window, overlap, message):
    with pytest.raises(ValueError, match=message):
        find_window(make_settings(window=window, overlap=overlap), 512, 2)


def test_default_overlap_is_half_of_a_checkpoint_s_own_window_that_does_not_hold_it(tokenizer):
    def cut(overlap):
        settings = make_settings(overlap=overlap)
        return launch_piece_logits(make_docs(40), tokenizer, Echo(), settings=settings, max_window=12, n_tags=2)()

    found, half = cut(64).windows, cut(5).windows
    assert len(half.starts) > 4
    assert found.starts.tolist() == half.starts.tolist()
