import csv
import gzip
import io
import json
import re
import struct

import pyarrow
import pyarrow.parquet
import pytest
import spacy
import zstandard
from spacy.tokens import DocBin

from spacy_xlmr_ner.bulk.inputs import Input, InputReader, find_inputs
from spacy_xlmr_ner.bulk.rows import Rejected, Row
from spacy_xlmr_ner.bulk.text_readers import ReadSettings

TEXTS = ["Jack Sparrow lives in Berlin", "", "張三住在北京", "  two  spaces\t", "Ünï 🚀"]


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Write a file and read its rows, from the beginning or from a place."""
    monkeypatch.chdir(tmp_path)

    def read_file(name, data, *, format="auto", whole_file=False, place=None, **settings):
        (tmp_path / name).write_bytes(data)
        (source,) = find_inputs([name], format=format, whole_file=whole_file)
        reader = InputReader(source, ReadSettings(**settings))
        return list(reader.read() if place is None else reader.read(place))

    return read_file


def pack_gzip(data):
    return gzip.compress(data)


def pack_zstd(data):
    return zstandard.ZstdCompressor().compress(data)


def make_lines(texts):
    return "".join(f"{text}\n" for text in texts).encode("utf8")


def make_json_lines(rows):
    return make_lines(json.dumps(row) for row in rows)


def make_csv(rows, **options):
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]), **options)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode("utf8")


def make_parquet(rows, **options):
    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), file, **options)
    return file.getvalue()


def make_docs(texts):
    nlp = spacy.blank("xx")
    return DocBin(docs=[nlp(text) for text in texts]).to_bytes()


ROWS = [{"id": f"n{i}", "text": text, "year": str(1990 + i)} for i, text in enumerate(TEXTS)]
FILES = {
    "a.txt": make_lines(TEXTS),
    "a.jsonl": make_json_lines(ROWS),
    "a.csv": make_csv(ROWS),
    "a.tsv": make_csv(ROWS, delimiter="\t"),
    "a.parquet": make_parquet(ROWS, row_group_size=2),
    "a.spacy": make_docs(TEXTS),
    "a.txt.gz": pack_gzip(make_lines(TEXTS)),
    "a.jsonl.zst": pack_zstd(make_json_lines(ROWS)),
    "a.csv.gz": pack_gzip(make_csv(ROWS)),
}


@pytest.mark.parametrize("name", FILES)
def test_read_gives_every_text(read, name):
    rows = [step.entry for step in read(name, FILES[name])]
    assert [row.text for row in rows] == TEXTS
    has_ids = any(kind in name for kind in ("jsonl", "csv", "tsv", "parquet"))
    assert [row.id for row in rows] == [f"n{i}" if has_ids else f"{name}:{i + 1}" for i in range(5)]
    assert [row.fields for row in rows] == [{"year": str(1990 + i)} if has_ids else {} for i in range(5)]


@pytest.mark.parametrize("name", FILES)
def test_read_goes_on_from_every_place(read, name):
    steps = read(name, FILES[name])
    for n, step in enumerate(steps, start=1):
        assert read(name, FILES[name], place=step.place) == steps[n:]


def test_read_whole_file(read):
    (step,) = read("a.txt", b"\xef\xbb\xbfone\ntwo\n", whole_file=True)
    assert step.entry == Row("a.txt", "one\ntwo\n", {}, "a.txt", 1)
    assert read("a.txt", b"\xef\xbb\xbfone\ntwo\n", whole_file=True, place=step.place) == []


def test_read_txt_ends_lines_at_line_feeds_alone(read):
    steps = read("a.txt", "\ufeffone\r\ntwo\x0bthree\u2028four\r\n\nfive".encode())
    assert [step.entry.text for step in steps] == ["one", "two\x0bthree\u2028four", "", "five"]


def test_read_csv_takes_what_is_quoted(read):
    rows = [step.entry for step in read("a.csv", b'id;text\r\n1;"a ""b"";\r\nc"\r\n\r\n2;d\r\n')]
    assert [(row.id, row.text, row.line) for row in rows] == [("1", 'a "b";\nc', 2), ("2", "d", 5)]


@pytest.mark.parametrize(
    "name, data, line, code",
    [
        ("a.txt", b"one\nt\xffo\nthree\n", 2, "XN216"),
        ("a.txt", b"one\n" + 101 * b"x" + b"\nthree\n", 2, "XN286"),
        ("a.txt", b"one\n" + 2_000_000 * b"x" + b"\nthree\n", 2, "XN286"),
        ("a.jsonl", b'{"text": "one"}\n{"text": \n{"text": "three"}\n', 2, "XN217"),
        ("a.jsonl", b'{"text": "one"}\n["two"]\n{"text": "three"}\n', 2, "XN217"),
        ("a.jsonl", b'{"text": "one"}\n{"text": 2}\n{"text": "three"}\n', 2, "XN288"),
        ("a.jsonl", b'{"text": "one"}\n{"txt": "two"}\n{"text": "three"}\n', 2, "XN288"),
        ("a.jsonl", b'{"text": "one"}\n{"text": "two", "x": NaN}\n{"text": "three"}\n', 2, "XN217"),
        ("a.jsonl", b'{"text": "one"}\n' + 100_000 * b"[" + b'\n{"text": "three"}\n', 2, "XN217"),
        ("a.jsonl", b'{"text": "one"}\n{"text": "two", "ents": 1, "input_ents": 2}\n{"text": "three"}\n', 2, "XN289"),
        ("a.csv", b'text,id\none,1\n"two"x,2\nthree,3\n', 3, "XN283"),
        ("a.csv", b'text,id\none,1\n"two,2\nthree,3\n', 3, "XN283.*from line 3 to 4"),
        ("a.csv", b'text,id\none,1\n"two,2\n"three",3\n', 3, "XN283.*from line 3 to 4"),
        ("a.csv", b'text,id\none,1\n"two\n2",2,2\nthree,3\n', 3, "XN284.*from line 3 to 4"),
        ("a.csv", b"text,id\none,1\ntwo\nthree,3\n", 3, "XN284"),
        ("a.csv", b"text,id\none,1\nt\xffo,2\nthree,3\n", 3, "XN216"),
    ],
)
def test_read_rejects_one_row_and_goes_on(read, name, data, line, code):
    first, second, third = [step.entry for step in read(name, data, max_chars=100)]
    assert (first.text, third.text) == ("one", "three")
    assert isinstance(second, Rejected)
    assert (second.file, second.line) == (name, line)
    assert re.search(code, second.reason)


QUOTES = b'text,id\n"one,1\n\ntwo,2\n"thr""ee,3\n"four\nfour",4\n"five,5\nsi\xffx,6\nseven,7'


def test_read_csv_loses_a_line_to_a_quote_that_is_not_closed(read):
    steps = read("a.csv", QUOTES)
    found = [(one.line, getattr(one, "text", None)) for one, _ in steps]
    # The third's ends where the fourth's begins; the fifth's does nowhere.
    assert found == [(2, None), (4, "two"), (5, None), (6, "four\nfour"), (8, None), (9, None), (10, "seven")]
    for i, step in enumerate(steps):
        assert read("a.csv", QUOTES, place=step.place) == steps[i + 1 :]


def test_read_csv_goes_on_in_standard_input_behind_a_quote_that_is_not_closed(monkeypatch):
    source = Input("-", "csv", 0, 0)

    def read_input(*start):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(QUOTES)))
        reader = InputReader(source, ReadSettings())
        return [(step, reader.digest) for step in reader.read(*start)]

    steps = read_input()
    assert len(steps) == 7
    for i, (step, digest) in enumerate(steps):
        assert read_input(step.place, digest) == steps[i + 1 :]


@pytest.mark.parametrize(
    "name, data, n_whole",
    [
        ("a.txt.gz", pack_gzip(make_lines(TEXTS))[:-9], 4),
        ("a.txt.gz", pack_gzip(make_lines(TEXTS)) + pack_gzip(b"x\n")[:-8] + 8 * b"x", 5),
        ("a.txt.zst", pack_zstd(make_lines(TEXTS)) + pack_zstd(b"x\n")[:-2], 5),
        ("a.parquet", make_parquet(ROWS)[:-4], 0),
        ("a.spacy", make_docs(TEXTS)[:-9], 0),
        ("a.csv", b"txt,id\none,1\n", 0),
        ("a.csv", b"text,id,id\none,1,1\n", 0),
        ("a.csv", b"text,\xe4\none,1\n", 0),
        ("a.csv", b"text,id\rone,1\r", 0),
    ],
    ids=[
        "cut",
        "wrong sum",
        "second part cut",
        "parquet",
        "docs",
        "no text",
        "two ids",
        "header in latin-1",
        "lines end in \\r",
    ],
)
def test_read_rejects_the_rest_of_a_damaged_file(read, name, data, n_whole):
    steps = read(name, data)
    *rows, last = [step.entry for step in steps]
    assert [row.text for row in rows] == TEXTS[:n_whole]
    assert isinstance(last, Rejected)
    assert any(code in last.reason for code in ("XN222", "XN282", "XN285"))
    assert read(name, data, place=steps[-1].place) == [], "it is not rejected again where a job goes on"


def test_read_packed_parts_one_after_the_other(read):
    for name, pack in (("a.txt.gz", pack_gzip), ("a.txt.zst", pack_zstd)):
        assert [step.entry.text for step in read(name, pack(b"one\ntw") + pack(b"o\n") + 512 * b"\0")] == ["one", "two"]


def test_read_takes_frames_of_zstandard_that_are_passed_over(read):
    skipped = struct.pack("<II", 0x184D2A5B, 3) + b"abc"
    data = skipped + pack_zstd(b"one\n") + skipped + pack_zstd(b"two\n") + skipped
    assert [step.entry.text for step in read("a.txt.zst", data)] == ["one", "two"]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_read_tells_json_lines_in_standard_input(monkeypatch, mark):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(mark + b'\n {"text": "one"}\n')))
    (source,) = find_inputs(["-"])
    (step,) = InputReader(source, ReadSettings()).read()
    assert step.entry.text == "one"


def test_read_keeps_fields_of_our_names(read):
    (step,) = read("a.jsonl", b'{"body": "one", "text": "t", "ents": [1], "nr": 7}\n', text_field="body", id_field="nr")
    assert step.entry == Row(7, "one", {"input_text": "t", "input_ents": [1]}, "a.jsonl", 1)


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("b.txt", "a.jsonl.gz", "sub/c.CSV", "sub/.hidden.txt", ".git/x.txt", "d.pdf"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")


def test_find_inputs_looks_into_folders_and_says_what_it_leaves_out(tree):
    with pytest.warns(UserWarning, match=r"XW280.* 1 file.*d\.pdf"):
        found = find_inputs(["."])
    assert [(one.path, one.format) for one in found] == [
        ("a.jsonl.gz", "jsonl"),
        ("b.txt", "txt"),
        ("sub/c.CSV", "csv"),
    ]


def test_find_inputs_takes_patterns_and_each_file_once(tree):
    found = find_inputs(["**/*.CSV", "b.txt", "sub", "./b.txt"])
    assert [one.path for one in found] == ["sub/c.CSV", "b.txt"]


@pytest.mark.parametrize(
    "path, options, code",
    [
        ("d.pdf", {}, "XN290"),
        ("gone.txt", {}, "XN221"),
        ("*.xml", {}, "XN221"),
        ("-", {"format": "parquet"}, "XN291"),
    ],
)
def test_find_inputs_refuses(tree, path, options, code):
    with pytest.raises(ValueError, match=code):
        find_inputs([path], **options)


@pytest.mark.parametrize("n_zeros", [100, 2**14, 2**14 + 1, 50_000])
def test_read_goes_on_behind_any_number_of_zeros(read, n_zeros):
    data = gzip.compress(b"one\n") + n_zeros * b"\0" + gzip.compress(b"two\n") + n_zeros * b"\0"
    assert [step.entry.text for step in read("a.txt.gz", data)] == ["one", "two"]


def test_reader_holds_few_groups_of_a_table(tmp_path):
    table = pyarrow.table({"text": ["x" * 10_000] * 1000})  # ten megabytes, in ten groups
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(table, path, row_group_size=100, compression="none", use_dictionary=False)
    del table
    before = pyarrow.total_allocated_bytes()
    reader = InputReader(find_inputs([str(path)])[0], ReadSettings())
    held = [pyarrow.total_allocated_bytes() - before for _ in reader.read()]
    assert len(held) == 1000
    assert max(held) < 4_000_000


def test_read_rejects_what_is_nested_too_deep(read):
    deep, deeper = "[" * 99 + "]" * 99, "[" * 101 + "]" * 101
    rows = read("a.jsonl", f'{{"text": "a", "x": {deep}}}\n{{"text": "b", "x": {deeper}}}\n{{"text": "c"}}\n'.encode())
    assert [getattr(step.entry, "text", None) for step in rows] == ["a", None, "c"]
    assert rows[1].entry == Rejected("a.jsonl", 2, "[XN217] it is no JSON object (it is nested more than 100 deep).")


def make_table(**columns):
    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"text": ["one", "two"], **columns}), file)
    return file.getvalue()


def test_read_gives_times_that_python_has_not_as_text(read):
    days = pyarrow.array([2**31 - 1, None], pyarrow.int32()).cast(pyarrow.date32())
    steps = read("a.parquet", make_table(day=days))
    assert [step.entry.text for step in steps] == ["one", "two"]
    assert [step.entry.fields for step in steps] == [{"day": "<value out of range: 2147483647>"}, {"day": None}]


def test_read_rejects_a_row_with_a_time_of_no_known_zone(read):
    times = pyarrow.array([0, None], pyarrow.int64()).cast(pyarrow.timestamp("us", tz="Nowhere/Here"))
    steps = read("a.parquet", make_table(time=times))
    assert steps[0].entry.reason.startswith("[XN227] its column 'time' cannot be read (Cannot locate or parse timezone")
    assert steps[1].entry.fields == {"time": None}


def test_read_rejects_a_row_whose_text_is_no_utf8(read):
    damaged = pyarrow.array([b"ok", b"\xff"]).view(pyarrow.string())
    steps = read("a.parquet", make_table(title=damaged))
    assert steps[0].entry.fields == {"title": "ok"}
    assert steps[1].entry.line == 2
    assert steps[1].entry.reason.startswith("[XN227] its column 'title' cannot be read ('utf-8' codec")


def test_read_refuses_columns_of_one_name(read):
    file = io.BytesIO()
    texts = pyarrow.array(["one"])
    pyarrow.parquet.write_table(pyarrow.Table.from_arrays([texts, texts, texts], ["text", "x", "x"]), file)
    (step,) = read("a.parquet", file.getvalue())
    assert "XN285" in step.entry.reason


def test_read_takes_not_a_number_for_no_id(read):
    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"text": ["one", "two"], "id": [1.0, float("nan")]}), file)
    assert [step.entry.id for step in read("a.parquet", file.getvalue())] == [1.0, "a.parquet:2"]


def test_find_inputs_follows_links_and_leaves_dead_ones(tree, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "z.txt").touch()
    (tmp_path / "top" / "deep").mkdir(parents=True)
    (tmp_path / "top" / "link").symlink_to(tmp_path / "real")
    (tmp_path / "top" / "deep" / "round").symlink_to(tmp_path / "top")
    (tmp_path / "top" / "dead.txt").symlink_to("nowhere")
    assert [one.path for one in find_inputs(["top"])] == ["top/link/z.txt"]
    (tmp_path / "dead.txt").symlink_to("nowhere")
    assert [one.path for one in find_inputs(["*.txt"])] == ["b.txt"]
    with pytest.raises(ValueError, match="XN221"):
        find_inputs(["top/dead.txt"])


def test_find_inputs_takes_a_pattern_that_an_empty_folder_fits(tree, tmp_path):
    (tmp_path / "sub" / "empty").mkdir()
    assert [one.path for one in find_inputs(["sub/*"])] == ["sub/c.CSV"]


def test_find_inputs_leaves_out_the_output(tree, tmp_path):
    (tmp_path / "sub" / "out").mkdir()
    (tmp_path / "sub" / "out" / "part-00000.jsonl").touch()
    assert [one.path for one in find_inputs(["sub"], out=tmp_path / "sub" / "out")] == ["sub/c.CSV"]
    assert len(find_inputs(["sub"])) == 2


def test_reader_stops_at_a_file_that_changes_while_it_is_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("one\ntwo\n")
    (source,) = find_inputs(["a.txt"])
    steps = InputReader(source, ReadSettings()).read()
    assert next(steps).entry.text == "one"
    (tmp_path / "a.txt").write_text("one\ntwo\nthree\n")
    with pytest.raises(ValueError, match=r"XN242.*'a.txt'.*it has 14 bytes; 8 were expected"):
        list(steps)
    with pytest.raises(ValueError, match="XN242"):
        next(InputReader(source, ReadSettings()).read())
