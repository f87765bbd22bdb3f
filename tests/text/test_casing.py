import pytest

from summgan.errors import SummGANError
from summgan.text.casing import Truecaser, fold
from summgan.text.vocabulary import Vocabulary

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
        "eBay met the POLICE and Lombard"
    )


@pytest.mark.parametrize(
    ("document", "written", "expected"),
    [
        (
            "Set GIT_REFLOG_ACTION or THREADED_DELTA_SEARCH now",
            "set git_reflog_action or threaded_delta_search",
            "Set GIT_REFLOG_ACTION or THREADED_DELTA_SEARCH",
        ),
        ("it is THREADED_DELTA and a.THREADED", "a threaded one", "A threaded one"),
        ("Call `Threaded()` with THREADED=1 if threaded", "it is threaded", "It is threaded"),
        (
            "an iPhone of McDonald's and O'Brien",
            "a mcdonald's iphone, o'brien",
            "A McDonald's iPhone, O'Brien",
        ),
        ("iPhone sales", "iphone sales", "iPhone sales"),
        ("The World Health Organization (WHO), who", "one (who), who", "One (WHO), who"),
        ("By the (WHO) today", "the (who left; the who) too", "The (WHO left; the WHO) too"),
        ("the ΑΒΓ and ΣΟΦΟΣ", "one αβγ σοφοσ", "One ΑΒΓ ΣΟΦΟΣ"),
        ("in İstanbul or Straße", "to i̇stanbul straße", "To İstanbul Straße"),
        (
            "of the U.S. t-SNE, HTML5 and README.md",
            "the t-sne u.s. html5 readme.md",
            "The t-SNE U.S. HTML5 README.md",
        ),
        ("see foo_bar.Baz(), I/O", "a foo_bar.baz() i/o", "A foo_bar.Baz() I/O"),
        ("give --no-verify or -DTHREADED", "--no-verify -dthreaded", "--no-verify -DTHREADED"),
        ("a readMe is", "readme is", "readMe is"),
        ("t-SNE is a map", "t-sne", "t-SNE"),
        ("The $HOME/Src and Foo::Bar", "the $home/src, foo::bar", "The $HOME/Src, Foo::Bar"),
        ("a http://Example.com/A?b=C @BarackObama", "a http://example.com/a?b=c @barackobama", None),
        ('say "GIT_DIR", then', 'a "git_dir" is git_dir.', 'A "GIT_DIR" is GIT_DIR.'),
        ("在MIT学习Python", "mit学习python", "MIT学习Python"),
        ("LYON: all is well. Lyon is big in Lyon", "lyon is", "Lyon is"),
        ("about НАТО и ЕС", "a нато ес", "A НАТО ЕС"),
        (
            "the Git-repo-config is Git-repo-config, a git-repo-config",
            "a git-repo-config",
            "A Git-repo-config",
        ),
    ],
)
def test_what_is_taken_from_the_document_keeps_its_form(truecaser, document, written, expected):
    found = truecaser.restore(written, document)
    assert found == (expected or document[0].upper() + document[1:])


def test_forms_are_found_by_what_a_letter_and_its_small_form_have_in_common():
    for code in (*range(0xD800), *range(0xE000, 0x20000)):
        assert fold(chr(code).lower()) == fold(chr(code)), hex(code)


def test_texts_that_begin_small_stay_so():
    assert Truecaser.fit(["all is small in Rome"] * 4).restore("small rome") == "small Rome"


def test_an_empty_text_stays_empty(truecaser):
    assert truecaser.restore("", "A document") == ""


def test_it_travels_with_the_vocabulary(tmp_path):
    vocabulary = Vocabulary.train(TEXTS, 300, do_lower_case=True)
    assert vocabulary.encode("POLICE of Porto") == vocabulary.encode("police of porto")
    assert vocabulary.drops_case
    vocabulary.save_pretrained(tmp_path)
    loaded = Vocabulary.from_pretrained(tmp_path)
    assert loaded.truecaser == vocabulary.truecaser
    assert loaded.encode("POLICE") == vocabulary.encode("police")
    written = loaded.decode(loaded.encode("anna of the U.S. navy"))
    assert loaded.finish(written) == "Anna of the U.S. Navy"


def test_a_vocabulary_that_keeps_case_is_believed(vocabulary):
    assert vocabulary.finish("anna oF Porto", "Anna of Porto") == "anna oF Porto"
    assert not vocabulary.drops_case


@pytest.mark.parametrize("kept", ["", "{}", '{"forms": 3, "capitalize": true}', "[1]"])
def test_a_damaged_file_is_named(tmp_path, kept):
    Vocabulary.train(TEXTS, 300, do_lower_case=True).save_pretrained(tmp_path)
    (tmp_path / "truecase.json").write_text(kept)
    with pytest.raises(SummGANError, match=r"truecase\.json is damaged"):
        Vocabulary.from_pretrained(tmp_path)
