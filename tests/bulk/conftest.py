import pytest

from spacy_xlmr_ner.bulk import annotate_files


@pytest.fixture
def annotate(tmp_path, monkeypatch, chosen_checkpoint):
    """Annotate files of a folder with the chosen checkpoint: annotate("rows.jsonl", shard_size=2)."""
    monkeypatch.chdir(tmp_path)

    def run(*paths, out="out", **settings):
        return annotate_files(paths, out, **{"model": str(chosen_checkpoint), **settings})

    return run
