from tokenizers.pre_tokenizers import ByteLevel

from summgan.text.pieces import length_table, pieces_of_words, punctuation_pieces, spellings


def test_special_tokens_and_bytes_are_not_writable(tokenizer):
    table = length_table(tokenizer)
    pieces = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    for index, piece in enumerate(pieces):
        special = index < 4 or (piece.startswith("<0x") and len(piece) == 6)
        assert bool(table.writable[index]) != special


def test_entries_beyond_the_tokenizer_are_never_written(tokenizer):
    size = len(tokenizer)
    table = length_table(tokenizer, size + 5)
    assert table.units.shape == (size + 5,)
    assert not table.writable[size:].any() and table.writable[:size].any()


def test_punctuation_is_silent_and_words_are_found_where_they_stand_alone(tokenizer, chinese_tokenizer):
    silent = punctuation_pieces(tokenizer)
    pieces = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    assert {piece for piece, flag in zip(pieces, silent, strict=True) if flag} >= {",", "."}
    assert not any(flag for piece, flag in zip(pieces, silent, strict=True) if any(map(str.isalnum, piece)))
    assert not silent[tokenizer.eos_token_id]
    found = pieces_of_words(tokenizer, ["that", "THE", "On", ""])
    assert {pieces[index].lower() for index in found} == {"\u2581that", "\u2581the", "\u2581on"}
    (piece,) = pieces_of_words(chinese_tokenizer, ["，"])
    assert chinese_tokenizer.decode([piece]) == "，"
    assert pieces_of_words(tokenizer, []) == []


class Pieces(list):
    """A tokenizer with nothing but pieces."""

    all_special_ids = ()

    def convert_ids_to_tokens(self, ids):
        return [self[index] for index in ids]


def test_spellings_are_the_same_but_for_case_blanks_and_endings_if_wanted():
    pieces = Pieces(["\u2581Kills", "kills", "\u2581killed", "\u2581kilns", "\u2581Toten", None])
    assert spellings(pieces) == [0, 0, 2, 3, 4, 5]
    assert spellings(pieces, "english") == [0, 0, 0, 3, 4, 5]
    german = Pieces(["\u2581tote", "\u2581toten", "\u2581kills", "\u2581killed"])
    assert spellings(german, "german") == [0, 0, 2, 3]
    # In byte-level vocabularies, the decoded letters count.
    as_bytes = ByteLevel(add_prefix_space=False)
    words = [
        " H\u00e4user",
        "h\u00e4user",
        " haus",
        " \u0443\u0431\u0438\u043b\u0430",
        " \u0443\u0431\u0438\u043b\u0438",
    ]
    pieces = Pieces("".join(text for text, _ in as_bytes.pre_tokenize_str(word)) for word in words)
    assert spellings(pieces) == [0, 0, 2, 3, 4]
    assert spellings(pieces, "german")[:3] == [0, 0, 0]
    assert spellings(pieces, "russian")[3:] == [3, 3]
