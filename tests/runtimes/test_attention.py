import pytest
import torch

from spacy_xlmr_ner.runtimes import attention


def make_parts(length, n_queries, *, n_windows=3):
    make = torch.Generator().manual_seed(0)
    query = torch.randn(n_windows, n_queries, 4, 8, generator=make)  # n_heads 4, head size 8
    return query, *(torch.randn(n_windows, length, 4, 8, generator=make) for _ in range(2))


def attend_slowly(query, key, value, is_piece):
    """As the formula has it, head by head of one window after the other."""
    found = torch.empty_like(query)
    for i in range(len(query)):
        for head in range(4):
            scores = query[i, :, head] @ key[i, is_piece[i], head].T / 8**0.5
            found[i, :, head] = scores.softmax(-1) @ value[i, is_piece[i], head]
    return found


@torch.inference_mode()
@pytest.mark.parametrize("n_scores", [1, 3000, 2**21])  # windows one by one; two at once; all
@pytest.mark.parametrize(
    "length, n_queries, hidden",
    [
        (5, 5, slice(0)),  # nothing is padded
        (5, 5, slice(3, 5)),
        (5, 5, slice(0, 2)),  # padded in front
        (32, 32, slice(20, 32)),  # a whole step
        (40, 7, slice(33, 40)),  # fewer queries
    ],
)
def test_attention_by_products_is_the_formula(length, n_queries, hidden, n_scores, monkeypatch):
    monkeypatch.setattr(attention, "SCORES", n_scores)
    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", None)
    parts = make_parts(length, n_queries)
    is_piece = torch.ones(3, length, dtype=torch.bool)
    is_piece[1, hidden] = False
    expected = attend_slowly(*parts, is_piece)
    by_head = attention._attend_by_products(*(part.transpose(1, 2) for part in parts), is_piece)
    torch.testing.assert_close(by_head.transpose(1, 2), expected, atol=1e-5, rtol=0)
    found = attention.attend(*(part.bfloat16() for part in parts), is_piece)
    torch.testing.assert_close(found.float(), expected, atol=0.05, rtol=0)


@torch.inference_mode()
@pytest.mark.parametrize("hidden", [slice(0), slice(3, 5)])
@pytest.mark.parametrize("dtype, longest, tolerance", [(torch.float32, 1024, 1e-5), (torch.bfloat16, 4, 0.05)])
def test_attention_is_pytorchs_elsewhere(dtype, longest, tolerance, hidden, monkeypatch):
    monkeypatch.setattr(attention, "LONGEST_WINDOW", longest)
    monkeypatch.setattr(attention, "_attend_by_products", None)
    parts = make_parts(5, 2)
    is_piece = torch.ones(3, 5, dtype=torch.bool)
    is_piece[1, hidden] = False
    found = attention.attend(*(part.to(dtype) for part in parts), is_piece)
    torch.testing.assert_close(found.float(), attend_slowly(*parts, is_piece), atol=tolerance, rtol=0)
