"""Attention as a CPU computes it fastest."""

import torch
from torch import Tensor

# PyTorch's own takes up to twice as long in bfloat16 as two products with all scores between, in windows up to so many
# pieces: the scores of a window stand in memory.
LONGEST_WINDOW = 1024
# Scores that are computed at once: more do not stay in a processor's own memory until they are used.
SCORES = 2**21
HIDDEN = -1e4  # the score of what is not attended to: its share is 0
# Numbers of bfloat16 that an instruction of AVX-512 holds. PyTorch's softmax takes those of a row that are left over
# one by one, which took up to three times as long.
STEP = 32


def attend(query: Tensor, key: Tensor, value: Tensor, is_piece: Tensor) -> Tensor:
    """What each piece attends to, by all heads; without dropout and gradients.

    query (Tensor): Shape (n_windows, n_queries, n_heads, head size).
    key, value (Tensor): Shape (n_windows, length, n_heads, head size).
    is_piece (Tensor): Shape (n_windows, length), bool. False: padding, which is not attended to.
    RETURNS (Tensor): Shape (n_windows, n_queries, n_heads, head size).
    """
    query, key, value = (part.transpose(1, 2) for part in (query, key, value))
    if query.dtype == torch.bfloat16 and key.shape[2] <= LONGEST_WINDOW:
        return _attend_by_products(query, key, value, is_piece).transpose(1, 2)
    mask = None if bool(is_piece.all()) else is_piece[:, None, None].expand(-1, -1, query.shape[2], -1)
    context: Tensor = torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    return context.transpose(1, 2)


def _attend_by_products(query: Tensor, key: Tensor, value: Tensor, is_piece: Tensor) -> Tensor:
    """The same, with the heads before the pieces: shape (n_windows, n_heads, n_queries, head size)."""
    n_windows, n_heads, n_queries, size = query.shape
    length = key.shape[2]
    padded = length + -length % STEP
    scaled = torch.mul(query, size**-0.5, out=query.new_empty(query.shape)).flatten(0, 1)
    keys, values = _pad(key, padded).transpose(1, 2), _pad(value, padded)
    # Up to the shortest window's end all windows have pieces.
    is_hidden = ~torch.nn.functional.pad(is_piece, (0, padded - length))
    columns = is_hidden.any(0).nonzero()
    first = int(columns[0]) if len(columns) else padded
    n_parts = -(-n_windows * n_heads * n_queries * padded // SCORES)
    step = -(-n_windows // n_parts)
    context = query.new_empty(query.shape).flatten(0, 1)
    room = query.new_empty((step * n_heads, n_queries, padded))
    for start in range(0, n_windows, step):
        stop = min(start + step, n_windows)
        part = slice(start * n_heads, stop * n_heads)
        scores = room[: (stop - start) * n_heads]
        torch.bmm(scaled[part], keys[part], out=scores)
        by_head = scores.unflatten(0, (-1, n_heads))[..., first:]
        by_head.masked_fill_(is_hidden[start:stop, None, None, first:], HIDDEN)
        torch.softmax(scores, -1, out=scores)
        torch.bmm(scores, values[part], out=context[part])
    return context.unflatten(0, (n_windows, n_heads))


def _pad(values: Tensor, length: int) -> Tensor:
    """Lay out what each head sees as one block, shape (n_windows * n_heads, length, head size), with zeros behind."""
    n_more = length - values.shape[2]
    if n_more:
        values = torch.nn.functional.pad(values, (0, 0, 0, n_more))
    return values.flatten(0, 1)
