"""Docs over which the network is running, while something else is done."""

from typing import Callable, Iterable, List, Optional

import numpy as np
from spacy.tokens import Doc

from ..types import Runtime
from .runner import PieceLogits


class LaunchedDocs(List[Doc]):
    """Docs, and what will be known of their pieces.

    docs (Iterable[Doc]): The docs.
    runtime (Runtime): Runs the network.
    wait (Callable[[], PieceLogits]): Of launch_piece_logits.
    """

    def __init__(self, docs: Iterable[Doc], runtime: Runtime, wait: Callable[[], PieceLogits]):
        super().__init__(docs)
        self._runtime = runtime
        self._wait = wait
        self._n_tokens = [len(doc) for doc in self]

    def take(self, runtime: Runtime) -> Optional[PieceLogits]:
        """Wait for the result; None if it is of other weights, or of docs that have been changed since.

        runtime (Runtime): What would run the network now.
        """
        is_same = runtime is self._runtime and np.array_equal([len(doc) for doc in self], self._n_tokens)
        return self._wait() if is_same else None
