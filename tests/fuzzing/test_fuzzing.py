"""Each target on cases that hypothesis makes, and on those that the coverage-guided fuzzer begins with.

XLMR_FUZZ=1000 pytest -n 0 tests/fuzzing --hypothesis-show-statistics runs a thousand times as many, and counts what
became of them. benchmarks/fuzz.py runs the same targets under a coverage-guided fuzzer.
"""

import os

import pytest
from fuzzing.strategies import corpora, headed, numbers, rows, texts
from fuzzing.targets import make_targets
from fuzzing.watch import Watch
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

FACTOR = int(os.environ.get("XLMR_FUZZ", "1"))
text_bytes = texts().map(lambda text: text.encode("utf8"))
# For each target the cases that are made, and how many in a short run.
CASES = {
    "corpus": (headed(3, corpora()), 150),
    "corpus_text": (corpora(), 15),
    "corpus_damaged": (numbers(40), 100),
    "rows": (headed(4, rows()), 150),
    "rows_damaged": (numbers(40), 100),
    "tags": (numbers(200), 100),
    "alignment": (numbers(150), 200),
    "pieces": (headed(1, text_bytes), 100),
    "drawing": (headed(9, text_bytes), 100),
    "text": (headed(2, text_bytes), 15),
    "checkpoint": (numbers(40), 10),
    "pipeline": (numbers(40), 6),
    "bytes": (numbers(40), 6),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzzing")


@pytest.fixture(scope="module")
def targets(folder):
    return make_targets(folder)


@pytest.fixture(scope="module")
def watch(folder):
    return Watch(folder)


def test_every_target_is_run(targets):
    assert sorted(CASES) == sorted(targets)


@pytest.mark.parametrize("name", CASES)
def test_case_gets_an_answer_or_a_coded_error(name, targets, watch):
    cases, n_cases = CASES[name]
    target = targets[name]
    watch.run(target.check, target.seeds[0])  # what is loaded once

    @settings(
        max_examples=n_cases * FACTOR,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(data=st.one_of(cases, st.sampled_from(list(target.seeds))))
    def run(data):
        event(watch.run(target.check, data, weighs=target.weighs))

    run()
