import json

from datasets import Dataset

from summgan.data.corpora import _nearest_sentences, alternate_texts, measure_lengths, split_validation
from summgan.options.configuration import DataOptions, Options, TrainingOptions


def test_a_document_is_watched_with_the_sentence_that_it_says_most_of():
    documents = ["the red fox sleeps in winter", "a storm closes every school", "nothing like the others"]
    sentences = [
        "red fox eats",
        "red fox sleeps",
        "storm closes school",
        "storm floods town hall",
        "unheard words",
    ]
    near = _nearest_sentences(documents, Dataset.from_dict({"text": sentences}))
    assert near == {0: "red fox sleeps", 1: "storm closes school"}


def test_texts_of_both_piles_come_in_turn():
    documents, sentences = (Dataset.from_dict({"text": list(texts)}) for texts in ("abc", "x"))
    assert list(alternate_texts(documents, sentences)) == ["a", "x", "b", "c"]


def test_a_twentieth_is_watched_or_all_of_very_few(documents):
    options = Options(training=TrainingOptions(eval_documents=4))
    pile = Dataset.from_dict({"text": documents[:100]})
    said = []
    kept, watched = split_validation(options, pile, said.append)
    assert len(kept) == 96 and watched.documents == [documents[n] for n in (0, 33, 66, 99)] and not said
    assert not set(kept["text"]) & set(watched.documents) - set(documents[:100:33])
    kept, watched = split_validation(options, pile.select(range(3)), said.append)
    assert list(kept["text"]) == watched.documents == documents[:3] and "none is held out" in said[0]


def test_a_file_of_documents_to_watch_leaves_all_to_learn_from(documents, write):
    pairs = write("valid.jsonl", [json.dumps({"document": d, "summary": "x"}) for d in documents[:9]])
    options = Options(data=DataOptions(validation=pairs), training=TrainingOptions(eval_documents=4))
    kept, watched = split_validation(options, Dataset.from_dict({"text": documents}), print)
    assert len(kept) == len(documents) and watched.documents == documents[:4]
    assert watched.references == [["x"]] * 4


def test_lengths_of_human_sentences_are_measured_in_units(vocabulary, sentences):
    rows = [[*vocabulary.tokenizer(text, add_special_tokens=False).input_ids, 3] for text in sentences]
    found = measure_lengths(Dataset.from_dict({"input_ids": rows}), vocabulary)
    counts = sorted(len(text.split()) for text in sentences)
    assert found.summary_length == round(sum(counts) / len(counts))
    assert (found.shortest_summary, found.longest_summary) == (
        counts[len(counts) // 10],
        counts[-len(counts) // 10],
    )
