"""Docs to logits for each piece: tokenize, cut into windows, batch, run."""

import warnings
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
from spacy.tokens import Doc
from thinc.types import Ragged

from ..errors import Errors, Warnings
from ..types import (
    BoolArray,
    FloatArray,
    InputSettings,
    IntArray,
    LaunchingRuntime,
    MeasuredRuntime,
    Pooling,
    Runtime,
    SelectiveRuntime,
)
from .ahead import find_pieces
from .alignment import limit_pieces
from .batching import MAX_BATCH, OVERHEAD, SMALL_BATCH, pad_windows, plan_batches
from .tokenizer import Pieces, PieceTokenizer
from .windows import OVERLAP, Windows, cut_windows, find_cuts, find_token_ranges, own_tokens

ChangePieces = Callable[[Pieces, Sequence[Doc]], Pieces]


class PieceLogits(NamedTuple):
    """The pieces of a batch of docs and what the network says of them.

    pieces (Pieces): Without specials.
    windows (Windows): Rows of pieces.ids. Windows of a doc overlap, so a piece can be in several.
    logits (FloatArray): Shape (n_rows, n_tags). Window after window, specials included.
    window_rows (IntArray): Shape (n_windows,). Rows of logits of the windows' first pieces, behind the specials.
    batches (List[Tuple[IntArray, BoolArray]]): For each batch that was run the row of logits of each of its pieces, and
        which of them are no padding; both (n_windows of the batch, length).
    """

    pieces: Pieces
    windows: Windows
    logits: FloatArray
    window_rows: IntArray
    batches: List[Tuple[IntArray, BoolArray]]

    def find_rows(self, tokens: Ragged, owner: IntArray) -> Tuple[IntArray, Ragged]:
        """Follow each piece of each token into the window that owns the token.

        tokens (Ragged): The pieces of each token.
        owner (IntArray): Shape (n_tokens,). Of own_tokens.
        RETURNS (Tuple[IntArray, Ragged]): Rows of logits, shape (n_links,), and the tokens over these links. A piece
            beyond its token's window, as only a token has that no window holds whole, is left out.
        """
        windows = np.repeat(owner, tokens.lengths)
        is_inside = tokens.dataXd < self.windows.ends[windows]
        rows = tokens.dataXd - self.windows.starts[windows] + self.window_rows[windows]
        token_ids = np.repeat(np.arange(len(owner)), tokens.lengths)[is_inside]
        lengths = np.bincount(token_ids, minlength=len(owner))
        return rows[is_inside], Ragged(tokens.dataXd[is_inside], lengths)

    def split_gradient(self, d_logits: FloatArray) -> List[FloatArray]:
        """Lay a gradient out as the batches were run.

        d_logits (FloatArray): Shape (n_rows, n_tags), that of logits.
        RETURNS (List[FloatArray]): For each batch (n_windows, length, n_tags), zero where it is padding.
        """
        return [np.where(mask[:, :, None], d_logits[np.where(mask, rows, 0)], 0.0) for rows, mask in self.batches]


def launch_piece_logits(
    docs: Sequence[Doc],
    tokenizer: PieceTokenizer,
    runtime: Runtime,
    *,
    settings: InputSettings,
    max_window: int,
    n_tags: int,
    pooling: Optional[Pooling] = None,
    change_pieces: Optional[ChangePieces] = None,
) -> Callable[[], PieceLogits]:
    """Start the network over a batch of docs. Of a runtime that cannot but compute at once, all is done here.

    docs (Sequence[Doc]): Any docs, empty ones too.
    tokenizer (PieceTokenizer): Makes the pieces.
    runtime (Runtime): Makes logits of them.
    settings (InputSettings): How.
    max_window (int): What the checkpoint allows.
    n_tags (int): Columns of the logits.
    pooling (Optional[Pooling]): What is to become of the logits: those that it does not read may be left zero.
    change_pieces (Optional[Callable]): Called with the pieces before anything is done with them; gives others.
    RETURNS (Callable[[], PieceLogits]): Waits for the result.
    """
    capacity = find_window(settings, max_window, tokenizer.n_special) - tokenizer.n_special
    pieces = find_pieces(docs, tokenizer, settings.input)
    if change_pieces is not None:
        pieces = change_pieces(pieces, docs)
    pieces = limit_tokens(pieces, docs, capacity)
    may_cut = find_cuts(*find_token_ranges(pieces.tokens), len(pieces.ids))
    windows = cut_windows(may_cut, pieces.doc_lengths, capacity=capacity, overlap=_find_overlap(settings, capacity))
    lengths = windows.ends - windows.starts + tokenizer.n_special
    if settings.max_batch_pieces is not None and lengths.max(initial=0) > settings.max_batch_pieces:
        message = Warnings.XW303.format(limit=settings.max_batch_pieces, window=capacity + tokenizer.n_special)
        warnings.warn(message, stacklevel=2)
    rows = np.cumsum(lengths) - lengths
    logits = np.zeros((int(lengths.sum()), n_tags), dtype=np.float32)
    result = PieceLogits(pieces, windows, logits, rows + len(tokenizer.prefix), [])
    is_selective = isinstance(runtime, (LaunchingRuntime, SelectiveRuntime))
    is_read = _find_read(result, pooling) if is_selective else None
    waits: List[Tuple[IntArray, Callable[[], FloatArray]]] = []
    for batch in plan_batches(lengths, **_find_limits(runtime, settings)):
        ids, mask = _pad(pieces.ids, windows, batch, tokenizer)
        batch_rows = rows[batch][:, None] + np.arange(ids.shape[1])
        result.batches.append((batch_rows, mask))
        reads = mask if is_read is None else mask & is_read[np.where(mask, batch_rows, 0)]
        waits.append((batch_rows[reads], _launch(runtime, ids, mask, reads)))

    def wait() -> PieceLogits:
        for read_rows, wait_for_batch in waits:
            logits[read_rows] = wait_for_batch()
        return result

    return wait


def _find_limits(runtime: Runtime, settings: InputSettings) -> Dict[str, int]:
    """The sizes of batches: the user's, the runtime's, or those that suit a CPU."""
    most, small = MAX_BATCH, SMALL_BATCH
    if isinstance(runtime, LaunchingRuntime):
        most, small = runtime.max_batch_pieces, runtime.small_batch
    overhead = runtime.overhead if isinstance(runtime, MeasuredRuntime) else OVERHEAD
    return {"max_batch_pieces": settings.max_batch_pieces or most, "small_batch": small, "overhead": overhead}


def _pad(
    piece_ids: IntArray, windows: Windows, batch: IntArray, tokenizer: PieceTokenizer
) -> Tuple[IntArray, BoolArray]:
    return pad_windows(
        piece_ids,
        windows.starts[batch],
        windows.ends[batch],
        prefix=tokenizer.prefix,
        suffix=tokenizer.suffix,
        pad_id=tokenizer.pad_id,
    )


def _launch(runtime: Runtime, ids: IntArray, mask: BoolArray, is_read: BoolArray) -> Callable[[], FloatArray]:
    """Start a batch; what cannot but be waited for is computed here."""
    if isinstance(runtime, LaunchingRuntime):
        return runtime.launch(ids, mask, is_read)
    logits = runtime.read(ids, mask, is_read) if isinstance(runtime, SelectiveRuntime) else runtime(ids, mask)[is_read]
    return lambda: logits


def _find_read(result: PieceLogits, pooling: Optional[Pooling]) -> BoolArray:
    """Which rows of the logits become logits of tokens, shape (n_rows,); all if it is not known how."""
    is_read = np.full(len(result.logits), pooling is None)
    if pooling is not None:
        tokens = result.pieces.tokens
        rows, links = result.find_rows(tokens, own_tokens(*find_token_ranges(tokens), result.windows))
        if pooling == "first":
            rows = rows[(np.cumsum(links.lengths) - links.lengths)[links.lengths > 0]]
        is_read[rows] = True
    return is_read


def find_window(settings: InputSettings, max_window: int, n_special: int) -> int:
    """The window, in pieces with specials, that settings and checkpoint agree on.

    RAISES (ValueError): XN105 if the checkpoint does not hold such a window, XN101 if the overlap does not fit it.
    """
    window = max_window if settings.window is None else settings.window
    if not n_special < window <= max_window:
        raise ValueError(Errors.XN105.format(window=window, least=n_special + 1, most=max_window))
    limit = window - n_special
    if _find_overlap(settings, limit) >= limit:
        raise ValueError(Errors.XN101.format(overlap=settings.overlap, n_special=n_special, limit=limit))
    return window


def _find_overlap(settings: InputSettings, capacity: int) -> int:
    """The pieces that windows share; half a window where the checkpoint's own does not hold the default."""
    is_default = settings.window is None and settings.overlap == OVERLAP
    return capacity // 2 if is_default and capacity <= OVERLAP else settings.overlap


def limit_tokens(pieces: Pieces, docs: Sequence[Doc], capacity: int) -> Pieces:
    """Cut tokens that are longer than a window down to their first pieces, and warn of them once."""
    tokens, is_kept, cut = limit_pieces(pieces.tokens, len(pieces.ids), capacity)
    if not len(cut):
        return pieces
    ends = np.cumsum([len(doc) for doc in docs])
    cut_docs = np.searchsorted(ends, cut, side="right").tolist()
    examples = [
        repr(docs[doc][token - int(ends[doc])].text[:20] + "...")  # counted from the doc's end: a negative index
        for doc, token in zip(cut_docs[:3], cut.tolist())
    ]
    message = Warnings.XW301.format(
        n_tokens=len(cut), n_docs=len(set(cut_docs)), n_batch=len(docs), kept=capacity, examples=", ".join(examples)
    )
    warnings.warn(message, stacklevel=2)
    piece_docs = np.repeat(np.arange(len(docs)), pieces.doc_lengths)[is_kept]
    return Pieces(pieces.ids[is_kept], np.bincount(piece_docs, minlength=len(docs)), tokens)
