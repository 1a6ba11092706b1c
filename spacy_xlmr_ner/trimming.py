"""A smaller vocabulary: the pieces that some text is made of, and no others."""

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Collection, Dict, Iterable, List, Set

from spacy.tokens import Doc
from spacy.util import minibatch

from .checkpoint import Checkpoint, read_checkpoint
from .checkpoint_files import SENTENCEPIECE_FILES, TOKENIZER_EXTRAS, TOKENIZER_FILES
from .errors import CheckpointError, Errors

BATCH_SIZE = 500  # docs whose pieces are looked up at once
UNIGRAM = "Unigram"
# Of config.json; where they are not null they are ids of pieces.
ID_SETTINGS = ("bos_token_id", "eos_token_id", "pad_token_id", "sep_token_id", "cls_token_id", "mask_token_id")


def find_pieces(checkpoint: Checkpoint, docs: Iterable[Doc]) -> Set[int]:
    """The ids of all pieces of some docs, fed as words and as text.

    docs (Iterable[Doc]): Read once.
    RETURNS (Set[int]): Ids.
    RAISES (ValueError): XN431 if there is not one.
    """
    found: Set[int] = set()
    for batch in minibatch(docs, BATCH_SIZE):
        for input in ("words", "text"):
            found.update(checkpoint.tokenizer.tokenize(batch, input).ids.tolist())
    if not found:
        raise ValueError(Errors.XN431)
    return found


def trim_checkpoint(checkpoint: Checkpoint, used: Collection[int]) -> Checkpoint:
    """Leave out the pieces that are not used, and their rows of the embeddings.

    Text made of what is left is cut into the same pieces as before and has the same logits: the best way to cut it is
    still there, and no other has been added. Special pieces stay, and the least likely one, from which the cost of
    an unknown piece is reckoned. So do all up to the padding's id, from which XLM-R counts its positions.

    checkpoint (Checkpoint): Is used up: its network becomes the smaller one.
    used (Collection[int]): Ids, of find_pieces.
    RETURNS (Checkpoint): With the smaller vocabulary, pieces in the order that they had.
    RAISES (CheckpointError): XN430 if the vocabulary is not a unigram one, as SentencePiece makes for XLM-R; XN432 if
        what comes out is not what was to.
    """
    backend = json.loads(checkpoint.hf_tokenizer.backend_tokenizer.to_str())
    vocabulary = backend["model"].get("vocab")
    if backend["model"].get("type") != UNIGRAM:
        kind = backend["model"].get("type") or "unknown"
        raise CheckpointError(Errors.XN430.format(checkpoint=checkpoint.origin, kind=kind))
    kept = set(used) | _find_specials(checkpoint, backend)
    kept.add(min(range(len(vocabulary)), key=lambda i: vocabulary[i][1]))
    new_ids = {old: new for new, old in enumerate(sorted(kept))}
    with TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        _shrink_network(checkpoint.network, sorted(kept), new_ids)
        checkpoint.write(folder)
        for file in {*TOKENIZER_FILES, *SENTENCEPIECE_FILES} - {"tokenizer.json"}:
            (folder / file).unlink(missing_ok=True)
        _write_json(folder / "tokenizer.json", _shrink_tokenizer(backend, new_ids))
        _renumber_extras(folder / TOKENIZER_EXTRAS[0], new_ids)
        trimmed = read_checkpoint(folder, origin=checkpoint.origin)
    _check_pieces(checkpoint, trimmed, new_ids)
    return replace(trimmed, missing=checkpoint.missing, tags=checkpoint.tags)


def _find_specials(checkpoint: Checkpoint, backend: Dict[str, Any]) -> Set[int]:
    """The ids that stay in any case."""
    ids = [getattr(checkpoint.network.config, setting, None) for setting in ID_SETTINGS]
    ids += [backend["model"]["unk_id"], *(token["id"] for token in backend["added_tokens"])]
    ids += [*checkpoint.tokenizer.prefix.tolist(), *checkpoint.tokenizer.suffix.tolist()]
    last = max(checkpoint.tokenizer.pad_id, getattr(checkpoint.network.config, "pad_token_id", None) or 0)
    return {i for i in ids if i is not None and i < checkpoint.n_rows} | set(range(last + 1))


def _check_pieces(checkpoint: Checkpoint, trimmed: Checkpoint, new_ids: Dict[int, int]) -> None:
    """Refuse what transformers did not read as it was written: some of its tokenizers set ids of their own.

    RAISES (CheckpointError): XN432.
    """
    old, new = checkpoint.hf_tokenizer, trimmed.hf_tokenizer
    expected = {piece: new_ids[i] for piece, i in old.get_vocab().items() if i in new_ids}
    is_same = new.get_vocab() == expected and new.unk_token_id == new_ids.get(old.unk_token_id)
    for name in ("prefix", "suffix"):
        ids = getattr(checkpoint.tokenizer, name).tolist()
        is_same &= getattr(trimmed.tokenizer, name).tolist() == [new_ids[i] for i in ids]
    if not is_same:
        raise CheckpointError(Errors.XN432.format(checkpoint=checkpoint.origin, tokenizer=type(new).__name__))


def _shrink_network(network: Any, kept: List[int], new_ids: Dict[int, int]) -> None:
    """Cut the table of the embeddings, in place, wherever it is used."""
    whole = network.get_input_embeddings().weight
    trimmed = type(whole)(whole.detach()[kept])
    for module in network.modules():
        if getattr(module, "weight", None) is whole:
            module.weight = trimmed
            module.num_embeddings = len(kept)
    network.config.vocab_size = len(kept)
    for setting in ID_SETTINGS:
        old = getattr(network.config, setting, None)
        if old is not None:
            setattr(network.config, setting, new_ids.get(old))


def _shrink_tokenizer(backend: Dict[str, Any], new_ids: Dict[int, int]) -> Dict[str, Any]:
    """tokenizer.json with the pieces that are left."""
    model = backend["model"]
    model["vocab"] = [piece for i, piece in enumerate(model["vocab"]) if i in new_ids]
    model["unk_id"] = new_ids.get(model["unk_id"])
    for token in backend["added_tokens"]:
        token["id"] = new_ids[token["id"]]
    processor = backend.get("post_processor") or {}
    for token in processor.get("special_tokens", {}).values():
        token["ids"] = [new_ids.get(i, i) for i in token["ids"]]
    for name in ("sep", "cls"):  # of BERT's and RoBERTa's processors
        if name in processor:
            processor[name][1] = new_ids.get(processor[name][1], processor[name][1])
    return backend


def _renumber_extras(file: Path, new_ids: Dict[int, int]) -> None:
    """Set the ids in tokenizer_config.json, where transformers 4 keeps some."""
    settings = json.loads(file.read_text(encoding="utf8"))
    added = settings.get("added_tokens_decoder")
    if added:
        settings["added_tokens_decoder"] = {str(new_ids[int(i)]): token for i, token in added.items()}
        _write_json(file, settings)


def _write_json(file: Path, content: Dict[str, Any]) -> None:
    file.write_text(json.dumps(content, ensure_ascii=False), encoding="utf8")
