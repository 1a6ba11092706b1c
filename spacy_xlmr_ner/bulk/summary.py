"""What a job has done."""

from dataclasses import dataclass, field
from typing import Dict, Iterable, Mapping

from .records import ShardRecord


@dataclass
class Summary:
    """What a job has done, in all of its runs.

    n_texts (int): Texts that were annotated.
    n_rejected (int): Rows that were left out.
    ents (Dict[str, int]): Entities by label.
    n_shards (int): Files that were written.
    seconds (float): Spent on them, over all runs.
    n_resumed (int): Texts that were done when the last run began.
    """

    n_texts: int = 0
    n_rejected: int = 0
    ents: Dict[str, int] = field(default_factory=dict)
    n_shards: int = 0
    seconds: float = 0.0
    n_resumed: int = 0

    @classmethod
    def of(cls, records: Iterable[ShardRecord]) -> "Summary":
        """What earlier runs have done."""
        summary = cls()
        for record in records:
            summary.add(record.n_texts, record.n_rejected, record.ents, seconds=record.seconds)
        summary.n_resumed = summary.n_texts
        return summary

    def add(self, n_texts: int, n_rejected: int, ents: Mapping[str, int], *, seconds: float = 0.0) -> None:
        """Count a shard in. The arguments are of it what the attributes of these names are of all."""
        self.n_texts += n_texts
        self.n_rejected += n_rejected
        self.n_shards += 1
        self.seconds = round(self.seconds + seconds, 3)
        for label, n in ents.items():
            self.ents[label] = self.ents.get(label, 0) + n
