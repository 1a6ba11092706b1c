"""Real texts of mixed length, from the corpora that stand beside the project."""

import gzip
import random
import sys
from pathlib import Path
from typing import Iterator, List

_ROOT = Path(__file__).parents[1]
# Beside the project or, where nothing is, as on a machine that is sent the project alone, in it.
SHARED = next(
    (path for path in (_ROOT.parent / "shared", _ROOT / "build" / "shared") if path.is_dir()), _ROOT.parent / "shared"
)
UNSPACED = ("zh", "ja", "th")
WAYS = ("torch/float32", "torch/bfloat16", "onnx/float32", "onnx/int8")


def require_shared() -> Path:
    """The folder of corpora; leaves the program, saying why, where it is not."""
    if not SHARED.is_dir():
        sys.exit(f"skipped: this benchmark reads real text and XLM-R's vocabulary from {SHARED}, which is not there")
    return SHARED


def read_sentences(path: Path) -> Iterator[str]:
    """The sentences of an .iob2.gz file, joined with spaces where the language has them."""
    joiner = "" if path.name.startswith(UNSPACED) else " "
    words: List[str] = []
    with gzip.open(path, "rt", encoding="utf8") as lines:
        for line in lines:
            word, _, _ = line.rstrip("\n").partition("\t")
            if word:
                words.append(word)
            elif words:
                yield joiner.join(words)
                words = []
    if words:
        yield joiner.join(words)


# As texts come: many short ones, a few long ones.
N_SENTENCES = (1, 1, 1, 2, 2, 3, 4, 6, 8, 12)


def make_texts(n_texts: int, *, seed: int = 0) -> List[str]:
    """Texts of 1 to 12 sentences in languages of UNER and gold, the same for the same seed."""
    files = [
        *sorted(require_shared().glob("data/uner/*.dev.iob2.gz")),
        *sorted(require_shared().glob("data/gold/[fdr]*.dev.iob2.gz")),
    ]
    files = [file for file in files if not file.name.startswith(UNSPACED)]
    corpora = [list(read_sentences(file))[:300] for file in files]
    rng = random.Random(seed)
    texts = []
    for _ in range(n_texts):
        sentences = rng.choice(corpora)
        start = rng.randrange(len(sentences) - max(N_SENTENCES))
        texts.append(" ".join(sentences[start : start + rng.choice(N_SENTENCES)]))
    return texts
