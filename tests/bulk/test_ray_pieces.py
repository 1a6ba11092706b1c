import gzip
import os

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spacy_xlmr_ner.bulk.inputs import Input, InputReader, find_inputs
from spacy_xlmr_ner.bulk.ray_pieces import (
    END,
    LineCount,
    Range,
    count_lines,
    cut_ranges,
    find_line_starts,
    name_as_given,
    plan_pieces,
    read_piece,
)
from spacy_xlmr_ner.bulk.rows import START, Place, Rejected, Row
from spacy_xlmr_ner.bulk.text_readers import ReadSettings

SETTINGS = ReadSettings()


def count_here(ranges):
    return [count_lines(one) for one in ranges]


def read_whole(source):
    """All rows of an input, as one machine reads them."""
    return [step.entry for step in InputReader(source, SETTINGS).read()]


def read_in_pieces(source, size):
    pieces = plan_pieces([source], count_here, size=size)
    shards = [shard for piece in pieces for shard in read_piece(piece, SETTINGS, shard_size=2)]
    rows = [row for shard in shards for row in shard.rows]
    return rows, [row for shard in shards for row in shard.rejected]


# Lines of 4, 1, 3 and 2 bytes, ends included, that begin at 0, 4, 5 and 8; the last has no end.
LINES = b"abc\n\nde\nfg"


def test_line_counts_of_ranges(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(LINES)
    ranges = cut_ranges(Input(str(path), "txt", len(LINES), 0), 3)
    assert [(one.start, one.stop) for one in ranges] == [(0, 3), (3, 6), (6, 9), (9, 10)]
    assert count_here(ranges) == [LineCount(0, None), LineCount(2, 4), LineCount(1, 8), LineCount(0, None)]


def test_lines_start_behind_the_first_end_in_a_range():
    counts = [LineCount(0, None), LineCount(2, 4), LineCount(1, 8), LineCount(0, None)]
    assert find_line_starts(counts, 10) == [START, Place(1, 1, 4), Place(3, 3, 8)]


def test_no_line_starts_at_the_end_of_a_file():
    assert find_line_starts([LineCount(1, 2), LineCount(1, 6)], 6) == [START]


def test_lines_of_a_long_range_are_counted_in_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr("spacy_xlmr_ner.bulk.ray_pieces.CHUNK", 2)
    path = tmp_path / "a.txt"
    path.write_bytes(LINES)
    assert count_lines(Range(str(path), 1, 9)) == LineCount(3, 4)


@pytest.mark.parametrize("format", ["txt", "jsonl"])
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # it writes files
@given(
    lines=st.lists(
        st.sampled_from([b'{"text": "Anna"}', b'{"id": 7, "text": ""}', b"{", b"", b" ", b"\xff", "張三".encode()])
    ),
    separator=st.sampled_from([b"\n", b"\r\n"]),
    tail=st.booleans(),
    size=st.integers(1, 60),
)
def test_pieces_hold_all_rows_once_and_in_order(tmp_path_factory, format, lines, separator, tail, size):
    path = tmp_path_factory.mktemp("pieces") / f"a.{format}"
    path.write_bytes(separator.join(lines) + (separator if tail else b""))
    (source,) = find_inputs([str(path)])
    rows, rejected = read_in_pieces(source, size)
    expected = read_whole(source)
    assert rows == [entry for entry in expected if isinstance(entry, Row)]
    assert rejected == [entry for entry in expected if isinstance(entry, Rejected)]


def test_lines_are_cut_into_pieces_of_about_the_size(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"123456789\n" * 100)
    pieces = plan_pieces(find_inputs([str(path)]), count_here, size=250)
    assert [piece.start.offset for piece in pieces] == [0, 260, 510, 760]
    assert [piece.end for piece in pieces] == [*(piece.start for piece in pieces[1:]), END]


def test_tables_are_cut_between_groups_of_rows(tmp_path):
    path = tmp_path / "a.parquet"
    table = pyarrow.table({"text": [f"Anna {i}" for i in range(10)]})
    pyarrow.parquet.write_table(table, path, row_group_size=3)
    (source,) = find_inputs([str(path)])
    pieces = plan_pieces([source], count_here, size=1)
    assert [piece.start.entries for piece in pieces] == [0, 3, 6, 9]
    assert read_in_pieces(source, 1)[0] == read_whole(source)
    assert len(plan_pieces([source], count_here, size=10**6)) == 1


@pytest.mark.parametrize("name", ["a.txt.gz", "a.csv"])
def test_what_cannot_be_cut_is_one_piece(tmp_path, name):
    data = b'text,n\n"Anna\nBerlin",1\nParis,2\n'
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    (source,) = find_inputs([str(tmp_path / name)])
    assert len(plan_pieces([source], count_here, size=5)) == 1
    assert read_in_pieces(source, 5)[0] == read_whole(source)


def test_damaged_table_is_one_piece_that_is_rejected(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1 no")
    (source,) = find_inputs([str(tmp_path / "a.parquet")])
    rows, rejected = read_in_pieces(source, 1)
    assert rows == []
    assert [one.reason[:7] for one in rejected] == ["[XN222]"]


def test_pieces_know_their_files_from_anywhere_and_name_them_as_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with open("a.jsonl", "wb") as file:
        file.write(b'{"text": "Anna"}\n{"id": 4, "text": "Berlin"}\n{\n')
    (piece,) = plan_pieces(find_inputs(["a.jsonl"]), count_here, size=1000)
    monkeypatch.chdir("/")
    (shard,) = read_piece(piece, SETTINGS, shard_size=10)
    assert [(row.id, row.file) for row in shard.rows] == [("a.jsonl:1", "a.jsonl"), (4, "a.jsonl")]
    assert [(one.file, one.line) for one in shard.rejected] == [("a.jsonl", 3)]


def test_reasons_name_files_as_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with open("a.parquet", "wb") as file:
        file.write(b"no")
    (piece,) = plan_pieces(find_inputs(["a.parquet"]), count_here, size=1000)
    entry = name_as_given(Rejected(piece.opened, 1, f"'{piece.opened}' is damaged"), piece)
    assert entry == Rejected("a.parquet", 1, "'a.parquet' is damaged")


def test_file_that_was_changed_is_not_read(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("Anna\n")
    (piece,) = plan_pieces(find_inputs([str(path)]), count_here, size=1000)
    os.utime(path, ns=(0, 0))
    with pytest.raises(ValueError, match=r"XN242.*it has 5 bytes; 5 were expected"):
        read_piece(piece, SETTINGS, shard_size=10)


def test_standard_input_is_refused():
    with pytest.raises(ValueError, match="XN249"):
        plan_pieces(find_inputs(["-"]), count_here, size=1000)
