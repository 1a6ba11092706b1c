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
        "`{setting}` is '{precision}', which the device '{device}' lacks ({reason}). "
        "Set it in [components.<name>.model]: 'float32' runs everywhere."
    )
    XN110 = "`{setting}` is {found!r} but must be {expected}. Set it in {where} of the config."
    XN111 = 'The pipeline has no `xlmr_ner` component (found: {found}). Add one with nlp.add_pipe("xlmr_ner").'
    XN112 = "This needs the package `{package}`, which is not installed. Run: pip install 'spacy-xlmr-ner[{extra}]'"
    XN120 = (
        "`freeze` is {found!r} but must be null, 'embeddings', 'encoder' or a number of layers from 1 to {n_layers}. "
        "Set it in [components.<name>.model] of the config."
    )
    XN121 = "`{setting}` is {found!r} but must be a number {expected}. Set it in {where} of the config."
    XN122 = (
        "`sample_pieces` draws pieces of a unigram vocabulary, as SentencePiece trains it for XLM-R, but the "
        "checkpoint's is of the kind {kind!r}. Set it to 0.0 in [components.<name>.model]."
    )
    XN123 = (
        '`sample_pieces` draws pieces word by word and does not go with input = "text". '
        "Set one of them otherwise in [components.<name>.model]."
    )
    XN124 = (
        "`scratch` holds {found}, but takes {expected} (the last of which may be left out). "
        "Set it in [initialize.components.<name>] of the config."
    )
    XN126 = (
        "`label_map` of component '{name}' is {found}, which does not go with a new head for the labels {labels}: of "
        "each entry the new name must be one of these, and the old name none. Take out what does not fit in "
        "[components.{name}.label_map]."
    )
    XN129 = (
        "The memory of '{device}' does not do for one window of {n_pieces} pieces ({reason}). Give it less to hold: a "
        "smaller `window` in [components.<name>.model], or another process that ends."
    )
    XN130 = (
        "This process was forked from one that uses '{device}', which cannot be used in both. Have workers spawned: "
        "multiprocessing.set_start_method('spawn') where the program begins, below `if __name__ == '__main__':`. With "
        'device = "cuda" in [components.<name>.model] each of them takes a GPU of its own.'
    )
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
    XN205 = (
        "The training corpus of component '{name}' is empty. Check the path in [paths] and what the reader in "
        "[corpora.train] leaves out (max_length, limit)."
    )
    XN206 = (
        "The loss of component '{name}' is {loss}, in a batch of {n_docs} docs ({docs}). Nothing was learned from it "
        'and the weights are those of the step before. A lower learn_rate, a warm-up, or mixed_precision = "bfloat16" '
        'in place of "float16" are the usual cures.'
    )
    XN207 = (
        "The gradient of {weight} is no finite number ({n_wrong} of {n_weights} weights), in the step over {docs}. The "
        "weights are those of the step before. A lower learn_rate, a warm-up, or a grad_clip are the usual cures."
    )
    XN208 = (
        "There are no labels to train component '{name}' with: {where}, and the checkpoint has no head of its "
        "own. Check the training corpus, or give `labels` in [initialize.components.{name}]."
    )
    XN230 = "'{found}' is neither a path nor `name=path`. Give a path, or name=path."
    XN231 = (
        "`labels` names {found}, which neither the gold annotation nor the model '{model}' has (there are: {known}). "
        "Correct it; names are those after `label_map`."
    )
    XN232 = "There is not one doc to evaluate (data: {found}). Check the files."
    XN233 = (
        "None of the {n_docs} docs has entity annotation (data: {found}): there is nothing to compare with. In a doc "
        "of spaCy's, tokens that are known to be in no entity have token.ent_iob_ == 'O'."
    )
    XN234 = (
        "Nothing in the pipeline '{model}' finds entities (components: {found}). Give one with a named-entity "
        "component."
    )
    XN235 = (
        "'{found}' in --label-map is not `label=other` or `label=`. Give pairs with commas between them, for example "
        "GPE=LOC,MISC= (which counts GPE as LOC and leaves MISC out)."
    )
    XN236 = "'{path}' cannot be written: {reason}. Give the name of a file in a folder that is there."
    XN237 = "Two models are called '{name}' ('{first}' and '{second}'). Give them names: name=path."
    XN238 = (
        "The installed package '{model}' is no spaCy pipeline. Give a pipeline (folder or package) or a checkpoint; "
        "a folder "
        "of that name as './{model}'."
    )
    # XN21x, XN22x: corpora. XN212 to XN219 say why a line is rejected; file and number are put before them.
    XN210 = (
        "'{path}' is in none of the formats known here ({formats}). Its first line is {line!r}. If it is in one of "
        "them all the same, name it with `format`; `python -m spacy convert` reads others."
    )
    XN211 = "'{path}' is {found}, which `python -m spacy convert` reads. Give the .spacy file that it writes."
    XN212 = (
        "it has {n_columns} column(s), {line!r}; at least {n_needed} are needed, of which {places} are token and tag."
    )
    XN213 = "its token is empty: {line!r}."
    XN214 = "{tag!r} is no tag like the others of the file, which are O or have a prefix, such as {example!r}."
    XN215 = "{line!r} does not begin with {expected}."
    XN216 = "it is not in UTF-8 ({reason}). Save the file in UTF-8."
    XN217 = "it is no JSON object ({reason})."
    XN218 = "it has no {missing} (its keys: {found}). Those looked for are: {known}."
    XN219 = "its entity {entity} {reason}."
    XN220 = "There is no text in {paths} ({n_rejected} lines were rejected). Give files with labelled text."
    XN221 = "No file in '{path}': there is no such file, or the folder is empty. Check the path."
    XN222 = "'{path}' cannot be read: {reason}. The file is damaged, or not what its name says."
    XN223 = "`{option}` is {found!r} but must be {expected}."
    XN224 = "{n} line(s) were rejected and --strict was given, so '{path}' was not written. Mend the lines named above."
    XN225 = "the answer to it is {answer!r}, not 'accept'."
    XN226 = r"it holds a carriage return (\r), with which old files end lines. Save the file with \n in place of it."
    XN227 = "its column '{column}' cannot be read ({reason})."
    # XN25x: corpora before a training
    XN250 = (
        "No `xlmr_ner` component is trained with this config (components: {found}; frozen: {frozen}). Add one to "
        "`pipeline` in [nlp], or take it out of `frozen_components` in [training]."
    )
    XN251 = (
        "There is nothing to train on: {n_docs} doc(s), not one token. Check the path in [paths] and what the "
        "reader in "
        "[corpora.train] leaves out (max_length, limit)."
    )
    XN252 = (
        "None of the {n_docs} training docs has entity annotation, so that nothing would be learned. Set doc.ents "
        "before "
        "the docs are saved, also of docs that hold none (doc.ents = [])."
    )
    XN253 = (
        "There is nothing to evaluate on: {n_docs} doc(s), not one token. Check the path in [paths] and what the "
        "reader in "
        "[corpora.dev] leaves out (max_length, limit)."
    )
    XN254 = (
        "The corpus [{block}] cannot be read: {reason}. Check the path in [paths]; a .spacy file is what "
        "`python -m spacy_xlmr_ner convert` writes."
    )
    XN255 = (
        "There is no option '{option}' (--help lists them), and it is no setting either: those are named by their "
        "place "
        "in the config, for example --paths.train train.spacy."
    )
    XN209 = (
        "The learning rate is {found}, in the step over {docs}. No weight was changed. Check the schedule in "
        "[training.optimizer]."
    )
    XN240 = (
        "There are {n_tags} different tags ({shown} ...); at most {most} are taken. Check that they are tags: a wrong "
        "column of a file, or a damaged config.json, gives as many."
    )
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
    XN420 = (
        "The text is too little for a vocabulary of {size} pieces: {most} is the largest possible. Give more text, or "
        "set `vocab_size` to at most {most}."
    )
    XN421 = "`{size}` is {found!r} but must be {expected}."
    XN422 = "There is no text to train a vocabulary on. Give files with text."
    XN423 = (
        "A vocabulary of {size} pieces is too small for the characters of the text: set `vocab_size` to at least "
        "{least}."
    )
    XN424 = "No vocabulary of {size} pieces could be trained on the text: {reason}"
    XN430 = (
        "The vocabulary of '{checkpoint}' is of the kind {kind!r}. Only unigram vocabularies, as SentencePiece makes "
        "them for XLM-R, can be trimmed: in others pieces are made of one another."
    )
    XN431 = "There is no text to trim a vocabulary by. Give files with text of all kinds that the model is to read."
    XN432 = (
        "The vocabulary of '{checkpoint}' cannot be trimmed: its tokenizer, {tokenizer} of transformers, gives pieces "
        "ids of its own. Nothing was written."
    )
    XN414 = (
        "The component could not be written to '{path}' ({reason}). {former}. Make room on the disk, or save elsewhere."
    )
    XN415 = (
        "'{checkpoint}' is a {network}, in which no head of {n_tags} tags is to be found: no linear layer of that size "
        "outside its encoder. It predicts, but can get no labels. Train another architecture."
    )
    # XN9xx: what should not happen
    # XN26x: coming from another component
    XN260 = (
        "There is no `hf_token_pipe` in this config (found: {found}). Give the config of a pipeline that has one, or "
        "its block: a dict with its `model`."
    )
    XN261 = (
        "`{setting}` of '{name}' is {found!r}, which `hf_token_pipe` does not know. Correct it there first; its "
        "settings are those of spacy-huggingface-pipelines 0.0.4."
    )
    XN262 = (
        "'{name}' sets `{found}` of tokens; `xlmr_ner` sets entities. Keep `hf_token_pipe` for that, or write "
        "token.ent_type_ to token.{found}_ in a component behind `xlmr_ner`."
    )

    # XN27x: the page that `serve` has
    XN270 = "{host} port {port} cannot be had: {reason}. Give another with --port, or 0 for any that is free."
    XN271 = (
        "The text has {n} characters; at most {limit} are taken here. Send less, or start with a larger --max-chars."
    )
    XN272 = "{n} texts are waiting already. Try again in a while, or start with a larger --max-requests."
    XN274 = "This page is served to this machine alone. Ask for it as localhost, or start it with another --host."
    XN273 = 'The request holds no text. Send JSON: {"text": "..."}.'

    # XN28x and XN29x: annotating many texts
    XN281 = (
        "Standard input does not begin with the {n} bytes that were annotated before. Give the same input as then, or "
        "begin anew in another folder."
    )
    XN280 = (
        "The rows from '{file}' {first} to {last} have ended {n} workers; the system may have ended them for want of "
        "memory. Look at these rows, or give a smaller --shard-size or --batch-size."
    )
    XN282 = "'{path}' has no column '{field}' (found: {found}). Name the one that holds the texts with --text-field."
    XN283 = "it cannot be read as CSV ({reason})."
    XN284 = "it has {n} values where the header has {expected}{span}."
    XN285 = "Two columns of '{path}' have one name (found: {found}). Give each its own."
    XN286 = "it is too long: {n} {unit}. Texts may have nlp.max_length characters; cut it before."
    XN287 = (
        "'{model}' was changed while the job went on, which loads it anew now and then. What is done is of the former "
        "model: put that back and go on with --resume, or begin anew in another folder."
    )
    XN288 = "'{field}', where the text should be, {found}. Name the field that holds the texts with --text-field."
    XN289 = "its field '{field}' is in the way of what the input's own field of the name without `input_` becomes."
    XN290 = "'{path}' is of no kind that is known by its name ({known}). Say what it is with --input-format."
    XN291 = "Standard input cannot be '{format}'; that is read from a file."
    XN292 = (
        "'{out}' was begun with other {what} ({difference}). Its rows and new ones would not go together: give what "
        "was given then, or begin anew in another folder."
    )
    XN293 = "Another run is at work on '{out}'. Wait for its end, or stop it."
    XN294 = (
        "'{out}' holds files ({found}). Go on with what was begun there with --resume, or give a folder that is new or "
        "empty."
    )
    XN295 = (
        "The disk is full, or cannot be written ({reason}). What is done is intact in '{out}': {n_texts} texts in "
        "{n_shards} shards. Make room and give the same command with --resume."
    )
    XN296 = "'{path}' is not as it was written ({reason}). Restore it, or begin anew in another folder."
    XN297 = (
        "A worker process has ended ({status}) before its work was done; the system may have ended it for want of "
        "memory. What is done is intact: go on with --resume, with a smaller --n-process or --shard-size."
    )
    XN298 = "it left the pipeline without an answer; another component may have dropped it."
    XN299 = "its id {found} is no {expected}, as the ids of the first shard are. Take --format jsonl, which holds both."
    XN228 = (
        "'{out}' cannot be made, or written to ({reason}). Give another folder with --out, or see who may write there."
    )
    XN239 = "The pipeline has no component that finds entities (it has: {found}). Give one that has, or a checkpoint."

    # XN241 to XN249: on a cluster
    XN241 = (
        "`--resume` does not go with `--ray`: a cluster does lost work again by itself, and what it writes is whole or "
        "not there. Leave out --resume, or --ray."
    )
    XN242 = (
        "'{path}' is not the file that the job began with: it was changed, or is another one on a worker's machine (it "
        "has {n} bytes; {expected} were expected). Leave files as they are, where all workers see the same, and begin "
        "anew in another folder."
    )
    XN243 = "The job on Ray has failed ({reason}). '{out}' was not written. Mend that and give the same command again."
    XN244 = "{n} workers are asked for, but the cluster has {room} {kind}. Ask for fewer with --n-process."
    XN245 = (
        "'{path}', which a worker has written, is not here. Give an --out in a file system that all machines of the "
        "cluster share."
    )
    XN246 = "The dataset has a column '{name}' already, which is to be added. Rename or drop it."
    XN247 = "The dataset has no column '{field}' (found: {found}). Name the one that holds the texts with `text_field`."
    XN248 = "No cluster of Ray is at '{address}' ({reason}). Check the address, or start one with `ray start`."
    XN249 = "The workers of a cluster cannot read standard input. Write it to a file that they see."

    # XN44x: a head over another component's vectors
    XN440 = (
        "The component's `tok2vec` listens to {upstream}, which has not seen {n} of the docs, such as {text!r}. Put it "
        "before this component, do not disable one without the other and, if it is frozen while this one is trained, "
        "name it in [training] annotating_components."
    )
    XN441 = (
        "The vectors that `tok2vec` gives are {found} wide, but the head is for {expected}. "
        "Use the transformer that it was trained with, or train it anew."
    )
    XN442 = "There is no head yet. Load a trained pipeline, or call nlp.initialize() with training data."
    XN443 = (
        "It cannot be told how wide the vectors of `tok2vec` are ({reason}). If it is a listener, the component that "
        "it listens to must stand before this one in the pipeline."
    )
    XN444 = (
        "`nO` is {wanted} but there are {n_tags} tags: {tags}. Set it in [components.<name>.model], or leave it null."
    )
    XN447 = (
        "'{checkpoint}' has layers between its encoder and its head ({found}), which a `transformer` and a linear head "
        "cannot hold. Use it whole, as `name` of spacy-xlmr-ner.XlmrTagger.v1."
    )
    XN446 = "`--stride` is {stride} but must be at least 1 and at most `--window`, which is {window} tokens."
    XN445 = (
        "{what}, but the architecture {architecture} has none of its own: it is a head over what another component "
        "makes. That is for spacy-xlmr-ner.XlmrTagger.v1."
    )
    XN901 = (
        'The model gave {n} tokens logits that are no finite numbers. With precision = "float16" they may have '
        'overflown: try "bfloat16" or "float32". Else the weights are damaged, or their training has diverged: lower '
        "its learn_rate."
    )

    XN903 = (
        "Shard {number} of piece {piece} has not come back from the cluster, so that rows would be missing. Nothing "
        "was written; this should not happen, please report it."
    )


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
    XW203 = (
        "The checkpoint of component '{name}' has the labels {found}; the labels to train are {wanted}. It gets a new, "
        "untrained head for these. To keep the head give its labels as `labels` in [initialize.components.{name}]."
    )
    XW204 = (
        "In {where} {n} gold entities begin or end inside a token or on whitespace ({examples}). Their tokens have no "
        "part in the training of component '{name}'. This is said once; `python -m spacy_xlmr_ner debug` lists them."
    )
    XW205 = (
        "The training data holds entities of {found}, which component '{name}' has no tags for (it has: {known}). "
        "Their tokens have no part in its training. Add the label with `add_label` before it is trained, or name it in "
        "`labels` in [initialize.components.{name}], which a sourced component does not read. This is said once."
    )
    XW206 = (
        "None of the training docs of component '{name}' has an entity. The labels stay those of the checkpoint: "
        "{known}."
    )
    XW207 = (
        "The docs to measure by hold entities of {found} ({n} in this round), no labels of component '{name}' "
        "(it has: {known}). Where no other component finds them they count as missed. This is said once."
    )
    XW215 = (
        "The weights of component '{name}', to be saved to '{path}', cannot predict: {reason}. {done}. Their training "
        "has diverged. A lower learn_rate, a warm-up, or a grad_clip are the usual cures."
    )
    XW216 = (
        "Component '{name}' cannot be measured: {found}. Whatever it finds, its scores are 0 or none. Check the path "
        "in [paths], what the reader in [corpora.dev] leaves out (max_length, limit), and that the docs had their "
        "entities set when they were saved. This is said once."
    )
    XW217 = (
        "None of the {n_docs} training docs of component '{name}' is annotated with entities, so that it learns "
        "nothing. The labels stay those of the checkpoint: {known}. Check the path in [paths], and that the docs had "
        "their entities set when they were saved; with none in it a doc is annotated by doc.set_ents([])."
    )
    XW230 = (
        "The gold annotation has labels that the model '{model}' lacks: {found}. Their entities ({n} here) count as "
        "missed. Map or leave out labels with `label_map` and `labels`."
    )
    XW231 = (
        "The model '{model}' finds labels that the gold annotation lacks: {found}. Their entities ({n} here) count as "
        "wrong. Map or leave out labels with `label_map` and `labels`."
    )
    XW232 = "{n} of {n_docs} docs have no entity annotation and were left out."
    XW210 = "{n} line(s) were rejected and left out; the first is {shown}"
    XW211 = (
        "'{path}' does not keep to one scheme of tags: {n_fit} of its sentences with entities are in {scheme}, "
        "{n_other} are not, the first of these at line {line} ({tags}). All are read alike: B and S open an entity, E "
        "and S close one, I goes on with one of its label and else opens one. Check the file if it means another thing."
    )
    XW212 = "There is no text in '{path}' ({n_rejected} lines were rejected)."
    XW213 = "There is not one entity in {paths} ({n_docs} docs). Nothing can be learned or measured from that."
    XW214 = (
        "In '{path}' the `# text` of {n} sentence(s) is not what the words make up, the first at line {line}. They "
        "were joined as sentences without it are."
    )
    XW260 = "'{name}' of hf_token_pipe was made an xlmr_ner; it differs: {notes}"
    XW280 = "{n} file(s) in '{path}' were left out, for their names tell no kind that is known, such as '{example}'."
    XW301 = (
        "{n_tokens} token(s) in {n_docs} of {n_batch} docs are longer than a window; of each the first {kept} pieces "
        "were read ({examples})."
    )
    XW303 = (
        "`max_batch_pieces` is {limit}, less than a window has, which may be up to {window} pieces: longer ones are "
        "batches of their own. Set it in [components.<name>.model] to at least {window}, or make `window` smaller."
    )
    XW302 = (
        "doc.spans['{key}'] held the spans of component '{other}' and now holds those of '{name}' ({n_docs} docs). "
        "Give each its own `spans_key`."
    )
    XW401 = (
        "'{path}' was missing, as after a crash while saving; the former one, put aside as '{aside}', was loaded "
        "instead."
    )
    XW403 = (
        "The checkpoint '{checkpoint}' cannot run in ONNX Runtime ({reason}). It runs in PyTorch, in float32, which is "
        'slower; runtime = "torch" in [components.<name>.model] says so without this warning.'
    )
    XW404 = (
        "{file} in '{path}' was left out ({reason}): the graph is made anew from the weights. Save the pipeline again "
        "to have it there."
    )
    XW405 = (
        "In int8 the checkpoint '{checkpoint}' gives about {share} of the words of entities in a sample ({n_words} "
        'words) other tags than in float32. precision = "float32" gives the right ones.'
    )
    XW406 = (
        "How right int8 is with the checkpoint '{checkpoint}' cannot be told: in the sample of general text that it is "
        'judged by {n_words} words are in entities. Compare it with precision = "float32" on text of your own.'
    )
    XW407 = (
        "The graph of the checkpoint '{checkpoint}' could not be made ({reason}). The pipeline was saved without it; "
        "it is made when it is needed."
    )
    XW408 = (
        "A batch of {n_pieces} pieces was too large for the memory of '{device}' and was computed in halves. From now "
        "on batches have at most {limit} pieces; set `max_batch_pieces` in [components.<name>.model] to have it so at "
        "once."
    )
    XW501 = (
        "Another package has registered Span._.score as a {kind}; it is left alone. "
        'Read scores from doc.spans[...].attrs["scores"] instead.'
    )
