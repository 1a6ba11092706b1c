from pathlib import Path

import pytest

from spacy_xlmr_ner.bulk.ray_job import explain
from spacy_xlmr_ner.errors import CheckpointError

TRACEBACK = """\x1b[36mray::MapWorker(MapBatches(ShardAnnotator)).submit()\x1b[39m (pid=1)
  File "ray_blocks.py", line 125, in __call__
{raised}

The above exception was the direct cause of the following exception:

ray.data.exceptions.UserCodeException: UDF failed to process a data block.
"""


@pytest.mark.parametrize(
    "raised, kind, message",
    [
        ("spacy_xlmr_ner.errors.CheckpointError: [XN402] It is none.", CheckpointError, "[XN402] It is none."),
        ("ValueError: [XN239] It has none.", ValueError, "[XN239] It has none."),
        ("ImportError: [XN112] pip install it.", ImportError, "[XN112] pip install it."),
        (
            "zlib.error: Error -3\nMemoryError: too much.",
            OSError,
            "[XN243] The job on Ray has failed (MemoryError: too ",
        ),
        (
            "FloatingPointError: [XN901] no number",
            OSError,
            "[XN243] The job on Ray has failed (FloatingPointError: [XN9",
        ),
    ],
)
def test_failure_of_a_worker_is_told_in_its_own_words(raised, kind, message):
    failure = explain(RuntimeError(TRACEBACK.format(raised=raised)), Path("out"))
    assert type(failure) is kind
    assert str(failure).startswith(message)


def test_failure_without_a_traceback_is_told(tmp_path):
    failure = explain(TimeoutError("nobody answers."), Path("out"))
    assert type(failure) is OSError
    assert "(TimeoutError: nobody answers). 'out' was not written" in str(failure)
