"""python -m spacy_xlmr_ner export: a pipeline that is ready to serve."""

from typing import Annotated, Any, Dict, Optional

import typer
from wasabi import msg

from ..loading import load_pipeline
from ..types import RuntimeName
from .console import check_new, exit_on_error, find_components, show_warnings
from .pipeline_options import LangOption, ModelArgument, OutArgument

ANY_TEXT = "Berlin"


def export(
    model: ModelArgument,
    out: OutArgument,
    runtime: Annotated[RuntimeName, typer.Option(help="What is to run the network.")] = "onnx",
    precision: Annotated[
        Optional[str],
        typer.Option(
            help="onnx: float32 or int8; None is float32. torch: float32, bfloat16 or float16; None is that of MODEL, "
            "float32 where that is int8."
        ),
    ] = None,
    lang: LangOption = "xx",
) -> None:
    """Save a pipeline ready to serve: to be run by ONNX Runtime or PyTorch, in a precision, with all that it needs.

    It loads with spacy.load. The graph that ONNX Runtime runs is made, checked and put beside the weights.
    """
    with exit_on_error(), show_warnings():
        check_new(out)
        settings: Dict[str, Any] = {"runtime": runtime}
        if precision is not None or runtime == "onnx":
            settings["precision"] = precision or "float32"
        nlp = load_pipeline(model, lang=lang, settings=settings)
        names = find_components(nlp)
        for name in names:
            tagger: Any = nlp.get_pipe(name)
            tagger.model.attrs["check_trained"](tagger.model)
            if tagger.model.name == "xlmr_tagger":
                tagger.predict([nlp.make_doc(ANY_TEXT)])  # makes the graph, and says why where it cannot be made
        nlp.to_disk(out)
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    msg.good(f"Wrote {out} ({', '.join(names)}: {', '.join(settings.values())}; {size / 1e6:.1f} MB)")
