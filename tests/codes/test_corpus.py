import json

import numpy as np
import pytest
import torch
from codes_support import SIZES, code_options

from summgan.codes.corpus import CodeBatches, prepare_code_corpus
from summgan.data.order import Share
from summgan.errors import SummGANError


@pytest.mark.parametrize("number", [1, 2, 3, 19])
@pytest.mark.parametrize("name", SIZES)
def test_few_documents_train_or_are_refused(code_run, documents, number, name):
    few = {"documents": documents[:number], "similar_documents": 1, "size": 8 if name == "binary" else 2}
    if name == "tree":
        few["length"] = 1
    if number > 2:
        folder = code_run(name, **few)
        row = json.loads((folder / "log.jsonl").read_text().splitlines()[-1])
        assert np.isfinite(row["eval_score"])
    else:
        with pytest.raises(
            SummGANError, match=r"code.(size|length|similar_documents) is \d but there are \d documents"
        ):
            code_run(name, **few)


def test_batches_follow_from_seed_and_number_and_hold_similar_documents(documents, write, tmp_path):
    options = code_options("binary", write("texts.txt", documents), tmp_path / "run", similar_documents=2)
    said = []
    corpus = prepare_code_corpus(options, said.append)
    assert said == ["285 documents for training, 15 for validation."]
    assert len(corpus.texts) == len(corpus.rows) == len(corpus.similar) == 285
    assert not (corpus.similar == torch.arange(285)[:, None]).any()
    first, again, next_one = (CodeBatches(corpus, 0, Share(8))[number] for number in (3, 3, 4))
    assert torch.equal(first.bags, again.bags) and torch.equal(first.similar, again.similar)
    assert not torch.equal(first.bags, next_one.bags)
    assert first.rows.tolist() == list(range(24, 32))
    chosen = [int((corpus.bag_of_words.dense(corpus.rows) == bag).all(1).nonzero()[0]) for bag in first.bags]
    near = [corpus.bag_of_words.dense([corpus.rows[n] for n in corpus.similar[row]]) for row in chosen]
    assert all(
        any(torch.equal(bag, one) for one in bags) for bag, bags in zip(first.similar, near, strict=True)
    )
