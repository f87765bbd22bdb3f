import torch
from torch import nn

from summgan.training.optimizers import all_finite, make_optimizer, own_parameters


def test_a_shared_parameter_belongs_to_the_first_network():
    first, second = nn.Linear(2, 3), nn.Linear(2, 3)
    second.weight = first.weight
    own = own_parameters({"first": first, "second": second})
    assert [id(p) for p in own["first"]] == [id(first.weight), id(first.bias)]
    assert [id(p) for p in own["second"]] == [id(second.bias)]


def test_tables_decay_and_biases_do_not():
    layer = nn.Linear(2, 3)
    optimizer = make_optimizer(list(layer.parameters()), 0.1)
    layer.weight.grad, layer.bias.grad = torch.zeros_like(layer.weight), torch.zeros_like(layer.bias)
    weight, bias = layer.weight.detach().clone(), layer.bias.detach().clone()
    optimizer.step()
    assert torch.equal(layer.weight, weight)  # the rate is 0 until the trainer sets it
    for group in optimizer.param_groups:
        group["lr"] = 0.5
    optimizer.step()
    torch.testing.assert_close(layer.weight, weight * (1 - 0.5 * 0.1))
    assert torch.equal(layer.bias, bias)


def test_one_bad_number_anywhere_is_found():
    model = nn.BatchNorm1d(3)
    assert all_finite(model)
    model.running_mean[1] = float("inf")  # buffers are saved too
    assert not all_finite(model)
