"""A job that is killed at any moment, and gone on with, writes what an undisturbed one does."""

import multiprocessing
import os
import random
import signal
import time

import pytest
from bulk_rows import read_folder

from spacy_xlmr_ner.bulk import annotate_files, journal

N_KILLS = 20
# The first few shards: what opens the folder, and what commits one, two and three of them.
EVERY_CALL, SOME_CALLS = range(1, 18), (3, 6, 9, 12)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork: starting Python anew would take minutes"),
]


@pytest.fixture
def make_settings(tmp_path, monkeypatch, chosen_checkpoint):
    monkeypatch.chdir(tmp_path)
    texts = [f"Anna {i} lives in New York" + (" and Jack Spar" if i % 3 else "") for i in range(60)]
    data = "".join(text + "\n" for text in texts).encode() + b"\xff\n" + b"Berlin\n"
    (tmp_path / "in.txt").write_bytes(data)
    return lambda out, **more: {
        "paths": ["in.txt"],
        "out": out,
        "model": str(chosen_checkpoint),
        "shard_size": 4,
        **more,
    }


def run_forked(settings, *, kill_at=None):
    """Run a job in a process of its own, which kills itself at a call that changes the disk if it is told to.

    RETURNS (Tuple[Process, float]): It, and when it was started.
    """
    process = multiprocessing.get_context("fork").Process(target=_run, args=(settings, kill_at))
    start = time.perf_counter()
    process.start()
    return process, start


def _run(settings, kill_at):
    n_calls = 0

    def note(call):
        def called(*args, **kwargs):
            nonlocal n_calls
            n_calls += 1
            if n_calls == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*args, **kwargs)

        return called

    for name in ("replace", "fsync", "truncate"):
        setattr(os, name, note(getattr(os, name)))
    journal.Journal._add = note(journal.Journal._add)
    annotate_files(**settings)


@pytest.mark.parametrize("format, calls", [("jsonl", EVERY_CALL), ("parquet", SOME_CALLS), ("spacy", SOME_CALLS)])
def test_killed_at_a_call_that_changes_the_disk(make_settings, tmp_path, format, calls):
    process, _ = run_forked(make_settings("undisturbed", format=format))
    process.join()
    assert process.exitcode == 0
    expected = read_folder(tmp_path / "undisturbed")
    for kill_at in calls:
        out = f"out{kill_at}"
        process, _ = run_forked(make_settings(out, format=format), kill_at=kill_at)
        process.join()
        assert process.exitcode == -signal.SIGKILL
        process, _ = run_forked(make_settings(out, format=format, resume=True))
        process.join()
        assert process.exitcode == 0
        assert read_folder(tmp_path / out) == expected, kill_at


@pytest.mark.parametrize(
    "n_kills, settings",
    [
        (N_KILLS, {}),
        (5, {"format": "parquet"}),
        (5, {"format": "spacy"}),
        (1, {"n_process": 2}),
    ],
    ids=["jsonl", "parquet", "spacy", "two processes"],
)
def test_killed_at_random_moments(make_settings, tmp_path, n_kills, settings):
    process, start = run_forked(make_settings("undisturbed", **settings))
    process.join()
    seconds = time.perf_counter() - start
    expected = read_folder(tmp_path / "undisturbed")
    rng = random.Random(0)
    n_killed = 0
    for i in range(n_kills):
        for again in range(3):  # killed, gone on with, killed again
            process, _ = run_forked(make_settings(f"out{i}", resume=again > 0, **settings))
            process.join(timeout=rng.uniform(0, seconds))
            process.kill()
            process.join()
            n_killed += process.exitcode == -signal.SIGKILL
        process, _ = run_forked(make_settings(f"out{i}", resume=True, **settings))
        process.join()
        assert process.exitcode == 0
        assert read_folder(tmp_path / f"out{i}") == expected
    assert n_killed >= n_kills
