"""What the manifest says of a shard."""

from typing import Any, Dict, NamedTuple

from .rows import Place
from .shards import Position


class ShardRecord(NamedTuple):
    """What the manifest says of a shard.

    ents (Dict[str, int]): Entities by label.
    n_bytes (int): The size of its file.
    rejected_bytes (int): The size of rejected.jsonl behind it.
    end (Position): Where reading goes on.
    """

    file: str
    n_texts: int
    n_rejected: int
    ents: Dict[str, int]
    n_bytes: int
    rejected_bytes: int
    end: Position
    seconds: float

    def to_json(self) -> Dict[str, Any]:
        """As it is written."""
        end = {"input": self.end.number, **self.end.place._asdict(), "digest": self.end.digest}
        return {**self._asdict(), "end": end}

    @classmethod
    def from_json(cls, line: Dict[str, Any]) -> "ShardRecord":
        """As it was written. RAISES (KeyError, TypeError): If it was not."""
        end = line["end"]
        place = Place(**{name: end[name] for name in Place._fields})
        return cls(**{**line, "end": Position(end["input"], place, end["digest"])})
