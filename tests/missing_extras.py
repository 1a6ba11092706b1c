"""The package where packages of its extras are missing, in a process of its own: what is imported once stays.

python missing_extras.py PACKAGE... prints, as JSON, what was found with all of them missing, and then, for each of
them missing alone, what the feature says that needs it.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Dict, List, Set

TEXT = "Jack Sparrow loves New York!"


class Hiding:
    """A finder of modules that finds none of some packages, and else what the finder behind it does."""

    missing: ClassVar[Set[str]] = set()

    def __init__(self, finder: Any):
        self.finder = finder

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        return None if name.split(".")[0] in self.missing else self.finder.find_spec(name, path, target)

    def find_distributions(self, *args: Any, **kwargs: Any) -> Any:
        """Not theirs either: spaCy imports what the entry points of all that is installed name."""
        find = getattr(self.finder, "find_distributions", lambda *args, **kwargs: ())
        found = find(*args, **kwargs)
        return (one for one in found if one.metadata["Name"].replace("-", "_") not in self.missing)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.finder, name)


def hide(*packages: str) -> None:
    """Have these missing, and no others."""
    Hiding.missing = set(packages)
    for module in [name for name in sys.modules if name.split(".")[0] in Hiding.missing]:
        del sys.modules[module]


def predict(nlp: Any) -> List[List[str]]:
    return [[ent.text, ent.label_] for ent in nlp(TEXT).ents]


def run_onnx(nlp: Any, folder: Path) -> None:
    import spacy

    other = spacy.blank("xx")
    other.add_pipe("xlmr_ner", config={"model": {"runtime": "onnx"}})
    other(TEXT)


def serve(nlp: Any, folder: Path) -> str:
    from typer.testing import CliRunner

    from spacy_xlmr_ner.cli import app

    return CliRunner().invoke(app, ["serve", "--port", "0"]).output


def split(nlp: Any, folder: Path) -> None:
    from spacy_xlmr_ner.splitting import split_checkpoint

    split_checkpoint(None)


def tabulate(nlp: Any, folder: Path) -> None:
    from spacy_xlmr_ner import tag_text

    tag_text(TEXT, nlp)


def write_parquet(nlp: Any, folder: Path) -> None:
    from spacy_xlmr_ner.bulk import annotate_files

    (folder / "a.txt").write_text(TEXT)
    annotate_files([folder / "a.txt"], folder / "parquet", format="parquet")


def read_zstandard(nlp: Any, folder: Path) -> None:
    from spacy_xlmr_ner.bulk import annotate_files

    (folder / "a.txt.zst").write_bytes(bytes.fromhex("28b52ffd0400110000616263"))
    annotate_files([folder / "a.txt.zst"], folder / "zstandard")


def annotate_on_ray(nlp: Any, folder: Path) -> None:
    from spacy_xlmr_ner.bulk import annotate_files_on_ray

    (folder / "a.txt").write_text(TEXT)
    annotate_files_on_ray([folder / "a.txt"], folder / "ray")


FEATURES = {
    "onnx": run_onnx,
    "onnxruntime": run_onnx,
    "pandas": tabulate,
    "pyarrow": write_parquet,
    "ray": annotate_on_ray,
    "spacy_transformers": split,
    "starlette": serve,
    "uvicorn": serve,
    "zstandard": read_zstandard,
}


def main(packages: List[str]) -> None:
    sys.meta_path[:] = [Hiding(finder) for finder in sys.meta_path]
    hide(*packages)
    import spacy

    import spacy_xlmr_ner  # noqa: F401

    nlp = spacy.blank("xx")
    nlp.add_pipe("xlmr_ner")
    said: Dict[str, Any] = {"found": predict(nlp)}
    with TemporaryDirectory() as name:
        nlp.to_disk(Path(name) / "pipeline")
        said["found again"] = predict(spacy.load(Path(name) / "pipeline"))
        for package in packages:
            hide(package)
            try:
                said[package] = FEATURES[package](nlp, Path(name))
            except ImportError as err:
                said[package] = str(err)
    print(json.dumps(said))


if __name__ == "__main__":
    main(sys.argv[1:])
