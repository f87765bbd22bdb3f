import pytest

from summgan.errors import SummGANError
from summgan.tokenization import load_tokenizer, save_tokenizer, train_tokenizer
from summgan.truecasing import Truecaser, restore_case

TEXTS = [
    "Police in Porto said that Anna left. Police of the U.S. Navy wait.",
    "The police said on Monday that Anna McBride of the U.S. Navy met police.",
] * 4


@pytest.fixture
def truecaser():
    return Truecaser.fit(TEXTS)


def test_names_and_abbreviations_get_their_case_and_other_words_none(truecaser):
    assert truecaser.restore("police of the u.s. navy met anna mcbride") == (
        "Police of the U.S. Navy met Anna McBride"
    )


def test_a_word_that_begins_sentences_stays_small_inside(truecaser):
    assert truecaser.restore("anna met police") == "Anna met police"
    assert "police" in truecaser.forms and "left" not in truecaser.forms


def test_the_document_knows_better_than_the_training_text(truecaser):
    document = "Lombard bank and the POLICE met eBay."
    assert truecaser.restore("ebay met the police and lombard", document) == (
        "EBay met the POLICE and Lombard"
    )


def test_texts_that_begin_small_stay_so():
    assert Truecaser.fit(["all is small in Rome"] * 4).restore("small rome") == "small Rome"


def test_an_empty_text_stays_empty(truecaser):
    assert truecaser.restore("", "A document") == ""


def test_it_travels_with_the_tokenizer(tmp_path):
    tokenizer = train_tokenizer(TEXTS, 300, do_lower_case=True)
    assert tokenizer("POLICE of Porto").input_ids == tokenizer("police of porto").input_ids
    save_tokenizer(tokenizer, tmp_path)
    loaded = load_tokenizer(tmp_path)
    assert loaded.truecaser == tokenizer.truecaser
    assert loaded("POLICE").input_ids == tokenizer("police").input_ids
    written = loaded.decode(loaded("anna of the U.S. navy").input_ids, skip_special_tokens=True)
    assert restore_case(loaded, written) == "Anna of the U.S. Navy"


def test_a_tokenizer_that_keeps_case_is_believed(tokenizer):
    assert restore_case(tokenizer, "anna oF Porto", "Anna of Porto") == "anna oF Porto"


@pytest.mark.parametrize("kept", ["", "{}", '{"forms": 3, "capitalize": true}', "[1]"])
def test_a_damaged_file_is_named(tmp_path, kept):
    tokenizer = train_tokenizer(TEXTS, 300, do_lower_case=True)
    save_tokenizer(tokenizer, tmp_path)
    (tmp_path / "truecase.json").write_text(kept)
    with pytest.raises(SummGANError, match=r"truecase\.json is damaged"):
        load_tokenizer(tmp_path)
