import json
import os
import signal
import subprocess
import sys
import time

import pytest
from bulk_rows import N_ENTS, PLACES, ROWS, list_places, read_folder, read_rows, write_rows
from typer.testing import CliRunner

from spacy_xlmr_ner.cli import app


@pytest.fixture
def run(tmp_path, monkeypatch, chosen_checkpoint):
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "rows.jsonl", ROWS)

    def invoke(*args):
        return CliRunner().invoke(app, ["annotate", *args, "--model", str(chosen_checkpoint)])

    return invoke


def test_annotate_writes_and_sums_up(run, tmp_path):
    result = run("rows.jsonl", "--out", "out")
    assert result.exit_code == 0, result.output
    assert [list_places(row["ents"]) for row in read_rows(tmp_path / "out")] == PLACES
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[:4] == [["Texts", "6"], *([label, str(n)] for label, n in N_ENTS.items())]
    assert [line[0] for line in lines[4:7]] == ["Rejected", "Files", "Seconds"]
    assert "Wrote out" in result.stdout


def test_annotate_passes_its_options_on(run, tmp_path):
    (tmp_path / "rows.data").write_text('{"body": "Anna", "nr": 3}\n' * 3)
    options = ["--input-format", "jsonl", "--text-field", "body", "--id-field", "nr", "--shard-size", "2"]
    result = run("rows.data", "--out", "out", "--format", "parquet", "--batch-size", "1", *options)
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in (tmp_path / "out").glob("part-*")) == [
        "part-00000.parquet",
        "part-00001.parquet",
    ]


def test_annotate_exits_with_1_if_rows_were_rejected(run, tmp_path):
    with (tmp_path / "rows.jsonl").open("a") as file:
        file.write("{\n")
    result = run("rows.jsonl", "--out", "out")
    assert result.exit_code == 1
    assert "1 rows were left out" in result.output
    assert len(read_rows(tmp_path / "out")) == 6
    assert json.loads((tmp_path / "out" / "rejected.jsonl").read_text())["line"] == 7


@pytest.mark.parametrize(
    "args, code", [(("gone.txt", "--out", "out"), "XN221"), (("rows.jsonl", "--out", "rows.jsonl"), "XN223")]
)
def test_annotate_says_what_is_wrong(run, args, code):
    result = run(*args)
    assert result.exit_code == 1
    assert code in result.stderr
    assert "Traceback" not in result.output


def test_annotate_resumes(run, tmp_path):
    assert run("rows.jsonl", "--out", "out").exit_code == 0
    again = run("rows.jsonl", "--out", "out")
    assert again.exit_code == 1
    assert "--resume" in again.stderr
    assert run("rows.jsonl", "--out", "out", "--resume").exit_code == 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
@pytest.mark.parametrize("n_process", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_annotate_ends_at_signals(run, tmp_path, chosen_checkpoint, number, n_process):
    (tmp_path / "many.txt").write_text("Anna in Berlin\n" * 200_000)
    options = ["many.txt", "--out", "out", "--shard-size", "50", "--n-process", n_process]
    command = [sys.executable, "-m", "spacy_xlmr_ner", "annotate", *options, "--model", str(chosen_checkpoint)]
    # Started from a background job it would inherit that SIGINT is ignored.
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    manifest = tmp_path / "out" / "manifest.jsonl"
    deadline = time.monotonic() + 120
    # A shard's file is there before the manifest names it; the first line is the manifest's header.
    while not (manifest.exists() and manifest.read_bytes().count(b"\n") >= 3) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "--resume" in stderr
    assert "Traceback" not in stderr
    found = read_folder(tmp_path / "out")
    parts = [line["file"] for line in found["manifest"][1:]]
    assert parts[:2] == ["part-00000.jsonl", "part-00001.jsonl"]
    assert all(found[part].count(b"\n") == 50 for part in parts), "what the manifest names is whole"
    assert "summary" not in found
