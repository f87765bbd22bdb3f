"""Gathering rows in one process; several processes are tested in trainings."""

import torch
from torch import distributed

from summgan.networks import processes
from summgan.networks.processes import everywhere


def test_one_process_has_its_own_rows_with_or_without_a_group(tmp_path):
    rows = torch.arange(6).view(3, 2)
    assert everywhere(rows) is rows
    distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/group", rank=0, world_size=1)
    try:
        assert torch.equal(everywhere(rows.T), rows.T)
    finally:
        distributed.destroy_process_group()


def test_means_of_two_processes_average_to_the_mean_over_all_entries(monkeypatch):
    values = [torch.tensor([1.0, 2.0, 6.0]), torch.tensor([5.0])]
    counts = torch.tensor([float(len(part)) for part in values])
    monkeypatch.setattr(processes, "everywhere", lambda rows: counts)
    means = [part.sum() / processes.share_of(torch.tensor(len(part))) for part in values]
    assert sum(means) / 2 == torch.cat(values).mean()
