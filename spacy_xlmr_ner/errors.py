"""Every message of the package, under a code. Raised at the call site, worded here."""

from spacy.errors import ErrorsWithCodes


class CheckpointError(OSError, ValueError):
    """A checkpoint, or a pipeline's folder, cannot be read or written.

    Both an OSError, as spaCy and transformers raise for a model that is not there, and a ValueError.
    """

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class Errors(metaclass=ErrorsWithCodes):
    """What is wrong, where it was found, and what to do."""

    # XN1xx: settings
    XN101 = (
        "`overlap` is {overlap} but must be at least 0 and less than `window` - {n_special} ({limit}). "
        "Set it in the [components.<name>.model] block of the config."
    )
    XN102 = "`{setting}` is {found!r} but must be one of: {allowed}. Set it in {where} of the config."
    XN103 = "`threshold`{which} is {found!r} but must be a number from 0 to 1. Set it in [components.{name}]."
    XN104 = (
        "`{setting}` has {found}, which config.cfg cannot carry: saved and read again it would be another "
        "(names with ':' or '=', or beginning with '#', are such). Rename the tags themselves with `labels` in "
        "[components.{name}.model], then use the new names here."
    )
    XN105 = (
        "`window` is {window} but must be at least {least} and at most {most} pieces, the specials included. "
        "Set it in [components.<name>.model], or leave it null for all that the checkpoint allows."
    )
    XN106 = (
        "`{setting}` is {found!r} but must be a whole number of at least {least}. "
        "Set it in [components.<name>.model] of the config."
    )
    XN107 = (
        "`{setting}` of component '{name}' names the label(s) {found}, which the checkpoint lacks. "
        "It has: {known}. Correct it in [components.{name}]."
    )
    XN108 = (
        "`device` is {device!r}, which this machine or this PyTorch has not ({reason}). Set it in "
        '[components.<name>.model]: null follows spaCy, or "cpu", "cuda:0", "mps".'
    )
    XN109 = (
        "`precision` is '{precision}', which the device '{device}' lacks ({reason}). "
        "Set it in [components.<name>.model]: 'float32' runs everywhere."
    )
    XN110 = "`{setting}` is {found!r} but must be {expected}. Set it in {where} of the config."
    XN111 = 'The pipeline has no `xlmr_ner` component (found: {found}). Add one with nlp.add_pipe("xlmr_ner").'
    XN112 = "This needs the package `{package}`, which is not installed. Run: pip install 'spacy-xlmr-ner[{extra}]'"
    # XN2xx: labels
    XN201 = (
        "The checkpoint '{checkpoint}' does not name its tags (found: {found}). Give the names, in id order, as "
        '`labels` in [components.<name>.model], for example labels = ["O","B-PER","I-PER"].'
    )
    XN202 = (
        "`labels` names {found} tags but the checkpoint '{checkpoint}' has {expected}. "
        "Give one name for each, in id order, in [components.<name>.model]."
    )
    XN203 = "The tag list {tags} holds no tag but O: there is nothing to find. Name the tags with `labels`."
    XN204 = "`add_label` takes a label that is a non-empty str, but got {found!r}."
    # XN3xx: alignment and windows
    XN301 = "`{array}` must have the shape (n, 2) but has {shape}."
    XN302 = "The token offsets overlap or go back at token {index} ({before} then {after})."
    # XN4xx: files
    XN401 = "No folder '{path}', and it is no hub id either (those read `name` or `owner/name`). Check the path."
    XN402 = (
        "'{path}' is no Hugging Face checkpoint: {missing} missing (found: {found}). "
        "Give a folder written by `save_pretrained`, model and tokenizer both."
    )
    XN403 = (
        "The checkpoint '{name}' (revision '{revision}') could not be had from the Hugging Face hub: {reason}. "
        "Nor is there a folder of that name here. Check the id and the network, or give a local folder as `name`: save "
        "one where there is a network, with `save_pretrained` of the model and of the tokenizer."
    )
    XN404 = (
        "The checkpoint '{checkpoint}' has no trained token-classification head ({missing}): its tags would be noise. "
        "Give a checkpoint fine-tuned for named entities, or train this one first."
    )
    XN405 = (
        "The checkpoint '{checkpoint}' lacks {n_missing} of the model's weights (such as {missing}): its answers "
        "would be noise. The file is another model's, or damaged; fetch or save the checkpoint again."
    )
    XN406 = "{file} of '{checkpoint}' cannot be read: {reason}. Fetch or save the checkpoint again."
    XN407 = (
        "The tokenizer of '{checkpoint}' ({tokenizer}) is a slow one, without offsets. Only fast tokenizers work here: "
        "add its tokenizer.json to the folder."
    )
    XN408 = (
        "The tokenizer of '{checkpoint}' knows {n_pieces} pieces but the model only {n_rows}: the tokenizer files "
        "belong to another model. Put the right ones beside config.json."
    )
    XN409 = (
        "'{checkpoint}' wants code of its own to be run (`auto_map` in config.json). That is never done here; give a "
        "checkpoint of an architecture that transformers knows."
    )
    XN410 = (
        "The checkpoint takes {size} bytes, more than to_bytes and pickle can hold ({limit}). "
        "Save to a folder with to_disk instead."
    )
    XN411 = "'{path}' holds no checkpoint of component '{name}' (found: {found}). Save the pipeline again."
    XN412 = (
        "'{path}' was written in format {found}, but this version of spacy-xlmr-ner reads {known}. "
        "Load it with the version that wrote it, or upgrade spacy-xlmr-ner."
    )
    XN413 = (
        "The bytes given to component '{name}' cannot be read ({reason}). Give what to_bytes of an `xlmr_ner` "
        "component returned, whole."
    )
    # XN9xx: what should not happen
    XN901 = (
        'The model gave {n} tokens logits that are no finite numbers. With precision = "float16" they may have '
        'overflown: try "bfloat16" or "float32". Else the weights are damaged.'
    )
    XN902 = "The layer XlmrTagger does not train in this version."


class Warnings(metaclass=ErrorsWithCodes):
    """What was left out or done otherwise than asked, and how often."""

    XW201 = (
        "The labels {found} bear no prefix though others of the checkpoint do; each is read as a label of its own. "
        'If they are no entities, drop them with `label_map`, for example {{"{example}": null}}.'
    )
    XW202 = (
        "None of the tags is 'O' (found: {found}), so that every token is in an entity. If one of them means no "
        "entity, name the tags with `labels` in [components.<name>.model]."
    )
    XW301 = (
        "{n_tokens} token(s) in {n_docs} of {n_batch} docs are longer than a window; of each the first {kept} pieces "
        "were read ({examples})."
    )
    XW302 = (
        "doc.spans['{key}'] held the spans of component '{other}' and now holds those of '{name}' ({n_docs} docs). "
        "Give each its own `spans_key`."
    )
    XW401 = (
        "'{path}' was missing, as after a crash while saving; the former one, put aside as '{aside}', was loaded "
        "instead."
    )
    XW501 = (
        "Another package has registered Span._.score as a {kind}; it is left alone. "
        'Read scores from doc.spans[...].attrs["scores"] instead.'
    )
