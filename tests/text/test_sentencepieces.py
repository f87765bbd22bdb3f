from summgan.text.vocabulary import Vocabulary


def test_words_of_a_small_corpus_are_whole_pieces():
    tokenizer = Vocabulary.train(["the quick fox jumped over walls"] * 20, 400).tokenizer
    assert tokenizer.tokenize("the quick fox jumped") == ["▁the", "▁quick", "▁fox", "▁jumped"]


def test_without_bytes_unseen_letters_are_unknown(documents):
    plain = Vocabulary.train(documents, 400, byte_fallback=False).tokenizer
    assert plain.unk_token_id in plain("漢").input_ids
    assert not any(piece.startswith("<0x") for piece in plain.get_vocab())


def test_characters_can_be_the_pieces(chinese_documents):
    tokenizer = Vocabulary.train(chinese_documents, 4000, model_type="char").tokenizer
    text = chinese_documents[0]
    ids = tokenizer(text, add_special_tokens=False).input_ids
    assert len(ids) == len(text) and tokenizer.decode(ids) == text
    assert len(tokenizer) < 4000


def test_no_piece_that_is_learned_looks_like_a_special_one():
    tokenizer = Vocabulary.train(["a <0x0a> </s> <pad> <extra_id_0> ▁▅ b"] * 50, 400).tokenizer
    pieces = tokenizer.convert_ids_to_tokens(range(260, len(tokenizer)))
    assert not any("<" in piece[:-1] and ">" in piece for piece in pieces)
    assert "▁" in Vocabulary.train(["在学习语言今天点"] * 30, 300).tokenizer.get_vocab()
