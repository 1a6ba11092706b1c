"""Build the model that ships in spacy_xlmr_ner/bundled, from the labelled text of ../shared/data and nothing else.

    python scripts/build_bundled.py --data ../shared/data --work build/bundled

Steps: a SentencePiece vocabulary; training, masked pieces guessed beside the tags, at first with half of the layers,
which are then doubled (a network of two layers learns the words more than twice as fast); the averaged weights or the
last, whichever the dev sets prefer, written as a Hugging Face folder. The first two leave their results in the work
folder: a vocabulary that stands there is taken, training goes on from its last state, so the command can be stopped at
any time and given again. The rate of learning is constant at first and falls to zero in the last --fall of the steps:
as long as that has not begun, --steps may be changed. Where the work folder was not kept, --from takes vocabulary
and weights of a folder that this script has written, and the optimizers begin anew. It trains on a GPU where there is
one, which wants larger batches (--batch-pieces 16384). Training itself needs PyTorch, SentencePiece and safetensors
alone; what teachers and the result need is imported where they are made.
"""

import argparse
import json
import os
import re
import shutil
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

import numpy as np
import torch
from bundled_data import (
    IGNORED,
    PAD,
    TAGS,
    UNK,
    Augmenter,
    Batch,
    Corpus,
    Groups,
    Variety,
    find_ents,
    read_corpora,
    train_vocabulary,
)
from bundled_int8 import is_cut, round_weight
from bundled_network import Dropout, DropoutPool, Shape, Tagger
from bundled_optimizer import Muon
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

VOCABULARY = "sentencepiece.bpe.model"
STATE = "state.pt"
STABLE = "state-before-the-fall.pt"
LOG = "log.jsonl"
BIASES = (-0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0)
WINDOW = 512
GROUP = 48 * 2048  # pieces of the batches that are drawn and sorted together
N_RIVALS = 1024  # pieces that a masked one is told from, beside the others that are masked
MASK_RATE = 0.15  # of the words of a sequence in which pieces are masked
VARIETY = Variety(exchange=0.15, sample=0.2, mask=0.3)
PLAIN = Variety(exchange=0.05, sample=0.05, mask=0.0)  # below half of the rate: the text as it will be met
MASK_WEIGHT = 0.2  # of the loss of guessing them
TEACHER_WEIGHT = 0.5  # of the teachers' distributions, beside the labels
EMBEDDINGS = "roberta.embeddings.word_embeddings.weight"
# How often each corpus is drawn from, beside its size to the power of 0.7: the smallest and the noisiest need a hand.
WEIGHTS = {"panx": 1.8, "gold/ar": 2.0, "gold/ro": 2.0, "gold/de": 1.8, "uner/da": 1.3, "uner/sk": 1.2}


def main() -> None:
    """Run the steps that are not done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--work", type=Path, default=Path("build/bundled"))
    parser.add_argument("--from", type=Path, dest="origin", help="an earlier result, to train on")
    parser.add_argument("--teachers", type=Path, nargs="*", default=[], help="earlier results to learn from as well")
    parser.add_argument("--pieces", type=int, default=28000, help="size of the vocabulary")
    parser.add_argument("--steps", type=int, default=16300)
    parser.add_argument("--grow-at", type=int, default=6500, help="step at which the layers double")
    parser.add_argument("--batch-pieces", type=int, default=2048)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--workers", type=int, help="processes that make batches; a GPU needs all there are")
    parser.add_argument("--rate", type=float, default=2e-3, help="of learning, at its peak")
    parser.add_argument("--fall", type=float, default=0.48, help="share of the steps in which the rate falls to zero")
    parser.add_argument(
        "--for-int8", action="store_true", help="have the network lose what int8 loses, and get used to it"
    )
    parser.add_argument("--frames", type=float, default=0.08, help="share of sentences that are frames with names")
    parser.add_argument(
        "--weights", nargs="*", default=[], metavar="CORPUS=FACTOR", help="to draw corpora more often, as gold/th=3"
    )
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--smoothing", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--eval-every", type=int, default=1500)
    parser.add_argument("--eval-sentences", type=int, default=150, help="of each dev set")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    if args.workers is None:
        args.workers = 0 if args.device == "cpu" else max(1, (os.cpu_count() or 1) - 2)
    corpora = read_corpora(args.data, "train")
    if args.origin is not None:
        shutil.copy(args.origin / VOCABULARY, args.work)
        args.grow_at = 0
    if not (args.work / VOCABULARY).exists():
        train_vocabulary(corpora, args.work / VOCABULARY, size=args.pieces, seed=args.seed)
    if args.teachers:
        from bundled_teachers import tag_corpora

        shares = tag_corpora(corpora, args.teachers, args.work / "teachers")
        for corpus in corpora:
            pairs = zip(corpus.sentences, shares[corpus.key])
            corpus.sentences = [sentence._replace(shares=own) for sentence, own in pairs]
    trainer = Trainer(args, corpora, read_corpora(args.data, "dev"))
    trainer.train()
    trainer.export()


class Trainer:
    """Network, optimizer, averages and the data, with a state that is saved and read again."""

    def __init__(self, args: argparse.Namespace, corpora: List[Corpus], dev: List[Corpus]):
        self.args = args
        self.device = torch.device(args.device)
        self.generator = torch.Generator().manual_seed(args.seed)
        more = {key: float(factor) for key, factor in (weight.split("=") for weight in args.weights)}
        self.data = Augmenter(
            corpora,
            args.work / VOCABULARY,
            seed=args.seed,
            weights={**WEIGHTS, **more},
            variety=VARIETY,
            frame_share=args.frames,
        )
        self.groups = Groups(
            self.data,
            seed=args.seed,
            n_pieces=max(GROUP, 8 * args.batch_pieces),
            batch_pieces=args.batch_pieces,
            max_pieces=WINDOW,
            mask_rate=MASK_RATE,
        )
        self.n_groups = 0  # that have been learned from
        self.dev = dev
        shape = Shape(self.data.n_pieces)
        if args.grow_at:
            shape = replace(shape, num_hidden_layers=shape.num_hidden_layers // 2)
        self.network = Tagger(shape, len(TAGS), generator=self.generator, for_int8=args.for_int8).to(self.device)
        self.dtype = find_dtype(self.device)
        self.dropout = self.make_dropout()
        self.optimizers = make_optimizers(self.network, args.rate)
        self.averages = {name: weight.detach().clone() for name, weight in self.network.weights.items()}
        self.step = 0
        self.losses: List[Tensor] = []  # since they were last logged
        self.seconds = 0.0
        self.start = 0
        self.table_grad = torch.zeros_like(self.network.weights[EMBEDDINGS])
        if (args.work / STATE).exists():
            self.read_state()
        elif args.origin is not None:
            own = {name: weight.detach() for name, weight in self.network.weights.items()}
            self.set_weights(own | load_file(args.origin / "model.safetensors"))

    def make_dropout(self) -> Optional[Dropout]:
        """What drops values, as the device does it fastest; None: nothing is dropped."""
        if not self.args.dropout:
            return None
        if self.device.type == "cpu":
            return DropoutPool(self.args.dropout, self.generator, self.dtype)
        return torch.nn.Dropout(self.args.dropout)

    def write_state(self, name: str = STATE) -> None:
        """Save all that training needs to go on, in one move."""
        state = {
            "network": self.network.state_dict(),
            "averages": self.averages,
            "n_layers": self.network.shape.num_hidden_layers,
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "start": self.start,
            "generator": self.generator.get_state(),
            "dropout": self.dropout.get_state() if isinstance(self.dropout, DropoutPool) else None,
            "n_groups": self.n_groups,
            "step": self.step,
            "seconds": self.seconds,
        }
        torch.save(state, self.args.work / f"{name}.new")
        os.replace(self.args.work / f"{name}.new", self.args.work / name)

    def read_state(self) -> None:
        """Go on where write_state left off."""
        state = torch.load(self.args.work / STATE, map_location=self.device)
        if state["n_layers"] != self.network.shape.num_hidden_layers:
            self.grow()
        self.network.load_state_dict(state["network"])
        self.averages = state["averages"]
        for optimizer, optimizer_state in zip(self.optimizers, state["optimizers"]):
            optimizer.load_state_dict(optimizer_state)
        self.start = state["start"]
        self.generator.set_state(state["generator"].cpu())
        if isinstance(self.dropout, DropoutPool) and state.get("dropout") is not None:
            self.dropout.set_state(state["dropout"])
        self.n_groups, self.step, self.seconds = state["n_groups"], state["step"], state["seconds"]

    def grow(self) -> None:
        """Go on with a network of twice the layers, each standing twice; the optimizers begin anew."""
        small = self.network
        n_layers = small.shape.num_hidden_layers
        shape = replace(small.shape, num_hidden_layers=2 * n_layers)
        self.network = Tagger(shape, len(TAGS), generator=self.generator, for_int8=self.args.for_int8).to(self.device)
        sources = {name: find_source(name, n_layers) for name in self.network.weights}
        self.set_weights({name: small.weights[source] for name, source in sources.items()})
        self.averages = {name: self.averages[source].clone() for name, source in sources.items()}
        self.optimizers = make_optimizers(self.network, self.args.rate)
        self.start = self.step

    def find_rate(self) -> float:
        """The rate of learning: a short warm-up, also behind a growth, constant, and a fall to zero."""
        warm_up = min(1.0, (self.step - self.start + 1) / 400)
        fall = min(1.0, (self.args.steps - self.step) / max(1.0, self.args.fall * self.args.steps))
        return self.args.rate * warm_up * fall

    def is_falling(self) -> bool:
        """Whether the rate of learning falls by now."""
        return self.step >= (1 - self.args.fall) * self.args.steps

    def is_late(self) -> bool:
        """Whether the rate of learning has fallen by half."""
        return self.step >= (1 - self.args.fall / 2) * self.args.steps

    def train(self) -> None:
        """Train to the last step."""
        args = self.args
        last_save = time.time()
        groups = self.groups.iterate(self.n_groups, n_workers=args.workers)
        while self.step < args.steps:
            if self.is_late() and self.data.variety != PLAIN:
                self.data.variety = PLAIN
                groups = self.groups.iterate(self.n_groups, n_workers=args.workers)
            self.learn(groups)
            if time.time() - last_save > 120:
                self.write_state()
                last_save = time.time()
        self.write_state()

    def learn(self, groups: Iterator[List[Batch]]) -> None:
        """Learn from the next group of batches, up to the last step."""
        args = self.args
        start = time.time()
        batches = next(groups)
        self.n_groups += 1
        for batch in batches[: args.steps - self.step]:
            if self.is_falling() and not (args.work / STABLE).exists():
                self.write_state(STABLE)  # whoever wants to train longer goes on from here
            if args.grow_at and self.step >= args.grow_at and not self.start:
                self.grow()
            self.losses.append(self.run_step(*(torch.from_numpy(part).to(self.device) for part in batch)))
            self.step += 1
            if self.step % 100 == 0:
                ner, mlm = torch.stack(self.losses).mean(0).tolist()
                self.losses.clear()
                self.seconds, start = self.seconds + time.time() - start, time.time()
                minutes = round(self.seconds / 60, 1)
                self.log({"step": self.step, "ner": round(ner, 4), "mlm": round(mlm, 4), "minutes": minutes})
            if self.step % args.eval_every == 0 or self.step == args.steps:
                self.seconds += time.time() - start
                with self.use_averages():
                    self.log({"step": self.step, "dev": self.evaluate()[0.0]})
                start = time.time()
        self.seconds += time.time() - start

    def run_step(self, ids: Tensor, labels: Tensor, guessed: Tensor, shares: Tensor) -> Tensor:
        """One step; returns the two losses, shape (2,)."""
        network, table = self.network, self.network.weights[EMBEDDINGS]
        if isinstance(self.dropout, DropoutPool):
            self.dropout.refresh()
        is_needed = (labels != IGNORED) | (guessed != IGNORED)
        chosen = torch.argsort(is_needed, dim=1, descending=True)[:, : int(is_needed.sum(1).max())]
        labels, guessed = labels.gather(1, chosen), guessed.gather(1, chosen)
        rivals = torch.randint(UNK + 1, len(table), (N_RIVALS,), generator=self.generator).to(self.device)
        is_guessed = guessed != IGNORED
        candidates, sought = torch.unique(guessed[is_guessed], return_inverse=True)
        candidates = torch.cat([candidates, rivals[~torch.isin(rivals, candidates)]])
        # Only the rows that are used are looked up and given a gradient; the dense gradient costs more than the lookup.
        used, places = torch.unique(torch.cat([ids.reshape(-1), candidates]), return_inverse=True)
        rows = table.detach()[used].requires_grad_()
        hidden = network.encode(
            ids, self.dropout, self.dtype, rows=rows, places=places[: ids.numel()].view(ids.shape), chosen=chosen
        )
        shares = shares.gather(1, chosen[..., None].expand(-1, -1, len(TAGS)))
        has_label = labels != IGNORED
        targets = self.make_targets(labels[has_label], shares[has_label])
        ner = functional.cross_entropy(network.tag(hidden)[has_label], targets)
        loss = ner
        mlm = torch.zeros((), device=self.device)
        if len(sought):
            guesses = network.guess_pieces(hidden[is_guessed], candidates, rows[places[ids.numel() :]])
            mlm = functional.cross_entropy(guesses, sought)
            loss = ner + MASK_WEIGHT * mlm
        loss.backward()
        self.table_grad.zero_()
        self.table_grad.index_copy_(0, used, rows.grad)
        table.grad = self.table_grad
        torch.nn.utils.clip_grad_norm_(network.weights.values(), 1.0)
        rate = self.find_rate()
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
        for name, weight in network.weights.items():
            if name != EMBEDDINGS:
                weight.grad = None
        if self.step % 5 == 0:
            keep = min(0.995, 1 - 1 / ((self.step - self.start) / 5 + 1))
            torch._foreach_lerp_(list(self.averages.values()), [w.detach() for w in network.weights.values()], 1 - keep)
        return torch.stack([ner, mlm]).detach()

    def make_targets(self, labels: Tensor, shares: Tensor) -> Tensor:
        """What is to be learned: the labels, smoothed, mixed with the teachers' distributions where there are any.

        labels (Tensor): Shape (n,). shares (Tensor): Shape (n, n_tags), rows of zeros where there is none.
        RETURNS (Tensor): Shape (n, n_tags), rows that sum to 1.
        """
        own = functional.one_hot(labels, len(TAGS)) * (1 - self.args.smoothing) + self.args.smoothing / len(TAGS)
        total = shares.sum(1, keepdim=True)
        return torch.where(total > 0, torch.lerp(own, shares / total.clamp(min=1e-6), TEACHER_WEIGHT), own)

    def log(self, entry: Dict) -> None:
        """Add a line to the log."""
        with (self.args.work / LOG).open("a", encoding="utf8") as file:
            file.write(json.dumps(entry) + "\n")

    @contextmanager
    def use_averages(self) -> Iterator[None]:
        """Have the averaged weights in the network for a while."""
        own = {name: weight.detach().clone() for name, weight in self.network.weights.items()}
        self.set_weights(self.averages)
        yield
        self.set_weights(own)

    @torch.no_grad()
    def set_weights(self, values: Dict[str, Tensor]) -> None:
        """Copy values into the network."""
        for name, weight in self.network.weights.items():
            weight.copy_(values[name])

    def export(self) -> None:
        """Write a Hugging Face folder of what is best on the dev sets: averaged weights or last, and the bias of O.

        The bias moves precision against recall: the sets have fewer entities than what was trained on, or more.
        """
        from spacy_xlmr_ner.scratch import write_tokenizer

        last = self.evaluate(BIASES)
        with self.use_averages():
            averaged = self.evaluate(BIASES)
        is_averaged, bias = max(
            ((kind, bias) for kind in (True, False) for bias in BIASES),
            key=lambda choice: find_mean((averaged if choice[0] else last)[choice[1]]),
        )
        self.log({"averaged": averaged, "last": last, "is_averaged": is_averaged, "bias": bias})
        weights = {name: weight.detach().clone() for name, weight in self.network.weights.items()}
        if is_averaged:
            weights = self.averages
        if self.args.for_int8:
            weights = {name: round_weight(value) if is_cut(name, value) else value for name, value in weights.items()}
        weights["classifier.bias"][0] += bias
        folder = self.args.work / "checkpoint"
        folder.mkdir(exist_ok=True)
        write_checkpoint(weights, self.network.shape, folder)
        write_tokenizer((self.args.work / VOCABULARY).read_bytes(), folder, window=WINDOW)

    def evaluate(self, biases: Sequence[float] = (0.0,)) -> Dict[float, Dict[str, float]]:
        """Strict F1 on the beginning of each dev set, and means, for each of some biases added to O."""
        found: Dict[float, Dict[str, float]] = {bias: {} for bias in biases}
        for corpus in self.dev:
            for bias, score in zip(biases, self.score(corpus, biases)):
                found[bias][corpus.key] = round(score, 4)
        for scores in found.values():
            for kind in ("panx", "uner", "gold"):
                own = [score for key, score in scores.items() if key.startswith(kind) and key != "uner/sv"]
                scores[f"mean {kind}"] = round(float(np.mean(own)), 4)
        return found

    @torch.inference_mode()
    def score(self, corpus: Corpus, biases: Sequence[float]) -> List[float]:
        """Strict F1 on one set, argmax, for each bias of O."""
        counts = np.zeros((len(biases), 3))  # right, found, gold
        sentences = corpus.sentences[: self.args.eval_sentences]
        for start in range(0, len(sentences), 50):
            batch = sentences[start : start + 50]
            rows = [self.encode_plain(sentence.words) for sentence in batch]
            ids = torch.full((len(rows), max(len(row[0]) for row in rows)), PAD)
            for i, (row, _) in enumerate(rows):
                ids[i, : len(row)] = torch.tensor(row)
            logits = self.network.tag(self.network.encode(ids.to(self.device), None, self.dtype)).cpu()
            for count, bias in zip(counts, biases):
                tags = (logits + torch.tensor([bias] + [0.0] * (len(TAGS) - 1))).argmax(-1).numpy()
                for i, sentence in enumerate(batch):
                    found = set(find_ents([int(tags[i, at]) if at else 0 for at in rows[i][1]]))
                    gold = set(find_ents(sentence.tags))
                    count += len(found & gold), len(found), len(gold)
        return [2 * right / max(1, found + gold) for right, found, gold in counts]

    def encode_plain(self, words: List[str]) -> Tuple[List[int], List[int]]:
        """Ids of a sentence without augmentation, and where each word's first piece is (0: it has none)."""
        ids, firsts = [0], []
        for word in words:
            pieces = [i + 1 if i else 3 for i in self.data.processor.encode(word)]
            firsts.append(len(ids) if pieces and len(ids) < 511 else 0)
            ids += pieces
        return [*ids[:511], 2], firsts


def find_dtype(device: torch.device) -> torch.dtype:
    """What the device multiplies fastest: bfloat16 has instructions on some processors, and is far slower on others."""
    is_fast = device.type == "cuda" or torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if is_fast else torch.float32


def find_source(name: str, n_layers: int) -> str:
    """The weight of a network of n_layers that a weight of one twice as deep starts from."""
    return re.sub(r"(?<=\.layer\.)\d+", lambda found: str(int(found[0]) % n_layers), name)


def make_optimizers(network: Tagger, rate: float) -> List[torch.optim.Optimizer]:
    """Muon for the matrices inside, AdamW for embeddings, heads and vectors."""
    heads = network.shape.num_attention_heads
    inner = {name: weight for name, weight in network.weights.items() if ".layer." in name and weight.ndim == 2}
    rest = {name: weight for name, weight in network.weights.items() if name not in inner}
    parts: Dict[str, List[Tensor]] = {"self": [], "attention.output": [], "": []}
    for name, weight in inner.items():
        parts[next(part for part in parts if part in name)].append(weight)
    muon = Muon(
        [
            {"params": parts["self"], "heads": heads},
            {"params": parts["attention.output"], "heads": heads, "by_column": True},
            {"params": parts[""]},
        ],
        lr=rate,
    )
    matrices = [weight for weight in rest.values() if weight.ndim == 2]
    vectors = [weight for weight in rest.values() if weight.ndim == 1]
    groups = [{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}]
    return [muon, torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), fused=True)]


def find_mean(scores: Dict[str, float]) -> float:
    """One figure to choose by: the mean of the means of the corpora."""
    return float(np.mean([score for key, score in scores.items() if key.startswith("mean")]))


def write_checkpoint(weights: Mapping[str, Tensor], shape: Shape, folder: Path) -> None:
    """Write config.json and model.safetensors, in float16, as transformers reads them."""
    from spacy_xlmr_ner.scratch import NetworkShape, make_network

    sizes = NetworkShape(
        vocab_size=shape.vocab_size,
        hidden_size=shape.hidden_size,
        layers=shape.num_hidden_layers,
        heads=shape.num_attention_heads,
        intermediate_size=shape.intermediate_size,
        window=WINDOW,
    )
    network = make_network(sizes, seed=0, tags=TAGS)
    kept = {name: weight.detach().cpu() for name, weight in weights.items() if not name.startswith("lm_head")}
    missing, unknown = network.load_state_dict(kept, strict=False)
    assert not unknown and not [name for name in missing if not name.endswith("position_ids")], (missing, unknown)
    network.half().save_pretrained(folder, safe_serialization=True)


if __name__ == "__main__":
    main()
