"""Label schemes: what a tag says of its label and of an entity's borders, and which tag may follow which."""

import re
import warnings
from typing import Dict, FrozenSet, List, Optional, Sequence, Set, Tuple

import numpy as np

from .errors import Errors, Warnings
from .types import BoolArray, IntArray, SchemeName

OUTSIDE = "O"
# A new label's rows of the head: no weights, and a bias so low that it is not found before it is trained.
NEW_TAG_BIAS = -10.0
# How far an untrained head's weights are spread where nothing says it: as BERT's.
HEAD_RANGE = 0.02
# What is kept of which tag may follow which grows with their square.
MAX_TAGS = 4096
# M is the I of BMES; L and U are the E and S of BILOU.
PREFIXES: Dict[SchemeName, FrozenSet[str]] = {
    "io": frozenset("I"),
    "iob": frozenset("BI"),
    "bioes": frozenset("BIMELSU"),
}
_ROLES = {"M": "I", "L": "E", "U": "S"}
_TAG = re.compile(r"([BIMELSU])-(.+)", re.DOTALL)
_UNNAMED = re.compile(r"LABEL_\d+")


def are_unnamed(tags: Sequence[str]) -> bool:
    """Whether these are the names that transformers makes up: LABEL_0, LABEL_1 ..."""
    return bool(tags) and all(_UNNAMED.fullmatch(tag) for tag in tags)


def detect_scheme(tags: Sequence[str]) -> SchemeName:
    """Tell the scheme from the tags alone.

    A letter before a hyphen is a prefix only where the whole list bears it out, for labels have hyphens of their own:
    E-, L-, S- and U- count if the same label also stands with B- or I-. Without any B- there is nothing that
    distinguishes I-X from X, so that is "io"; a B- makes it "iob", which covers IOB1 and IOB2.

    ["O", "B-PER", "I-PER"] is "iob"; ["O", "geo-loc", "PER"] is "io"; ["O", "B-X", "I-X", "E-X", "S-X"] is "bioes".

    tags (Sequence[str]): Tag names.
    RETURNS (SchemeName): "io", "iob" or "bioes".
    """
    prefixes_by_label: Dict[str, Set[str]] = {}
    has_bare = False
    for tag in tags:
        match = _TAG.fullmatch(tag)
        if match:
            prefixes_by_label.setdefault(match.group(2), set()).add(match.group(1))
        elif tag != OUTSIDE:
            has_bare = True
    found = list(prefixes_by_label.values())
    if any(prefixes & set("BI") and prefixes & set("MELSU") for prefixes in found):
        return "bioes"
    if any(prefixes >= {"B", "I"} for prefixes in found):
        return "iob"
    if not has_bare and any("B" in prefixes for prefixes in found):
        return "iob"
    return "io"


class TagScheme:
    """The tags of a model, taken apart.

    tags (Sequence[str]): Tag names in id order.
    name (Optional[SchemeName]): "io", "iob" or "bioes"; None: told from the tags.
    RAISES (ValueError): XN203 if there is no tag but O; XN240 if there are more than MAX_TAGS.
    """

    name: SchemeName
    tags: Tuple[str, ...]
    labels: Tuple[str, ...]
    bare: Tuple[str, ...]  # labels without a prefix in a scheme of prefixes
    label_ids: IntArray
    opens: BoolArray
    closes: BoolArray
    legal_first: BoolArray
    legal_last: BoolArray
    legal_moves: BoolArray

    def __init__(self, tags: Sequence[str], name: Optional[SchemeName] = None):
        self.tags = tuple(tags)
        if len(self.tags) > MAX_TAGS:
            raise ValueError(Errors.XN240.format(n_tags=len(self.tags), most=MAX_TAGS, shown=", ".join(self.tags[:4])))
        self.name = detect_scheme(tags) if name is None else name
        roles, labels, bare = self._split()
        if not any(label is not None for label in labels):
            raise ValueError(Errors.XN203.format(tags=list(tags)))
        self.bare = tuple(bare) if self.name != "io" else ()
        self.labels = tuple(dict.fromkeys(label for label in labels if label is not None))
        ids = {label: i for i, label in enumerate(self.labels)}
        self.label_ids = np.array([-1 if label is None else ids[label] for label in labels], dtype=np.int64)
        self.opens = np.array([role in ("B", "S") for role in roles])
        self.closes = np.array([role in ("E", "S") for role in roles])
        self._set_legal(roles)

    def _split(self) -> Tuple[List[str], List[Optional[str]], List[str]]:
        """Role (B, I, E, S; "" for O and for bare labels) and label of each tag, and the bare labels."""
        strip = self.name != "io" or all(tag.startswith("I-") for tag in self.tags if tag != OUTSIDE)
        roles: List[str] = []
        labels: List[Optional[str]] = []
        bare: List[str] = []
        for tag in self.tags:
            match = _TAG.fullmatch(tag)
            if tag == OUTSIDE:
                roles.append("")
                labels.append(None)
            elif strip and match and self._has_prefix(*match.groups()):
                roles.append(_ROLES.get(match.group(1), match.group(1)))
                labels.append(match.group(2))
            else:
                roles.append("")
                labels.append(tag)
                bare.append(tag)
        return roles, labels, bare

    def _has_prefix(self, letter: str, label: str) -> bool:
        """Whether a letter is a prefix; M, E and L only if the label has other prefixes too, for E-mail is a label."""
        prefixes = PREFIXES[self.name]
        others = (f"{other}-{label}" for other in prefixes - {letter})
        return letter in prefixes and (letter in "BISU" or any(other in self.tags for other in others))

    def _set_legal(self, roles: List[str]) -> None:
        """Work out the legal first and last tags, and moves.

        In io and iob every sequence is legal, for I-X may open an entity there (IOB1 writes it so). In bioes a role
        may stand in for another only where the tag list lacks that other: I opens where a label has no B.
        """
        may_open = np.ones(len(roles), dtype=bool)
        may_close = np.ones(len(roles), dtype=bool)
        if self.name == "bioes":
            has = {(role, label) for role, label in zip(roles, self.label_ids)}
            for i, (role, label) in enumerate(zip(roles, self.label_ids)):
                if role == "I":
                    may_open[i] = ("B", label) not in has
                    may_close[i] = ("E", label) not in has
                elif role == "E":
                    may_open[i] = not {("B", label), ("S", label)} & has
                elif role == "B":
                    may_close[i] = ("S", label) not in has
        same = (self.label_ids[:, None] == self.label_ids[None]) & (self.label_ids >= 0)[None]
        goes_on = same & ~self.closes[:, None] & ~self.opens[None]
        self.legal_first = may_open
        self.legal_last = may_close
        self.legal_moves = (may_close[:, None] & may_open[None]) | goes_on

    @property
    def n_tags(self) -> int:
        """How many tags there are, O included."""
        return len(self.tags)

    def as_part(self, *, is_first: bool, is_last: bool) -> IntArray:
        """What each tag becomes on one token of several that share its piece.

        B-X on "don" over the tokens "do" and "n't" is B-X then I-X; S-X is B-X then E-X. A tag stays as it is where the
        scheme has no other for it.

        is_first (bool): Whether the token is the first of those that share the piece.
        is_last (bool): Whether it is the last.
        RETURNS (IntArray): Shape (n_tags,): tag ids.
        """
        opens = self.opens & is_first
        closes = self.closes & is_last
        fits = self.label_ids[:, None] == self.label_ids[None]
        fits &= (opens[:, None] == self.opens[None]) & (closes[:, None] == self.closes[None])
        own = np.arange(self.n_tags)
        return np.where(fits[own, own] | ~fits.any(axis=1), own, fits.argmax(axis=1))

    def spell(self, label_id: int, n_tokens: int) -> IntArray:
        """The tags of an entity's tokens.

        Three tokens of X are B-X I-X I-X in iob, B-X I-X E-X in bioes, X X X in io. Where the scheme lacks a tag, the
        one that comes nearest stands in.

        label_id (int): A row of labels.
        n_tokens (int): At least 1.
        RETURNS (IntArray): Shape (n_tokens,): tag ids.
        """
        own = np.flatnonzero(self.label_ids == label_id)

        def pick(is_first: bool, is_last: bool) -> int:
            fit = 2 * (self.opens[own] == is_first) + (self.closes[own] == is_last)
            return int(own[fit.argmax()])

        if n_tokens == 1:
            return np.array([pick(True, True)])
        return np.array([pick(True, False), *[pick(False, False)] * (n_tokens - 2), pick(False, True)])

    def make_tags(self, label: str) -> Tuple[str, ...]:
        """The tags that a new label needs, spelt as the present ones are."""
        if self.name == "io":
            has_prefix = self.labels[0] not in self.tags
            return (f"I-{label}",) if has_prefix else (label,)
        if self.name == "iob":
            return (f"B-{label}", f"I-{label}")
        letters = {tag[0] for tag, i in zip(self.tags, self.label_ids) if i >= 0 and tag != self.labels[i]}
        inside = "M" if "M" in letters else "I"
        last, single = ("L", "U") if letters & {"L", "U"} else ("E", "S")
        return tuple(f"{letter}-{label}" for letter in ("B", inside, last, single))


def list_tags(labels: Sequence[str], name: SchemeName) -> Tuple[str, ...]:
    """The tags of a new head: O, then each label's.

    labels (Sequence[str]): In order.
    name (SchemeName): "iob" gives B-X and I-X, "bioes" B-X, I-X, E-X and S-X, "io" I-X.
    RETURNS (Tuple[str, ...]): In id order.
    """
    letters = {"io": "I", "iob": "BI", "bioes": "BIES"}[name]
    return (OUTSIDE, *(f"{letter}-{label}" for label in labels for letter in letters))


def warn_of_tags(scheme: TagScheme) -> None:
    """Warn of tags that may not mean what they are read as: XW201 of labels without a prefix, XW202 if none is O."""
    if scheme.bare:
        warnings.warn(Warnings.XW201.format(found=list(scheme.bare), example=scheme.bare[0]), stacklevel=2)
    if OUTSIDE not in scheme.tags:
        warnings.warn(Warnings.XW202.format(found=", ".join(scheme.tags[:4])), stacklevel=2)
