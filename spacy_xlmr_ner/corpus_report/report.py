"""The report over the corpora of a training config: read as `spacy train` reads them."""

import itertools
import warnings
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Tuple

from spacy.language import Language
from spacy.schemas import ConfigSchemaTraining
from spacy.training import Example
from spacy.training.initialize import init_nlp
from spacy.util import load_model_from_config, minibatch, registry, resolve_dot_names
from thinc.api import Config

from ..checkpoint_shim import CheckpointShim
from ..component import XlmrNer
from ..errors import Errors
from ..pieces.runner import find_window
from .coverage import Coverage, CoverageCounter
from .schedule import Schedule, plan_schedule
from .stats import CorpusCounter, CorpusStats, Finding, find_overlap, measure_novelty

BATCH_SIZE = 256
# With max_epochs = -1 a corpus may have no end; so many of its examples are looked at.
MAX_STREAMED = 20_000

Corpus = Callable[[Language], Iterable[Example]]


@dataclass
class ComponentReport:
    """How a component fits the data.

    labels (List[str]): What it is trained to find, by the names that the gold has for it.
    former_labels (List[str]): What the head of its checkpoint finds; none where it has no head.
    is_scratch (bool): Whether it begins from nothing, [initialize.components.<name>.scratch].
    unknown (Dict[str, int]): Labels in train that it has no tags for, and how many entities bear them.
    train, dev (Optional[Coverage]): How its vocabulary reads the docs; None where it has none of its own.
    """

    labels: List[str]
    former_labels: List[str]
    is_scratch: bool
    unknown: Dict[str, int]
    train: Optional[Coverage] = None
    dev: Optional[Coverage] = None

    @property
    def has_new_head(self) -> bool:
        """Whether it begins with an untrained head."""
        return set(self.former_labels) != set(self.labels)


@dataclass
class CorpusReport:
    """What there is to know of the data before a training.

    overlap (Finding): Texts of dev that train has too.
    new_mentions (float): The share of the different entities of dev that train does not have.
    is_cut (bool): Whether only the first examples of an endless corpus were looked at.
    schedule (Optional[Schedule]): The steps; None without training docs.
    components (Dict[str, ComponentReport]): Those of `xlmr_ner` that are trained, by name; none if they cannot be.
    warned (List[str]): What was warned of while the pipeline was initialized.
    problem (Optional[str]): Why it could not be.
    """

    train: CorpusStats
    dev: CorpusStats
    overlap: Finding
    new_mentions: float
    is_cut: bool
    schedule: Optional[Schedule]
    components: Dict[str, ComponentReport] = field(default_factory=dict)
    warned: List[str] = field(default_factory=list)
    problem: Optional[str] = None

    def to_dict(self) -> Dict[str, Any]:
        """As JSON has it, with what follows from its figures."""
        shown = asdict(self)
        for name, component in self.components.items():
            own = shown["components"][name]
            own["has_new_head"] = component.has_new_head
            for corpus, coverage in (("train", component.train), ("dev", component.dev)):
                if coverage is not None:
                    own[corpus]["pieces_per_token"] = coverage.pieces_per_token
        return shown


def report_corpora(config: Config, *, use_gpu: int = -1) -> CorpusReport:
    """Look at the corpora of a training config and at how its components fit them.

    config (Config): Of spacy.util.load_config(path, overrides=..., interpolate=False).
    use_gpu (int): The GPU's id; -1: none.
    RETURNS (CorpusReport): What was found. That the pipeline cannot be initialized is in it, not raised.
    RAISES (ValueError): XN250 if no `xlmr_ner` component is trained; XN254 if a corpus cannot
        be read; spaCy's, for a config.
    """
    nlp = load_model_from_config(config, auto_fill=True)
    settings = nlp.config.interpolate()
    training = registry.resolve(settings["training"], schema=ConfigSchemaTraining)
    names = find_trained(nlp, training["frozen_components"])
    scratch = {name: bool(settings["initialize"]["components"].get(name, {}).get("scratch")) for name in names}
    heads = [name for name in names if not scratch[name]]
    nlp, former, warned, problem = initialize_pipeline(nlp, config, heads, use_gpu=use_gpu)
    counters = {} if problem else {name: make_counters(nlp.get_pipe(name)) for name in names}
    train_corpus, dev_corpus = resolve_dot_names(settings, [training["train_corpus"], training["dev_corpus"]])
    with explain_corpus(training["train_corpus"]):
        examples, is_cut = read_examples(nlp, train_corpus, is_streamed=training["max_epochs"] == -1)
    with explain_corpus(training["dev_corpus"]):
        dev_examples = list(dev_corpus(nlp))
    train = count_examples(examples, [pair[0] for pair in counters.values() if pair])
    dev = count_examples(dev_examples, [pair[1] for pair in counters.values() if pair])
    report = CorpusReport(
        train=train.finish(),
        dev=dev.finish(),
        overlap=find_overlap(train, dev),
        new_mentions=measure_novelty(train, dev),
        is_cut=is_cut,
        schedule=plan_schedule(training, examples) if examples else None,
        warned=warned,
        problem=problem,
    )
    for name, pair in counters.items():
        coverages = [counter.finish() for counter in pair or ()]
        report.components[name] = ComponentReport(
            labels=list(nlp.get_pipe(name).labels),
            former_labels=former.get(name, []),
            is_scratch=scratch[name],
            unknown={label: n for label, n in report.train.labels.items() if label not in nlp.get_pipe(name).labels},
            **dict(zip(("train", "dev"), coverages)),
        )
    return report


def find_trained(nlp: Language, frozen: List[str]) -> List[str]:
    """The names of the `xlmr_ner` components that are trained. RAISES (ValueError): XN250 if there is none."""
    names = [name for name, pipe in nlp.pipeline if isinstance(pipe, XlmrNer) and name not in frozen]
    if not names:
        found, shown = (", ".join(some) or "none" for some in (nlp.pipe_names, frozen))
        raise ValueError(Errors.XN250.format(found=found, frozen=shown))
    return names


def initialize_pipeline(
    nlp: Language, config: Config, names: List[str], *, use_gpu: int
) -> Tuple[Language, Dict[str, List[str]], List[str], Optional[str]]:
    """Initialize the pipeline as `spacy train` does.

    nlp (Language): Of the config, not initialized.
    config (Config): The config.
    names (List[str]): Components whose labels before that are wanted.
    use_gpu (int): As for report_corpora.
    RETURNS (Tuple[Language, Dict[str, List[str]], List[str], Optional[str]]): The pipeline, or nlp if that failed; the
        labels that the components had before; what was warned of; and why it failed.
    """
    former: Dict[str, List[str]] = {}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        problem: Optional[str] = None
        try:
            for name in names:
                former[name] = list(nlp.get_pipe(name).labels)
            nlp = init_nlp(config, use_gpu=use_gpu)
        except Exception as err:  # whatever it is would end the training, and is what the report has to say
            problem = f"{err}" if isinstance(err, (ValueError, OSError)) else f"{type(err).__name__}: {err}"
    ours = [str(warning.message) for warning in caught if str(warning.message).startswith("[X")]
    return nlp, former, list(dict.fromkeys(ours)), problem


def make_counters(pipe: XlmrNer) -> Optional[Tuple[CoverageCounter, CoverageCounter]]:
    """Counters for train and dev; None for a component whose model has no vocabulary of its own."""
    shims = [shim for shim in pipe.model.shims if isinstance(shim, CheckpointShim)]
    if not shims:
        return None
    checkpoint, settings = shims[0].checkpoint, pipe.model.attrs["settings"]
    n_special = checkpoint.tokenizer.n_special
    capacity = find_window(settings, checkpoint.max_window, n_special) - n_special
    first, second = (
        CoverageCounter(checkpoint.tokenizer, input=settings.input, capacity=capacity) for _ in ("train", "dev")
    )
    return first, second


def read_examples(nlp: Language, corpus: Corpus, *, is_streamed: bool) -> Tuple[List[Example], bool]:
    """The examples of a corpus; of a streamed one the first, and whether there are more."""
    if not is_streamed:
        return list(corpus(nlp)), False
    examples = list(itertools.islice(corpus(nlp), MAX_STREAMED + 1))
    return examples[:MAX_STREAMED], len(examples) > MAX_STREAMED


@contextmanager
def explain_corpus(block: str) -> Iterator[None]:
    """RAISES (ValueError): XN254 for whatever a reader or the libraries beneath it raise."""
    try:
        yield
    except Exception as err:
        reason = str(err).strip().split("\n")[0].rstrip(".") or type(err).__name__
        raise ValueError(Errors.XN254.format(block=block, reason=reason)) from err


def count_examples(examples: Iterable[Example], coverages: List[CoverageCounter]) -> CorpusCounter:
    """Count what examples hold, and how vocabularies read them."""
    counter = CorpusCounter()
    for batch in minibatch(examples, size=BATCH_SIZE):
        for example in batch:
            counter.add(example)
        for coverage in coverages:
            coverage.add([example.predicted for example in batch])
    return counter
