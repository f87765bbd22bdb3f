from summgan.demo.institutions import HELD_OUT, NAMES, unpaired


def test_no_name_stands_beside_its_abbreviation():
    data = unpaired(3)
    assert not {NAMES[name] for name in data.documents} & set(data.sentences) - {
        NAMES[name] for name in NAMES if list(NAMES.values()).count(NAMES[name]) > 1
    }
    names = [name for name, _ in data.test]
    assert not set(names) & set(data.documents)
    assert not {short for _, short in data.test} & set(data.sentences)
    assert names[: len(HELD_OUT)] == list(HELD_OUT) and len(names) == len(HELD_OUT) + 30


def test_every_abbreviation_is_made_of_characters_of_its_name_and_the_seed_draws_them_apart():
    shorter = [len(short) < len(name) for name, short in NAMES.items()]
    assert all(shorter)
    assert unpaired(1) == unpaired(1) != unpaired(2)
