"""Large corpora: texts by the million, on one machine or on a cluster of Ray."""

from .job import annotate_files
from .ray_dataset import annotate_dataset
from .ray_job import annotate_files_on_ray
from .summary import Summary

__all__ = ["Summary", "annotate_dataset", "annotate_files", "annotate_files_on_ray"]
