"""A pipeline that annotates rows, and lets no row that fails stop the others."""

import gc
from contextlib import ExitStack
from typing import Any, Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from spacy.language import Language
from spacy.tokens import Doc, DocBin

from ..ent_score import describe_ents
from ..errors import Errors
from ..loading import check_finds
from .plain import make_plain
from .rows import Outcome, Row

N_DIGITS = 6  # of a score; in float32 there are no more
# New words that the vocabulary holds before they are let go: to make each costs tens of microseconds, which a zone of
# few texts would pay again and again for the same ones.
MAX_HELD = 100_000
# Words that memory zones may let go before the pipeline is loaded anew: the vocabulary's table keeps a place for each,
# which is never used again, so that it would grow without end, by some 30 bytes a word.
MAX_FORGOTTEN = 2_000_000


class Annotated(NamedTuple):
    """What became of rows.

    outcomes (List[Outcome]): For each row its entities, or why it has none.
    docs (bytes): The docs of those that were annotated, as spaCy writes them, where they were asked for.
    """

    outcomes: List[Outcome]
    docs: bytes


class Annotator:
    """Annotates rows with a pipeline, whose error handler it takes over.

    pipelines (Iterator[Language]): The pipeline, as often as it is asked for; each with a vocabulary of its own.
    batch_size (Optional[int]): Docs at a time; None: the pipeline's own.
    with_docs (bool): Whether docs are asked for.
    RAISES (ValueError): XN239 if no component of the pipeline sets entities.
    """

    def __init__(self, pipelines: Iterator[Language], *, batch_size: Optional[int] = None, with_docs: bool = False):
        self._pipelines, self.batch_size, self.with_docs = pipelines, batch_size, with_docs
        self._failed: Dict[int, str] = {}
        self._zone = ExitStack()
        self._take_pipeline()
        self._enter_zone()

    def _take_pipeline(self) -> None:
        nlp = next(self._pipelines)
        check_finds(nlp)
        nlp("Jack Sparrow loves New York!")  # what is wrong with the weights is said now
        nlp.set_error_handler(self._note_failure)
        self.nlp, self._n_forgotten = nlp, 0

    def _enter_zone(self) -> None:
        """Have words that are new from now on be held until the zone is left."""
        self._n_known = len(self.nlp.vocab)
        self._zone.enter_context(self.nlp.memory_zone())

    def _let_go(self) -> None:
        """Forget words where many have come together, and load the pipeline anew where too many were forgotten."""
        n_held = len(self.nlp.vocab) - self._n_known
        if n_held <= MAX_HELD:
            return
        self._zone.close()
        self._n_forgotten += n_held
        if self._n_forgotten > MAX_FORGOTTEN:
            del self.nlp
            gc.collect()  # it is gone before there is another
            self._take_pipeline()
        self._enter_zone()

    def annotate(self, rows: Sequence[Row], advance: Callable[[int], object] = lambda n: None) -> Annotated:
        """Annotate rows, which are as if alone in the world: batches hold no others.

        rows (Sequence[Row]): The rows.
        advance (Callable[[int], object]): Called with the number of rows that were done since it was last called.
        RETURNS (Annotated): What became of each.
        """
        self._let_go()
        outcomes: Dict[int, Outcome] = {}
        bins: Dict[int, DocBin] = {}  # one a doc: what fails while it is added leaves a bin damaged
        self._failed.clear()
        docs = self.nlp.pipe(self._make_docs(rows), as_tuples=True, batch_size=self.batch_size)
        self._collect(docs, outcomes, bins, advance)
        # Components that fail hand over the whole batch: those beside the one at fault are done alone.
        for i in [i for i in self._failed if i not in outcomes]:
            del self._failed[i]
            alone = self.nlp.pipe(self._make_docs(rows, only=i), as_tuples=True)
            self._collect(alone, outcomes, bins, advance)
        data = merge_bins([bins[i] for i in sorted(outcomes)]) if self.with_docs else b""
        return Annotated([outcomes.get(i, self._failed.get(i, Errors.XN298)) for i in range(len(rows))], data)

    def _make_docs(self, rows: Sequence[Row], only: Optional[int] = None) -> Iterator[Tuple[Doc, int]]:
        """The docs of rows, with their numbers; what cannot be a doc is noted."""
        for i in range(len(rows)) if only is None else [only]:
            try:
                yield self._make_doc(rows[i]), i
            except Exception as err:
                self._failed[i] = describe_error(err)

    def _make_doc(self, row: Row) -> Doc:
        doc = self.nlp.make_doc(row.text) if row.doc is None else Doc(self.nlp.vocab).from_bytes(row.doc)
        if self.with_docs:
            doc.user_data["id"] = make_plain(row.id)
            if row.fields:
                doc.user_data["fields"] = make_plain(row.fields)
        return doc

    def _collect(
        self,
        docs: Iterator[Tuple[Doc, int]],
        outcomes: Dict[int, Outcome],
        bins: Dict[int, DocBin],
        advance: Callable[[int], object],
    ) -> None:
        for doc, i in docs:
            try:
                if self.with_docs:
                    bins[i] = DocBin(docs=[doc], store_user_data=True)
                outcomes[i] = [round_score(ent) for ent in describe_ents(doc)]
            except Exception as err:
                self._failed[i] = describe_error(err)
            advance(1)

    def _note_failure(self, name: str, component: Any, docs: List[Doc], err: Exception) -> None:
        for doc in docs:
            self._failed[doc._context] = f"{name}: {describe_error(err)}"


def merge_bins(bins: Iterable[DocBin]) -> bytes:
    """The docs of several bins as those of one."""
    merged = DocBin(store_user_data=True)
    for bin in bins:
        merged.merge(bin)
    return merged.to_bytes()


def describe_error(err: Exception) -> str:
    """An exception as a reason."""
    return f"{type(err).__name__}: {err}" if str(err) else type(err).__name__


def round_score(ent: Dict[str, Any]) -> Dict[str, Any]:
    """An entity whose score has no more digits than mean something."""
    return ent if ent["score"] is None else {**ent, "score": round(ent["score"], N_DIGITS)}
