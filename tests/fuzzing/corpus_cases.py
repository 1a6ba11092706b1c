"""Files of labelled text, and what becomes of them."""

import gzip
import warnings
from functools import lru_cache
from pathlib import Path

from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from spacy_xlmr_ner.corpus import FORMATS, CorpusReader
from spacy_xlmr_ner.corpus.plain_text import read_texts

from .choices import Choices, edit_bytes

NAMES = ("train.txt", "de.train.iob2", "zh.jsonl", "a.spacy", "b.gz")
SEEDS = (
    "en:Jack\tB-PER\nen:Sparrow\tI-PER\n\nzh:北\tB-LOC\nzh:京\tI-LOC\n",
    "-DOCSTART- -X- -X- O\n\nEU NNP B-NP I-ORG\nrejects VBZ B-VP O\n\n# # O O\nParis NNP B-NP I-LOC\n",
    "# newdoc id = a\n# text = Tampa Bay, isn't it?\n1\tTampa\tB-LOC\t-\n2\tBay\tI-LOC\t-\n4-5\tisn't\t_\t-\n",
    "New\tB-LOC\r\nYork\tE-LOC\r\nA\tS-PER\r\n",
    "a\tO\nNew\tgeo-loc\nYork\tgeo-loc\n",
    '{"text": "Anna sah Rom", "entities": [[0, 4, "PER"], [9, 12, "LOC"]], "lang": "de"}\n',
    '["Anna sah Rom", {"entities": [[9, 12, "LOC"]]}]\n{"data": "北京", "label": [{"start": 0, "end": 2}]}\n',
    "1\tAnna\t_\t_\t_\t_\t_\t_\t_\t_\nAnna|B-PER sah|O Rom|B-LOC\n",
)
_FOLDERS = [Path()]


def place_corpora(folder: Path) -> None:
    """Say where the files of these cases are written."""
    _FOLDERS[0] = folder


def check_corpus(data: bytes) -> None:
    """A file of any content, name and format: docs whose entities are theirs, and a reason for each line left out."""
    choices = Choices(data)
    format = choices.pick(FORMATS[:-1])
    path = _FOLDERS[0] / choices.pick(NAMES[:3])
    n_sents = choices.number(3)
    content = choices.rest()
    path.write_bytes(gzip.compress(content, 1) if n_sents == 2 else content)
    check_file(path, CorpusReader(vocab=Vocab(), format=format, n_sents=n_sents), content)


def check_file(path: Path, reader: CorpusReader, content: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for doc in reader.read_file(path):
            assert len(doc)
            for ent in doc.ents:
                assert ent.label_ and ent.text.strip()
    n_lines = content.count(b"\n") + 1
    assert all(1 <= rejection.line <= n_lines and str(rejection) for rejection in reader.rejections)
    assert reader.files[0].n_ents <= reader.files[0].n_tokens


def check_texts(data: bytes) -> None:
    """The same files read for their text alone, as `trim` and `init-checkpoint` do."""
    path = _FOLDERS[0] / "text.txt"
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for text in read_texts(path):
            text.encode("utf8")


@lru_cache
def make_docbin() -> bytes:
    doc = Doc(Vocab(), words=["Anna", "sah", "Rom"], ents=["B-PER", "O", "B-LOC"])
    return DocBin(docs=[doc] * 3, store_user_data=True).to_bytes()


def check_damaged(data: bytes) -> None:
    """A .spacy file, or a gzipped one, with some bytes changed."""
    choices = Choices(data)
    name = choices.pick(NAMES[3:])
    content = make_docbin() if name.endswith(".spacy") else gzip.compress(SEEDS[choices.number(len(SEEDS))].encode())
    path = _FOLDERS[0] / name
    path.write_bytes(edit_bytes(content, choices, 1 + choices.number(4)))
    reader = CorpusReader(vocab=Vocab())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for doc in reader.read_file(path):
            assert len(doc)
