"""Sentences and texts to docs."""

import unicodedata
from functools import lru_cache
from typing import Callable, Dict, List, Optional, Sequence, Tuple

import spacy
from spacy.tokens import Doc
from spacy.vocab import Vocab

from .columns import Sentence
from .file_tags import MISSING, TokenEnt
from .json_lines import Record, cut_tokens
from .languages import is_unspaced
from .spacing import find_gaps, find_spaces, has_gap

LANG_KEY = "lang"
Labelled = Tuple[Sentence, List[TokenEnt]]


def group_sentences(sentences: Sequence[Labelled], n_sents: int) -> List[List[Labelled]]:
    """Put sentences together that are to be one doc: of one language, and of one document where the file has such.

    sentences (Sequence[Labelled]): A whole file.
    n_sents (int): How many, at most; 0: as many as there are.
    RETURNS (List[List[Labelled]]): For each doc.
    """
    groups: List[List[Labelled]] = []
    for labelled in sentences:
        sentence = labelled[0]
        is_full = not groups or (n_sents and len(groups[-1]) >= n_sents)
        if is_full or sentence.opens_doc or sentence.lang != groups[-1][0][0].lang:
            groups.append([])
        groups[-1].append(labelled)
    return groups


def make_sentences_doc(vocab: Vocab, sentences: Sequence[Labelled], lang: Optional[str]) -> Doc:
    """Make a doc of sentences, which keep their borders.

    Its text is the original's where that is known (`# text`). Else words are joined without spaces if the language has
    none, but for those between Latin words and the like; or by one each, and the doc says that they are unknown, as
    docs of spaCy's own converters do.

    vocab (Vocab): Of the doc.
    sentences (Sequence[Labelled]): At least one, none empty.
    lang (Optional[str]): Their language.
    RETURNS (Doc): With entities.
    """
    words: List[str] = []
    spaces: List[bool] = []
    tags: List[str] = []
    starts: List[bool] = []
    is_joined = is_known = is_unspaced(lang)
    for sentence, ents in sentences:
        if words:  # what stands between sentences is not in the file
            spaces[-1] = not is_joined or has_gap(words[-1], sentence.words[0])
        n_words = len(sentence.words)
        found = None if sentence.text is None else find_spaces(sentence.words, sentence.text)
        is_known |= found is not None
        words += sentence.words
        if found is None:
            found = find_gaps(sentence.words) if is_joined else [True] * n_words
        spaces += found
        tags += _spell(ents, n_words)
        tags[-n_words:] = ["" if own == MISSING else tag for own, tag in zip(sentence.tags, tags[-n_words:])]
        starts += [True] + [False] * (n_words - 1)
    spaces[-1] = False
    return Doc(
        vocab,
        words=words,
        spaces=spaces if is_known else None,
        ents=tags,
        sent_starts=starts,
        user_data=_note_lang(lang),
    )


def make_record_doc(vocab: Vocab, record: Record, lang: Optional[str]) -> Doc:
    """Make a doc of a text, cut into tokens as spaCy does for the language, and where an entity begins or ends.

    vocab (Vocab): Of the doc.
    record (Record): Text and entities.
    lang (Optional[str]): Its language; None, or one that spaCy lacks: any.
    RETURNS (Doc): doc.text is the text as it was.
    """
    borders = find_character_borders(record.text) if is_unspaced(lang) else []
    tokens = get_tokenizer(lang)(record.text)
    words, spaces, ents = cut_tokens(tokens, record.ents, borders)
    return Doc(vocab, words=words, spaces=spaces, ents=_spell(ents, len(words)), user_data=_note_lang(lang))


@lru_cache
def get_tokenizer(lang: Optional[str]) -> Callable[[str], Doc]:
    """The tokenizer of a language; of "xx" where spaCy lacks the language, or its tokenizer wants another package.

    Without spaces between words "xx" is taken too: some of spaCy's tokenizers cut Latin words into letters there.
    """
    try:
        return spacy.blank("xx" if not lang or is_unspaced(lang) else lang.split("-")[0]).tokenizer
    except ImportError:
        return spacy.blank("xx").tokenizer


def find_character_borders(text: str) -> List[int]:
    """Where a text without spaces is cut into characters: not within ASCII words, nor before combining marks."""
    return [
        i
        for i in range(1, len(text))
        if not (text[i - 1].isascii() and text[i].isascii()) and not unicodedata.category(text[i]).startswith("M")
    ]


def _spell(ents: Sequence[TokenEnt], n_tokens: int) -> List[str]:
    tags = ["O"] * n_tokens
    for ent in ents:
        tags[ent.start : ent.end] = [f"B-{ent.label}"] + [f"I-{ent.label}"] * (ent.end - ent.start - 1)
    return tags


def _note_lang(lang: Optional[str]) -> Dict[str, str]:
    return {} if lang is None else {LANG_KEY: lang}
