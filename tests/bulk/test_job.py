import datetime
import decimal
import gzip
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pyarrow
import pyarrow.dataset
import pyarrow.parquet
import pytest
import spacy
from bulk_rows import N_ENTS, PLACES, ROWS, TEXTS, list_places, read_folder, read_json_lines, read_rows, write_rows
from filelock import FileLock
from spacy.language import Language
from spacy.tokens import DocBin

from spacy_xlmr_ner.bulk import annotator, shards, workers
from spacy_xlmr_ner.bulk.inputs import find_inputs
from spacy_xlmr_ner.bulk.model_version import find_version
from spacy_xlmr_ner.bulk.rows import Row
from spacy_xlmr_ner.bulk.shards import Position, gather_shards
from spacy_xlmr_ner.bulk.text_readers import ReadSettings
from spacy_xlmr_ner.bulk.workers import AnnotatorSettings, annotate_in_processes
from spacy_xlmr_ner.loading import load_pipeline


@pytest.fixture(autouse=True)
def rows(tmp_path):
    write_rows(tmp_path / "rows.jsonl", ROWS)


@Language.component("fails_on_anna")
def fail_on_anna(doc):
    if "Anna" in doc.text:
        raise ArithmeticError("no Anna")
    return doc


@pytest.fixture
def failing_pipeline(tmp_path, make_nlp, chosen_checkpoint):
    nlp = make_nlp(chosen_checkpoint)
    nlp.add_pipe("fails_on_anna")
    nlp.to_disk(tmp_path / "pipeline")
    return str(tmp_path / "pipeline")


def test_job_writes_rows_with_their_entities(annotate, tmp_path):
    summary = annotate("rows.jsonl", shard_size=4)
    found = read_rows(tmp_path / "out")
    assert [{key: row[key] for key in ("id", "text", "year")} for row in found] == ROWS
    assert [list_places(row["ents"]) for row in found] == PLACES
    assert [ent["text"] for ent in found[0]["ents"]] == ["Jack Spar", "Berlin"]
    assert all(0.5 < ent["score"] <= 1 for row in found for ent in row["ents"])
    assert [len(read_json_lines(tmp_path / "out" / f"part-0000{i}.jsonl")) for i in range(2)] == [4, 2]
    assert (summary.n_texts, summary.n_rejected, summary.ents, summary.n_shards) == (6, 0, N_ENTS, 2)
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["n_texts"] == 6


def test_job_scores_as_the_pipeline_does(annotate, tmp_path, make_nlp, chosen_checkpoint):
    annotate("rows.jsonl")
    docs = make_nlp(chosen_checkpoint).pipe(TEXTS)
    expected = [ent._.score for doc in docs for ent in doc.ents]
    found = [ent["score"] for row in read_rows(tmp_path / "out") for ent in row["ents"]]
    assert found == pytest.approx(expected, abs=1e-6)


def test_job_cuts_shards_at_long_texts(annotate, tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "MAX_CHARS", 100)
    lengths = [(10, 0), (89, 0), (1, 0), (5, 100), (99, 0), (50, 50)]
    write_rows(tmp_path / "long.jsonl", [{"text": "x" * n, "other": "y" * m} for n, m in lengths])
    annotate("long.jsonl")
    paths = sorted((tmp_path / "out").glob("part-*"))
    assert [[len(row["text"]) for row in read_json_lines(path)] for path in paths] == [[10, 89, 1], [5], [99, 50]]


def test_job_writes_docs(annotate, tmp_path):
    annotate("rows.jsonl", format="spacy", shard_size=4)
    vocab = spacy.blank("xx").vocab
    paths = sorted((tmp_path / "out").glob("part-*.spacy"))
    docs = [doc for path in paths for doc in DocBin().from_disk(path).get_docs(vocab)]
    assert [doc.text for doc in docs] == TEXTS
    assert [[(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents] for doc in docs] == PLACES
    assert [doc.user_data["id"] for doc in docs] == [row["id"] for row in ROWS]
    assert [doc.user_data["fields"] for doc in docs] == [{"year": row["year"]} for row in ROWS]
    assert docs[0].ents[0]._.score > 0.5


def test_job_keeps_the_tokens_of_docs(annotate, tmp_path):
    nlp = spacy.blank("xx")
    doc = spacy.tokens.Doc(nlp.vocab, words=["Anna", "in", "NewYork"], spaces=[True, True, False])
    doc.user_data["id"] = 7
    DocBin(docs=[doc], store_user_data=True).to_disk(tmp_path / "in.spacy")
    annotate("in.spacy", format="spacy")
    (found,) = DocBin().from_disk(tmp_path / "out" / "part-00000.spacy").get_docs(nlp.vocab)
    assert [token.text for token in found] == ["Anna", "in", "NewYork"]
    assert (found.user_data["id"], found.ents[0].text) == (7, "Anna")


def read_tables(folder):
    return pyarrow.dataset.dataset(sorted(str(path) for path in folder.glob("part-*.parquet"))).to_table()


def test_job_writes_tables(annotate, tmp_path):
    annotate("rows.jsonl", format="parquet", shard_size=4)
    table = read_tables(tmp_path / "out")
    assert table.schema.names == ["id", "text", "ents", "year", "other_fields"]
    assert table.schema.field("year").type == pyarrow.int64()
    found = table.to_pylist()
    assert [{key: row[key] for key in ("id", "text", "year")} for row in found] == ROWS
    assert [list_places(row["ents"]) for row in found] == PLACES
    assert {row["other_fields"] for row in found} == {None}


def test_job_tables_hold_what_fits_no_column(annotate, tmp_path):
    rows = [{"text": "a", "n": 1, "b": True, "m": {"x": 1}}, {"text": "b", "n": None}]
    later = [
        {"text": "c", "n": "many", "b": 1, "new": [1]},
        {"text": "d", "n": 2.5},
        {"text": "e", "n": True, "b": False},
    ]
    write_rows(tmp_path / "mixed.jsonl", rows + later)
    annotate("mixed.jsonl", format="parquet", shard_size=2)
    found = read_tables(tmp_path / "out").to_pylist()
    others = [json.loads(row["other_fields"]) if row["other_fields"] else {} for row in found]
    columns = [{key: row[key] for key in ("n", "b") if row[key] is not None} for row in found]
    assert columns == [{"n": 1, "b": True}, {}, {}, {}, {"b": False}]
    assert others == [{"m": {"x": 1}}, {}, {"n": "many", "b": 1, "new": [1]}, {"n": 2.5}, {"n": True}]


def test_job_tables_reject_ids_of_another_type(annotate, tmp_path):
    write_rows(tmp_path / "ids.jsonl", [{"id": 1, "text": "Anna"}, {"id": 2, "text": ""}, {"id": "x", "text": "Anna"}])
    summary = annotate("ids.jsonl", format="parquet", shard_size=2)
    assert [row["id"] for row in read_tables(tmp_path / "out").to_pylist()] == [1, 2]
    assert (summary.n_texts, summary.n_rejected, summary.ents) == (2, 1, {"PER": 1})
    (rejected,) = read_json_lines(tmp_path / "out" / "rejected.jsonl")
    assert (rejected["line"], "XN299" in rejected["reason"]) == (3, True)


def test_job_keeps_columns_of_tables(annotate, tmp_path):
    table = pyarrow.table({"text": TEXTS, "day": pyarrow.array(range(6), pyarrow.date32()), "raw": [b"\xff"] * 6})
    pyarrow.parquet.write_table(table, tmp_path / "in.parquet")
    annotate("in.parquet", format="parquet")
    found = read_tables(tmp_path / "out")
    assert found.schema.field("day").type == pyarrow.date32()
    assert found.column("raw").to_pylist() == [b"\xff"] * 6
    annotate("in.parquet", out="json")
    assert [row["day"] for row in read_rows(tmp_path / "json")][:2] == ["1970-01-01", "1970-01-02"]
    assert read_rows(tmp_path / "json")[0]["raw"] == "/w=="


def test_job_names_rows_that_cannot_be_annotated(annotate, tmp_path, failing_pipeline):
    bad = [{"text": "\ud800"}, {"text": "x" * 1_000_001}]
    write_rows(tmp_path / "rows.jsonl", [*ROWS, *bad])
    summary = annotate("rows.jsonl", model=failing_pipeline, shard_size=3)
    assert [row["id"] for row in read_rows(tmp_path / "out")] == ["n0", "n1", "n3", "n5"]
    rejected = read_json_lines(tmp_path / "out" / "rejected.jsonl")
    assert [(one["file"], one["line"]) for one in rejected] == [("rows.jsonl", line) for line in (3, 5, 7, 8)]
    reasons = ("no Anna", "no Anna", "surrogates", "XN286")
    assert all(reason in one["reason"] for one, reason in zip(rejected, reasons))
    assert (summary.n_texts, summary.n_rejected) == (4, 4)


@pytest.fixture
def batch_failing_pipeline(tmp_path, make_nlp, chosen_checkpoint):
    """spaCy's components hand the whole batch to the error handler."""
    nlp = make_nlp(chosen_checkpoint)
    nlp.add_pipe("fails_with_its_batch")
    nlp.to_disk(tmp_path / "pipeline")
    return str(tmp_path / "pipeline")


def test_job_loses_no_row_beside_one_that_fails(annotate, tmp_path, batch_failing_pipeline):
    annotate("rows.jsonl", model=batch_failing_pipeline)
    assert [row["id"] for row in read_rows(tmp_path / "out")] == ["n0", "n1", "n3", "n5"]


def test_job_keeps_docs_beside_one_that_fails_in_their_place(annotate, tmp_path, batch_failing_pipeline):
    (tmp_path / "four.txt").write_text("Anna\nBerlin\nOslo\nParis\n")
    annotate("four.txt", model=batch_failing_pipeline, format="spacy", batch_size=2)
    docs = DocBin().from_disk(tmp_path / "out" / "part-00000.spacy").get_docs(spacy.blank("xx").vocab)
    assert [doc.text for doc in docs] == ["Berlin", "Oslo", "Paris"]


def test_doc_that_cannot_be_written_leaves_the_others(annotate, tmp_path, make_nlp, chosen_checkpoint):
    nlp = make_nlp(chosen_checkpoint)
    nlp.add_pipe("keeps_a_lock_for_anna")
    nlp.to_disk(tmp_path / "pipeline")
    summary = annotate("rows.jsonl", model=str(tmp_path / "pipeline"), format="spacy")
    docs = DocBin().from_disk(tmp_path / "out" / "part-00000.spacy").get_docs(spacy.blank("xx").vocab)
    assert [(doc.user_data["id"], doc.text) for doc in docs] == [(f"n{i}", TEXTS[i]) for i in (0, 1, 3, 5)]
    assert (summary.n_texts, summary.n_rejected) == (4, 2)


@Language.component("keeps_a_lock_for_anna")
def keep_a_lock_for_anna(doc):
    if "Anna" in doc.text:
        doc.user_data["lock"] = threading.Lock()  # msgpack cannot write one
    return doc


@Language.factory("fails_with_its_batch")
class FailsWithItsBatch(spacy.pipeline.Pipe):
    def __init__(self, nlp, name):
        self.name = name

    def __call__(self, doc):
        return fail_on_anna(doc)

    def pipe(self, stream, *, batch_size):
        for docs in spacy.util.minibatch(stream, batch_size):
            try:
                docs = [fail_on_anna(doc) for doc in docs]
            except ArithmeticError as err:
                self.get_error_handler()(self.name, self, docs, err)
            else:
                yield from docs


@pytest.mark.parametrize("format", ["jsonl", "parquet", "spacy"])
@pytest.mark.parametrize("n_done", [0, 1, 2, 3])
def test_resumed_job_writes_what_an_undisturbed_one_does(annotate, tmp_path, format, n_done):
    (tmp_path / "more.txt").write_bytes(b"Anna\nba\xffd\n\nBerlin\n")
    settings = {"format": format, "shard_size": 3, "text_field": "text"}
    annotate("rows.jsonl", "more.txt", **settings)
    expected = read_folder(tmp_path / "out")
    cut_back(tmp_path / "out", n_done, format)
    summary = annotate("rows.jsonl", "more.txt", resume=True, **settings)
    assert read_folder(tmp_path / "out") == expected
    assert (summary.n_texts, summary.n_rejected, summary.n_resumed) == (9, 1, [0, 3, 6, 8][n_done])


def cut_back(out, n_done, format="jsonl"):
    """Make a folder what it is when a job ends while the next shard is being written."""
    lines = (out / "manifest.jsonl").read_bytes().splitlines(keepends=True)
    torn = lines[1 + n_done][:20] if 1 + n_done < len(lines) else b""
    (out / "manifest.jsonl").write_bytes(b"".join(lines[: 1 + n_done]) + torn)
    (out / f".part-0000{n_done}.{format}.new").write_bytes(b"half a")
    (out / "summary.json").unlink()


def test_resume_of_what_is_not_begun_begins(annotate, tmp_path):
    assert annotate("rows.jsonl", resume=True).n_texts == 6


def test_resume_of_what_is_done_does_nothing(annotate, tmp_path):
    annotate("rows.jsonl")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("part-*")}
    summary = annotate("rows.jsonl", resume=True)
    assert (summary.n_texts, summary.n_resumed) == (6, 6)
    assert {path: path.stat().st_mtime_ns for path in times} == times


def change_size(folder):
    with (folder / "rows.jsonl").open("a") as file:
        file.write('{"text": "more"}\n')


def change_time(folder):
    os.utime(folder / "rows.jsonl", (1, 1))


def lose_shard(folder):
    (folder / "out" / "part-00000.jsonl").unlink()


def cut_shard(folder):
    os.truncate(folder / "out" / "part-00000.jsonl", 10)


def nest_manifest(folder):
    (folder / "out" / "manifest.jsonl").write_text("[" * 5000 + "\n")


@pytest.mark.parametrize(
    "change, settings, code, said",
    [
        (change_size, {}, "XN292", "'rows.jsonl' was changed since: `size`"),
        (change_time, {}, "XN292", "'rows.jsonl' was changed since: `mtime`"),
        (None, {"text_field": "id"}, "XN292", "`text_field` was 'text' and is 'id'"),
        (None, {"shard_size": 5}, "XN292", "`shard_size` was 2 and is 5"),
        (None, {"model": None}, "XN292", "`version_of_model` was"),
        (lose_shard, {}, "XN296", "part-00000.jsonl' is not as it was written .it is gone"),
        (cut_shard, {}, "XN296", "it has 10 bytes, not"),
        (nest_manifest, {}, "XN296", "recursion"),
        (None, {"resume": False}, "XN294", "--resume"),
    ],
)
def test_resume_refuses_to_mix(annotate, tmp_path, change, settings, code, said):
    annotate("rows.jsonl", shard_size=2)
    if change is not None:
        change(tmp_path)
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    with pytest.raises(ValueError, match=f"{code}.*{said}"):
        annotate("rows.jsonl", **{"shard_size": 2, "resume": True, **settings})
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_resume_refuses_weights_that_were_changed(annotate, tmp_path, chosen_checkpoint):
    shutil.copytree(chosen_checkpoint, tmp_path / "model")
    annotate("rows.jsonl", model="model")
    with (tmp_path / "model" / "model.safetensors").open("r+b") as file:
        file.seek(-4, os.SEEK_END)
        file.write(b"\0\0\0\1")
    with pytest.raises(ValueError, match=r"XN292.*version_of_model"):
        annotate("rows.jsonl", model="model", resume=True)


def test_job_leaves_foreign_folders_alone(annotate, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.doc").write_text("x")
    with pytest.raises(ValueError, match=r"XN294.*thesis\.doc"):
        annotate("rows.jsonl")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.doc"]


def test_job_refuses_to_read_what_it_writes(annotate, tmp_path):
    shutil.move(tmp_path / "rows.jsonl", tmp_path / "in.jsonl")
    with pytest.raises(ValueError, match=r"XN223.*in\.jsonl"):
        annotate("in.jsonl", out=".")


def test_second_job_on_one_folder_is_refused(annotate, tmp_path):
    annotate("rows.jsonl")
    with FileLock(tmp_path / "out" / ".lock"), pytest.raises(ValueError, match="XN293"):
        annotate("rows.jsonl", resume=True)
    assert annotate("rows.jsonl", resume=True).n_texts == 6, "the lock is free again"


@pytest.mark.parametrize(
    "settings",
    [{"format": "xml"}, {"input_format": "pdf"}, {"n_process": 0}, {"shard_size": 0}, {"batch_size": 0}],
)
def test_job_refuses_settings(annotate, tmp_path, settings):
    with pytest.raises(ValueError, match=f"XN223.*{next(iter(settings))}"):
        annotate("rows.jsonl", **settings)
    assert not (tmp_path / "out").exists()


def test_job_refuses_a_pipeline_without_entities(annotate, tmp_path):
    nlp = spacy.blank("xx")
    nlp.add_pipe("sentencizer")
    nlp.to_disk(tmp_path / "pipeline")
    with pytest.raises(ValueError, match=r"XN239.*sentencizer"):
        annotate("rows.jsonl", model=str(tmp_path / "pipeline"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no files that no folder can be made in")
@pytest.mark.parametrize("place", ["rows.jsonl/out", "pipe/out"])
def test_job_says_that_the_output_cannot_be_made(annotate, tmp_path, place):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match=rf"XN228.*{place}.*Not a directory.*--out"):
        annotate("rows.jsonl", out=place)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize(
    "file, done", [("manifest.jsonl", "0 texts in 0 shards"), ("summary.json", "6 texts in 2 shards")]
)
def test_disk_that_is_full_at_the_first_or_last_file_is_told(annotate, tmp_path, monkeypatch, file, done):
    open_file = Path.open

    def open_full(path, mode="r", **options):
        is_full = path.name == file and mode in ("ab", "wb")
        return open_file(Path("/dev/full") if is_full else path, mode, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", open_full)
        with pytest.raises(OSError, match=f"XN295.*No space left.*{done}"):
            annotate("rows.jsonl", shard_size=4)
    annotate("rows.jsonl", shard_size=4, resume=True)
    annotate("rows.jsonl", shard_size=4, out="undisturbed")
    assert read_folder(tmp_path / "out") == read_folder(tmp_path / "undisturbed")


FULL_DISK = """
import resource, signal, sys
from spacy_xlmr_ner.bulk import annotate_files
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (8000, resource.RLIM_INFINITY))
annotate_files(["many.txt"], "out", model=sys.argv[1], shard_size=20)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files")
def test_full_disk_leaves_what_is_done(annotate, tmp_path, chosen_checkpoint):
    """A file that may grow no further stands for a disk that is full: both are an OSError while writing."""
    texts = ["Anna in Berlin"] * 40 + ["Anna and Jack love New York " * 20] * 20
    (tmp_path / "many.txt").write_text("".join(text + "\n" for text in texts))
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(chosen_checkpoint)], capture_output=True, text=True, check=False
    )
    assert "XN295" in done.stderr
    assert "40 texts in 2 shards" in done.stderr  # some 3,300 bytes each; the third has over 11,000
    assert len(read_rows(tmp_path / "out")) == 40
    annotate("many.txt", shard_size=20, resume=True)
    annotate("many.txt", shard_size=20, out="undisturbed")
    assert read_folder(tmp_path / "out") == read_folder(tmp_path / "undisturbed")


@pytest.mark.slow
def test_two_processes_write_what_one_does(annotate, tmp_path):
    (tmp_path / "many.txt").write_text("".join(f"Anna {i} in Berlin\n" for i in range(50)))
    annotate("many.txt", shard_size=5)
    summary = annotate("many.txt", shard_size=5, n_process=2, out="two")
    assert (summary.n_texts, summary.ents) == (50, {"LOC": 50, "PER": 50})
    one, two = (read_rows(tmp_path / out) for out in ("out", "two"))
    assert [row["id"] for row in two] == [row["id"] for row in one]
    assert [list_places(row["ents"]) for row in two] == [list_places(row["ents"]) for row in one]
    assert multiprocessing.active_children() == []


@pytest.mark.slow
def test_processes_say_what_is_wrong_with_the_model(annotate, tmp_path):
    (tmp_path / "model").mkdir()
    with pytest.raises(ValueError, match="XN40"):
        annotate("rows.jsonl", n_process=2, model="model")
    assert multiprocessing.active_children() == []


@pytest.mark.slow
def test_processes_read_no_further_ahead_than_what_is_taken(tmp_path, chosen_checkpoint):
    """At most three shards a worker are read and not yet written, however slow the writer is."""
    rows = [Row(i, "Anna in Berlin", {}, "a.txt", i) for i in range(60)]
    n_read = 0

    def read():
        nonlocal n_read
        for row in rows:
            n_read += 1
            yield row, Position(), 0

    model = str(chosen_checkpoint)
    shards_read = gather_shards(read(), size=1, end=Position(), index=0)
    done = annotate_in_processes(shards_read, AnnotatorSettings(find_version(model), model), int, n_process=2)
    ahead = [n_read - n_written for n_written, _ in enumerate(done, start=1)]
    assert n_read == len(ahead) == len(rows)
    assert 2 <= max(ahead) <= 2 * 3


@pytest.fixture
def annotate_standard_input(annotate, tmp_path, monkeypatch):
    """Annotate bytes that come from a pipe, in shards of four rows: annotate_standard_input(b"Anna", resume=True)."""

    def run(data, **settings):
        reading, writing = os.pipe()
        os.write(writing, data)  # a pipe has room for 64 KiB
        os.close(writing)
        with open(reading) as pipe:
            monkeypatch.setattr("sys.stdin", pipe)
            return annotate("-", shard_size=4, **settings)

    return run


def test_job_reads_packed_standard_input(annotate_standard_input, tmp_path):
    data = gzip.compress((tmp_path / "rows.jsonl").read_bytes())
    annotate_standard_input(data)
    assert [list_places(row["ents"]) for row in read_rows(tmp_path / "out")] == PLACES
    expected = read_folder(tmp_path / "out")
    cut_back(tmp_path / "out", 1)
    with pytest.raises(ValueError, match="XN281"):
        annotate_standard_input(gzip.compress(b'{"text": "something else"}\n' * 20), resume=True)
    annotate_standard_input(data, resume=True)
    assert read_folder(tmp_path / "out") == expected


@pytest.fixture
def many_words(tmp_path, monkeypatch):
    """Ten shards of four rows, seven words each, let go behind each; the pipeline is loaded anew after eight."""
    monkeypatch.setattr(annotator, "MAX_HELD", 0)
    monkeypatch.setattr(annotator, "MAX_FORGOTTEN", 8)
    write_rows(tmp_path / "rows.jsonl", [{"text": f"Anna new{i}word in Berlin"} for i in range(40)])
    return {"shard_size": 4}


def watch_loads(monkeypatch, note):
    def load(*args, **settings):
        note(args)
        return load_pipeline(*args, **settings)

    monkeypatch.setattr(workers, "load_pipeline", load)


def test_job_loads_the_pipeline_anew_before_forgotten_words_fill_memory(annotate, tmp_path, monkeypatch, many_words):
    loads = []
    watch_loads(monkeypatch, loads.append)
    annotate("rows.jsonl", **many_words)
    assert len(loads) == 5  # at first, and behind every second shard but the last
    monkeypatch.setattr(annotator, "MAX_FORGOTTEN", 10**9)
    annotate("rows.jsonl", out="undisturbed", **many_words)
    assert len(loads) == 6
    assert read_folder(tmp_path / "out") == read_folder(tmp_path / "undisturbed")


def test_job_holds_words_over_several_shards(annotate, monkeypatch, many_words):
    """Seven of the first shard, then four of each: more than ten behind two, and eight of the next two."""
    zones = []
    enter = Language.memory_zone
    monkeypatch.setattr(Language, "memory_zone", lambda nlp: zones.append(nlp) or enter(nlp))
    monkeypatch.setattr(annotator, "MAX_HELD", 10)
    monkeypatch.setattr(annotator, "MAX_FORGOTTEN", 10**9)
    annotate("rows.jsonl", **many_words)
    assert len(zones) == 5


def test_job_stops_at_a_model_that_changes_while_it_goes_on(
    annotate, tmp_path, monkeypatch, chosen_checkpoint, many_words
):
    shutil.copytree(chosen_checkpoint, tmp_path / "model")
    watch_loads(monkeypatch, lambda args: (tmp_path / "model" / "more").touch())
    with pytest.raises(ValueError, match=r"XN287.*'model' was changed"):
        annotate("rows.jsonl", model="model", **many_words)
    assert len(read_rows(tmp_path / "out")) == 8  # two shards
    (tmp_path / "model" / "more").unlink()
    monkeypatch.setattr(workers, "load_pipeline", load_pipeline)
    annotate("rows.jsonl", model="model", resume=True, **many_words)
    assert len(read_rows(tmp_path / "out")) == 40


@Language.factory("drops_anna")
class DropsAnna(spacy.pipeline.Pipe):
    def __init__(self, nlp, name):
        pass

    def __call__(self, doc):
        return doc

    def pipe(self, stream, *, batch_size):
        return (doc for doc in stream if "Anna" not in doc.text)


def test_job_names_rows_that_a_component_drops_without_a_word(annotate, tmp_path, make_nlp, chosen_checkpoint):
    nlp = make_nlp(chosen_checkpoint)
    nlp.add_pipe("drops_anna")
    nlp.to_disk(tmp_path / "pipeline")
    summary = annotate("rows.jsonl", model=str(tmp_path / "pipeline"))
    rejected = read_json_lines(tmp_path / "out" / "rejected.jsonl")
    assert [(one["line"], one["reason"][:7]) for one in rejected] == [(3, "[XN298]"), (5, "[XN298]")]
    assert (summary.n_texts, summary.n_rejected) == (4, 2)


@pytest.mark.parametrize("content", ['{"audio": "a.wav"}', '{"audio": "a.wav"}\n{"au', "[1]\n"])
@pytest.mark.parametrize("resume", [False, True])
def test_job_changes_nothing_in_a_folder_with_a_manifest_of_others(annotate, tmp_path, content, resume):
    files = {"manifest.jsonl": content, "part-00000.jsonl": "mine", "part-mine.jsonl": "mine", "rejected.jsonl": "mine"}
    (tmp_path / "out").mkdir()
    for name, text in files.items():
        (tmp_path / "out" / name).write_text(text)
    with pytest.raises(ValueError, match=r"XN29[246]"):
        annotate("rows.jsonl", resume=resume)
    found = {path.name: path.read_text() for path in (tmp_path / "out").iterdir() if path.name != ".lock"}
    assert found == files


def test_job_goes_on_where_the_manifest_ends_in_its_header(annotate, tmp_path):
    annotate("rows.jsonl")
    manifest = (tmp_path / "out" / "manifest.jsonl").read_bytes()
    expected = read_folder(tmp_path / "out")
    for n_bytes in (0, 1, 50):
        shutil.rmtree(tmp_path / "out")
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "manifest.jsonl").write_bytes(manifest[:n_bytes])
        annotate("rows.jsonl", resume=True)
        assert read_folder(tmp_path / "out") == expected


def test_job_in_a_folder_of_its_input_goes_on(annotate, tmp_path):
    (tmp_path / "texts").mkdir()
    shutil.move(tmp_path / "rows.jsonl", tmp_path / "texts")
    assert annotate("texts", out="texts/annotated", shard_size=2).n_texts == 6
    assert annotate("texts", out="texts/annotated", shard_size=2, resume=True).n_resumed == 6


def test_docs_keep_values_that_msgpack_has_not(annotate, tmp_path):
    table = pyarrow.table(
        {
            "text": ["Anna", "Berlin"],
            "day": [datetime.date(2026, 11, 26), None],
            "price": [decimal.Decimal("1.50"), None],
            "parts": [[b"ab"], []],
        }
    )
    pyarrow.parquet.write_table(table, tmp_path / "rows.parquet")
    write_rows(tmp_path / "more.jsonl", [{"text": "Oslo", "id": 2**64, "n": -(2**63)}])
    annotate("rows.parquet", "more.jsonl", format="spacy")
    docs = list(DocBin().from_disk(tmp_path / "out" / "part-00000.spacy").get_docs(spacy.blank("xx").vocab))
    assert docs[0].user_data["fields"] == {"day": "2026-11-26", "price": "1.50", "parts": ("YWI=",)}
    assert (docs[2].user_data["id"], docs[2].user_data["fields"]) == ("18446744073709551616", {"n": -(2**63)})


@pytest.mark.parametrize(
    "rows, expected",
    [
        ([{"text": 1}, {"text": "Anna", "id": 0}, {"text": "Oslo", "id": 1}], ["0", "1"]),  # the first shard is empty
        ([{"text": "Anna"}, {"text": "Oslo", "id": 1}, {"text": "Rom", "id": 1.5}], ["ids.jsonl:1", "1", "1.5"]),
        ([{"text": "Anna", "id": 3}, {"text": "Oslo", "id": 1}], [3, 1]),
    ],
)
def test_tables_have_ids_of_any_kind(annotate, tmp_path, rows, expected):
    write_rows(tmp_path / "ids.jsonl", rows)
    annotate("ids.jsonl", format="parquet", shard_size=1)
    found = pyarrow.dataset.dataset(sorted(str(path) for path in (tmp_path / "out").glob("part-*"))).to_table()
    assert found["id"].to_pylist() == expected


def test_table_holds_fields_whose_names_are_no_text(annotate, tmp_path):
    (tmp_path / "half.jsonl").write_text('{"text": "Oslo", "\\ud800": 1, "n": 2}\n')
    annotate("half.jsonl", format="parquet")
    (row,) = pyarrow.parquet.read_table(tmp_path / "out" / "part-00000.parquet").to_pylist()
    assert (row["n"], json.loads(row["other_fields"])) == (2, {"\ud800": 1})


@pytest.mark.slow
def test_worker_that_was_killed_is_told(annotate, tmp_path, chosen_checkpoint):
    (tmp_path / "many.txt").write_text("Anna in Berlin\n" * 400)
    inputs = find_inputs(["many.txt"])
    read = shards.cut_shards(inputs, ReadSettings(), size=10, start=shards.Position(), index=0)
    settings = AnnotatorSettings("", str(chosen_checkpoint))
    done = annotate_in_processes(read, settings, lambda n: None, n_process=2)
    first, _ = next(done)
    assert first.number == 0
    multiprocessing.active_children()[0].kill()
    with pytest.raises(RuntimeError, match=r"XN297.*\(-9\)"):
        list(done)
    assert multiprocessing.active_children() == []
