"""Entities for a dataset of Ray Data."""

from typing import Any, Optional, Tuple, Union

from .._compat import require_extra
from .model_version import find_version
from .ray_cluster import EXTRA, find_workers, name_model
from .workers import AnnotatorSettings

BATCH = 1000  # rows that an actor is given at a time


def annotate_dataset(
    ds: Any,
    *,
    model: Optional[str] = None,
    lang: str = "xx",
    text_field: str = "text",
    batch_size: Optional[int] = BATCH,
    pipe_batch_size: Optional[int] = None,
    concurrency: Union[int, Tuple[int, int], None] = None,
    num_cpus: Optional[float] = None,
    num_gpus: Optional[float] = None,
    **options: Any,
) -> Any:
    """Add the entities of its texts to a dataset, by actors that load the pipeline once each.

    All rows and columns are kept, and two are added: `ents`, a list of start, end, label, text and score, and
    `rejected`, why a row has none: there `ents` is null, and nowhere else. Like all of Ray Data this is done when the
    dataset is used. An actor that ends is started anew, and what it had at hand is done again.

    ds (ray.data.Dataset): The dataset.
    model (Optional[str]): A pipeline or a checkpoint, as load_pipeline takes it, that all machines see; None: the model
        in the package.
    lang (str): Of a pipeline that is made around a checkpoint.
    text_field (str): The column that has the texts.
    batch_size (Optional[int]): Rows that an actor is given at a time; None: a block.
    pipe_batch_size (Optional[int]): Docs at a time; None: the pipeline's own.
    concurrency (Union[int, Tuple[int, int], None]): Actors, or the least and the most of them; None: one for each GPU
        of the cluster or, where there are none, at most one for each processor.
    num_cpus (Optional[float]), num_gpus (Optional[float]): What each actor takes; both None: a GPU where the cluster
        has any, else a processor.
    options (Any): For map_batches, such as memory and runtime_env of the actors.
    RETURNS (ray.data.Dataset): The dataset with its new columns.
    RAISES (ImportError): XN112 without the extra. ValueError: XN244 if the cluster has no processor.
        RayTaskError: When the dataset is used, with XN246 or XN247 if its columns do not fit.
    """
    data = require_extra("ray.data", extra=EXTRA)
    from .ray_blocks import TableAnnotator  # this imports what the extra brings

    if num_cpus is None and num_gpus is None:
        n, num_cpus, num_gpus = find_workers()
        # Actors on all processors would leave none to the tasks that the dataset is made by.
        concurrency = concurrency or (n if num_gpus else (1, n))
    model = name_model(model)
    annotating = AnnotatorSettings(find_version(model), model, lang, pipe_batch_size)
    sizes = {"size": concurrency or 1}
    if isinstance(concurrency, tuple):
        sizes = {"min_size": concurrency[0], "max_size": concurrency[1]}
    return ds.map_batches(
        TableAnnotator,
        fn_constructor_args=(annotating, text_field),
        batch_size=batch_size,
        batch_format="pyarrow",
        compute=data.ActorPoolStrategy(**sizes),
        num_cpus=num_cpus,
        num_gpus=num_gpus,
        **options,
    )
