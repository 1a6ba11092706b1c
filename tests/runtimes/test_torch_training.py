import copy

import numpy as np
import pytest
import torch
from thinc.api import SGD, Adam, RAdam
from transformers import AlbertConfig, AlbertForTokenClassification, AutoModelForTokenClassification

from spacy_xlmr_ner.runtimes import torch_training
from spacy_xlmr_ner.runtimes.torch_training import TorchTrainer, find_depths, swap_params
from spacy_xlmr_ner.types import TrainingSettings

IDS = np.array([[0, 5, 6, 7, 2], [0, 8, 9, 2, 1]])
MASK = IDS != 1
SHIM = 7


@pytest.fixture
def network(random_checkpoint):
    return AutoModelForTokenClassification.from_pretrained(random_checkpoint).eval()


def make_trainer(network, **settings):
    defaults = {
        "freeze": None,
        "layer_decay": 1.0,
        "dropout": None,
        "mixed_precision": None,
        "gradient_checkpointing": False,
        "sample_pieces": 0.0,
        "sampling_alpha": 0.2,
    }
    return TorchTrainer(network, settings=TrainingSettings(**{**defaults, **settings}), device="cpu")


def backprop(trainer, seed=0, dropout=0.0):
    """One way forward and back with a gradient of random numbers, as of one token; it is returned."""
    run = trainer.begin_update(dropout)
    logits = run(IDS, MASK)
    gradient = np.random.default_rng(seed).normal(size=logits.shape).astype(np.float32) / 10
    run.backprop([gradient], 1)
    return gradient


def get_gradients(network, gradients):
    """Of the weights, by plain PyTorch; the mean over several gradients of the logits."""
    network = copy.deepcopy(network).eval()
    for gradient in gradients:
        logits = network(input_ids=torch.tensor(IDS), attention_mask=torch.tensor(MASK).long()).logits
        logits.backward(torch.tensor(gradient) / len(gradients))
    return {name: weight.grad.numpy() for name, weight in network.named_parameters() if weight.grad is not None}


def get_weights(network):
    return {name: weight.detach().numpy().copy() for name, weight in network.named_parameters()}


OPTIMIZERS = {
    "adam": lambda: Adam(0.01, use_averages=False),
    "adam with decay": lambda: Adam(0.01, L2=0.1, L2_is_weight_decay=True, grad_clip=0.5),
    "adam with L2": lambda: Adam(0.01, L2=0.1, L2_is_weight_decay=False, grad_clip=0.5),
    "adam without clip": lambda: Adam(0.01, grad_clip=0.0, beta1=0.8, beta2=0.98, eps=1e-3),
    "radam": lambda: RAdam(0.01),
    "sgd": lambda: SGD(0.1, use_averages=False),
}


def find_layer_rate(name):
    """What a layer decay of 0.5 makes of the rate of learning: the head's stays, each layer below has half."""
    rates = {"embeddings": 0.125, "layer.0.": 0.25, "layer.1.": 0.5, "classifier": 1.0}
    return next(rate for part, rate in rates.items() if part in name)


@pytest.mark.parametrize("has_decay", [False, True])
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_finish_update_steps_as_thincs_optimizer(network, kind, has_decay):
    reference = {name: values.copy() for name, values in get_weights(network).items()}
    optimizer, expected = OPTIMIZERS[kind](), OPTIMIZERS[kind]()
    trainer = make_trainer(network, layer_decay=0.5 if has_decay else 1.0)
    for step in range(3):
        gradients = get_gradients(network, [backprop(trainer, step)])
        trainer.finish_update(optimizer, SHIM, where="")
        for name, gradient in gradients.items():
            rate = find_layer_rate(name) if has_decay else 1.0
            reference[name], _ = expected((SHIM, name), reference[name], gradient.copy(), lr_scale=rate)
    for name, values in get_weights(network).items():
        np.testing.assert_allclose(values, reference[name], atol=2e-5, err_msg=name)
    if optimizer.averages is not None:
        for key, values in expected.averages.items():
            own = torch.as_tensor(optimizer.averages[key]).numpy().reshape(values.shape)
            np.testing.assert_allclose(own, values, atol=2e-5)


def test_finish_update_follows_the_schedule(network):
    trainer = make_trainer(network)
    optimizer = SGD(iter([1.0, 0.0]), use_averages=False, grad_clip=0.0)
    optimizer.step_schedules()
    before = get_weights(network)
    backprop(trainer)
    trainer.finish_update(optimizer, SHIM, where="")
    assert all((values == before[name]).all() for name, values in get_weights(network).items())


def test_gradients_of_several_updates_count_as_their_mean(network):
    trainer = make_trainer(network)
    gradients = [backprop(trainer, seed) for seed in range(3)]
    expected = get_gradients(network, gradients)
    before = get_weights(network)
    trainer.finish_update(SGD(1.0, use_averages=False, grad_clip=0.0), SHIM, where="")
    for name, values in get_weights(network).items():
        step = before[name] - values
        np.testing.assert_allclose(step, expected.get(name, 0.0), atol=1e-5, err_msg=name)


def test_gradients_of_several_updates_count_by_their_tokens(network):
    # By hand: a slope of 1 as the mean of one token and a slope of 5 as that of three make 4.
    trainer = make_trainer(network)
    for slope, n_tokens in ((1.0, 1), (5.0, 3)):
        run = trainer.begin_update(0.0)
        run.backprop([np.full_like(run(IDS, MASK), slope)], n_tokens)
    before = get_weights(network)["classifier.bias"]
    trainer.finish_update(SGD(1.0, use_averages=False, grad_clip=0.0), SHIM, where="")
    np.testing.assert_allclose(before - get_weights(network)["classifier.bias"], 4.0 * IDS.size, rtol=1e-5)


@pytest.mark.parametrize("kind", ["adam with decay", "radam", "sgd"])
@pytest.mark.parametrize("settings", [{}, {"gradient_checkpointing": True}, {"layer_decay": 0.5}])
def test_large_tables_pass_on_the_rows_alone_and_learn_as_others(kind, settings, network, monkeypatch):
    plain = copy.deepcopy(network)
    trainers = [make_trainer(plain, **settings)]
    monkeypatch.setattr(torch_training, "LARGE_TABLE", 1)
    trainers.append(make_trainer(network, **settings))
    for trainer in trainers:
        for n_tokens in (3, 1):  # two updates that count as one
            run = trainer.begin_update(0.0)
            slopes = [np.full_like(run(IDS[:, part], MASK[:, part]), 0.1) for part in (slice(5), slice(3), slice(1, 4))]
            run.backprop(slopes, n_tokens)
    gradients = [trainer.network.get_input_embeddings().weight.grad for trainer in trainers]
    assert [gradient.is_sparse for gradient in gradients] == [False, True]
    np.testing.assert_allclose(gradients[1].to_dense(), gradients[0], atol=1e-6)
    for trainer in trainers:
        assert trainer.finish_update(OPTIMIZERS[kind](), SHIM, where="")
    for name, values in get_weights(network).items():
        np.testing.assert_allclose(values, get_weights(plain)[name], atol=1e-5, err_msg=name)


def test_sparse_gradient_of_many_batches_does_not_grow_without_end(network, monkeypatch):
    monkeypatch.setattr(torch_training, "LARGE_TABLE", 1)
    trainer = make_trainer(network)
    table = network.get_input_embeddings().weight
    for seed in range(2 * len(table) // IDS.size):
        backprop(trainer, seed)
    assert table.grad._nnz() <= len(table)


@pytest.mark.parametrize("learn_rate", [float("nan"), float("inf")])
def test_broken_learning_rate_is_refused_and_changes_nothing(network, learn_rate):
    trainer = make_trainer(network)
    before = get_weights(network)
    backprop(trainer)
    with pytest.raises(ValueError, match=r"XN209.*\[training.optimizer\]"):
        trainer.finish_update(Adam(learn_rate), SHIM, where="'Jack'")
    assert all((values == before[name]).all() for name, values in get_weights(network).items())


def test_finish_update_without_a_gradient_does_nothing(network):
    assert make_trainer(network).finish_update(Adam(0.1), SHIM, where="") is False


def test_broken_gradient_is_refused_and_changes_nothing(network):
    trainer = make_trainer(network)
    before = get_weights(network)
    run = trainer.begin_update(0.0)
    run.backprop([np.full_like(run(IDS, MASK), np.inf)], 1)
    with pytest.raises(ValueError, match=r"XN207.*in the step over 'Jack'"):
        trainer.finish_update(Adam(0.1), SHIM, where="'Jack'")
    assert all((values == before[name]).all() for name, values in get_weights(network).items())
    backprop(trainer)
    assert trainer.finish_update(Adam(0.1), SHIM, where="")  # and it can go on


def test_find_broken_finds_nothing_in_good_weights(network):
    assert make_trainer(network).find_broken(IDS) == ""


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_find_broken_names_the_weight(network, value):
    trainer = make_trainer(network)
    network.classifier.weight.data[3, 5] = value
    assert trainer.find_broken(IDS).endswith("weights hold no finite numbers, such as classifier.weight")


def test_find_broken_tries_weights_that_are_finite_each(network):
    trainer = make_trainer(network)
    network.classifier.weight.data.fill_(3e38)
    assert trainer.find_broken(IDS) == "its logits for 10 pieces are no finite numbers"


FROZEN = {
    "embeddings": ("embeddings",),
    1: ("embeddings", "layer.0."),
    2: ("embeddings", "layer.0.", "layer.1."),
    "encoder": ("roberta.",),
    None: (),
}


@pytest.mark.parametrize("freeze", FROZEN)
def test_freeze_keeps_just_these_weights(network, freeze):
    trainer = make_trainer(network, freeze=freeze)
    before = get_weights(network)
    backprop(trainer)
    trainer.finish_update(Adam(0.1), SHIM, where="")
    kept = {name for name, values in get_weights(network).items() if (values == before[name]).all()}
    assert kept == {name for name in before if any(part in name for part in FROZEN[freeze])}


def test_freeze_of_more_layers_than_there_are_is_refused(network):
    with pytest.raises(ValueError, match=r"XN120.* 3 .* 1 to 2"):
        make_trainer(network, freeze=3)


def test_layer_decay_slows_lower_layers(network):
    trainer = make_trainer(network, layer_decay=0.5)
    expected = get_gradients(network, [backprop(trainer)])
    before = get_weights(network)
    trainer.finish_update(SGD(1.0, use_averages=False, grad_clip=0.0), SHIM, where="")
    for name, values in get_weights(network).items():
        rate = find_layer_rate(name)
        np.testing.assert_allclose(before[name] - values, expected.get(name, 0.0) * rate, atol=1e-5, err_msg=name)


def test_find_depths_counts_layers_without_numbers_as_one():
    config = AlbertConfig(
        vocab_size=10, embedding_size=4, hidden_size=4, num_attention_heads=1, intermediate_size=4, num_hidden_layers=3
    )
    depths, n_layers = find_depths(AlbertForTokenClassification(config))
    assert n_layers == 1
    assert {depth for name, depth in depths.items() if "embeddings" in name} == {0}
    assert {depth for name, depth in depths.items() if "albert_layers" in name} == {1}
    assert depths["classifier.weight"] == 2


def test_find_depths_knows_other_architectures():
    class Network(torch.nn.Module):
        base_model_prefix = "transformer"

        def __init__(self):
            super().__init__()
            layers = torch.nn.ModuleList([torch.nn.Linear(1, 1, bias=False) for _ in range(2)])
            parts = {"embedding": torch.nn.Embedding(1, 1), "layer": layers, "norm": torch.nn.LayerNorm(1, bias=False)}
            self.transformer = torch.nn.ModuleDict(parts)
            self.classifier = torch.nn.Linear(1, 1, bias=False)

    depths, n_layers = find_depths(Network())
    assert n_layers == 2
    assert depths == {
        "transformer.embedding.weight": 0,
        "transformer.layer.0.weight": 1,
        "transformer.layer.1.weight": 2,
        "transformer.norm.weight": 2,
        "classifier.weight": 3,
    }


@pytest.mark.parametrize(
    "given, own, differs", [(0.5, None, True), (0.0, None, False), (0.5, 0.0, False), (0.0, 0.5, True)]
)
def test_dropout_is_that_of_the_update_or_of_the_settings(network, given, own, differs):
    run = make_trainer(network, dropout=own).begin_update(given)
    assert np.allclose(run(IDS, MASK), run(IDS, MASK)) is not differs


def test_network_predicts_without_dropout_after_an_update(network):
    backprop(make_trainer(network), dropout=0.5)
    assert not any(module.training for module in network.modules())


@pytest.mark.parametrize("is_on, n_runs", [(False, 1), (True, 2)])
def test_gradient_checkpointing_computes_layers_anew(network, is_on, n_runs):
    runs = []
    network.roberta.encoder.layer[0].intermediate.register_forward_hook(lambda *_: runs.append(1))
    backprop(make_trainer(network, gradient_checkpointing=is_on))
    assert len(runs) == n_runs


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_gradient_checkpointing_gives_the_same_gradients(network, dropout):
    gradients = []
    for is_on in (False, True):
        own = copy.deepcopy(network)
        torch.manual_seed(0)
        backprop(make_trainer(own, gradient_checkpointing=is_on), dropout=dropout)
        gradients.append({name: weight.grad for name, weight in own.named_parameters() if weight.grad is not None})
    torch.testing.assert_close(gradients[1], gradients[0], atol=1e-5, rtol=0)


def test_mixed_precision_computes_in_it_and_keeps_float32_weights(network):
    exact = make_trainer(copy.deepcopy(network)).begin_update(0.0)(IDS, MASK)
    mixed = make_trainer(network, mixed_precision="bfloat16").begin_update(0.0)(IDS, MASK)
    assert 1e-4 < np.abs(exact - mixed).max() < 0.2
    assert {weight.dtype for weight in network.parameters()} == {torch.float32}


def test_swap_params_changes_the_weights_for_a_while(network):
    before = get_weights(network)
    params = {(SHIM, "classifier.bias"): np.arange(7.0, dtype=np.float32), (SHIM + 1, "classifier.weight"): np.ones(1)}
    with pytest.raises(KeyError), swap_params(network, params, SHIM):
        inside = get_weights(network)
        raise KeyError
    assert inside["classifier.bias"].tolist() == list(range(7))
    assert (inside["classifier.weight"] == before["classifier.weight"]).all()
    assert (get_weights(network)["classifier.bias"] == before["classifier.bias"]).all()
