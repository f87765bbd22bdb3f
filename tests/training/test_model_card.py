import pytest

from summgan.options.configuration import Options, TrainingOptions
from summgan.training.checkpoint import TrainerState
from summgan.training.model_card import code_card, path_card

CODE = {"kind": "one-hot", "size": 4}


@pytest.mark.parametrize("card", [path_card, lambda *given: code_card(CODE, *given)], ids=["path", "code"])
def test_a_card_names_step_and_options_but_no_folder_and_can_be_written(card):
    options = Options(training=TrainingOptions(output_dir="private/caf\udce9", seed=7))
    text = card(options, TrainerState(step=12))
    assert text.encode("utf-8") and "# caf\\udce9" in text
    assert "Step 12" in text and '"seed": 7' in text and "private" not in text
