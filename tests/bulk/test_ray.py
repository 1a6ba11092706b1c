"""Jobs on a cluster of Ray, of two processors on this machine. Each of its workers loads PyTorch: seconds."""

import gzip
import json
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
import spacy
from bulk_rows import N_ENTS, PLACES, ROWS, TEXTS, list_places, read_json_lines, read_rows, write_rows
from spacy.tokens import DocBin

from spacy_xlmr_ner.bulk import annotate_dataset, annotate_files, annotate_files_on_ray

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'spacy-xlmr-ner[ray]'")
pytestmark = pytest.mark.slow
check_columns = pytest.importorskip("spacy_xlmr_ner.bulk.ray_blocks").check_columns

SCORE = 1e-4
STORE = 100 * 2**20  # bytes
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_TOKEN": secrets.token_hex(32),  # else it writes one to the home folder
    "RAY_worker_niceness": "0",
}


@pytest.fixture(scope="module")
def plugins(tmp_path_factory):
    """A folder with the killer as a plugin of spaCy's."""
    folder = tmp_path_factory.mktemp("plugins")
    (folder / "killer.py").write_bytes((Path(__file__).parent / "killer.py").read_bytes())
    about = folder / "killer-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: killer\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[spacy_factories]\nends_its_process = killer:make_killer\n")
    return folder


@pytest.fixture(scope="module", autouse=True)
def cluster(plugins):
    """Its address."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.setenv("PYTHONPATH", str(plugins))
        patch.syspath_prepend(str(plugins))
        ray.init(num_cpus=2, object_store_memory=STORE, include_dashboard=False)
        yield ray.get_runtime_context().gcs_address
        ray.shutdown()


@pytest.fixture
def inputs(tmp_path, monkeypatch):
    """Files of every kind, with rows that cannot be read."""
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "rows.jsonl", ROWS * 20)
    with (tmp_path / "rows.jsonl").open("ab") as file:
        file.write(b'{"text": 3}\n\n{"text": "Anna", "deep": [{"a": 1}, null, 2.5]}\n{"text": "ba\xffd"}\n')
    (tmp_path / "lines.txt").write_bytes(b"Anna love New York\n\nba\xffd\r\nJack in Berlin")
    (tmp_path / "packed.txt.gz").write_bytes(gzip.compress("張三住在北京\nSiemens AG\n".encode())[:-9])
    (tmp_path / "rows.csv").write_text('text,n\n"Anna\nin Berlin",1\nJack\n')
    pyarrow.parquet.write_table(
        pyarrow.table({"text": ["Anna", None, "Berlin"], "n": [1.5, 2.5, None]}), "rows.parquet", row_group_size=1
    )
    docs = [spacy.blank("xx")(text) for text in TEXTS]
    DocBin(docs=docs).to_disk("docs.spacy")
    return ["rows.jsonl", "lines.txt", "packed.txt.gz", "rows.csv", "rows.parquet", "docs.spacy"]


def without_scores(rows):
    return [{**row, "ents": [{**ent, "score": None} for ent in row["ents"]]} for row in rows]


def list_scores(rows):
    return [ent["score"] for row in rows for ent in row["ents"]]


def test_job_writes_the_rows_of_one_machine(inputs, tmp_path, monkeypatch, chosen_checkpoint):
    monkeypatch.setattr("spacy_xlmr_ner.bulk.ray_job.PIECE_SIZE", 1000)  # the first file is some 9,000 bytes
    on_ray = annotate_files_on_ray(inputs, "on_ray", model=str(chosen_checkpoint), shard_size=16)
    here = annotate_files(inputs, "here", model=str(chosen_checkpoint), shard_size=16)
    rows, expected = read_rows(tmp_path / "on_ray"), read_rows(tmp_path / "here")
    assert without_scores(rows) == without_scores(expected)
    assert list_scores(rows) == pytest.approx(list_scores(expected), abs=SCORE)
    assert list_places(rows[0]["ents"]) == PLACES[0]
    assert rows[-len(TEXTS)]["id"] == "docs.spacy:1"
    rejected = read_json_lines(tmp_path / "on_ray" / "rejected.jsonl")
    in_order = [("rows.jsonl", 121), ("rows.jsonl", 124), ("lines.txt", 3), ("packed.txt.gz", 2)]
    assert [(one["file"], one["line"]) for one in rejected[:4]] == in_order
    here_rejected = read_json_lines(tmp_path / "here" / "rejected.jsonl")  # in a shard by the names of the files
    assert sorted(rejected, key=str) == sorted(here_rejected, key=str)
    assert (on_ray.n_texts, on_ray.n_rejected) == (here.n_texts, here.n_rejected)
    assert on_ray.ents == here.ents
    assert on_ray.n_shards > here.n_shards, "pieces of the first file have shards of their own"


@pytest.fixture
def killing_pipeline(tmp_path, plugins, make_nlp, chosen_checkpoint):
    import killer  # noqa: F401  # registers its factory here

    nlp = make_nlp(chosen_checkpoint)
    nlp.add_pipe("ends_its_process", config={"mark": str(tmp_path / "was_killed")})
    nlp.to_disk(tmp_path / "pipeline")
    return str(tmp_path / "pipeline")


@pytest.mark.parametrize("format", ["parquet", "spacy"])
def test_killed_worker_loses_no_row_and_makes_none_twice(tmp_path, killing_pipeline, format):
    rows = [{**row, "id": f"{i}-{row['id']}"} for i in range(4) for row in ROWS]
    rows[13]["text"] += " KILL"
    write_rows(tmp_path / "rows.jsonl", rows)
    out = tmp_path / "out"
    summary = annotate_files_on_ray([tmp_path / "rows.jsonl"], out, model=killing_pipeline, format=format, shard_size=3)
    assert (tmp_path / "was_killed").exists()
    found = {"parquet": read_tables, "spacy": read_docs}[format](out)
    assert [row["id"] for row in found] == [row["id"] for row in rows]
    assert [list_places(row["ents"]) for row in found] == PLACES * 4
    assert (summary.n_texts, summary.n_rejected) == (24, 0)
    assert summary.ents == {label: 4 * n for label, n in N_ENTS.items()}


def read_tables(out):
    return [row for path in sorted(out.glob("part-*")) for row in pyarrow.parquet.read_table(path).to_pylist()]


def read_docs(out):
    vocab = spacy.blank("xx").vocab
    docs = [doc for path in sorted(out.glob("part-*")) for doc in DocBin().from_disk(path).get_docs(vocab)]
    ents = [[{"start": ent.start_char, "end": ent.end_char, "label": ent.label_} for ent in doc.ents] for doc in docs]
    return [{"id": doc.user_data["id"], "ents": one} for doc, one in zip(docs, ents)]


def make_command(cluster, *options):
    command = [sys.executable, "-m", "spacy_xlmr_ner", "annotate", "--ray", cluster, "lines.txt", "--out", "out"]
    return [*command, *options]


def run_annotate(cluster, *options):
    """The command in a process of its own, whose actors end with it, also where the job fails."""
    command = make_command(cluster, *options)
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)


def test_job_says_what_is_wrong_with_the_model(inputs, tmp_path, cluster):
    (tmp_path / "model").mkdir()
    done = run_annotate(cluster, "--model", str(tmp_path / "model"))
    assert done.returncode == 1
    assert re.search(r"✘ \[XN402\] .*config.json.* are missing", done.stderr)
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / ".out.new").exists()


def test_job_refuses_more_workers_than_there_is_room_for(inputs):
    with pytest.raises(ValueError, match=r"XN244.*3 workers .* 2 processors"):
        annotate_files_on_ray(inputs, "out", n_process=3)


def test_annotate_finds_the_cluster_at_its_address(inputs, tmp_path, cluster, chosen_checkpoint):
    done = run_annotate(cluster, "--model", str(chosen_checkpoint), "--n-process", "1")
    assert done.returncode == 1, done.stderr
    assert "1 rows were left out" in done.stdout
    assert [line.split() for line in done.stdout.splitlines()[:3]] == [["Texts", "3"], ["LOC", "2"], ["PER", "2"]]
    assert [row["id"] for row in read_rows(tmp_path / "out")] == ["lines.txt:1", "lines.txt:2", "lines.txt:4"]
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["n_rejected"] == 1


def test_annotate_says_at_once_that_no_cluster_is_there(inputs):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # nobody listens
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        done = run_annotate(address)
    assert done.returncode == 1
    assert f"[XN248] No cluster of Ray is at '{address}'" in done.stderr


@pytest.fixture
def make_dataset():
    """A dataset of the texts and of two rows that cannot be annotated."""

    def make(**columns):
        texts = [*TEXTS, None, "x" * 1_000_001]
        return ray.data.from_arrow(pyarrow.table({"n": range(len(texts)), "body": texts, **columns}))

    return make


def test_dataset_gets_entities_and_keeps_all_else(make_dataset, make_nlp, chosen_checkpoint):
    ds = annotate_dataset(make_dataset(), model=str(chosen_checkpoint), text_field="body", batch_size=3)
    rows = sorted(ds.take_all(), key=lambda row: row["n"])
    assert [row["body"] for row in rows[:-1]] == [*TEXTS, None]
    assert [list_places(row["ents"]) for row in rows[:-2]] == PLACES
    expected = [ent._.score for doc in make_nlp(chosen_checkpoint).pipe(TEXTS) for ent in doc.ents]
    assert list_scores(rows[:-2]) == pytest.approx(expected, abs=SCORE)
    assert [row["rejected"] for row in rows[:-2]] == [None] * len(TEXTS)
    assert [(row["ents"], row["rejected"][:7]) for row in rows[-2:]] == [(None, "[XN288]"), (None, "[XN286]")]


def test_killed_worker_of_a_dataset_loses_no_row(tmp_path, killing_pipeline):
    texts = [f"{text} {i}" for i in range(4) for text in TEXTS]
    texts[13] += " KILL"
    ds = ray.data.from_arrow(pyarrow.table({"n": range(len(texts)), "text": texts})).repartition(8)
    rows = annotate_dataset(ds, model=killing_pipeline).take_all()
    assert (tmp_path / "was_killed").exists()
    assert [(row["n"], row["text"]) for row in sorted(rows, key=lambda row: row["n"])] == list(enumerate(texts))
    assert [list_places(row["ents"]) for row in sorted(rows, key=lambda row: row["n"])] == PLACES * 4
    assert {row["rejected"] for row in rows} == {None}


def test_annotate_ends_at_ctrl_c(inputs, tmp_path, cluster, chosen_checkpoint):
    (tmp_path / "lines.txt").write_text("Anna in Berlin\n" * 200_000)
    command = make_command(cluster, "--model", str(chosen_checkpoint), "--n-process", "1", "--shard-size", "50")
    aside = tmp_path / ".out.new"
    # Started from a background job it would inherit that SIGINT is ignored.
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        deadline = time.monotonic() + 300
        while not any(aside.glob("0*.jsonl")) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=120)
    assert process.returncode == 128 + signal.SIGINT, said
    assert "Traceback" not in said
    assert not aside.exists()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "columns, message",
    [(["n", "body"], r"XN247.*'text' .found: n, body"), (["text", "rejected"], r"XN246.*'rejected'"), (["text"], "")],
)
def test_dataset_has_the_column_of_texts_and_none_of_those_that_are_added(columns, message):
    with pytest.raises(ValueError, match=message) if message else nullcontext():
        check_columns(columns, "text")
