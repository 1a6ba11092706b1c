"""Where spaces stand between the words of a sentence."""

from typing import List, Optional, Sequence

NO_BREAK_SPACE = "\u00a0"


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
