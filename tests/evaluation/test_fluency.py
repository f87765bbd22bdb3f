import random

import pytest

from summgan.evaluation.fluency import NgramLanguageModel


@pytest.fixture(scope="module")
def model(sentences):
    return NgramLanguageModel.fit(sentences)


def test_probabilities_sum_to_one_in_every_kind_of_context(model):
    contexts = [
        ("<s>", "<s>"),
        ("<s>", "anna"),
        ("in", "porto"),
        ("never", "seen"),
        ("<unk>", "in"),
    ]
    for context in contexts:
        total = sum(model.probability(word, context) for word in model.vocabulary)
        assert total == pytest.approx(1, abs=1e-9)


def test_human_order_is_more_fluent_than_another(model, sentences):
    rng = random.Random(0)
    shuffled = [" ".join(rng.sample(text.split(), len(text.split()))) for text in sentences]
    human = sum(map(model.fluency, sentences)) / len(sentences)
    assert human > 0.8 > 3 * sum(map(model.fluency, shuffled)) / len(shuffled)
    assert model.perplexity(sentences) < model.perplexity(shuffled)


def test_fluency_lies_between_0_and_1_and_knows_unknown_words(model):
    for text in ("", "Anna opens hall in Porto", "zzz qqq", "台湾"):
        assert 0 < model.fluency(text) <= 1
    assert model.fluency("zzz qqq xxx") < 0.1


def test_scripts_without_spaces_are_modelled_by_character(chinese_sentences):
    model = NgramLanguageModel.fit(chinese_sentences)
    assert model.fluency("北京大学开放") > 5 * model.fluency("开京学放北大")


def test_forms_that_people_hold_equal_are_equally_fluent(model):
    assert model.per_unit("ＡＮＮＡ opens\u00a0hall in Porto") == model.per_unit("Anna opens hall in Porto")
