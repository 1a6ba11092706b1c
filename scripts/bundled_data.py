"""Training text for build_bundled.py: the corpora, a vocabulary made from them, and batches with augmentation."""

import gzip
import io
import math
import os
import random
import re
from collections import defaultdict
from dataclasses import dataclass
from itertools import accumulate, count
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import sentencepiece
from bundled_frames import read_frames
from bundled_names import read_names
from torch.utils.data import DataLoader, Dataset

TAGS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")
UNSPACED = {"zh", "zh-Hant", "ja", "th"}
PLACES = ("{PER}", "{ORG}", "{LOC}")
WAYS = {"{AT}": "at", "{TO}": "to", "{SEEN}": "seen"}
MOST_FRAMES = 0.5  # of the sentences of a language
N_WAYS = 16  # to part a word in pieces, to draw from
SAMPLING_ALPHA = 0.3
MOST_WORDS = 2_000_000  # whose pieces are kept ...
MOST_PARTED = 200_000  # ... and, at some kilobytes each, whose ways to be parted are
BOS, PAD, EOS, UNK = 0, 1, 2, 3
IGNORED = -100
_URL_HEAD = re.compile(r"https?://|www\.")
_NO_SPACE_BEFORE = re.compile(r"[.,;:!?)\]}»”’…%]+")
_DIGRAPHS = (("Lj", "Љ"), ("Nj", "Њ"), ("Dž", "Џ"), ("LJ", "Љ"), ("NJ", "Њ"), ("lj", "љ"), ("nj", "њ"), ("dž", "џ"))
_LATIN = "abvgdđežzijklmnoprstćufhcčš"
_CYRILLIC = str.maketrans(_LATIN + _LATIN.upper(), "абвгдђежзијклмнопрстћуфхцчш" + "АБВГДЂЕЖЗИЈКЛМНОПРСТЋУФХЦЧШ")
_NO_SPACE_AFTER = re.compile(r"[(\[{«“¿¡]+")


class Sentence(NamedTuple):
    """Words, the ids of their tags and, where teachers have tagged it as it stands, their distributions over TAGS."""

    words: List[str]
    tags: List[int]
    shares: Optional[np.ndarray] = None


class Variety(NamedTuple):
    """How much is varied: the share of sentences in which half of the entities are exchanged, of words whose pieces are
    sampled, and of sequences in which pieces are masked.
    """

    exchange: float
    sample: float
    mask: float


class Encoded(NamedTuple):
    """Piece ids; a label for each, IGNORED behind a word's first; which word each is of, -1 for special pieces; and the
    teachers' distributions (n_pieces, n_tags), zeros where there is none.
    """

    ids: List[int]
    labels: List[int]
    owners: List[int]
    shares: np.ndarray


class Batch(NamedTuple):
    """Ids, labels and ids to be guessed, each (n_sequences, length), and the teachers' distributions (n_sequences,
    length, n_tags), zeros where there is none.
    """

    ids: np.ndarray
    labels: np.ndarray
    guessed: np.ndarray
    shares: np.ndarray


@dataclass
class Corpus:
    """One language of one corpus."""

    name: str
    language: str
    sentences: List[Sentence]

    @property
    def key(self) -> str:
        """Such as panx/de."""
        return f"{self.name}/{self.language}"

    @property
    def is_running(self) -> bool:
        """Whether neighbouring sentences belong together."""
        return self.name != "panx"


def read_corpora(folder: Path, split: str) -> List[Corpus]:
    """Read one split of all corpora, in a fixed order."""
    corpora = []
    for path in sorted(folder.glob(f"*/*.{split}.iob2.gz")):
        if path.parent.name in ("panx", "uner", "gold"):
            corpora.append(Corpus(path.parent.name, path.name.split(".")[0], read_sentences(path)))
    return corpora


def read_sentences(path: Path) -> List[Sentence]:
    """Read an .iob2.gz file of the manifest's layout."""
    with gzip.open(path, "rt", encoding="utf8") as file:
        blocks = file.read().split("\n\n")
    sentences = []
    for block in blocks:
        rows = [line.split("\t") for line in block.split("\n") if "\t" in line]
        if rows:
            sentences.append(Sentence([row[0] for row in rows], [TAGS.index(row[1]) for row in rows]))
    return sentences


def find_ents(tags: Sequence[int]) -> List[Tuple[int, int, int]]:
    """Entities as (start, end, kind), kinds 0 PER, 1 ORG, 2 LOC. An I that continues nothing opens one."""
    ents: List[Tuple[int, int, int]] = []
    for i, tag in enumerate(tags):
        if not tag:
            continue
        kind, inside = divmod(tag - 1, 2)
        if inside and ents and ents[-1][1:] == (i, kind):
            ents[-1] = (ents[-1][0], i + 1, kind)
        else:
            ents.append((i, i + 1, kind))
    return ents


def train_vocabulary(corpora: Sequence[Corpus], model: Path, *, size: int, seed: int) -> None:
    """Train a SentencePiece unigram vocabulary, with XLM-R's normaliser, on text balanced over languages."""
    rng = random.Random(seed)
    lines: List[str] = []
    for corpus in corpora:
        n_chars = sum(len(word) for sentence in corpus.sentences for word in sentence.words)
        share = min(1.5, (600_000 / n_chars) ** 0.4)
        for sentence in corpus.sentences:
            if rng.random() < share % 1:
                lines.append(" ".join(sentence.words))
            if corpus.language == "sr" and rng.random() < 0.5:
                lines.append(" ".join(to_cyrillic(word) for word in sentence.words))
            lines += [" ".join(sentence.words)] * int(share)
            if corpus.language in UNSPACED and rng.random() < 0.5:
                lines.append("".join(sentence.words))
                lines.append(" ".join("".join(sentence.words)))
    rng.shuffle(lines)
    writer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=writer,
        model_type="unigram",
        vocab_size=size,
        character_coverage=0.9999,
        normalization_rule_name="nmt_nfkc",
        max_sentence_length=16384,
        num_threads=2,
        minloglevel=1,
    )
    new = model.with_name(f"{model.name}.new")
    new.write_bytes(writer.getvalue())
    os.replace(new, model)  # what stands there is whole


class Augmenter:
    """Makes training sequences: sentences joined, entities exchanged, casing and punctuation varied, pieces sampled."""

    def __init__(
        self,
        corpora: Sequence[Corpus],
        vocabulary: Path,
        *,
        seed: int,
        weights: Dict[str, float],
        variety: Variety,
        frame_share: float,
    ):
        self.corpora = list(corpora)
        self.variety = variety
        self.seed(seed)
        self.processor = sentencepiece.SentencePieceProcessor(model_file=str(vocabulary))
        self.n_pieces = self.processor.get_piece_size() + 2
        self.mask_id = self.n_pieces - 1
        sizes = np.array([sum(len(s.words) for s in corpus.sentences) for corpus in corpora], dtype=float)
        factors = [weights.get(corpus.name, 1.0) * weights.get(corpus.key, 1.0) for corpus in corpora]
        shares = sizes**0.7 * np.array(factors)
        # Shares are of words; a corpus of long sentences is drawn from less often.
        per_sentence = shares / (sizes / [len(corpus.sentences) for corpus in corpora])
        self.draw = per_sentence / per_sentence.sum()
        self.frame_shares = self._share_frames(frame_share)
        self._cache: Dict[Tuple[str, bool], List[int]] = {}
        self._ways: Dict[str, Tuple[List[List[int]], List[float]]] = {}
        self.everyday = read_names()
        self.frames = {lang: own + self.everyday[lang].frames for lang, own in read_frames().items()}
        self._collect_names()

    def seed(self, *numbers: int) -> None:
        """Begin all random choices anew."""
        self.numpy_rng = np.random.default_rng(numbers)
        self.rng = random.Random(int(self.numpy_rng.integers(2**63)))

    def _share_frames(self, frame_share: float) -> Dict[str, float]:
        """The share of frames in the sentences of each language: more where there are few sentences.

        Half of `frame_share` goes to each language alike, half to each sentence.
        """
        drawn: Dict[str, float] = defaultdict(float)
        for corpus, share in zip(self.corpora, self.draw):
            drawn[corpus.language] += share
        half = frame_share / 2
        return {lang: min(MOST_FRAMES, half + half / len(drawn) / share) for lang, share in drawn.items()}

    def _collect_names(self) -> None:
        """Names by language and kind, and by script and kind."""
        self.names: Dict[Tuple[str, int], List[List[str]]] = defaultdict(list)
        seen = set()
        for corpus in self.corpora:
            for words, tags, _ in corpus.sentences:
                for start, end, kind in find_ents(tags):
                    name = words[start:end]
                    found = (corpus.language, kind, " ".join(name))
                    if found in seen or len(name) > 6:
                        continue
                    seen.add(found)
                    self.names[corpus.language, kind].append(name)
                    if all(char.isascii() for char in found[2]):
                        self.names["latin", kind].append(name)

    def _pick_name(self, language: str, kind: int, *, everyday: float) -> List[str]:
        """A name of the language, or of another of its script; everyday: the share of common ones."""
        if self.rng.random() < everyday:
            return self.everyday[language].pick(kind, self.rng)
        own = self.names[language, kind]
        is_latin = language not in {"zh", "zh-Hant", "ja", "th", "ar", "hi", "kk", "ru"}
        share = 0.5 if len(own) < 3000 else 0.15
        if is_latin and self.rng.random() < share:
            own = self.names["latin", kind]
        return self.rng.choice(own)

    def _exchange(self, sentence: Sentence, language: str) -> Sentence:
        words: List[str] = []
        tags: List[int] = []
        last = 0
        ents = find_ents(sentence.tags)
        if not ents:
            return sentence
        for start, end, kind in ents:
            words += sentence.words[last:start]
            tags += sentence.tags[last:start]
            name = sentence.words[start:end]
            if self.rng.random() < 0.5:
                name = self._pick_name(language, kind, everyday=0.05)
            words += name
            tags += [2 * kind + 1] + [2 * kind + 2] * (len(name) - 1)
            last = end
        return Sentence(words + sentence.words[last:], tags + sentence.tags[last:])

    def _fill_frame(self, language: str) -> Sentence:
        """An everyday sentence, with names of the corpora or common ones."""
        words: List[str] = []
        tags: List[int] = []
        for word in self.rng.choice(self.frames[language]):
            if word in WAYS:
                phrase, start, end = self.everyday[language].pick_place(WAYS[word], self.rng)
                words += phrase
                tags += [0] * start + [5] + [6] * (end - start - 1) + [0] * (len(phrase) - end)
            elif word in PLACES:
                kind = PLACES.index(word)
                name = self._pick_name(language, kind, everyday=0.5)
                words += name
                tags += [2 * kind + 1] + [2 * kind + 2] * (len(name) - 1)
            else:
                words.append(word)
                tags.append(0)
        return Sentence(words, tags)

    def _vary(self, sentence: Sentence, corpus: Corpus) -> Sentence:
        """One sentence with its augmentation."""
        rng = self.rng
        has_source = corpus.key == "gold/de" and len(sentence.words) > 1 and _URL_HEAD.match(sentence.words[0])
        if has_source and rng.random() < 0.6:
            sentence = _cut(sentence, 1, None)  # GermEval's sentences begin with their source
        if rng.random() < self.variety.exchange:
            sentence = self._exchange(sentence, corpus.language)
        words, tags, shares = self._vary_end(sentence, corpus)
        draw = rng.random()
        if draw < 0.03:
            words = [word.lower() for word in words]
        elif draw < 0.05:
            words = [word.upper() for word in words]
        elif draw < 0.06:
            words = [word.title() for word in words]
        if corpus.language in UNSPACED and rng.random() < 0.2:
            words, tags = _split_chars(words, tags)
            shares = None
        if corpus.language == "sr" and rng.random() < 0.3:
            words = [to_cyrillic(word) for word in words]
        return Sentence(words, tags, shares)

    def _vary_end(self, sentence: Sentence, corpus: Corpus) -> Sentence:
        """The last mark dropped or changed; PAN-X, whose sentences often have none, gets one."""
        words, tags, shares = sentence
        if len(words) > 1 and not tags[-1] and self.rng.random() < 0.15 and _NO_SPACE_BEFORE.fullmatch(words[-1]):
            if self.rng.random() < 0.6:
                return _cut(sentence, None, -1)
            return Sentence([*words[:-1], self.rng.choice("!?.")], tags, shares)
        if corpus.name == "panx" and self.rng.random() < 0.15:
            if shares is not None:
                shares = np.concatenate([shares, [[1.0] + [0.0] * (len(TAGS) - 1)]])
            return Sentence([*words, self.rng.choice(".!?.")], [*tags, 0], shares)
        return sentence

    def _encode(self, word: str, glued: bool) -> List[int]:
        """Ids of a word's pieces, as the fast tokenizer gives them; glued: without the mark of a space before."""
        if self.rng.random() < self.variety.sample and len(word) > 2 and not glued:
            ways, weights = self._find_ways(word)
            if ways:
                return self.rng.choices(ways, cum_weights=weights)[0]
        key = (word, glued)
        ids = self._cache.get(key)
        if ids is None:
            if glued:
                found = self.processor.encode("," + word)
                mark = self.processor.encode(",")
                ids = found[len(mark) :] if found[: len(mark)] == mark and len(found) > len(mark) else []
                ids = ids or self.processor.encode(word)
            else:
                ids = self.processor.encode(word)
            ids = [i + 1 if i else UNK for i in ids]
            if len(self._cache) < MOST_WORDS:
                self._cache[key] = ids
        return ids

    def _find_ways(self, word: str) -> Tuple[List[List[int]], List[float]]:
        """The likeliest ways to part a word in pieces, and their running weights: SentencePiece's own sampling draws
        from a generator that cannot be set back, so that a run that was stopped went on differently.
        """
        if word not in self._ways:
            found = self.processor.nbest_encode_as_ids(word, nbest_size=N_WAYS)
            scores = [sum(map(self.processor.get_score, way)) for way in found]
            weights = list(accumulate(math.exp(SAMPLING_ALPHA * (score - max(scores))) for score in scores))
            ways = [[i + 1 if i else UNK for i in way] for way in found]
            if len(self._ways) >= MOST_PARTED:
                return ways, weights
            self._ways[word] = ways, weights
        return self._ways[word]

    def _encode_sentence(self, sentence: Sentence, corpus: Corpus) -> Encoded:
        """One sentence; no special pieces."""
        ids: List[int] = []
        labels: List[int] = []
        owners: List[int] = []
        glue_all = corpus.language in UNSPACED
        as_text = self.rng.random() < 0.15
        after_open = False
        for i, (word, tag) in enumerate(zip(sentence.words, sentence.tags)):
            glued = as_text and i > 0 and (glue_all or after_open or bool(_NO_SPACE_BEFORE.fullmatch(word)))
            after_open = bool(_NO_SPACE_AFTER.fullmatch(word))
            pieces = self._encode(word, glued)
            if not pieces:
                continue
            ids += pieces
            labels += [tag] + [IGNORED] * (len(pieces) - 1)
            owners += [i] * len(pieces)
        shares = np.zeros((len(ids), len(TAGS)), dtype=np.float32)
        if sentence.shares is not None and ids:
            is_first = np.array(labels) != IGNORED
            shares[is_first] = sentence.shares[np.array(owners)[is_first]]
        return Encoded(ids, labels, owners, shares)

    def make_sequence(self, max_pieces: int) -> Encoded:
        """A sentence, or some joined, with the special pieces."""
        corpus = self.corpora[int(self.numpy_rng.choice(len(self.corpora), p=self.draw))]
        draw = self.rng.random()
        n_sentences = 1 if draw < 0.55 else 100 if draw > 0.985 else self.rng.randint(2, 5)
        limit = max_pieces if n_sentences == 100 or self.rng.random() < 0.1 else min(max_pieces, 160)
        at = self.rng.randrange(len(corpus.sentences))
        ids, labels, owners = [BOS], [IGNORED], [-1]
        shares = [np.zeros((1, len(TAGS)), dtype=np.float32)]
        for i in range(n_sentences):
            if not corpus.is_running:
                at = self.rng.randrange(len(corpus.sentences))
            sentence = corpus.sentences[(at + i * corpus.is_running) % len(corpus.sentences)]
            if self.rng.random() < self.frame_shares[corpus.language]:
                sentence = self._fill_frame(corpus.language)
            sentence = self._vary(sentence, corpus)
            more = self._encode_sentence(sentence, corpus)
            if i and len(ids) + len(more.ids) >= limit:
                break
            first = owners[-1] + 1
            ids += more.ids
            labels += more.labels
            owners += [first + owner for owner in more.owners]
            shares.append(more.shares)
        cut = max_pieces - 1
        all_shares = np.concatenate([np.concatenate(shares)[:cut], shares[0]])
        return Encoded([*ids[:cut], EOS], [*labels[:cut], IGNORED], [*owners[:cut], -1], all_shares)

    def mask(self, ids: np.ndarray, owners: List[int], rate: float) -> Tuple[np.ndarray, np.ndarray]:
        """Hide whole words: ids with some masked, and the ids to be guessed (IGNORED elsewhere)."""
        owners_array = np.array(owners)
        n_words = owners_array.max(initial=-1) + 1
        chosen = np.append(self.numpy_rng.random(n_words) < rate, False)[owners_array]
        how = self.numpy_rng.random(len(ids))
        hidden = np.where(how < 0.8, self.mask_id, self.numpy_rng.integers(4, self.n_pieces - 1, len(ids)))
        masked = np.where(chosen & (how < 0.9), hidden, ids)
        return masked, np.where(chosen, ids, IGNORED)

    def make_batches(self, *, n_pieces: int, batch_pieces: int, max_pieces: int, mask_rate: float) -> Iterator[Batch]:
        """Batches of sequences of like length, n_pieces in all."""
        drawn = []
        total = 0
        while total < n_pieces:
            drawn.append(self.make_sequence(max_pieces))
            total += len(drawn[-1].ids)
        drawn.sort(key=lambda sequence: len(sequence.ids))
        batches = []
        start = 0
        while start < len(drawn):
            stop = start + 1
            while stop < len(drawn) and (stop + 1 - start) * len(drawn[stop].ids) <= batch_pieces * 1.05:
                stop += 1
            batches.append(drawn[start:stop])
            start = stop
        self.rng.shuffle(batches)
        for batch in batches:
            width = max(len(sequence.ids) for sequence in batch)
            padded = np.full((3, len(batch), width), IGNORED, dtype=np.int64)
            padded[0] = PAD
            all_shares = np.zeros((len(batch), width, len(TAGS)), dtype=np.float32)
            for row, (ids, labels, owners, shares) in enumerate(batch):
                array = np.array(ids)
                all_shares[row, : len(ids)] = shares
                padded[1, row, : len(ids)] = labels
                if self.rng.random() < self.variety.mask:
                    array, padded[2, row, : len(ids)] = self.mask(array, owners, mask_rate)
                padded[0, row, : len(ids)] = array
            yield Batch(*padded, all_shares)


class Groups(Dataset):
    """Groups of batches by their number, which decides what is in them.

    data (Augmenter): Makes them.
    seed (int): Of all groups.
    n_pieces (int): Of a group.
    settings: Of Augmenter.make_batches.
    """

    def __init__(self, data: Augmenter, *, seed: int, n_pieces: int, **settings: float):
        self.data = data
        self.seed = seed
        self.n_pieces = n_pieces
        self.settings = settings

    def __getitem__(self, number: int) -> List[Batch]:
        self.data.seed(self.seed, number)
        return list(self.data.make_batches(n_pieces=self.n_pieces, **self.settings))

    def iterate(self, first: int, *, n_workers: int) -> Iterator[List[Batch]]:
        """All groups from the first on, without end; n_workers: processes that make them ahead, 0: none."""
        ahead = {"prefetch_factor": 4} if n_workers else {}
        yield from DataLoader(
            self, batch_size=None, sampler=count(first), num_workers=n_workers, collate_fn=list, **ahead
        )


def to_cyrillic(word: str) -> str:
    """Serbian is written in both scripts; its corpus has the Latin one alone."""
    for latin, cyrillic in _DIGRAPHS:
        word = word.replace(latin, cyrillic)
    return word.translate(_CYRILLIC)


def _cut(sentence: Sentence, start: Optional[int], stop: Optional[int]) -> Sentence:
    """Some of a sentence's words."""
    shares = None if sentence.shares is None else sentence.shares[start:stop]
    return Sentence(sentence.words[start:stop], sentence.tags[start:stop], shares)


def _split_chars(words: List[str], tags: List[int]) -> Tuple[List[str], List[int]]:
    """One token a character, as spaCy's Chinese has it."""
    new_words: List[str] = []
    new_tags: List[int] = []
    for word, tag in zip(words, tags):
        chars = list(word) if not word.isascii() else [word]
        new_words += chars
        inside = tag + 1 if tag % 2 else tag
        new_tags += [tag] + [inside] * (len(chars) - 1)
    return new_words, new_tags
