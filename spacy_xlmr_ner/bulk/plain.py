"""Values of rows as formats can hold them that know less than Python."""

import base64
from typing import Any

INT64 = range(-(2**63), 2**64)  # what msgpack can hold


def make_text(value: Any) -> str:
    """A value that JSON has not. Times are as in ISO 8601, bytes in base64."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)


def make_plain(value: Any) -> Any:
    """A value of nothing but dicts, lists, text, numbers that msgpack can hold, truth values and None."""
    if isinstance(value, dict):
        return {str(key): make_plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [make_plain(one) for one in value]
    is_held = value is None or isinstance(value, (str, bool, float)) or (isinstance(value, int) and value in INT64)
    return value if is_held else make_text(value)
