import pytest
import torch
from tests_support import make_batch

from summgan.errors import SummGANError
from summgan.networks.code import Code
from summgan.training.losses import content, discriminator_terms, weigh


@pytest.fixture
def batch(tokenizer, documents, sentences):
    return make_batch(tokenizer, documents, sentences)


def test_terms_are_weighed_by_name_and_one_without_a_weight_is_an_error():
    terms = {"one": torch.tensor([1.0, 2.0]), "two": torch.tensor([10.0, 20.0])}
    weights = {"one": 2.0, "two": 0.5, "three": 9.0}
    assert weigh(terms, weights).tolist() == [7.0, 14.0]
    assert weigh(terms, weights, torch.tensor(1.0)).tolist() == [8.0, 15.0]
    with pytest.raises(SummGANError, match="loss term 'tow' has no weight; there are weights for one, two"):
        weigh({"tow": torch.tensor(1.0)}, weights)


def test_the_gradient_penalty_is_the_squared_gradient_of_the_score(tokenizer, tiny_model, batch):
    model = tiny_model(tokenizer)
    discriminator = model.discriminator
    expected = 0.0
    for words, mask in (
        (batch["sentences"].ids, batch["sentences"].mask),
        (batch["damaged"].ids, batch["damaged"].mask),
    ):
        vectors = discriminator.embed(words).detach().requires_grad_()
        discriminator(vectors, mask).sentence.sum().backward()
        expected += vectors.grad.square().sum() / len(words)
    terms, _ = discriminator_terms(discriminator, batch, None, True)
    assert "gradient_penalty" not in discriminator_terms(discriminator, batch, None, False)[0]
    assert torch.allclose(terms["gradient_penalty"], expected, rtol=1e-4)


def test_content_is_the_salience_per_piece_of_what_is_said_of_the_document(tokenizer, tiny_model, batch):
    model = tiny_model(tokenizer)
    bottleneck = model.generator.bottleneck
    salience = bottleneck.salience.piece.copy_(torch.linspace(-1, 3, len(tokenizer)))
    words = batch["documents"].ids[:, [1, 0, 2]]
    one_hot = torch.nn.functional.one_hot(words, len(tokenizer)).float().requires_grad_()
    code = Code(vectors=one_hot, mask=torch.ones_like(words), words=words, one_hot=one_hot)
    loss = content(bottleneck.salience, code, batch)
    expected = [salience[list(set(row))].sum() / 3 for row in words.tolist()]
    distinct = [row for row in range(len(words)) if len(set(words[row].tolist())) == 3]
    assert distinct
    assert torch.allclose(loss[distinct], -torch.stack(expected)[distinct], atol=1e-5)
    # The gradient favours each piece of the document that no other position says, by its salience.
    loss.sum().backward()
    row = distinct[0]
    unsaid = next(p for p in batch["documents"].ids[row].tolist() if p not in words[row].tolist() and p > 3)
    assert one_hot.grad[row, 0, unsaid].item() == pytest.approx(-salience[unsaid].item() / 3)
    assert one_hot.grad[row, 0, words[row, 1]] == 0
