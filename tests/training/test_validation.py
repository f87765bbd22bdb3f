"""The validation score, from parts that can be computed by hand."""

from types import SimpleNamespace

import pytest

from summgan.data.piles import Pairs
from summgan.evaluation.rouge import rouge_scores
from summgan.training.validation import LEAST_NEIGHBOURS, Validator


class Copyist(Validator):
    """Summarizes every document by its first three words."""

    def _run(self, documents, rebuild=0):
        return [" ".join(text.split()[:3]) for text in documents], [1.0] * len(documents), []


def evaluate(documents, sentences, beside):
    corpora = SimpleNamespace(
        human_sentences=sentences,
        validation=Pairs(documents, None, [str(row) for row in range(len(documents))]),
        validation_neighbours=beside,
    )
    return Copyist(None, corpora).evaluate()


def test_with_neighbours_the_score_is_rouge_with_them(documents, sentences):
    texts = (documents * LEAST_NEIGHBOURS)[: LEAST_NEIGHBOURS + 5]
    beside = {row: f"{' '.join(text.split()[1:3])} and more" for row, text in enumerate(texts[5:], 5)}
    figures = evaluate(texts, sentences, beside)
    # Two of the three words are among the four of the sentence.
    assert figures["eval_neighbour_rouge1"] == pytest.approx(100 * 2 * 2 / (3 + 4))
    assert figures["eval_score"] == pytest.approx(4 / 7)
    lead = [" ".join(text.split()[:3]) for text in texts[5:]]
    expected = rouge_scores(lead, [[text] for text in beside.values()])["rouge1"].mean()
    assert figures["eval_neighbour_rouge1"] == pytest.approx(expected)


def test_with_few_neighbours_the_score_is_fluency_times_content(documents, sentences):
    texts = (documents * LEAST_NEIGHBOURS)[:LEAST_NEIGHBOURS]
    beside = {row: "something else" for row in range(LEAST_NEIGHBOURS - 1)}
    figures = evaluate(texts, sentences, beside)
    assert "eval_neighbour_rouge1" not in figures
    assert figures["eval_score"] == evaluate(texts, sentences, {})["eval_score"] > 0
