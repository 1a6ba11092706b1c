"""The cross-lingual table: models trained on one thing, tested on others."""

from dataclasses import asdict, dataclass
from typing import Any, Collection, Dict, List, Mapping, Optional, Sequence

from spacy.tokens import Doc

from ..loading import load_pipeline
from .evaluation import FORMAT, Evaluation, evaluate
from .scores import Scores


@dataclass(frozen=True)
class TransferTable:
    """Models (rows) on languages or other groups of docs (columns).

    models (List[str]): Their names.
    languages (List[str]): Those of the data.
    scores (Dict[str, Scores]): By model; the cell of a language is scores[model].languages[language].f1, the mean of a
        row scores[model].mean.f1.
    notes (Dict[str, List[str]]): By model: labels that gold or model lack, what was left out.
    """

    models: List[str]
    languages: List[str]
    scores: Dict[str, Scores]
    notes: Dict[str, List[str]]

    def to_json(self) -> Dict[str, Any]:
        """All of it as JSON has it: "format" (1), and the attributes of these classes under their names."""
        return {"format": FORMAT, **asdict(self)}


def transfer(
    models: Mapping[str, str],
    data: Mapping[str, Sequence[Doc]],
    *,
    labels: Optional[Collection[str]] = None,
    label_map: Optional[Mapping[str, Optional[str]]] = None,
    own_tokens: bool = False,
    lang: str = "xx",
    batch_size: int = 256,
    n_resamples: int = 1000,
    seed: int = 0,
    progress: bool = False,
) -> TransferTable:
    """Evaluate each of several models on each language of the data. One model is in memory at a time.

    models (Mapping[str, str]): What each model is to be called, and what `load_pipeline` takes: a pipeline or a
        checkpoint. At least one.
    data (Mapping[str, Sequence[Doc]]): Gold docs by language, or by any other group.
    lang (str): The language of a pipeline that is made around a checkpoint.
    labels, label_map, own_tokens, batch_size, n_resamples, seed, progress: As of `evaluate`.
    RETURNS (TransferTable): Scores by model and language.
    RAISES (ValueError): As `evaluate`.
    """

    def run(name: str) -> Evaluation:
        return evaluate(
            load_pipeline(models[name], lang=lang),
            data,
            name=name,
            labels=labels,
            label_map=label_map,
            own_tokens=own_tokens,
            with_losses=False,
            n_examples=0,
            batch_size=batch_size,
            n_resamples=n_resamples,
            seed=seed,
            progress=progress,
        )

    scores: Dict[str, Scores] = {}
    notes: Dict[str, List[str]] = {}
    for name in models:
        evaluation = run(name)
        scores[name], notes[name] = evaluation.scores, evaluation.notes
    languages = list(dict.fromkeys(language for row in scores.values() for language in row.languages))
    return TransferTable(models=list(models), languages=languages, scores=scores, notes=notes)
