"""Shards as files: JSON lines, Parquet, docs as spaCy writes them."""

import json
import math
import re
from pathlib import Path
from typing import Any, Dict, List, Protocol, Sequence, Tuple

from .._compat import require_extra
from ..errors import Errors
from .annotator import Annotated
from .plain import make_text
from .rows import Rejected, Row
from .streams import EXTRA

OTHER_FIELDS = "other_fields"
HALVES = re.compile("[\ud800-\udfff]")  # of characters: no UTF-8 has them


class ShardWriter(Protocol):
    """Writes shards of one format."""

    def write(self, path: Path, rows: Sequence[Row], annotated: Annotated) -> List[Rejected]:
        """Write the rows that were annotated to a new file. RETURNS (List[Rejected]): Those that it cannot hold."""


class JsonLinesWriter:
    """An object a line: id, text, ents, and the row's other fields."""

    def write(self, path: Path, rows: Sequence[Row], annotated: Annotated) -> List[Rejected]:
        """As ShardWriter has it. All rows can be held."""
        with path.open("wb") as file:
            for row, ents in zip(rows, annotated.outcomes):
                if not isinstance(ents, str):
                    file.write(dump_json({"id": row.id, "text": row.text, "ents": ents, **row.fields}) + b"\n")
        return []


class DocsWriter:
    """A DocBin, with what a row holds beside its text in user_data: "id" and "fields"."""

    def write(self, path: Path, rows: Sequence[Row], annotated: Annotated) -> List[Rejected]:
        """As ShardWriter has it. All rows can be held."""
        path.write_bytes(annotated.docs)
        return []


class ParquetWriter:
    """A table: id, text, ents, a column for each field of the first shard's rows, and other_fields.

    All shards have the columns of the first, so that they can be read as one table. What has no column, or does not
    fit the type of its column, stands in other_fields as JSON.

    first (Path): The first shard: where it is there already, its columns are taken.
    RAISES (ImportError): XN112 without the extra.
    """

    def __init__(self, first: Path):
        self.arrow = require_extra("pyarrow", extra=EXTRA)
        self.parquet = require_extra("pyarrow.parquet", extra=EXTRA)
        self.schema: Any = self._read_schema(first) if first.exists() else None

    def write(self, path: Path, rows: Sequence[Row], annotated: Annotated) -> List[Rejected]:
        """As ShardWriter has it. Where the first shard's ids are whole numbers, no other id can be held."""
        kept = [(row, ents) for row, ents in zip(rows, annotated.outcomes) if not isinstance(ents, str)]
        if self.schema is None:
            self.schema = self._find_schema([row for row, _ in kept])
        ids, misfits = self._make_ids([row.id for row, _ in kept])
        rejected = [
            Rejected(row.file, row.line, Errors.XN299.format(found=repr(row.id), expected=self.schema.field("id").type))
            for i, (row, _) in enumerate(kept)
            if i in misfits
        ]
        if rejected:
            kept = [pair for i, pair in enumerate(kept) if i not in misfits]
            ids, _ = self._make_ids([row.id for row, _ in kept])
        columns = self._make_columns([row for row, _ in kept])
        columns |= {"id": ids, "text": [row.text for row, _ in kept], "ents": [ents for _, ents in kept]}
        arrays = [self.arrow.array(columns[field.name], field.type) for field in self.schema]
        self.parquet.write_table(self.arrow.Table.from_arrays(arrays, schema=self.schema), path)
        return rejected

    def _make_ids(self, ids: List[Any]) -> Tuple[List[Any], List[int]]:
        """The column of ids, and which it cannot hold. One of strings has the others as JSON writes them."""
        type = self.schema.field("id").type
        if type == self.arrow.string():
            ids = [one if isinstance(one, str) else dump_json(one).decode("utf8") for one in ids]
        return self._make_column(ids, type)

    def _make_columns(self, rows: Sequence[Row]) -> Dict[str, List[Any]]:
        """The fields of rows by column, and what is left in other_fields."""
        names = [name for name in self.schema.names if name not in ("id", "text", "ents", OTHER_FIELDS)]
        others = [{name: value for name, value in row.fields.items() if name not in names} for row in rows]
        columns: Dict[str, List[Any]] = {}
        for name in names:
            values = [row.fields.get(name) for row in rows]
            columns[name], misfits = self._make_column(values, self.schema.field(name).type)
            for i in misfits:
                others[i][name] = values[i]
        columns[OTHER_FIELDS] = [dump_json(other).decode("utf8") if other else None for other in others]
        return columns

    def _make_column(self, values: List[Any], type: Any) -> Tuple[List[Any], List[int]]:
        """Values that a column of a type can hold, None for others, and which these are."""
        if self._fits(values, type):
            return values, []
        fits = [self._fits([value], type) for value in values]
        held = [value if is_held else None for value, is_held in zip(values, fits)]
        return held, [i for i, is_held in enumerate(fits) if not is_held]

    def _fits(self, values: List[Any], type: Any) -> bool:
        try:
            held = self.arrow.array(values, type).to_pylist()
        except (self.arrow.ArrowException, ValueError, TypeError, OverflowError):
            return False
        return all(_are_same(one, other) for one, other in zip(values, held))  # Arrow makes 2 of 2.5

    def _find_schema(self, rows: Sequence[Row]) -> Any:
        """Columns for the fields of the first rows; the types are what Arrow makes of their values."""
        arrow = self.arrow
        has_numbers = bool(rows) and all(isinstance(row.id, int) and not isinstance(row.id, bool) for row in rows)
        columns = [
            ("id", arrow.int64() if has_numbers else arrow.string()),
            ("text", arrow.string()),
            ("ents", make_ents_type(arrow)),
        ]
        for name in dict.fromkeys(name for row in rows for name in row.fields):
            type = self._find_type([row.fields.get(name) for row in rows])
            if type is not None and name != OTHER_FIELDS and not HALVES.search(name):
                columns.append((name, type))
        # As a file gives it back, so that whoever reads it from one goes on with the same.
        written = arrow.BufferOutputStream()
        self.parquet.write_table(arrow.schema([*columns, (OTHER_FIELDS, arrow.string())]).empty_table(), written)
        return self._read_schema(arrow.BufferReader(written.getvalue()))

    def _read_schema(self, source: Any) -> Any:
        """Names and types of a file, without what else a file notes of them."""
        return self.arrow.schema([(field.name, field.type) for field in self.parquet.read_schema(source)])

    def _find_type(self, values: List[Any]) -> Any:
        """The type of a column; None where the values are of several kinds, or have fields of their own."""
        try:
            type = self.arrow.array(values).type
        except (self.arrow.ArrowException, ValueError, TypeError, OverflowError):
            return None
        types = self.arrow.types
        if types.is_null(type):
            return self.arrow.string()
        inner = type.value_type if types.is_list(type) else type
        if types.is_nested(inner) or types.is_null(inner) or not self._fits(values, type):
            return None
        return type


def make_ents_type(arrow: Any) -> Any:
    """Entities in Arrow's terms."""
    ent = [("start", arrow.int64()), ("end", arrow.int64()), ("label", arrow.string()), ("text", arrow.string())]
    return arrow.list_(arrow.struct([*ent, ("score", arrow.float64())]))


def dump_json(value: Any) -> bytes:
    """JSON in one line, in UTF-8. Times are as in ISO 8601, bytes in base64; what is no number is null."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=make_text).encode("utf8")
    except UnicodeEncodeError:  # halves of characters, which JSON may hold escaped
        return json.dumps(value, allow_nan=False, default=make_text).encode("ascii")
    except ValueError:
        return dump_json(_drop_nan(value))


def _drop_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _drop_nan(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_drop_nan(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _are_same(value: Any, other: Any) -> bool:
    """Whether two values are equal, and truth values not taken for numbers; NaN is equal to NaN."""
    is_equal = value == other or (value != value and other != other)
    return bool(is_equal) and isinstance(value, bool) == isinstance(other, bool)


def make_writer(format: str, first: Path) -> ShardWriter:
    """The writer of a format. RAISES (ImportError): XN112 for Parquet without the extra."""
    if format == "parquet":
        return ParquetWriter(first)
    return DocsWriter() if format == "spacy" else JsonLinesWriter()
