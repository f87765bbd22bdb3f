import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from summgan.errors import SummGANError
from summgan.evaluation.language_model import log_prob_per_word


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tokenizer):
    path = tmp_path_factory.mktemp("lm")
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=len(tokenizer), n_embd=16, n_layer=1, n_head=2, n_positions=64)
    GPT2LMHeadModel(config).save_pretrained(path)
    tokenizer.save_pretrained(path)
    return str(path)


def test_it_is_the_sum_over_pieces_and_the_end_by_word(folder, tokenizer):
    text = "Anna opens bridge in Porto"
    (score,) = log_prob_per_word([text], folder)
    model = GPT2LMHeadModel.from_pretrained(folder).eval()
    before = after = [tokenizer.eos_token_id]  # this vocabulary has no line break
    ids = torch.tensor([[*before, *tokenizer(text, add_special_tokens=False).input_ids, *after]])
    given = model(ids).logits[0, :-1].log_softmax(-1).gather(1, ids[0, 1:, None])[len(before) - 1 :]
    assert score == pytest.approx(float(given.sum()) / 5, rel=1e-5)


def test_texts_beside_it_change_nothing(folder):
    texts = ["Anna opens bridge", "Boris sells the old library in Lyon again", "Carla"]
    together = log_prob_per_word(texts, folder)
    assert together == pytest.approx([log_prob_per_word([text], folder)[0] for text in texts], rel=1e-4)


def test_a_model_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SummGANError, match="No language model can be loaded from"):
        log_prob_per_word(["a"], str(tmp_path))
