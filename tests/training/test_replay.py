"""Which summaries the buffer keeps, and that they are saved."""

import torch

from summgan.training.replay import Replay


def test_replay_keeps_the_newest_and_is_saved():
    replay = Replay(4, 3)
    assert len(replay.draw(torch.rand(2))[0]) == 0
    for number in range(3):
        replay.add(torch.full((2, 3), number), torch.full((2, 4), float(number)))
    assert sorted(replay.words[:, 0].tolist()) == [1, 1, 2, 2]
    words, struck = replay.draw(torch.tensor([0.0, 0.99]))
    assert words[:, 0].tolist() == struck[:, 0].tolist() == [2, 1]
    loaded = Replay(4, 3)
    loaded.load_state_dict(replay.state_dict())
    assert torch.equal(loaded.draw(torch.tensor([0.3]))[0], replay.draw(torch.tensor([0.3]))[0])
