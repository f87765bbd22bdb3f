import numpy as np
import pytest
from rouge_score import rouge_scorer

from summgan.errors import SummGANError
from summgan.evaluation.rouge import rouge_scores
from summgan.evaluation.rouge_metric import Rouge
from summgan.evaluation.scoring import evaluate_summaries
from summgan.text.script import normalize, normalize_lines

PREDICTIONS = ["the cat sat on the mat", "police kill gunman", "", "a b c d. e f"]
REFERENCES = ["the cat was on the mat", "police killed the gunman", "something", "a b x d. e g"]


def test_hand_counted_scores():
    scores = rouge_scores(["police kill the gunman"], ["the gunman police kill"])
    assert scores["rouge1"][0] == pytest.approx(100)
    assert scores["rouge2"][0] == pytest.approx(100 * 2 / 3)
    assert scores["rougeL"][0] == pytest.approx(50)


def test_english_scores_are_those_of_rouge_score():
    ours = rouge_scores(PREDICTIONS, REFERENCES, stemmer=True)
    names = ["rouge1", "rouge2", "rougeL"]
    theirs = rouge_scorer.RougeScorer(names, use_stemmer=True)
    for index, (prediction, reference) in enumerate(zip(PREDICTIONS, REFERENCES, strict=True)):
        expected = theirs.score(reference, prediction)
        for name in names:
            assert ours[name][index] == pytest.approx(100 * expected[name].fmeasure)


def test_chinese_is_scored_by_character():
    scores = rouge_scores(["今天天气很好"], ["今天天气不错"])
    assert scores["rouge1"][0] == pytest.approx(66.67, abs=0.01)
    assert scores["rouge2"][0] == pytest.approx(60)


def test_several_references_count_by_the_best_or_the_mean():
    references = [["a b c", "x y z"]]
    assert rouge_scores(["a b c"], references)["rouge1"][0] == 100
    assert rouge_scores(["a b c"], references, aggregate="mean")["rouge1"][0] == 50


def test_recall_at_a_number_of_bytes():
    scores = rouge_scores(["abc def ghi"], ["def ghi"], measure="recall", byte_limit=8)
    assert scores["rouge1"][0] == pytest.approx(50)
    assert rouge_scores(["台湾大学"], ["台湾"], measure="recall", byte_limit=4)["rouge1"][0] == 50


def test_an_empty_prediction_scores_nothing_and_no_items_are_an_error():
    assert rouge_scores([""], ["a b"])["rouge1"][0] == 0
    with pytest.raises(SummGANError, match="no predictions"):
        rouge_scores([], [])
    with pytest.raises(SummGANError, match="2 predictions but 1 references"):
        rouge_scores(["a", "b"], ["a"])


def test_the_fast_counting_gives_the_same_numbers():
    fast = pytest.importorskip("rouge_score_rs")
    from summgan.evaluation.rouge import TYPES, _Tokenizer

    rng = np.random.default_rng(0)
    words = np.array("police kill gunman in the north of city 台 湾 大 学".split())
    for _ in range(50):
        pair = [" ".join(rng.choice(words, rng.integers(1, 12))) for _ in range(2)]
        both = [
            module.RougeScorer(list(TYPES), tokenizer=_Tokenizer(False)).score(*pair)
            for module in (fast.rouge_scorer, rouge_scorer)
        ]
        for name in TYPES:
            assert both[0][name].fmeasure == pytest.approx(both[1][name].fmeasure)


def test_words_of_every_script_are_whole_and_different_ones_differ():
    assert rouge_scores(["हिन्दी भाषा"], ["हिन्दी भाषा"])["rouge2"][0] == pytest.approx(100)
    assert rouge_scores(["काम"], ["कम"])["rouge1"][0] == 0
    assert rouge_scores(["עַל שָׁם"], ["עַל שֵׁם"])["rouge1"][0] == pytest.approx(50)
    assert rouge_scores(["ที่นี่"], ["ที่นั่น"])["rouge1"][0] == pytest.approx(100 * 2 / 5)


@pytest.mark.parametrize(
    ("prediction", "reference"),
    [
        ("İSTANBUL cafe\u0301 ＮＨＫ２４", "istanbul café nhk24"),
        ("one\x0btwo\x85three\x1cfour", "one two three four"),
        ("\ufeffsoft\u00adly don’t", "softly don't"),
        ("ﬁnal ﻛﺘﺎﺏ ｶﾞ", "final كتاب ガ"),
    ],
)
def test_every_door_holds_the_same_equal(prediction, reference):
    pairs = [(prediction, reference), (normalize(prediction), normalize(reference))]
    for first, second in pairs:
        assert rouge_scores([first], [second])["rouge2"][0] == pytest.approx(100)
        assert Rouge().compute(predictions=[first], references=[[second]])["rouge2"] == pytest.approx(100)
        report = evaluate_summaries([first], [second], [second])
        assert report.systems["predictions"]["rouge2"] == pytest.approx(100)
        assert report.systems["predictions"]["novel_words"] == 0


def test_lines_are_sentences_however_they_end():
    prediction, reference = "police kill\r\nthe gunman\nin town", "the gunman\nin town\npolice kill"
    whole = rouge_scores([normalize(prediction)], [normalize(reference)])["rougeLsum"][0]
    assert whole == pytest.approx(100 * 4 / 6)
    for way in (str, normalize_lines):
        scores = rouge_scores([way(prediction)], [way(reference)])
        assert scores["rougeLsum"][0] == pytest.approx(100) and scores["rougeL"][0] == whole
        figures = evaluate_summaries([way(prediction)], [[way(reference)]]).systems["predictions"]
        assert figures["rougeLsum"] == pytest.approx(100)
    assert whole < 100


def test_bytes_are_counted_in_normal_form():
    raw = "  abc \x00\n def ghi"
    for way in (raw, normalize_lines(raw)):
        scores = rouge_scores([way], ["abc def"], measure="recall", byte_limit=7)
        assert scores["rouge1"][0] == pytest.approx(100)


def test_english_tokens_are_those_of_rouge_score():
    from rouge_score import tokenizers

    from summgan.evaluation.rouge import _Tokenizer

    texts = [
        "U.S. troops don't stop at 3.5% (or $10,000), snake_case and e-mail...",
        "Running runners' RUNS -- the 1990s, B-52s; O'Neill's \"quotes\" & A.T.&T.\ttabs",
        "",
        "!?",
    ]
    for text in texts:
        for stemmer in (False, True):
            expected = tokenizers.DefaultTokenizer(use_stemmer=stemmer).tokenize(text)
            assert _Tokenizer(stemmer).tokenize(text) == expected
