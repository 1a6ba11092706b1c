import json
from dataclasses import asdict
from pathlib import Path

import pytest
from filelock import FileLock

from spacy_xlmr_ner.bulk.annotator import Annotated
from spacy_xlmr_ner.bulk.ray_folder import MAX_ATTEMPTS, NewFolder, Part, note_attempt, order_parts, write_part
from spacy_xlmr_ner.bulk.rows import Rejected, Row
from spacy_xlmr_ner.bulk.shards import Position, Shard
from spacy_xlmr_ner.bulk.writers import make_writer

ENT = {"start": 0, "end": 4, "label": "PER", "text": "Anna", "score": 0.5}


def make_shard(number, names, rejected=()):
    rows = [Row(name, "Anna", {}, "a.txt", i + 1) for i, name in enumerate(names)]
    return Shard(number, rows, [Rejected("a.txt", line, "bad") for line in rejected], Position(), 0)


def write(folder, shard, *, piece=0, is_last=True, outcomes=None):
    outcomes = outcomes or [[ENT] for _ in shard.rows]
    writer = make_writer("jsonl", Path())
    return write_part(folder, shard, Annotated(outcomes, b""), writer, piece=piece, is_last=is_last, suffix=".jsonl")


def read_ids(path):
    return [json.loads(line)["id"] for line in path.read_text().splitlines()]


def test_folder_is_there_when_it_is_whole(tmp_path):
    out = tmp_path / "deep" / "out"
    with NewFolder(out) as folder:
        parts = [
            write(folder.aside, make_shard(0, ["c"]), piece=1),
            write(folder.aside, make_shard(1, ["b"], rejected=[9]), is_last=True),
            write(folder.aside, make_shard(0, ["a", "x"], rejected=[7]), is_last=False, outcomes=[[ENT], "no"]),
        ]
        assert not out.exists()
        summary = folder.finish(parts, n_pieces=2, seconds=1.5)
    assert sorted(path.name for path in out.iterdir()) == [
        ".lock",
        *(f"part-0000{i}.jsonl" for i in range(3)),
        "rejected.jsonl",
        "summary.json",
    ]
    assert [read_ids(out / f"part-0000{i}.jsonl") for i in range(3)] == [["a"], ["b"], ["c"]]
    rejected = [json.loads(line) for line in (out / "rejected.jsonl").read_text().splitlines()]
    assert [(one["line"], one["reason"]) for one in rejected] == [(2, "no"), (7, "bad"), (9, "bad")]
    assert (summary.n_texts, summary.n_rejected, summary.ents, summary.n_shards) == (3, 3, {"PER": 3}, 3)
    assert json.loads((out / "summary.json").read_text()) == asdict(summary)
    assert list(out.parent.iterdir()) == [out]


def test_part_that_is_written_again_is_there_once(tmp_path):
    with NewFolder(tmp_path / "out") as folder:
        first, again = (write(folder.aside, make_shard(0, ["a"], rejected=[3])) for _ in range(2))
        assert first == again
        summary = folder.finish([first, again], n_pieces=1, seconds=0)
    assert (summary.n_texts, summary.n_rejected, summary.n_shards) == (1, 1, 1)
    assert read_ids(tmp_path / "out" / "part-00000.jsonl") == ["a"]


def test_failed_run_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), NewFolder(tmp_path / "out") as folder:
        write(folder.aside, make_shard(0, ["a"]))
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_has_left_is_not_taken_over(tmp_path):
    (tmp_path / ".out.new").mkdir()
    (tmp_path / ".out.new" / "000000-000001.jsonl").write_text("{}\n")
    with NewFolder(tmp_path / "out") as folder:
        folder.finish([write(folder.aside, make_shard(0, ["a"]))], n_pieces=1, seconds=0)
    assert sorted(path.name for path in (tmp_path / "out").glob("*.*l")) == ["part-00000.jsonl"]


def test_input_without_rows_gives_no_part(tmp_path):
    with NewFolder(tmp_path / "out") as folder:
        summary = folder.finish([write(folder.aside, make_shard(0, []))], n_pieces=1, seconds=0)
    assert summary.n_shards == 0
    assert list((tmp_path / "out").glob("part-*")) == []


def test_folder_that_holds_something_is_refused(tmp_path):
    (tmp_path / "mine").write_text("")
    with pytest.raises(ValueError, match="XN223"):
        NewFolder(tmp_path)
    assert list(tmp_path.iterdir()) == [tmp_path / "mine"]


def test_folder_that_was_filled_meanwhile_is_not_replaced(tmp_path):
    with pytest.raises(ValueError, match="XN223"), NewFolder(tmp_path / "out") as folder:
        part = write(folder.aside, make_shard(0, ["a"]))
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "mine").write_text("")
        folder.finish([part], n_pieces=1, seconds=0)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


def test_second_run_on_one_folder_is_refused(tmp_path):
    (tmp_path / ".out.new").mkdir()
    with FileLock(tmp_path / ".out.new" / ".lock"), pytest.raises(ValueError, match="XN293"):
        NewFolder(tmp_path / "out")


def test_part_that_is_only_on_a_workers_machine_is_said(tmp_path):
    with NewFolder(tmp_path / "out") as folder, pytest.raises(FileNotFoundError, match="XN245"):
        folder.finish([Part(0, 0, True, "000000-000000.jsonl", 1, 0, {})], n_pieces=1, seconds=0)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("places", [[(0, 0, True)], [(0, 0, True), (1, 1, True)], [(0, 0, False), (1, 0, True)]])
def test_part_that_was_lost_is_said(places):
    parts = [Part(piece, number, is_last, "", 0, 0, {}) for piece, number, is_last in places]
    with pytest.raises(RuntimeError, match="XN903"):
        order_parts(parts, 2)


def test_rows_that_end_worker_after_worker_are_named(tmp_path):
    shard = make_shard(3, ["a", "b"])
    for _ in range(MAX_ATTEMPTS):
        note_attempt(tmp_path, 0, shard).__enter__()  # and never left, as when the process is killed
    with pytest.raises(RuntimeError, match=r"XN280.*'a.txt' 1 to 2 have ended 5 workers"):
        note_attempt(tmp_path, 0, shard).__enter__()


def test_shards_that_are_done_leave_no_note(tmp_path):
    for _ in range(MAX_ATTEMPTS + 1):
        with note_attempt(tmp_path, 0, make_shard(3, ["a"])):
            pass
    assert list(tmp_path.iterdir()) == []
