"""Everyday sentences in the languages of the model in the package, written for this test and taken from no corpus.

An entity stands in brackets with its label before it. Where a language is written without spaces, "|" parts the tokens.
"""

import re
from typing import List, NamedTuple, Tuple

from spacy.tokens import Doc
from spacy.vocab import Vocab

SENTENCES = """
en  [PER Jack Sparrow] loves [LOC New York]!
en  [PER Jack Sparrow] loves [LOC New York]
en  My sister [PER Mary] lives in [LOC London].
en  [PER Barack Obama] was born in [LOC Hawaii].
en  She works for [ORG Microsoft] in [LOC Seattle].
en  The train from [LOC Paris] to [LOC Berlin] was late.
de  [PER Angela Merkel] besuchte [LOC Paris].
de  Mein Bruder [PER Thomas] wohnt in [LOC Hamburg].
de  [PER Peter Müller] arbeitet bei [ORG Siemens] in [LOC München].
es  [PER María García] vive en [LOC Madrid].
es  El presidente viajó a [LOC Argentina] en mayo.
fr  [PER Emmanuel Macron] habite à [LOC Paris].
fr  Mon ami [PER Pierre] travaille à [LOC Lyon].
nl  [PER Jan de Vries] woont in [LOC Amsterdam].
nl  De koning van [LOC België] kwam gisteren aan.
pl  [PER Jan Kowalski] mieszka w [LOC Warszawie].
pl  Moja siostra [PER Anna] pojechała do [LOC Krakowa].
pt  [PER João Silva] mora em [LOC Lisboa].
pt  O presidente do [LOC Brasil] visitou [LOC Portugal].
ru  [PER Владимир Путин] приехал в [LOC Москву].
ru  Моя сестра [PER Анна] живёт в [LOC Лондоне].
da  [PER Lars Hansen] bor i [LOC København].
da  Min søster [PER Anne] rejste til [LOC Norge].
hr  [PER Ivan Horvat] živi u [LOC Zagrebu].
hr  Predsjednik [LOC Hrvatske] putuje u [LOC Njemačku].
sk  [PER Peter Novák] býva v [LOC Bratislave].
sk  Moja sestra [PER Mária] cestuje do [LOC Prahy].
sr  [PER Petar Petrović] živi u [LOC Beogradu].
sr  Predsednik [LOC Srbije] putuje u [LOC Pariz].
sv  [PER Anna Svensson] bor i [LOC Stockholm].
sv  Min bror [PER Erik] reste till [LOC Norge].
fi  [PER Matti Virtanen] asuu [LOC Helsingissä].
fi  Presidentti matkusti [LOC Ruotsiin] maanantaina.
tr  [PER Mehmet Yılmaz] [LOC İstanbul'da] yaşıyor.
tr  [PER Ahmet] [LOC Ankara'ya] gitti.
hu  [PER Kovács János] [LOC Budapesten] él.
hu  A miniszter [LOC Németországba] utazott.
lv  [PER Jānis Bērziņš] dzīvo [LOC Rīgā].
lv  Prezidents apmeklēja [LOC Vāciju].
ro  [PER Ion Popescu] locuiește în [LOC București].
ro  Președintele a vizitat [LOC Franța].
kk  [PER Нұрсұлтан Назарбаев] [LOC Астанада] тұрады.
kk  Президент [LOC Қытайға] барды.
hi  [PER राहुल गांधी] [LOC दिल्ली] में रहते हैं ।
hi  वह [LOC मुंबई] में काम करता है ।
ar  سافر الرئيس إلى [LOC مصر] .
ar  يعيش [PER محمد] في [LOC القاهرة] .
th  [PER สมชาย]|อยู่|ที่|[LOC กรุงเทพ]
th  เขา|เดินทาง|ไป|[LOC ประเทศไทย]
ja  [PER 田中]|さん|は|[LOC 東京]|に|住ん|で|い|ます|。
ja  彼|は|[LOC 日本]|から|来|まし|た|。
zh  [PER 李明]|住|在|[LOC 北京]|。
zh  他|去年|去|了|[LOC 法国]|。
zh-Hant  [PER 王小明]|住|在|[LOC 台北]|。
zh-Hant  她|從|[LOC 美國]|回來|了|。
"""
_ENT = re.compile(r"\[(PER|ORG|LOC) ([^\]]+)\]")


class Everyday(NamedTuple):
    """A sentence: its language, its tokens and whether a space is behind each, and (text, label) of its entities."""

    lang: str
    words: List[str]
    spaces: List[bool]
    ents: List[Tuple[str, str]]

    @property
    def text(self) -> str:
        return "".join(word + " " * space for word, space in zip(self.words, self.spaces))

    def make_doc(self, vocab: Vocab) -> Doc:
        return Doc(vocab, words=self.words, spaces=self.spaces)


def read_sentence(line: str) -> Everyday:
    """Tokens are words and marks, as in the corpora; an apostrophe is part of its word."""
    lang, marked = line.split("  ", 1)
    ents = [(text, label) for label, text in _ENT.findall(marked)]
    plain = _ENT.sub(r"\2", marked)
    if "|" in plain:
        words = plain.split("|")
        return Everyday(lang, words, [False] * len(words), ents)
    words, spaces = [], []
    for part in plain.split():
        found = re.findall(r"[\w'\u0900-\u097f]+|[^\w\s]", part)
        words += found
        spaces += [False] * (len(found) - 1) + [True]
    return Everyday(lang, words, [*spaces[:-1], False], ents)


EVERYDAY = [read_sentence(line) for line in SENTENCES.strip().split("\n")]
