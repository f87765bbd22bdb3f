import pytest

from summgan.errors import SummGANError
from summgan.options.generation import SummarizerOptions
from summgan.writing.path_summaries import PathSummaries
from summgan.writing.summary import Summary


@pytest.fixture
def writer(tiny_paths):
    return PathSummaries(tiny_paths)


def test_answers_are_in_order_and_each_is_told_of_once(writer, documents):
    texts = [documents[0], "!!!", documents[1] + " " + documents[2], documents[3]]
    done = []
    answers = writer(texts, SummarizerOptions(batch_size=2), done.append)
    assert [isinstance(answer, Summary) for answer in answers] == [True, False, True, True]
    assert "There is no word in '!!!'" in str(answers[1])
    assert sum(done) == len(texts)
    alone = [writer([text], SummarizerOptions())[0].summary_text for text in (texts[0], *texts[2:])]
    assert [answer.summary_text for answer in (answers[0], *answers[2:])] == alone


@pytest.mark.parametrize(
    ("options", "lengths"),
    [
        ({}, (3, 8)),
        ({"max_words": 2}, (2, 2)),
        ({"min_words": 5}, (5, 8)),
        ({"min_words": 12}, (12, 12)),
        ({"min_words": 4, "max_words": 6}, (4, 6)),
    ],
)
def test_lengths_are_those_of_the_model_unless_a_call_says_otherwise(writer, options, lengths):
    assert writer.length_range(SummarizerOptions(**options)) == lengths


def test_a_reconstruction_is_refused(writer, documents):
    with pytest.raises(SummGANError, match="cannot rebuild documents"):
        writer(documents[:1], SummarizerOptions(reconstruct=True))


def test_what_is_saved_writes_the_same(writer, documents, tmp_path):
    writer.save(tmp_path)
    again = PathSummaries(type(writer.model).from_pretrained(tmp_path))
    for one, other in zip(
        *(each(documents[:3], SummarizerOptions()) for each in (writer, again)), strict=True
    ):
        assert one.summary_text == other.summary_text
