"""A bar for texts whose number nobody knows."""

from typing import Any

from tqdm import tqdm


class Progress:
    """Shows texts per second and, from how much of the files was read, about how many there are and the time left.

    n_bytes (int): The size of all files; 0 where it is not known.
    n_done (int): Texts that were done before.
    is_shown (bool): Whether to show it, on standard error, if that is a terminal.
    """

    def __init__(self, n_bytes: int, *, n_done: int, is_shown: bool):
        self._n_bytes = n_bytes
        self._bar = tqdm(unit="text", unit_scale=True, initial=n_done, leave=False, disable=None if is_shown else True)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: Any) -> None:
        self._bar.close()

    def advance(self, n: int) -> None:
        """Some more texts are done."""
        self._bar.update(n)

    def note_read(self, n_bytes: int) -> None:
        """So much of the files is behind what is done."""
        if n_bytes and self._n_bytes and not self._bar.disable:
            self._bar.total = max(self._bar.n, round(self._bar.n * self._n_bytes / n_bytes))
            self._bar.refresh()
