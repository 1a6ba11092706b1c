"""The shape of network that is written out in operators here: BERT's layers, and a linear head on the last of them."""

from typing import Optional

import torch

from .converted import ConvertedTable

# transformers' architectures of this shape.
ARCHITECTURES = ("xlm-roberta", "roberta", "camembert", "bert", "electra", "data2vec-text")
TABLES = ("word", "position", "token_type")
DENSE = ("attention.output", "intermediate", "output")
PROJECTIONS = ("query", "key", "value")


def find_misfit(network: torch.nn.Module) -> Optional[str]:
    """Why a network is of another shape than the graph; None if it is of this."""
    config = network.config
    if config.model_type not in ARCHITECTURES:
        return f"its architecture is {config.model_type!r}; known are {', '.join(ARCHITECTURES)}"
    settings = {
        "hidden_act": ("gelu",),
        "position_embedding_type": ("absolute",),
        "is_decoder": (False,),
        "add_cross_attention": (False,),
    }
    for setting, known in settings.items():
        if getattr(config, setting, known[0]) not in known:
            return f"its {setting} is {getattr(config, setting)!r}; known is {known[0]!r}"
    if getattr(config, "pruned_heads", None):
        return "some of its attention heads are pruned"
    prefix = network.base_model_prefix
    parts = [f"{prefix}.embeddings.LayerNorm", "classifier"]
    for i in range(config.num_hidden_layers):
        layer = f"{prefix}.encoder.layer.{i}"
        parts += [f"{layer}.{part}.dense" for part in DENSE]
        parts += [f"{layer}.{part}.LayerNorm" for part in ("attention.output", "output")]
        parts += [f"{layer}.attention.self.{part}" for part in PROJECTIONS]
    expected = {f"{part}.{kind}" for part in parts for kind in ("weight", "bias")}
    expected |= {f"{prefix}.embeddings.{table}_embeddings.weight" for table in TABLES}
    found = {name for name, _ in network.named_parameters()}
    if isinstance(network.get_input_embeddings(), ConvertedTable):  # type: ignore[operator]
        found.add(f"{prefix}.embeddings.{TABLES[0]}_embeddings.weight")
    different = expected ^ found
    return f"it has other weights than a plain {config.model_type}: {min(different)}" if different else None
