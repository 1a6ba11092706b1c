"""All that is fuzzed: a check for a case, cases to begin with, and what cases may cost."""

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Sequence

from .bulk_cases import ROWS, check_damaged_rows, check_rows, place_rows
from .checkpoint_cases import check_bytes, check_checkpoint, check_pipeline, place_folders
from .choices import Check
from .corpus_cases import SEEDS, check_corpus, check_damaged, check_texts, place_corpora
from .tag_cases import check_alignment, check_tags
from .text_cases import check_drawing, check_pieces, check_text, place_checkpoints

TEXTS = (
    "Anna in Berlin",
    "",
    " \n\t\u00a0\u2028 ",
    "\x00\x01\x1b\x85",
    "\u200b\ufeff\u00ad\u200d\u2060",
    "שלום \u202eAnna\u202c مرحبا",
    "A\u0301\u0302\u0303nna न्यू ﷺ",
    "👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 🚀🚀",
    "𝔄𝔫𝔫𝔞 \U0010ffff 𠮷",
    "<s> </s> <pad> <unk> <mask> ▁Anna",
    "北京 東京都 ไทย",
    "contact" * 40,
    "<script>alert(1)</script>&amp;\"'",
    "Dr. O'Neill's e-mail: a@b.de, 3.5 km, 10€...",
)
BLANK = bytes(64)
STEPS = bytes(range(256))


@dataclass(frozen=True)
class Target:
    """One thing that is fuzzed.

    check (Check): What is done with a case; it raises if that is not as it must be.
    seeds (Sequence[bytes]): Cases to begin with.
    longest (int): Bytes of a case, at most.
    weighs (bool): Whether the memory of each case is measured; that takes longer than some checks.
    """

    check: Check
    seeds: Sequence[bytes]
    longest: int
    weighs: bool = False


def make_targets(folder: Path) -> Dict[str, Target]:
    """All targets, by name.

    folder (Path): Where they may write; it holds a checkpoint and a pipeline afterwards.
    """
    for place in (place_checkpoints, place_corpora, place_folders, place_rows):
        place(folder)
    texts = [bytes([i, 0]) + text.encode() for i in (0, 1) for text in TEXTS]
    corpora = [bytes([format, 0, n]) + text.encode() for format in range(6) for n in range(3) for text in SEEDS]
    drawn = [bytes([1, 0, 3]) + f"{text}\nPER\n<b>".encode() for text in TEXTS]
    rows = [bytes([format, pack, 1, 1]) + text for format in range(3) for pack in range(3) for text in ROWS]
    numbers = [BLANK, STEPS, STEPS[::-1], STEPS[::3] * 2]
    damages = [random.Random(seed).randbytes(32) for seed in range(100)]
    return {
        "corpus": Target(check_corpus, corpora, 2000),
        "corpus_text": Target(check_texts, [text.encode() for text in (*SEEDS, *TEXTS)], 2000),
        "corpus_damaged": Target(check_damaged, damages, 64),
        "rows": Target(check_rows, rows, 2000),
        "rows_damaged": Target(check_damaged_rows, damages, 64),
        "tags": Target(check_tags, numbers, 256),
        "alignment": Target(check_alignment, numbers, 256),
        "pieces": Target(check_pieces, [text[:1] + text[2:] for text in texts], 1000),
        "drawing": Target(check_drawing, drawn, 600),
        "text": Target(check_text, texts, 3000, weighs=True),
        "checkpoint": Target(check_checkpoint, damages, 64, weighs=True),
        "pipeline": Target(check_pipeline, damages, 64, weighs=True),
        "bytes": Target(check_bytes, damages, 64, weighs=True),
    }
