"""What each format becomes, and what is said of lines, tags and files that are not in order."""

import gzip
import re
import warnings

import pytest
import spacy
from spacy.tokens import DocBin

from spacy_xlmr_ner.corpus import CorpusReader, read_docs, read_examples

CONLL = """-DOCSTART- -X- -X- O

EU NNP B-NP I-ORG
rejects VBZ B-VP O

Anna NNP B-NP I-PER
Berlin NNP I-NP I-LOC

-DOCSTART- -X- -X- O

# # O O
Paris NNP B-NP I-LOC
"""
UNER = """# newdoc id = a
# sent_id = a-1
# text = Tampa Bay, isn't it?
1\tTampa\tB-LOC\t-\tx
2\tBay\tI-LOC\t-\tx
3\t,\tO\t-\t-
4-5\tisn't\t_\t-\t-
4\tis\tO\t-\t-
5\tn't\tO\t-\t-
6\tit\tO\t-\t-
6.1\tgone\tO\t-\t-
7\t?\tO\t-\t-

# sent_id = a-2
# text = 北京！
1\t北京\tB-LOC\t-\tx
2\t！\tO\t-\t-
"""
GERMEVAL = """#\thttp://de.wikipedia.org/wiki/X\t[2009-10-17]
1\tDer\tO\tO
2\tVfL\tB-ORG\tO
3\tBochum\tI-ORG\tB-LOC
"""
PANX = "en:Jack\tB-PER\nen:Sparrow\tI-PER\nen:::\tO\n\nzh-classical:北\tB-LOC\nzh-classical:京\tI-LOC\n"


@pytest.fixture
def write(tmp_path):
    def write_file(text, name="file.txt"):
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode("utf8"))
        return tmp_path / name

    return write_file


def describe(docs):
    return [(doc.text.rstrip(), [(ent.text, ent.label_) for ent in doc.ents]) for doc in docs]


@pytest.mark.parametrize(
    "text, format, scheme, expected",
    [
        (PANX, "panx", "IOB2", [("Jack Sparrow ::", [("Jack Sparrow", "PER")]), ("北京", [("北京", "LOC")])]),
        (
            CONLL,
            "conll",
            "IOB1",
            [
                ("EU rejects", [("EU", "ORG")]),
                ("Anna Berlin", [("Anna", "PER"), ("Berlin", "LOC")]),
                ("# Paris", [("Paris", "LOC")]),
            ],
        ),
        (UNER, "iob2", "IOB2", [("Tampa Bay, isn't it?", [("Tampa Bay", "LOC")]), ("北京！", [("北京", "LOC")])]),
        (GERMEVAL, "iob2", "IOB2", [("Der VfL Bochum", [("VfL Bochum", "ORG")])]),
        ("New\tB-LOC\nYork\tE-LOC\nA\tS-PER\n", "tsv", "BIOES", [("New York A", [("New York", "LOC"), ("A", "PER")])]),
        ("Go\tB-X\nto\tI-X\nit\tL-X\nA\tU-Y\n", "tsv", "BIOES", [("Go to it A", [("Go to it", "X"), ("A", "Y")])]),
        ("A\tS-PER\nB\tS-PER\nc\tO\n", "tsv", "BIOES", [("A B c", [("A", "PER"), ("B", "PER")])]),
        ("a\tO\nNew\tgeo-loc\nYork\tgeo-loc\n", "tsv", "IO", [("a New York", [("New York", "geo-loc")])]),
        (
            "# id 7 domain=en\n# note = blood group O\nNew _ _ B-LOC\nYork _ _ I-LOC\n",
            "conll",
            "IOB2",
            [("New York", [("New York", "LOC")])],
        ),
        ("10 000\tO\r\nA\tB-X\r\n\r\n", "tsv", "IOB2", [("10 000 A", [("A", "X")])]),
        ("\ufeffA\tB-X\n \t\nb\u2028c\tO", "tsv", "IOB2", [("A", [("A", "X")]), ("b\u2028c", [])]),
    ],
)
def test_reader_reads_each_format(write, text, format, scheme, expected):
    reader = CorpusReader()
    assert describe(reader.read(write(text))) == expected
    assert (reader.files[0].format, reader.files[0].scheme, reader.rejections) == (format, scheme, [])


def test_reader_reads_words_that_begin_with_a_hash(write):
    reader = CorpusReader()
    docs = reader.read(write("#Jack PER\nlives O\nin O\nBerlin LOC\n\n#now O\n#Anna PER\nruns O\n#fast O\n"))
    assert describe(docs) == [
        ("#Jack lives in Berlin", [("#Jack", "PER"), ("Berlin", "LOC")]),
        ("#now #Anna runs #fast", [("#Anna", "PER")]),
    ]
    assert reader.rejections == []


@pytest.mark.parametrize(
    "separator, bad, code",
    [
        (" ", "#Paris B_LOC", "XN214"),
        (" ", "#Jack B-PERS0N X", "XN214"),
        (" ", "#Jack", "XN212"),
        ("\t", "#Jack", "XN212"),
        ("\t", "#Jack B-PER", "XN212"),
    ],
)
@pytest.mark.parametrize("number", [1, 2])
def test_reader_rejects_words_that_begin_with_a_hash(write, separator, bad, code, number):
    lines = [f"Anna{separator}B-PER", f"runs{separator}O"]
    lines.insert(number - 1, bad)
    reader = CorpusReader()
    assert describe(reader.read(write("\n".join(lines)))) == [("Anna runs", [("Anna", "PER")])]
    assert [(one.line, one.reason[1:6]) for one in reader.rejections] == [(number, code)]


@pytest.mark.parametrize(
    "remark",
    [
        "#begin document (bc/cctv_0000); part 000",
        "#end document",
        "#newdoc id = a",
        "#newdoc id=a",
        "#text = Anna",
        "#text=Anna",
        "# Ann B_X",
    ],
)
@pytest.mark.parametrize("separator", [" ", "\t"])
def test_reader_knows_remarks_that_begin_with_a_hash(write, separator, remark):
    reader = CorpusReader()
    docs = reader.read(write(f"{remark}\nAnna{separator}B-PER\n\nruns{separator}O\n"))
    assert describe(docs) == [("Anna", [("Anna", "PER")]), ("runs", [])]
    assert reader.rejections == []


@pytest.mark.parametrize(
    "line, ents",
    [
        ('{"text": "Anna sah Rom", "entities": [[0, 4, "PER"], [9, 12, "LOC"]]}', [("Anna", "PER"), ("Rom", "LOC")]),
        ('{"text": "Anna sah Rom", "spans": [{"start": 9, "end": 12, "label": "LOC"}]}', [("Rom", "LOC")]),
        ('{"data": "Anna sah Rom", "label": [[8, 12, " LOC"]]}', [("Rom", "LOC")]),
        ('{"text": "Anna sah Rom", "labels": [[0, 4, "PER"], [0, 4, "PER"]]}', [("Anna", "PER")]),
        (
            '{"text": "Anna", "entities": [{"id": 1, "label": "PER", "start_offset": 0, "end_offset": 4}]}',
            [("Anna", "PER")],
        ),
        ('["Anna sah Rom", {"entities": [[9, 12, "LOC"]]}]', [("Rom", "LOC")]),
        ('{"text": "Rom-Reise\\n\\n", "entities": [[0, 3, "LOC"]]}', [("Rom", "LOC")]),
        ('{"text": "Anna", "label": [], "entities": []}', []),
    ],
)
def test_reader_reads_spellings_of_json_lines(write, line, ents):
    (doc,) = read_quietly(write(line))
    assert [(ent.text, ent.label_) for ent in doc.ents] == ents


def read_quietly(path, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(read_docs(path, **settings))


def test_reader_keeps_the_text_of_json_lines(write):
    text = r'{"text": "  Ein\tRom-Besuch,  \n heute. ", "entities": [[6, 9, "LOC"]], "lang": "de"}'
    (doc,) = read_docs(write(text))
    assert doc.text == "  Ein\tRom-Besuch,  \n heute. "
    assert (doc.ents[0].text, doc.ents[0].start_char, doc.user_data["lang"]) == ("Rom", 6, "de")
    assert not doc.has_unknown_spaces


def test_reader_takes_the_language_it_is_told(write):
    assert {doc.user_data["lang"] for doc in read_docs(write(PANX), lang="de")} == {"de"}


def test_reader_cuts_unspaced_json_lines_into_characters(write):
    (doc,) = read_docs(write('{"text": "他住New York的ที่", "entities": [[2, 10, "LOC"]]}'), lang="zh-Hant")
    assert [token.text for token in doc] == ["他", "住", "New", "York", "的", "ที่"]
    assert doc.ents[0].text == "New York"


@pytest.mark.parametrize(
    "bad, number, code",
    [
        ("en:Anna", 2, "XN212"),
        ("en:\tO", 2, "XN213"),
        ("en:\u00a0\tO", 2, "XN213"),
        ("en:Anna\tPER", 2, "XN214"),
        ("en:Anna\tB-", 2, "XN214"),
        ("Anna\tB-PER", 2, "XN215"),
        ("de:Anna\tB-PER", 2, "XN215"),
        (b"en:\xff\tO", 2, "XN216"),
        ("en:a\tO\ren:b\tO", 2, "XN226"),
    ],
)
def test_reader_leaves_out_rejected_lines(write, bad, number, code):
    bad = bad if isinstance(bad, bytes) else bad.encode("utf8")
    path = write(b"en:Jack\tB-PER\n" + bad + b"\nen:Sparrow\tI-PER\nen:is\tO\n")
    reader = CorpusReader()
    assert describe(reader.read(path)) == [("Jack Sparrow is", [("Jack Sparrow", "PER")])]
    assert [(one.path, one.line, one.reason[1:6]) for one in reader.rejections] == [(path, number, code)]


def test_reader_names_rejected_lines_in_order(write):
    reader = CorpusReader()
    list(reader.read([write("a\tB-X\nb\tX\nc\n", "1.tsv"), write("a\tB-X\nb\tX\nc\n", "2.tsv")]))
    found = [f"{one.path.name}:{one.line} {one.reason[1:6]}" for one in reader.rejections]
    assert found == ["1.tsv:2 XN214", "1.tsv:3 XN212", "2.tsv:2 XN214", "2.tsv:3 XN212"]


@pytest.mark.parametrize(
    "bad, code",
    [
        ("1\tAnna", "XN212"),
        ("x\tAnna\tO", "XN215"),
        ("1\t\tO", "XN213"),
    ],
)
def test_reader_rejects_rows_that_are_not_numbered(write, bad, code):
    reader = CorpusReader()
    assert len(list(reader.read(write(f"{UNER}{bad}\n")))) == 2
    assert [(one.line, one.reason[1:6]) for one in reader.rejections] == [(18, code)]


@pytest.mark.parametrize(
    "line, code",
    [
        ('{"text": "Rom", "entities": ', "XN217"),
        ("[]", "XN217"),
        pytest.param("[" * 5000, "XN217", id="nested"),
        (r'{"text": "\ud83d", "entities": []}', "XN217"),
        ('{"entities": []}', "XN218"),
        ('{"text": " ", "entities": []}', "XN218"),
        ('{"text": "Rom", "entitys": []}', "XN218"),
        ('{"text": "Rom", "label": "LOC"}', "XN218"),
        ('{"text": "Rom", "entities": [[0, 4, "LOC"]]}', "XN219"),
        ('{"text": "Rom", "entities": [[2, 2, "LOC"]]}', "XN219"),
        ('{"text": "Rom", "entities": [[-1, 2, "LOC"]]}', "XN219"),
        ('{"text": "Rom", "entities": [[false, 3, "LOC"]]}', "XN219"),
        ('{"text": "Rom", "entities": [[0, 3, ""]]}', "XN219"),
        ('{"text": "a  b", "entities": [[1, 3, "X"]]}', "XN219"),
        ('{"text": "Rom", "entities": [[0, 3]]}', "XN219"),
        ('{"text": "Rom", "entities": ["LOC"]}', "XN219"),
        ('{"text": "Rom", "entities": [[0, 3, "LOC"], [1, 2, "PER"]]}', "XN219"),
        ('{"text": "Rom", "entities": [[0, 3, "LOC"], [0, 3, "PER"]]}', "XN219"),
        ('{"text": "Rom", "entities": [[0, 3, "LOC"]], "answer": "reject"}', "XN225"),
    ],
)
def test_reader_rejects_json_lines(write, line, code):
    good = '{"text": "Rom", "entities": [[0, 3, "LOC"]]}'
    reader = CorpusReader()
    assert len(list(reader.read(write(f"{good}\n\n{line}\n{good}\n")))) == 2
    assert [(one.line, one.reason[1:6]) for one in reader.rejections] == [(3, code)]


def test_read_docs_warns_of_rejected_lines(write):
    path = write("en:a\tB-X\nen:b\nen:c\n")
    with pytest.warns(UserWarning, match=rf"XW210.* 2 line\(s\) .*{path.name}:2: "):
        list(read_docs(path, format="panx"))


@pytest.mark.parametrize(
    "blocks, scheme, line, n_ents",
    [
        (["A\tI-X\nB\tB-X\n", "A\tI-X\n", "A\tB-X\nB\tI-X\n"], "IOB1", 6, [2, 1, 1]),
        (["A\tB-X\nB\tI-X\n", "A\tB-X\n", "a\tO\nA\tI-X\n"], "IOB2", 7, [1, 1, 1]),
        (["A\tB-X\nB\tE-X\n", "A\tS-X\n", "A\tS-X\nB\tB-X\nC\tO\n"], "BIOES", 7, [1, 1, 2]),
        (["A\tX\nB\tX\n", "A\tX\nB\tY\n", "A\tB-X\nB\tB-X\nC\tB-Y\n"], "IO", 7, [1, 2, 3]),
        (["A\tX\nB\tX\n", "A\tX\nB\tY\n", "A\tB-X\nB\tI-X\n"], "IO", 7, [1, 2, 1]),
        (["A\tMISC\nB\tMISC\n", "A\tMISC\n", "A\tB-MISC\nB\tE-MISC\n"], "IO", 6, [1, 1, 1]),
    ],
)
def test_reader_warns_of_a_scheme_that_changes(write, blocks, scheme, line, n_ents):
    reader = CorpusReader()
    with pytest.warns(UserWarning, match=rf"XW211.* 2 of its .* {scheme}, 1 are not, .* line {line} "):
        docs = list(reader.read(write("\n".join(blocks))))
    assert [len(doc.ents) for doc in docs] == n_ents
    assert reader.files[0].scheme == scheme


@pytest.mark.parametrize(
    "text", ["A\tI-X\nB\tB-X\nC\tI-X\nD\tI-Y\n\nE\tO\n", "A\tX\nB\tB-Y\nC\tX\n", "A\tMISC\nB\tO\n"]
)
def test_reader_does_not_warn_of_one_scheme(write, text):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        list(read_docs(write(text)))


def test_reader_keeps_missing_annotation(write):
    (doc,) = read_docs(write("A\tB-X\nb\t-\nc\tO\n"))
    assert [token.ent_iob_ for token in doc] == ["B", "", "O"]


@pytest.mark.parametrize(
    "lang, name, expected",
    [
        ("de", "fr.train.tsv", "de"),
        (None, "fr.train.tsv", "fr"),
        (None, "zh-Hant.dev.iob2", "zh-Hant"),
        (None, "en_ewt-ud-test.iob2", "en"),
        (None, "data.train.tsv", None),
        (None, "my.train.tsv", None),
        (None, "de.tsv", None),
    ],
)
def test_reader_notes_the_language(write, lang, name, expected):
    (doc,) = read_docs(write("A\tB-X\n", name), lang=lang)
    assert doc.user_data.get("lang") == expected


@pytest.mark.parametrize("lang, text", [("ja", "東京都"), ("th", "東京都"), ("zh-Hant", "東京都"), ("ko", "東京 都 ")])
def test_reader_joins_words_as_the_language_does(write, lang, text):
    (doc,) = read_docs(write("東京\tB-LOC\n都\tO\n"), lang=lang)
    assert doc.text == text
    assert doc.has_unknown_spaces is (lang == "ko")


@pytest.mark.parametrize(
    "words, text",
    [
        ("我 住 New York 的", "我住New York的"),
        ("в Москве 很", "в Москве很"),
        ("Νέα Υόρκη 很", "Νέα Υόρκη很"),
        ("Cafe\u0301 E\u0301mile", "Cafe\u0301 E\u0301mile"),
        ("iPhone 15 Pro , Max", "iPhone15Pro,Max"),
        ("Ｎ Ｈ Ｋ ＡＢ ＣＤ", "ＮＨＫＡＢＣＤ"),
        ("N H K News", "NHK News"),
        ("กรุง Bangkok Post เทพ", "กรุงBangkok Postเทพ"),
    ],
)
@pytest.mark.parametrize("lang", ["zh", "ja", "th"])
def test_reader_parts_words_of_scripts_that_have_spaces(write, lang, words, text):
    (doc,) = read_quietly(write("\n".join(f"{word}\tO" for word in words.split())), lang=lang)
    assert [token.text for token in doc] == words.split()
    assert doc.text == text
    assert not doc.has_unknown_spaces


@pytest.mark.parametrize("last, first, text", [("New", "York", "New York"), ("京", "Rom", "京Rom")])
def test_reader_parts_sentences_as_words(write, last, first, text):
    (doc,) = read_docs(write(f"{last}\tB-LOC\n\n{first}\tB-LOC\n"), lang="zh", n_sents=2)
    assert doc.text == text


def test_reader_takes_spaces_from_the_text(write):
    rows = "1\ta\tO\n2\tb c\tO\n3\tD\tB-X\n"
    docs = read_quietly(write(f"# text = ab\u00a0c   D\n{rows}\n# text = a b D\n{rows}\n{rows}"))
    assert [doc.text for doc in docs] == ["ab c D", "a b c D ", "a b c D "]
    assert [doc.has_unknown_spaces for doc in docs] == [False, True, True]


def test_reader_warns_of_texts_that_do_not_fit(write):
    with pytest.warns(UserWarning, match=r"XW214.* 1 sentence\(s\) .* line 2\."):
        list(read_docs(write("# text = A b\n1\tA\tB-X\n\n# text = A\n1\tA\tB-X\n")))


def test_reader_puts_sentences_together(write):
    text = f"{UNER}\n# newdoc\n1\tRom\tB-LOC\n"
    docs = list(read_docs(write(text), n_sents=2))
    assert [doc.text.rstrip() for doc in docs] == ["Tampa Bay, isn't it? 北京！", "Rom"]
    assert [sent.text for sent in docs[0].sents] == ["Tampa Bay, isn't it?", "北京！"]
    assert [ent.text for ent in docs[0].ents] == ["Tampa Bay", "北京"]


@pytest.mark.parametrize("n_sents, n_docs", [(0, 2), (1, 4), (2, 2), (3, 2)])
def test_reader_does_not_put_documents_together(write, n_sents, n_docs):
    text = "-DOCSTART- O\n\nA I-X\n\nb O\n\n-DOCSTART- O\n\nc O\n\nd O\n"
    assert len(list(read_docs(write(text), n_sents=n_sents))) == n_docs


def test_reader_does_not_put_languages_together(write):
    docs = read_docs(write(PANX), n_sents=0)
    assert [doc.user_data["lang"] for doc in docs] == ["en", "zh-classical"]


def test_reader_reads_gzipped_files_and_folders(write, tmp_path):
    write(gzip.compress(b"A\tB-X\n", mtime=0), "b.data")
    write("B\tB-X\n", "a.tsv")
    write("C\tB-X\n", ".hidden.tsv")
    assert [doc[0].text for doc in read_docs(tmp_path)] == ["B", "A"]


def test_reader_reads_docs(write, tmp_path):
    made = read_docs(write("東京\tB-LOC\n都\tO\n"), lang="ja")
    DocBin(docs=made, store_user_data=True).to_disk(tmp_path / "docs.spacy")
    (doc,) = read_docs(tmp_path / "docs.spacy")
    assert (doc.text, doc.ents[0].text, doc.user_data) == ("東京都", "東京", {"lang": "ja"})


@pytest.mark.parametrize(
    "data, name, code",
    [
        ("Some text.\nAnd more of it.\n", "a.txt", "XN210"),
        ("New York\nSeven O\nRome is old\nlike other towns\nof its age\n", "a.txt", "XN210"),
        ("1\tA\ta\tX\tX\t_\t0\troot\t_\t_\n", "a.conllu", "XN211"),
        ("I|O like|O London|I-GPE\n", "a.iob", "XN211"),
        ("", "a.txt", "XN220"),
        (" \n\n", "a.txt", "XN220"),
        ("-DOCSTART- O\n\n", "a.txt", "XN220"),
        (gzip.compress(b"A\tB-X\n" * 50, mtime=0)[:-9], "a.gz", "XN222"),
        ("A\tO\n".encode("utf-16"), "a.txt", "XN222"),
        (b"no docs", "a.spacy", "XN222"),
    ],
)
def test_reader_refuses_other_files(write, data, name, code):
    with pytest.raises(ValueError, match=code):
        read_quietly(write(data, name))


@pytest.mark.parametrize("name", [".", "none"])
def test_reader_refuses_files_that_are_not_there(tmp_path, name):
    with pytest.raises(ValueError, match="XN221"):
        list(read_docs(tmp_path / name))


@pytest.mark.parametrize("settings", [{"format": "conllu"}, {"n_sents": -1}])
def test_reader_refuses_other_settings(settings):
    with pytest.raises(ValueError, match="XN223"):
        CorpusReader(**settings)


def test_reader_warns_of_an_empty_file_among_others(write):
    paths = [write("", "a.tsv"), write("A\tB-X\n", "b.tsv")]
    with pytest.warns(UserWarning, match=r"XW212.*a\.tsv"):
        assert len(list(read_docs(paths))) == 1


def test_reader_warns_if_there_is_no_entity(write):
    with pytest.warns(UserWarning, match=r"XW213.*1 docs"):
        list(read_docs(write("a\tO\n")))


def test_examples_have_the_corpus_tokens_on_both_sides(write):
    nlp = spacy.blank("de")
    (example,) = read_examples(write("Rom-Reise\tO\nAnna\tB-PER\n"), nlp, lang="de")
    assert [token.text for token in example.predicted] == ["Rom-Reise", "Anna"]
    assert not example.predicted.ents
    assert [ent.text for ent in example.reference.ents] == ["Anna"]
    assert example.predicted.vocab is nlp.vocab
    assert example.predicted.user_data == example.reference.user_data == {"lang": "de"}


def test_progress_is_not_shown_without_a_terminal(write, capsys):
    list(CorpusReader().read(write("A\tB-X\n"), show_progress=True))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "file",
    [
        pytest.param("panx/pl.dev", marks=pytest.mark.slow),
        "uner/zh.test",
        "uner/sk.test",
        "gold/ja.dev",
        "gold/th.dev",
        "gold/ar.dev",
    ],
)
def test_reader_finds_as_much_as_the_corpus_has(shared, file):
    corpus, lang, split = file.replace("/", ".").split(".")
    rows = [line.strip("|").split("|") for line in (shared / "data/COUNTS.md").read_text(encoding="utf8").splitlines()]
    (counts,) = (row[3:] for row in rows if [cell.strip() for cell in row[:3]] == [corpus, lang, split])
    reader = CorpusReader()
    text = "".join(doc.text for doc in reader.read(shared / f"data/{file}.iob2.gz"))
    (found,) = reader.files
    assert [found.n_docs, found.n_tokens, found.n_ents] == [int(count) for count in counts]
    assert reader.rejections == []
    has_other_spaces = any(not (char.isupper() or char.islower()) for char in re.findall(" (.)", text))
    assert has_other_spaces is (lang not in ("zh", "ja"))
