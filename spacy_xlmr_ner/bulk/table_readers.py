"""Rows of files that hold no lines: Parquet, and docs as spaCy writes them."""

from typing import Any, Dict, Iterator, Union

from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from .._compat import require_extra
from ..errors import Errors
from .rows import Place, Rejected, Row, Step
from .streams import EXTRA, DamagedInputError
from .text_readers import ReadSettings, make_record_row

BATCH = 256  # rows that are made Python's at a time


def read_parquet(path: str, settings: ReadSettings, start: Place) -> Iterator[Step]:
    """A row of a table each.

    RAISES (DamagedInputError): XN282 if no column is named as the text; XN222 if the file is damaged.
    """
    pyarrow = require_extra("pyarrow", extra=EXTRA)
    parquet = require_extra("pyarrow.parquet", extra=EXTRA)
    try:
        with parquet.ParquetFile(path) as file:
            names = file.schema_arrow.names
            found = ", ".join(names)
            if settings.text_field not in names:
                raise DamagedInputError(Errors.XN282.format(path=path, field=settings.text_field, found=found))
            if len(set(names)) < len(names):
                raise DamagedInputError(Errors.XN285.format(path=path, found=found))
            for number, record in enumerate(_read_records(file, start.entries), start=start.entries + 1):
                place = Place(number, number, 0)
                if isinstance(record, str):
                    yield Step(Rejected(path, number, record), place)
                else:
                    yield Step(make_record_row(record, path, number, settings), place)
    except (pyarrow.ArrowException, OSError) as err:
        raise DamagedInputError(Errors.XN222.format(path=path, reason=str(err).strip().rstrip("."))) from err


def _read_records(file: Any, start: int) -> Iterator[Union[Dict[str, Any], str]]:
    """The rows of a table from one on, or why one cannot be read; groups of rows before it are not read."""
    n_before = 0
    for group in range(file.num_row_groups):
        n_rows = file.metadata.row_group(group).num_rows
        if n_before + n_rows <= start:
            n_before += n_rows
            continue
        # Asked for all groups at once, Arrow holds all of them before the end.
        for batch in file.iter_batches(batch_size=BATCH, row_groups=[group]):
            rest = batch.slice(max(0, start - n_before))
            try:
                records = rest.to_pylist()
            except Exception:  # text that is not UTF-8, times that Python has not, a zone that nobody knows
                records = [_read_record(rest, i) for i in range(rest.num_rows)]
            yield from records
            n_before += batch.num_rows


def _read_record(batch: Any, i: int) -> Union[Dict[str, Any], str]:
    """A row, or why it cannot be read. A value that Python cannot hold is given as Arrow writes it."""
    record = {}
    for name, column in zip(batch.schema.names, batch.columns):
        try:
            record[name] = column[i].as_py()
        except Exception:
            try:
                record[name] = column[i].cast("string").as_py()
            except Exception as err:
                return Errors.XN227.format(column=name, reason=str(err).strip().rstrip("."))
    return record


def read_docs(path: str, settings: ReadSettings, start: Place) -> Iterator[Step]:
    """A doc each, with its tokens and all else that it has. The file is held in memory.

    RAISES (DamagedInputError): XN222 if the file is damaged.
    """
    for number, doc in enumerate(_load_docs(path), start=1):
        if number <= start.entries:
            continue
        place = Place(number, number, 0)
        if len(doc.text) > settings.max_chars:
            yield Step(Rejected(path, number, Errors.XN286.format(n=len(doc.text), unit="characters")), place)
            continue
        own_id = doc.user_data.get(settings.id_field)
        name = f"{path}:{number}" if own_id is None else own_id
        yield Step(Row(name, doc.text, {}, path, number, doc.to_bytes()), place)


def _load_docs(path: str) -> Iterator[Doc]:
    """The docs of a file, empty ones too, for each has its number."""
    try:
        yield from DocBin().from_disk(path).get_docs(Vocab())
    except Exception as err:  # what msgpack and zlib raise is of many kinds
        raise DamagedInputError(Errors.XN222.format(path=path, reason=str(err).strip().rstrip("."))) from err
