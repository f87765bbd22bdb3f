"""Descriptions of tree nodes; those of classes, bits and entries are tested with their training."""

import torch

from summgan.codes.bags import BagOfWords
from summgan.codes.meaning import meanings, mutual_information, tree_meanings
from summgan.evaluation.report import render_report

TEXTS = ["sport goal ball"] * 6 + ["sport race lap"] * 5 + ["money bank loan"] * 4 + ["money stock fund"] * 7
PATHS = torch.tensor([[0, 1]] * 6 + [[0, 0]] * 5 + [[1, 0]] * 4 + [[1, 1]] * 7)


def test_nodes_are_told_from_their_siblings():
    bags = BagOfWords.fit(TEXTS, 20, 1.0)
    found = tree_meanings(PATHS, bags.vectors(TEXTS), bags.words, TEXTS, 2)
    assert [(node.path, node.documents) for node in found] == [("0", 11), ("1", 11)]
    assert found[0].words[0] == "sport" and found[1].words[0] == "money"
    below = found[0].branches
    assert [(node.path, node.documents, set(node.words)) for node in below] == [
        ("0.0", 5, {"race", "lap"}),
        ("0.1", 6, {"goal", "ball"}),
    ]
    # Words that siblings share describe none of them.
    assert all("sport" not in node.words and "sport" not in node.label for node in below)
    assert below[1].examples == ("sport goal ball",) * 2
    labels = [node.label for node in (*found, *below, *found[1].branches)]
    assert len(set(labels)) == len(labels)


def test_a_node_of_few_documents_does_not_unfold_and_a_lone_branch_has_no_words():
    bags = BagOfWords.fit(TEXTS, 20, 1.0)
    rows = torch.tensor([0, 1, 2, 11, 12])
    paths = torch.tensor([[0, 0], [0, 1], [0, 1], [1, 0], [1, 1]])
    texts = [TEXTS[row] for row in rows.tolist()]
    found = tree_meanings(paths, bags.vectors(texts), bags.words, texts)
    assert all(not node.branches for node in found)
    alone = tree_meanings(torch.zeros(5, 1, dtype=torch.long), bags.vectors(texts), bags.words, texts)
    assert alone[0].words == () and alone[0].label == "no word of its own" and len(alone[0].examples) == 2


def test_the_page_unfolds_without_a_script_and_escapes_what_comes_from_outside():
    texts = ["<script>alert(1)</script> sport & goal"] * 6 + ["money <b>bank</b>"] * 6
    bags = BagOfWords.fit(texts, 20, 1.0)
    paths = torch.tensor([[0]] * 6 + [[1]] * 6)
    page = render_report("a", tree=tree_meanings(paths, bags.vectors(texts), bags.words, texts))
    assert "<script" not in page and "<b>bank" not in page and "http" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; sport &amp; goal" in page
    assert page.count("<details open>") == 2 and page.count("<details") == page.count("</details>")


def test_mutual_information_is_that_of_the_table():
    present = torch.tensor([[1, 0, 1], [1, 1, 0], [0, 0, 1], [0, 1, 0]]).bool()
    member = torch.tensor([True, True, False, False])
    found = mutual_information(present, member)
    torch.testing.assert_close(found[0], torch.tensor(2.0).log())
    torch.testing.assert_close(found[1:].abs(), torch.zeros(2))


def test_clusters_are_told_by_their_words():
    texts = ["goal match"] * 3 + ["bank money"] * 3
    bags = BagOfWords.fit(texts, 10, 1.0)
    codes = torch.tensor([[0]] * 3 + [[1]] * 3)
    found = meanings("one-hot", codes, bags.vectors(texts), bags.words, texts, 2)
    assert [set(m.words) for m in found] == [{"goal", "match"}, {"bank", "money"}]
    assert found[1].document == "bank money" and found[0].documents == 3
