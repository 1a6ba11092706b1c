"""python -m spacy_xlmr_ner"""

from .cli import app

app(prog_name="python -m spacy_xlmr_ner")
