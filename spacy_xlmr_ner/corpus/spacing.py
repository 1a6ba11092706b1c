"""Where spaces stand between the words of a sentence."""

import unicodedata
from typing import List, Optional, Sequence

NO_BREAK_SPACE = "\u00a0"
# As the names of their letters begin; those of full width, which East Asian text sets without spaces, have others.
SPACED_SCRIPTS = ("LATIN ", "CYRILLIC ", "GREEK ")
CASED = frozenset({"Lu", "Ll", "Lt"})


def find_spaces(words: Sequence[str], text: str) -> Optional[List[bool]]:
    """Whether a space follows each word in the text that they were taken from.

    Several spaces count as one. spaCy's get_words_and_spaces would make tokens of them, for which no tag is there.

    Words "New", "York", "!" and text "New York!" give [True, False, False].

    words (Sequence[str]): Neither empty nor with spaces around them; some have spaces in them.
    text (str): As the corpus has it.
    RETURNS (Optional[List[bool]]): One for each word; None if these are not the words of the text.
    """
    text = text.replace(NO_BREAK_SPACE, " ").strip()
    spaces: List[bool] = []
    position = 0
    for word in words:
        if not text.startswith(word.replace(NO_BREAK_SPACE, " "), position):
            return None
        position += len(word)
        end = position
        while position < len(text) and text[position].isspace():
            position += 1
        spaces.append(position > end)
    return spaces if position == len(text) else None


def find_gaps(words: Sequence[str]) -> List[bool]:
    """Whether a space is to follow each word of a sentence in a language that has none of its own.

    Words "我", "住", "New", "York", "的" give [False, False, True, False, False].
    """
    return [has_gap(before, after) for before, after in zip(words, [*words[1:], ""])]


def has_gap(before: str, after: str) -> bool:
    """Whether a space is to stand between two words there: where Latin, Cyrillic or Greek letters would meet.

    Not between two single letters: some corpora cut such text into characters too.
    """
    left, right = _drop_marks(before), _drop_marks(after)
    are_single = len(left) == len(right) == 1
    return not are_single and _is_spaced_letter(left[-1:]) and _is_spaced_letter(right[:1])


def _drop_marks(word: str) -> str:
    """A word without its combining marks, accents of decomposed letters among them."""
    if word.isascii():
        return word
    return "".join(char for char in word if not unicodedata.category(char).startswith("M"))


def _is_spaced_letter(char: str) -> bool:
    if not char:
        return False
    return unicodedata.category(char) in CASED and unicodedata.name(char, "").startswith(SPACED_SCRIPTS)
