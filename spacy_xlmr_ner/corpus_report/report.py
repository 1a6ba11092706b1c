"""The report over the corpora of a training config: read as `spacy train` reads them."""

import itertools
import warnings
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

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
    warned (List[str]): What was warned of while the pipeline was initialized and learned from a first doc.
    problem (Optional[str]): Why it could not.
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
    RETURNS (CorpusReport): What was found. That the training cannot begin is in it, not raised.
    RAISES (ValueError): XN250 if no `xlmr_ner` component is trained; XN254 if a corpus cannot
        be read; spaCy's, for a config.
    """
    nlp = load_model_from_config(config, auto_fill=True)
    settings = nlp.config.interpolate()
    training = registry.resolve(settings["training"], schema=ConfigSchemaTraining)
    names = find_trained(nlp, training["frozen_components"])
    scratch = {name: bool(settings["initialize"]["components"].get(name, {}).get("scratch")) for name in names}
    heads = [name for name in names if not scratch[name]]
    attempt = Attempt()
    nlp, former = initialize_pipeline(nlp, config, heads, attempt, use_gpu=use_gpu)
    counters = {} if attempt.problem else {name: make_counters(nlp.get_pipe(name)) for name in names}
    examples, dev_examples, is_cut = read_corpora(nlp, settings, training)
    train = count_examples(examples, [pair[0] for pair in counters.values() if pair])
    dev = count_examples(dev_examples, [pair[1] for pair in counters.values() if pair])
    report = CorpusReport(
        train=train.finish(),
        dev=dev.finish(),
        overlap=find_overlap(train, dev),
        new_mentions=measure_novelty(train, dev),
        is_cut=is_cut,
        schedule=plan_schedule(training, examples) if examples else None,
    )
    for name, pair in counters.items():
        labels = list(nlp.get_pipe(name).labels)
        unknown = {label: n for label, n in report.train.labels.items() if label not in labels}
        component = ComponentReport(labels, former.get(name, []), is_scratch=scratch[name], unknown=unknown)
        if pair:
            component.train, component.dev = (counter.finish() for counter in pair)
        report.components[name] = component
    try_update(nlp, names, examples, attempt)
    report.warned, report.problem = attempt.warned, attempt.problem
    return report


def find_trained(nlp: Language, frozen: List[str]) -> List[str]:
    """The names of the `xlmr_ner` components that are trained. RAISES (ValueError): XN250 if there is none."""
    names = [name for name, pipe in nlp.pipeline if isinstance(pipe, XlmrNer) and name not in frozen]
    if not names:
        found, shown = (", ".join(some) or "none" for some in (nlp.pipe_names, frozen))
        raise ValueError(Errors.XN250.format(found=found, frozen=shown))
    return names


class Attempt:
    """What would end a training is caught here, and put into words; so are the warnings on the way.

    problem (Optional[str]): Why it failed.
    warned (List[str]): What was warned of, each once.
    """

    problem: Optional[str] = None

    def __init__(self) -> None:
        self.warned: List[str] = []

    @contextmanager
    def catch(self) -> Iterator[None]:
        """Run a part of it; what it raises goes no further."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                yield
            except Exception as err:  # whatever it is: the training would end of it, and the report has to say so
                self.problem = f"{err}" if isinstance(err, (ValueError, OSError)) else f"{type(err).__name__}: {err}"
        ours = [str(warning.message) for warning in caught if str(warning.message).startswith("[X")]
        self.warned = list(dict.fromkeys([*self.warned, *ours]))


def initialize_pipeline(
    nlp: Language, config: Config, names: List[str], attempt: Attempt, *, use_gpu: int
) -> Tuple[Language, Dict[str, List[str]]]:
    """Initialize the pipeline as `spacy train` does.

    nlp (Language): Of the config, not initialized.
    config (Config): The config.
    names (List[str]): Components whose labels before that are wanted.
    attempt (Attempt): Notes what goes wrong.
    use_gpu (int): As for report_corpora.
    RETURNS (Tuple[Language, Dict[str, List[str]]]): The pipeline, or nlp if that failed; and the labels before.
    """
    former: Dict[str, List[str]] = {}
    with attempt.catch():
        for name in names:
            former[name] = list(nlp.get_pipe(name).labels)
        nlp = init_nlp(config, use_gpu=use_gpu)
    return nlp, former


def try_update(nlp: Language, names: List[str], examples: Sequence[Example], attempt: Attempt) -> None:
    """Learn from the first doc that has tokens, without a step: some settings are not looked at before that."""
    first = [example for example in examples if len(example.predicted)][:1]
    if first and attempt.problem is None:
        listened_to = [name for name, pipe in nlp.pipeline if hasattr(pipe, "add_listener")]
        with attempt.catch(), nlp.select_pipes(enable=[*listened_to, *names]):
            nlp.update(first, sgd=False)


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


def read_corpora(
    nlp: Language, settings: Config, training: Dict[str, Any]
) -> Tuple[List[Example], List[Example], bool]:
    """The examples of train and dev, and whether train has more: of a streamed corpus only the first are read."""
    train_corpus, dev_corpus = resolve_dot_names(settings, [training["train_corpus"], training["dev_corpus"]])
    with explain_corpus(training["train_corpus"]):
        if training["max_epochs"] == -1:
            examples = list(itertools.islice(train_corpus(nlp), MAX_STREAMED + 1))
        else:
            examples = list(train_corpus(nlp))
    with explain_corpus(training["dev_corpus"]):
        dev_examples = list(dev_corpus(nlp))
    is_cut = training["max_epochs"] == -1 and len(examples) > MAX_STREAMED
    return examples[:MAX_STREAMED] if is_cut else examples, dev_examples, is_cut


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
