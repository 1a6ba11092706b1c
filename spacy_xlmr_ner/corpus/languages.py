"""What a language says of a corpus: whether words are joined by spaces, and what file names tell."""

import re
from pathlib import Path
from typing import Optional

# Scripts written without spaces between words. Romanised kinds of Chinese (zh-min-nan, hak, cdo) are not among them.
UNSPACED = frozenset(
    {"zh", "zho", "chi", "cmn", "yue", "wuu", "gan", "lzh", "ja", "jpn"}
    | {"th", "tha", "lo", "lao", "km", "khm", "my", "mya", "bur", "bo", "bod", "tib", "dz", "dzo"}
)
ROMANISED = frozenset({"zh-min-nan"})
# de.train.iob2.gz, zh-Hant.dev.conll; en_ewt-ud-train.iob2 as Universal Dependencies name theirs.
_FILE_NAME = re.compile(
    r"(?P<lang>[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?)(\.|_[a-z0-9]+-ud-)(train|dev|test|valid|validation)(\.[a-z0-9]+)*"
)
# Words as well as languages: my.train.conll may be anyone's.
_WORDS = frozenset({"my", "all", "ner", "raw", "new", "old", "big"})


def is_unspaced(lang: Optional[str]) -> bool:
    """Whether words of a language are joined without spaces. zh, zh-Hant and zh_TW alike."""
    if not lang or lang in ROMANISED:
        return False
    return re.split("[-_]", lang)[0].lower() in UNSPACED


def guess_language(path: Path) -> Optional[str]:
    """The language that a file's name states for certain, as de.train.iob2.gz does; None: it states none."""
    match = _FILE_NAME.fullmatch(path.name)
    return match.group("lang") if match and match.group("lang") not in _WORDS else None
