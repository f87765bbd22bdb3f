import re

import pytest

from summgan.data.readers import read_rows
from summgan.demo.corpus import build_corpus, write_corpus
from summgan.evaluation.baselines import lead, rule
from summgan.evaluation.rouge import rouge_scores
from summgan.text.script import count_units, split_words


@pytest.fixture(scope="module")
def corpus():
    return build_corpus(seed=3)


def test_there_are_twenty_thousand_distinct_documents(corpus):
    assert len(set(corpus.documents)) == len(corpus.documents) == 20_000
    everything = corpus.documents + corpus.validation + corpus.test_documents
    assert len(set(everything)) == len(everything)


def test_no_headline_is_read_of_an_event_that_is_summarized(corpus):
    assert not set(corpus.sentences) & set(corpus.test_summaries)
    assert len(set(corpus.sentences)) == len(corpus.sentences)


def test_the_same_seed_gives_the_same_corpus(corpus):
    assert build_corpus(seed=3).documents[:50] == corpus.documents[:50]
    assert build_corpus(50, 50, 5, 5, seed=4).documents != build_corpus(50, 50, 5, 5).documents


def test_lengths_are_those_of_news(corpus):
    lengths = [count_units(text) for text in corpus.documents]
    assert 25 < sum(lengths) / len(lengths) < 45
    headlines = [count_units(text) for text in corpus.sentences]
    assert 6 < sum(headlines) / len(headlines) < 9
    assert len({word for text in corpus.documents for word in split_words(text)}) > 700


def test_the_english_is_clean(corpus):
    for text in corpus.documents[:5000] + corpus.sentences[:5000]:
        assert not re.search(r"[{}]|  | ,|\.\.|\bA?a [aeiou]|\ban [^aeiou]", text), text
        assert text[0].isupper() or text[0] == '"', text


def test_a_headline_is_no_part_of_its_document_but_shares_its_words(corpus):
    pairs = list(zip(corpus.test_documents, corpus.test_summaries, strict=True))
    assert not any(summary.lower() in document.lower() for document, summary in pairs)
    shared = [len(set(split_words(s)) & set(split_words(d))) / len(set(split_words(s))) for d, s in pairs]
    assert sum(shared) / len(shared) > 0.7


def test_neither_lead_nor_rule_is_good_enough(corpus):
    for baseline, best in ((lead, 20), (rule, 35)):
        texts = [baseline(text, 8) for text in corpus.test_documents]
        assert rouge_scores(texts, corpus.test_summaries)["rouge1"].mean() < best


def test_the_files_can_be_read_back(tmp_path):
    corpus = build_corpus(30, 20, 5, 7)
    write_corpus(tmp_path, corpus)
    assert [row.text for row in read_rows(tmp_path / "documents.txt")] == corpus.documents
    rows = list(read_rows(tmp_path / "test.jsonl"))
    assert [row.fields["summary"] for row in rows] == corpus.test_summaries
