"""The tags of a file: which scheme they are in, and which entities they spell."""

import re
import warnings
from collections import Counter
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ..decoding import find_spans
from ..errors import Errors, Warnings
from ..tags import OUTSIDE, TagScheme
from .columns import Sentence
from .lines import Reject

# What spaCy's own formats write where nobody has looked; such a token has no part in training.
MISSING = "-"
MAX_SHOWN = 6  # tags in a message
_PREFIXED = re.compile(r"[BIMELSU]-(?!O$)\S.*")
_OPENING = re.compile(r"[BISU]-.*")
_ROLES = str.maketrans("MLU", "IES")


class TokenEnt(NamedTuple):
    """An entity: tokens start to end, half-open."""

    start: int
    end: int
    label: str


Spelling = Callable[[TokenEnt, Optional[TokenEnt]], List[str]]  # of an entity and the one before it: its tags


def read_ents(
    path: Path, sentences: Sequence[Sentence], reject: Reject
) -> Tuple[List[Tuple[Sentence, List[TokenEnt]]], Optional[str]]:
    """Find the entities of all sentences of a file.

    IOB1 and IOB2 are read alike: B opens an entity, I goes on with one of its label and else opens one. Which of them,
    or which other scheme, a file is in is told by spelling its entities in each; XW211 warns where none spells all.

    path (Path): For messages.
    sentences (Sequence[Sentence]): The whole file: a single one does not tell the scheme.
    reject (Reject): Told of lines with tags that are none (XN214).
    RETURNS (Tuple[List[Tuple[Sentence, List[TokenEnt]]], Optional[str]]): Sentences, without the rejected lines, with
        their entities; and the scheme: "IO", "IOB1", "IOB2", "BIOES", or None if there is no entity.
    """
    counts = Counter(tag for sentence in sentences for tag in sentence.tags)
    scheme = _find_scheme(counts)
    allowed = {OUTSIDE, MISSING, *(scheme.tags if scheme else ())}
    example = next((tag for tag, _ in counts.most_common() if tag in allowed - {OUTSIDE, MISSING}), "B-PER")
    kept = [_drop_lines(sentence, allowed, example, reject) for sentence in sentences]
    kept = [sentence for sentence in kept if sentence.words]
    if scheme is None:
        return [(sentence, []) for sentence in kept], None
    found = list(zip(kept, _find_ents(kept, scheme)))
    if set(scheme.tags) <= {OUTSIDE, *scheme.labels}:
        return found, "IO"
    return found, _name_scheme(path, found, {**SPELLINGS, "IO": spell_io} if scheme.bare else SPELLINGS)


def _find_scheme(counts: Dict[str, int]) -> Optional[TagScheme]:
    """The scheme of a file's tags; None if there is no entity. If half of them have prefixes, the others are slips."""
    names = sorted(tag for tag in counts if tag not in (OUTSIDE, MISSING) and not re.fullmatch(".?-O?", tag))
    prefixed = [tag for tag in names if _PREFIXED.fullmatch(tag)]
    n_prefixed = sum(counts[tag] for tag in prefixed)
    if n_prefixed >= sum(counts[tag] for tag in names) - n_prefixed and any(map(_OPENING.fullmatch, prefixed)):
        names = prefixed
    if not names:
        return None
    # Without a longer entity S-X alone could be a label; in a file it is a tag. So are B-X, I-X, S-X, U-X where X alone
    # stands as well; E-mail beside mail is a label.
    has_only_single = all(tag.startswith(("S-", "U-")) for tag in names)
    beside_bare = [tag for tag in prefixed if tag[2:] in names]
    if has_only_single or any(tag[0] not in "BI" for tag in beside_bare):
        return TagScheme([OUTSIDE, *names], "bioes")
    return TagScheme([OUTSIDE, *names], "iob" if beside_bare else None)


def _drop_lines(sentence: Sentence, allowed: Iterable[str], example: str, reject: Reject) -> Sentence:
    kept = [i for i, tag in enumerate(sentence.tags) if tag in allowed]
    if len(kept) == len(sentence.tags):
        return sentence
    for i in sorted(set(range(len(sentence.tags))).difference(kept)):
        reject(sentence.numbers[i], Errors.XN214.format(tag=sentence.tags[i], example=example))
    return replace(
        sentence,
        words=[sentence.words[i] for i in kept],
        tags=[sentence.tags[i] for i in kept],
        numbers=[sentence.numbers[i] for i in kept],
    )


def _find_ents(sentences: Sequence[Sentence], scheme: TagScheme) -> List[List[TokenEnt]]:
    ids = {tag: i for i, tag in enumerate(scheme.tags)} | {MISSING: scheme.tags.index(OUTSIDE)}
    tags = np.array([ids[tag] for sentence in sentences for tag in sentence.tags], dtype=np.int64)
    lengths = np.array([len(sentence.tags) for sentence in sentences], dtype=np.int64)
    spans = find_spans(tags, lengths, scheme)
    starts = [0, *accumulate(lengths.tolist())]
    owners = np.searchsorted(np.array(starts), spans.starts, side="right") - 1
    found: List[List[TokenEnt]] = [[] for _ in sentences]
    rows = zip(owners.tolist(), spans.starts.tolist(), spans.ends.tolist(), spans.label_ids.tolist())
    for owner, start, end, label_id in rows:
        found[owner].append(TokenEnt(start - starts[owner], end - starts[owner], scheme.labels[label_id]))
    return found


def spell_iob2(ent: TokenEnt, before: Optional[TokenEnt]) -> List[str]:
    """B opens each entity."""
    return [f"B-{ent.label}"] + [f"I-{ent.label}"] * (ent.end - ent.start - 1)


def spell_iob1(ent: TokenEnt, before: Optional[TokenEnt]) -> List[str]:
    """B opens an entity only right behind another of its label."""
    touches = before is not None and before.end == ent.start and before.label == ent.label
    return [f"{'B' if touches else 'I'}-{ent.label}"] + [f"I-{ent.label}"] * (ent.end - ent.start - 1)


def spell_bioes(ent: TokenEnt, before: Optional[TokenEnt]) -> List[str]:
    """E closes each entity, S is one of a single token."""
    if ent.end - ent.start == 1:
        return [f"S-{ent.label}"]
    return [f"B-{ent.label}", *[f"I-{ent.label}"] * (ent.end - ent.start - 2), f"E-{ent.label}"]


def spell_io(ent: TokenEnt, before: Optional[TokenEnt]) -> List[str]:
    """A label is all that a tag is."""
    return [ent.label] * (ent.end - ent.start)


SPELLINGS: Dict[str, Spelling] = {
    "IOB2": spell_iob2,
    "IOB1": spell_iob1,
    "BIOES": spell_bioes,
}


def _find_misspelt(sentence: Sentence, ents: Sequence[TokenEnt], spell: Spelling) -> Optional[TokenEnt]:
    """The first entity that is not spelt as a scheme does; None: all are."""
    for ent, before in zip(ents, [None, *ents]):
        if list(map(_unify, sentence.tags[ent.start : ent.end])) != spell(ent, before):
            return ent
    return None


def _unify(tag: str) -> str:
    """A tag of BMES or BILOU as BIOES has it."""
    return tag[0].translate(_ROLES) + tag[1:] if _PREFIXED.fullmatch(tag) else tag


def _name_scheme(
    path: Path, found: Sequence[Tuple[Sentence, List[TokenEnt]]], spellings: Dict[str, Spelling]
) -> Optional[str]:
    """The scheme that spells most of the sentences; a warning if it does not spell all."""
    with_ents = [(sentence, ents) for sentence, ents in found if ents]
    if not with_ents:
        return None
    misspelt = {
        name: [_find_misspelt(sentence, ents, spell) for sentence, ents in with_ents]
        for name, spell in spellings.items()
    }
    best = max(misspelt, key=lambda name: misspelt[name].count(None))
    n_fit = misspelt[best].count(None)
    for (sentence, _), ent in zip(with_ents, misspelt[best]):
        if ent is not None:
            message = Warnings.XW211.format(
                path=path,
                scheme=best,
                n_fit=n_fit,
                n_other=len(with_ents) - n_fit,
                line=sentence.numbers[ent.start],
                tags=" ".join(sentence.tags[ent.start : ent.end][:MAX_SHOWN]),
            )
            warnings.warn(message, stacklevel=2)
            break
    return best
