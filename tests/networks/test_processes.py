"""Gathering rows in one process; several processes are tested in trainings."""

import torch
from torch import distributed

from summgan.networks.processes import everywhere


def test_one_process_has_its_own_rows_with_or_without_a_group(tmp_path):
    rows = torch.arange(6).view(3, 2)
    assert everywhere(rows) is rows
    distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/group", rank=0, world_size=1)
    try:
        assert torch.equal(everywhere(rows.T), rows.T)
    finally:
        distributed.destroy_process_group()
