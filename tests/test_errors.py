import pickle

from summgan.errors import RowError, SummGANError


def test_a_row_that_is_wrong_says_where_it_stands():
    error = RowError("is empty.", "documents.jsonl", 3)
    assert str(error) == "documents.jsonl:3: is empty."
    assert isinstance(error, SummGANError) and isinstance(error, ValueError)


def test_a_row_error_comes_whole_out_of_another_process():
    again = pickle.loads(pickle.dumps(RowError("is empty.", "documents.jsonl", 3)))
    assert (again.reason, again.file, again.line) == ("is empty.", "documents.jsonl", 3)
