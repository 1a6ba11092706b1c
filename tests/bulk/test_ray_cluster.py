import socket

import pytest

from spacy_xlmr_ner.bulk.ray_cluster import Workers, check_reachable, choose_workers, name_model

CPUS_4 = {"CPU": 4.0, "memory": 1e9}
GPUS_2 = {"CPU": 8.0, "GPU": 2.0}


@pytest.mark.parametrize(
    "nodes, n, expected",
    [
        ([CPUS_4], None, Workers(4, 1, 0)),
        ([CPUS_4, CPUS_4], None, Workers(8, 1, 0)),
        ([CPUS_4], 1, Workers(1, 4, 0)),
        ([CPUS_4], 2, Workers(2, 2, 0)),
        ([CPUS_4], 3, Workers(3, 1, 0)),
        ([CPUS_4, CPUS_4], 3, Workers(3, 2, 0)),  # of 3 processors each, one of them would find no place
        ([CPUS_4, GPUS_2], None, Workers(2, None, 1)),
        ([GPUS_2, GPUS_2], 3, Workers(3, None, 1)),
    ],
)
def test_workers_are_as_many_as_there_is_room_for(nodes, n, expected):
    assert choose_workers(nodes, n) == expected


@pytest.mark.parametrize(
    "nodes, n, said",
    [([CPUS_4], 5, "5 workers .* 4 processors"), ([GPUS_2], 3, "3 workers .* 2 GPUs"), ([{}], None, "0 processors")],
)
def test_more_workers_than_there_is_room_for_are_refused(nodes, n, said):
    with pytest.raises(ValueError, match=f"XN244.*{said}"):
        choose_workers(nodes, n)


@pytest.mark.parametrize("model, is_here", [("here", True), ("elsewhere/on-the-hub", False), (None, False)])
def test_model_of_this_folder_is_named_so_that_workers_find_it(tmp_path, monkeypatch, model, is_here):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    assert name_model(model) == (str(tmp_path / "here") if is_here else model)


@pytest.mark.parametrize("family, host", [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "[::1]")])
@pytest.mark.parametrize("kind", ["", "ray://"])
def test_address_is_reachable_where_somebody_listens(family, host, kind):
    with socket.socket(family) as listening:
        try:
            listening.bind((host.strip("[]"), 0))
        except OSError:
            pytest.skip(f"this machine has no {host}")
        address = f"{kind}{host}:{listening.getsockname()[1]}"
        with pytest.raises(OSError, match="refused"):
            check_reachable(address)
        listening.listen()
        check_reachable(address)


@pytest.mark.parametrize("address", ["", "auto", "local"])
def test_address_without_a_port_is_left_to_ray(address):
    check_reachable(address)
