"""A component that ends its process, once: for tests of what becomes of its work. Workers find it as a plugin."""

import os
import signal
from pathlib import Path

from spacy.language import Language

WORD = "KILL"


@Language.factory("ends_its_process", default_config={"mark": ""})
def make_killer(nlp, name, mark):
    def end_at_word(doc):
        if WORD in doc.text and not Path(mark).exists():
            Path(mark).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return doc

    return end_at_word
