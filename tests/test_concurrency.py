import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import pytest
import spacy
from transformers import AutoModelForTokenClassification

WORDS = ["Jack", "Sparrow", "loves", "New", "York", "Anna", "lives", "in", "Berlin", "and", "the", "Siemens", "AG"]
TEXTS = [" ".join(WORDS[i % 7 : i % 7 + 1 + i % 6]) for i in range(24)]
# Long enough that an operation on it is shared out among threads.
LONG = " ".join(WORDS * 60)


def get_ents(doc):
    return [[ent.text, ent.label_, ent._.score] for ent in doc.ents]


def assert_same(found, expected):
    """The same entities; scores within 1e-4."""
    assert [[ent[:2] for ent in ents] for ents in found] == [[ent[:2] for ent in ents] for ents in expected]
    scores = [ent[2] for ents in expected for ent in ents]
    assert len(scores) > 20
    assert [ent[2] for ents in found for ent in ents] == pytest.approx(scores, abs=1e-4)


# In a process of its own, so that a worker that hangs does not hang the tests.
SCRIPT = """
import json, multiprocessing, sys
import spacy, torch

def predict(nlp, texts):
    return [[[e.text, e.label_, e._.score] for e in doc.ents] for doc in nlp.pipe(texts, n_process=2, batch_size=7)]

if __name__ == "__main__":
    torch.set_num_threads(2)
    texts = json.loads(sys.argv[2])
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlmr_ner", config={"model": {"name": sys.argv[1]}})
    results = {}
    multiprocessing.set_start_method(sys.argv[3])
    results["before a prediction"] = predict(nlp, texts)
    if sys.argv[3] == "fork":
        nlp(texts[-1])
        results["after a prediction"] = predict(nlp, texts)
    print(json.dumps(results))
"""


@pytest.fixture(scope="module")
def run_two_processes(random_checkpoint, tmp_path_factory):
    """What two processes say of TEXTS and LONG, by when they were started: run_two_processes("fork")."""
    script = tmp_path_factory.mktemp("script") / "script.py"
    script.write_text(SCRIPT)

    @cache
    def run(start_method):
        done = subprocess.run(
            [sys.executable, script, random_checkpoint, json.dumps([*TEXTS, LONG]), start_method],
            capture_output=True,
            text=True,
            env={key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"},
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


@pytest.mark.parametrize(
    "start_method, when",
    [
        ("fork", "before a prediction"),
        ("fork", "after a prediction"),
        # every worker imports torch and transformers anew
        pytest.param("spawn", "before a prediction", marks=pytest.mark.slow),
    ],
)
def test_two_processes_equal_one(run_two_processes, make_nlp, random_checkpoint, start_method, when):
    nlp = make_nlp(random_checkpoint)
    assert_same(run_two_processes(start_method)[when], [get_ents(nlp(text)) for text in [*TEXTS, LONG]])


def run_in_threads(function, arguments, n_threads=8):
    """Call a function from threads that begin together."""
    barrier = threading.Barrier(n_threads)
    with ThreadPoolExecutor(n_threads, initializer=barrier.wait) as pool:
        return list(pool.map(function, arguments))


def test_eight_threads_equal_one(make_nlp, random_checkpoint):
    nlp = make_nlp(random_checkpoint)
    texts = TEXTS * 2
    expected = [get_ents(nlp(text)) for text in texts]
    assert_same(run_in_threads(lambda text: get_ents(nlp(text)), texts), expected)


def test_eight_threads_load_weights_once(make_nlp, random_checkpoint, monkeypatch):
    loads = []
    load = AutoModelForTokenClassification.from_pretrained
    monkeypatch.setattr(
        AutoModelForTokenClassification,
        "from_pretrained",
        lambda folder, **kwargs: loads.append(folder) or load(folder, **kwargs),
    )
    nlp = make_nlp(random_checkpoint)
    found = run_in_threads(lambda text: get_ents(nlp(text)), TEXTS)
    assert loads == [random_checkpoint]
    reference = spacy.blank("xx")
    reference.add_pipe("xlmr_ner", source=nlp)
    assert_same(found, [get_ents(reference(text)) for text in TEXTS])


def test_threads_with_streams_of_their_own(make_nlp, random_checkpoint):
    nlp = make_nlp(random_checkpoint)
    expected = [get_ents(nlp(text)) for text in TEXTS]
    streams = run_in_threads(lambda size: [get_ents(doc) for doc in nlp.pipe(TEXTS, batch_size=size)], range(1, 9))
    assert_same([ents for stream in streams for ents in stream], expected * 8)


UNPREPARED = """
import multiprocessing, sys
import spacy, spacy_xlmr_ner, torch

def predict(folder, words):
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlmr_ner", config={"model": {"name": folder}})
    print(len(nlp(words)))

if __name__ == "__main__":
    torch.set_num_threads(2)
    torch.randn(600, 600) @ torch.randn(600, 600)
    worker = multiprocessing.get_context("fork").Process(target=predict, args=sys.argv[1:])
    worker.start()
    worker.join(100)
    print("hangs" if worker.is_alive() else worker.exitcode)
    worker.kill()
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_forked_worker_that_is_the_first_to_predict_does_not_hang(random_checkpoint):
    """Its parent has threads of PyTorch's, but has used PyTorch for something else."""
    command = [sys.executable, "-c", UNPREPARED, str(random_checkpoint), LONG]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(len(LONG.split())), "0"]
