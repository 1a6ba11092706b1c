"""A network that grows beyond what its file can hold is not built."""

import threading

import pytest
from torch import nn

from spacy_xlmr_ner.runtimes.weight_limit import SLACK, limit_weights

SIDE = 2048  # a square of that many weights is four times the slack
N_BYTES = SIDE * SIDE


def test_network_within_the_limit_is_built():
    with limit_weights(N_BYTES):
        assert nn.Linear(SIDE, SIDE).weight.numel() == N_BYTES


@pytest.mark.parametrize(
    "build",
    [
        lambda: nn.Linear(SIDE, 2 * SIDE, device="meta"),
        lambda: [nn.Linear(SIDE, SIDE, device="meta") for _ in range(2)],
        lambda: nn.Module().register_buffer("positions", nn.Linear(SIDE, 2 * SIDE, device="meta").weight.detach()),
        lambda: [nn.LayerNorm(1, device="meta") for _ in range((N_BYTES + SLACK) // 100)],
    ],
    ids=["large", "many", "buffer", "small but many"],
)
def test_network_beyond_the_limit_is_refused(build):
    with pytest.raises(ValueError, match=f"its {N_BYTES} bytes cannot hold"), limit_weights(N_BYTES):
        build()


def test_weights_that_replace_others_count_once():
    with limit_weights(N_BYTES):
        layer = nn.Linear(SIDE, SIDE, device="meta")
        for _ in range(3):
            layer.weight = nn.Parameter(layer.weight.detach())


def test_limit_ends_with_its_block_and_is_its_threads_own():
    nn.Linear(SIDE, 2 * SIDE, device="meta")
    failed = []

    def build():
        try:
            nn.Linear(SIDE, 2 * SIDE, device="meta")
        except ValueError as err:
            failed.append(err)

    with limit_weights(N_BYTES):
        thread = threading.Thread(target=build)
        thread.start()
        thread.join()
    nn.Linear(SIDE, 2 * SIDE, device="meta")
    assert not failed
