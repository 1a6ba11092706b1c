"""Bytes that a fuzzer has made, read as choices: which file, which edit, which number."""

import json
from typing import Any, Callable, Iterator, List, Sequence, Tuple, TypeVar

T = TypeVar("T")
# Numbers at which something turns over.
EDGES = (0, 1, -1, 2, 7, 255, 256, 2**15, 2**16, 2**31 - 1, 2**31, 2**32, 2**53, 2**63 - 1, 2**63, 10**30, -(2**63))
HOSTILE = (
    None,
    True,
    "",
    "O",
    "\x00",
    "../escape",
    "/etc/hostname",
    "owner/name",
    "__import__('os').system('id')",
    "{{ ''.__class__ }}",
    [],
    {},
    [[]],
    [None],
    {"": ""},
    {"__type__": "x"},
    1e308,
    float("nan"),
    float("inf"),
    0.5,
    "float8_e4m3fn",
    "A" * 1000,
)


class Choices:
    """Takes bytes from the front; when they are used up, all is 0.

    data (bytes): The case.
    """

    def __init__(self, data: bytes):
        self._data = data
        self._place = 0

    def number(self, n: int) -> int:
        """From 0 to n - 1."""
        n_bytes = max(1, (n - 1).bit_length() + 7 >> 3)
        taken = self._data[self._place : self._place + n_bytes]
        self._place += n_bytes
        return int.from_bytes(taken, "little") % n if n else 0

    def pick(self, options: Sequence[T]) -> T:
        """One of several."""
        return options[self.number(len(options))]

    def rest(self) -> bytes:
        """All that is left."""
        place, self._place = self._place, len(self._data)
        return self._data[place:]


def edit_bytes(content: bytes, choices: Choices, n_edits: int) -> bytes:
    """Damage the content of a file."""
    edited = bytearray(content)
    for _ in range(n_edits):
        kind = choices.number(7)
        at = choices.number(max(1, len(edited)))
        stop = at + choices.number(64)
        if kind == 0:
            del edited[at:]
        elif kind == 1:
            edited[at : at + 1] = bytes([(edited[at] if at < len(edited) else 0) ^ 1 << choices.number(8)])
        elif kind == 2:
            del edited[at:stop]
        elif kind == 3:
            edited[at:at] = edited[at:stop] * (1 + choices.number(4))
        elif kind == 4:
            edited[at : at + 8] = (choices.pick(EDGES) % 2**64).to_bytes(8, "little")
        elif kind == 5:
            edited[at:stop] = bytes(choices.number(256) for _ in range(min(8, stop - at)))
        else:
            edited[at : at + 1] = choices.pick(
                (b"\0", b"\xff", b"\xed\xa0\x80", b"[" * 5000, b'"', b"}", b"1e999", b",")
            )
    return bytes(edited)


def edit_json(settings: Any, choices: Choices, n_edits: int) -> Any:
    """Put something else in place of values of JSON, at any depth; returns a copy."""
    root = [json.loads(json.dumps(settings))]
    for _ in range(n_edits):
        holder, key = choices.pick(list(_list_places(root)))
        kind = choices.number(5)
        if kind == 0 and isinstance(holder, dict):
            holder.pop(key, None)
        elif kind == 1:
            holder[key] = choices.pick(EDGES)
        elif kind == 2:
            holder[key] = [holder[key]] * (1 + choices.number(3))
        elif kind == 3 and isinstance(holder, dict):
            holder[str(choices.pick(HOSTILE))] = holder[key]
        else:
            holder[key] = choices.pick(HOSTILE)
    return root[0]


def _list_places(value: Any, most: int = 400) -> Iterator[Tuple[Any, Any]]:
    """Each place that holds a value: what holds it, and under which key. Of long lists only some."""
    waiting: List[Any] = [value]
    n_found = 0
    while waiting and n_found < most:
        holder = waiting.pop(0)
        keys = list(holder) if isinstance(holder, dict) else list(range(min(len(holder), 20)))
        for key in keys[:100]:
            n_found += 1
            yield holder, key
            if isinstance(holder[key], (dict, list)):
                waiting.append(holder[key])


Check = Callable[[bytes], object]
