import multiprocessing
import sys
import warnings

import pytest
import torch


def _call(function, args, results):
    results.put(function(*args))


@pytest.fixture
def run_forked():
    """Call a function in a forked worker of a process with two threads: run_forked(function, *args)."""
    if not sys.platform.startswith("linux"):
        pytest.skip("workers are forked on Linux")
    n_threads = torch.get_num_threads()
    torch.set_num_threads(2)

    def run(function, *args):
        context = multiprocessing.get_context("fork")
        results = context.Queue()
        worker = context.Process(target=_call, args=(function, args, results), daemon=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of later Pythons, of forking beside threads
            worker.start()
        found = results.get(timeout=30)
        worker.join(timeout=30)
        return found

    yield run
    torch.set_num_threads(n_threads)
