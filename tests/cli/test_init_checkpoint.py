import pytest
from transformers import AutoConfig, AutoTokenizer
from typer.testing import CliRunner

from spacy_xlmr_ner.cli import app

LINES = [f"{a}{b} {b}{a}{a}" for a in ("ba", "lo", "ki", "ren", "stu") for b in ("ma", "ti", "po", "nel", "gra")]
SMALL = ("--hidden-size", "16", "--layers", "1", "--heads", "2")


@pytest.fixture
def run(tmp_path):
    (tmp_path / "a.txt").write_text("\n".join(LINES))
    (tmp_path / "b.tsv").write_text("Zürich\tB-LOC\n")

    def invoke(*args, texts=("a.txt", "b.tsv"), out="out", glue=False):
        first, *more = [str(tmp_path / name) for name in texts]
        option = [f"--text={first}"] if glue else ["--text", first]
        return CliRunner().invoke(app, ["init-checkpoint", str(tmp_path / out), *option, *more, *SMALL, *args])

    return invoke


def test_init_checkpoint_writes_the_sizes_asked_for(run, tmp_path):
    result = run("--vocab-size", "40", "--window", "64", "--seed", "1")
    assert result.exit_code == 0, result.output
    config = AutoConfig.from_pretrained(tmp_path / "out")
    sizes = (config.vocab_size, config.hidden_size, config.num_hidden_layers, config.num_attention_heads)
    assert (*sizes, config.intermediate_size, config.max_position_embeddings) == (40, 16, 1, 2, 64, 66)


@pytest.mark.parametrize("glue", [False, True])
def test_init_checkpoint_reads_all_texts(run, tmp_path, glue):
    assert run("--vocab-size", "40", glue=glue).exit_code == 0
    ids = AutoTokenizer.from_pretrained(tmp_path / "out")("ü")["input_ids"]
    assert 3 not in ids  # it stands in the second file alone


@pytest.mark.parametrize(
    "args, settings, said",
    [
        (("--vocab-size", "9000"), {}, "XN420"),
        (("--vocab-size", "40", "--heads", "3"), {}, "XN421"),
        (("--vocab-size", "40"), {"out": "."}, "XN223"),
        (("--vocab-size", "40"), {"out": "a.txt"}, "XN223"),
        (("--vocab-size", "40"), {"texts": ["none.txt"]}, "XN221"),
    ],
)
def test_init_checkpoint_tells_what_is_wrong_in_one_line(run, tmp_path, args, settings, said):
    result = run(*args, **settings)
    assert result.exit_code == 1
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()
