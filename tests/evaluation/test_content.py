import pytest

from summgan.evaluation.content import ContentScorer, reference_free_score
from summgan.evaluation.fluency import NgramLanguageModel


def test_similarity_prizes_rare_words_of_the_document(documents):
    scorer = ContentScorer.fit(documents)
    text = documents[0]
    assert scorer.similarity(text, text) == pytest.approx(1)
    assert scorer.similarity(text, "xylophone") == scorer.similarity(text, "") == 0
    name = text.split()[2]
    assert scorer.similarity(text, name) > scorer.similarity(text, "that the")


def test_the_score_is_fluency_times_content(documents, sentences):
    fluency, content = NgramLanguageModel.fit(sentences), ContentScorer.fit(documents)
    summaries = ["Anna opens hall in Porto", "the would"]
    score = reference_free_score(fluency, content, documents[:2], summaries)
    expected = sum(
        fluency.fluency(s) * content.similarity(d, s) for d, s in zip(documents[:2], summaries, strict=True)
    )
    assert score["score"] == pytest.approx(expected / 2)


def test_marks_tell_words_apart_and_forms_do_not():
    scorer = ContentScorer.fit(["काम अच्छा", "कम अच्छा", "İstanbul cafe\u0301"])
    assert scorer.similarity("काम", "कम") == 0
    assert scorer.similarity("İstanbul cafe\u0301", "istanbul CAFÉ") == pytest.approx(1)
