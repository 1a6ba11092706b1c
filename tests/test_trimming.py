import shutil

import numpy as np
import pytest
import spacy
from toys import IOB_TAGS, make_config, write_pretrained
from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    BertConfig,
    BertForTokenClassification,
    BertTokenizerFast,
    XLMRobertaForTokenClassification,
)
from typer.testing import CliRunner

from spacy_xlmr_ner.checkpoint import read_checkpoint
from spacy_xlmr_ner.cli import app
from spacy_xlmr_ner.errors import CheckpointError
from spacy_xlmr_ner.trimming import find_pieces, trim_checkpoint

LINES = ["Jack Sparrow loves New York!", "Anna lives in Berlin, and the Siemens AG in 北京", "  (don't)  "]


@pytest.fixture
def run(tmp_path):
    (tmp_path / "text.txt").write_text("\n".join(LINES), encoding="utf8")

    def invoke(model, *args, out="out", text="text.txt"):
        return CliRunner().invoke(app, ["trim", str(model), str(tmp_path / out), "--text", str(tmp_path / text), *args])

    return invoke


@pytest.fixture
def trimmed(run, random_checkpoint, tmp_path):
    """The folder of a pipeline that was trimmed."""
    result = run(random_checkpoint)
    assert result.exit_code == 0, result.output
    return tmp_path / "out"


@pytest.mark.parametrize("input", ["words", "text"])
def test_trimmed_pipeline_has_the_same_logits_and_pieces_for_its_text(input, trimmed, random_checkpoint, make_nlp):
    settings = {"input": input}
    before = make_nlp(random_checkpoint, model=settings).get_pipe("xlmr_ner")
    after = spacy.load(trimmed, config={"components.xlmr_ner.model.input": input}).get_pipe("xlmr_ner")
    for line in LINES:
        doc = spacy.blank("xx")(line)
        expected, found = before.tag_pieces(doc), after.tag_pieces(doc)
        assert found.pieces == expected.pieces
        np.testing.assert_allclose(found.logits, expected.logits, atol=1e-6)


def test_trimmed_checkpoint_has_a_row_for_each_piece_left_and_the_same_row(trimmed, random_checkpoint):
    before, after = read_checkpoint(random_checkpoint), read_checkpoint(trimmed / "xlmr_ner" / "checkpoint")
    old_ids, new_ids = before.hf_tokenizer.get_vocab(), after.hf_tokenizer.get_vocab()
    assert sorted(new_ids.values()) == list(range(after.n_rows))
    assert after.n_rows < before.n_rows / 2
    old_table = before.network.get_input_embeddings().weight.detach().numpy()
    new_table = after.network.get_input_embeddings().weight.detach().numpy()
    for piece, i in new_ids.items():
        np.testing.assert_array_equal(new_table[i], old_table[old_ids[piece]])


def test_trimmed_checkpoint_opens_with_transformers(trimmed, random_checkpoint):
    folder = trimmed / "xlmr_ner" / "checkpoint"
    tokenizer, old = AutoTokenizer.from_pretrained(folder), AutoTokenizer.from_pretrained(random_checkpoint)
    network = AutoModelForTokenClassification.from_pretrained(folder)
    assert network.config.vocab_size == len(tokenizer) == network.get_input_embeddings().weight.shape[0]
    pieces = [t.convert_ids_to_tokens(t(LINES[0]).input_ids) for t in (tokenizer, old)]
    assert pieces[0] == pieces[1]
    specials = ("bos_token", "eos_token", "pad_token", "unk_token", "mask_token")
    assert [getattr(tokenizer, name) for name in specials] == ["<s>", "</s>", "<pad>", "<unk>", "<mask>"]
    assert (tokenizer.pad_token_id, network.config.pad_token_id) == (1, 1)


def test_trimmed_pipeline_answers_for_other_text(trimmed):
    (probs,) = spacy.load(trimmed).get_pipe("xlmr_ner").token_probs([spacy.blank("xx")("Zürich ist äußerst schön")])
    assert np.isfinite(probs).all()


def test_trimmed_pipeline_keeps_the_rest(run, chosen_checkpoint, make_nlp, tmp_path):
    nlp = make_nlp(chosen_checkpoint, name="ner", lang="en", label_map={"PER": "PERSON"})
    nlp.add_pipe("sentencizer")
    nlp.to_disk(tmp_path / "pipeline")
    assert run(tmp_path / "pipeline").exit_code == 0
    loaded = spacy.load(tmp_path / "out")
    assert (loaded.lang, loaded.pipe_names) == ("en", ["ner", "sentencizer"])
    ents = [(ent.text, ent.label_) for ent in loaded(LINES[0]).ents]
    assert ents == [("Jack Sparrow", "PERSON"), ("New York", "LOC")]


def test_trimmed_checkpoint_without_a_head_is_still_refused(run, tmp_path):
    assert run(write_pretrained(tmp_path / "pretrained")).exit_code == 0
    with pytest.raises(CheckpointError, match="XN404"):
        spacy.load(tmp_path / "out")(LINES[0])


def test_trim_refuses_a_vocabulary_whose_pieces_are_made_of_one_another(run, tmp_path):
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "Jack"]
    (tmp_path / "vocab.txt").write_text("\n".join(pieces))
    folder = tmp_path / "bert"
    BertTokenizerFast(str(tmp_path / "vocab.txt"), do_lower_case=False).save_pretrained(folder)
    settings = {
        key: value for key, value in make_config(6, IOB_TAGS).to_dict().items() if key in ("id2label", "label2id")
    }
    shape = {"num_hidden_layers": 1, "num_attention_heads": 2, "hidden_size": 32, "intermediate_size": 64}
    BertForTokenClassification(BertConfig(vocab_size=6, **shape, **settings)).save_pretrained(folder)
    result = run(folder)
    assert result.exit_code == 1
    assert "XN430" in result.output
    assert not (tmp_path / "out").exists()


def test_trim_refuses_no_text(run, random_checkpoint, tmp_path):
    (tmp_path / "empty.txt").write_text("\n")
    result = run(random_checkpoint, text="empty.txt")
    assert result.exit_code == 1
    assert "XN431" in result.output


def test_trim_of_the_real_vocabulary_cuts_text_as_before(shared, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(_write_real(shared, tmp_path / "real"))
    vocabulary = tokenizer.get_vocab()
    checkpoint = read_checkpoint(tmp_path / "real")
    docs = [spacy.blank("xx")(line) for line in LINES]
    trimmed = trim_checkpoint(checkpoint, find_pieces(checkpoint, docs))
    assert trimmed.n_rows < 100
    for line in LINES:
        expected = tokenizer.convert_ids_to_tokens(tokenizer(line).input_ids)
        assert trimmed.hf_tokenizer.convert_ids_to_tokens(trimmed.hf_tokenizer(line).input_ids) == expected
    assert len(vocabulary) == 250002


def _write_real(shared, folder):
    """XLM-R's own vocabulary, and a network that is next to nothing."""
    config = make_config(250002, IOB_TAGS, hidden_size=8, num_attention_heads=1, intermediate_size=8)
    XLMRobertaForTokenClassification(config).save_pretrained(folder)
    shutil.copy(shared / "xlmr-tokenizer" / "sentencepiece.bpe.model", folder)
    return folder
