import pytest
import torch

from summgan.networks.backbone import new_cache
from summgan.networks.code import Source
from summgan.networks.salience import POSITION_BIN, POSITION_BINS
from summgan.networks.words import ended_mask
from summgan.randomness import RandomStream
from summgan.text.script import count_units
from summgan.text.vocabulary import Vocabulary

UNITS = torch.arange(1, 9)


def unread(bottleneck, ids):
    """Documents without information from the encoder."""
    ids = torch.as_tensor(ids)
    hidden = bottleneck.countdown.weight.shape[1]
    return Source(torch.zeros(*ids.shape, hidden), torch.ones_like(ids), ids)


def stream(rows=8, *parts):
    return RandomStream.of(torch.arange(rows), 3, *parts)


def encoded(model, tokenizer, texts, encode):
    return model.generator.encode(*encode(tokenizer, texts))


def test_untrained_summaries_have_exactly_the_wanted_length(
    tokenizer, documents, chinese_tokenizer, chinese_documents, tiny_model, encode
):
    for vocabulary, texts in ((tokenizer, documents), (chinese_tokenizer, chinese_documents)):
        model = tiny_model(vocabulary)
        ids, mask = encode(vocabulary, texts[:8])
        source = model.generator.encode(ids, mask)
        bottleneck = model.generator.bottleneck
        written = [bottleneck.sample(source, UNITS, stream(8, seed)) for seed in range(4)]
        written.append(bottleneck.sample(source, UNITS, None))
        written += [model.generate(ids, mask, UNITS, num_beams=beams) for beams in (1, 3)]
        for words in written:
            for row, units in zip(words, UNITS.tolist(), strict=True):
                text = vocabulary.decode(row, skip_special_tokens=True)
                assert count_units(text) == units, text


@pytest.fixture(scope="module")
def mixed(documents, chinese_documents):
    """Documents of mixed scripts, and their tokenizer."""
    pairs = zip(documents, chinese_documents, strict=True)
    texts = [f"{chinese[:9]}{english[:40]} {chinese[9:16]}在MIT学习Python" for english, chinese in pairs]
    vocabulary = Vocabulary.train(texts + chinese_documents[:50] + documents[:50], 900)
    return vocabulary.tokenizer, texts


def test_lengths_from_one_to_twelve_are_met_in_mixed_scripts(mixed, tiny_model, encode):
    tokenizer, texts = mixed
    model, units = tiny_model(tokenizer), torch.arange(1, 13)
    ids, mask = encode(tokenizer, texts[:12])
    bottleneck, source = model.generator.bottleneck, model.generator.encode(ids, mask)
    written = [bottleneck.sample(source, units, stream(12, seed)) for seed in range(6)]
    written += [bottleneck.sample(source, units, None), model.generate(ids, mask, units, num_beams=3)]
    scripts = set()
    for words in written:
        for row, wanted in zip(words, units.tolist(), strict=True):
            text = tokenizer.decode(row, skip_special_tokens=True)
            assert count_units(text) == wanted, text
            scripts |= {character.isascii() for character in text if character.isalpha()}
    assert scripts == {True, False}


def test_allowed_pieces_can_end_at_the_exact_length(tokenizer, tiny_model):
    bottleneck = tiny_model(tokenizer).generator.bottleneck
    end = tokenizer.eos_token_id

    def allowed(remaining, inside, room):
        nothing = torch.zeros(1, 2, dtype=torch.long)
        values = (torch.tensor([[value]]) for value in (remaining, inside, room, [-1, -1]))
        return bottleneck.allowed(*values, nothing)[0, 0]

    cost = torch.where(bottleneck.continues, bottleneck.units - 1, bottleneck.units)
    within = bottleneck.writable & (cost == 0)
    assert allowed(0, True, 1).nonzero().tolist() == [[end]]
    assert torch.equal(allowed(0, True, 5), within | (torch.arange(len(within)) == end))
    hurried = allowed(3, True, 4)
    assert hurried.any() and not (hurried & within).any() and not hurried[end]
    assert (allowed(3, True, 5) & within).any()
    # After a blank, every piece of a word begins a new word.
    assert not (allowed(1, False, 9) & (bottleneck.units > 1)).any()


def test_tight_room_still_gives_the_exact_length(tokenizer, documents, tiny_model, encode):
    model = tiny_model(tokenizer)
    bottleneck = model.generator.bottleneck
    bottleneck.pieces_per_unit = 1.0
    source = encoded(model, tokenizer, documents[:8], encode)
    for row, units in zip(bottleneck.sample(source, UNITS, stream()), UNITS.tolist(), strict=True):
        assert count_units(tokenizer.decode(row, skip_special_tokens=True)) == units
        assert len(row) <= 8 + 2


def test_the_lengths_of_human_sentences_are_counted_as_in_their_text(
    tokenizer, sentences, tiny_model, encode
):
    words, mask = encode(tokenizer, sentences[:30])
    lengths = tiny_model(tokenizer).generator.bottleneck.length_of(words, mask)
    assert lengths.tolist() == [count_units(text) for text in sentences[:30]]


def test_one_pass_scores_words_as_drawing_them_step_by_step_did(tokenizer, documents, tiny_model, encode):
    model = tiny_model(tokenizer)
    source = encoded(model, tokenizer, documents[:8], encode)
    bottleneck = model.generator.bottleneck
    code = model.generator.draw(source, UNITS, stream(), "reinforce")
    keys, cache = bottleneck.keys(source), new_cache()
    vectors, remaining, inside = bottleneck.inputs(code.words, UNITS)
    fed = bottleneck.fed(code.words)
    for step in range(code.words.shape[1]):
        hidden = bottleneck.decoder(vectors[:, step : step + 1], source.states, source.mask, cache)
        left = bottleneck.max_pieces(UNITS)[:, None] - step
        here = slice(step, step + 1)
        columns = (remaining[:, here], inside[:, here], left, bottleneck.last_two(code.words)[:, here])
        allowed = bottleneck.allowed(*columns, source.ids)
        allowed.scatter_(2, code.words[:, here, None], True)
        log_probs = bottleneck.log_probs(hidden, keys, source, fed[:, : step + 1], allowed)[:, 0]
        assert torch.allclose(log_probs.exp().sum(-1), torch.ones(8), atol=1e-4)
        assert (log_probs[~allowed[:, 0]] == float("-inf")).all()
        drawn = log_probs.gather(1, code.words[:, step : step + 1])[:, 0]
        keep = code.mask[:, step].bool()
        assert torch.allclose(drawn[keep], code.log_probs[keep, step], atol=1e-4)


@torch.no_grad()
def test_one_pass_scores_words_as_passes_over_ever_longer_beginnings_do(
    tokenizer, documents, tiny_model, encode
):
    model = tiny_model(tokenizer)
    source = encoded(model, tokenizer, documents[:8], encode)
    code = model.generator.draw(source, UNITS, stream(), "reinforce")
    for step in range(code.words.shape[1]):
        begun = torch.cat([torch.full((8, 1), model.config.decoder_start_token_id), code.words[:, :step]], 1)
        logits = model(
            input_ids=source.ids,
            attention_mask=source.mask,
            encoder_outputs=(source.states,),
            decoder_input_ids=begun,
            num_units=UNITS,
        ).logits[:, -1]
        bottleneck, before = model.generator.bottleneck, code.words[:, :step]
        remaining = UNITS - bottleneck.costs(before).sum(1) if step else UNITS
        inside = bottleneck.ends_inside[begun[:, -1]]
        last = torch.stack([begun[:, max(0, step - 1)], begun[:, -1]], 1)
        columns = (remaining, inside, bottleneck.max_pieces(UNITS) - step, last)
        allowed = bottleneck.allowed(*(column[:, None] for column in columns), source.ids)[:, 0]
        keep = code.mask[:, step].bool()
        log_probs = logits[keep].masked_fill(~allowed[keep], float("-inf")).log_softmax(-1)
        drawn = log_probs.gather(1, code.words[keep, step, None])[:, 0]
        assert torch.allclose(drawn, code.log_probs[keep, step], atol=1e-4)


def test_a_row_is_drawn_alike_alone_and_in_a_batch(tokenizer, documents, tiny_model, encode):
    model = tiny_model(tokenizer)
    ids, mask = encode(tokenizer, documents[:8])
    together = model.generator.draw(model.generator.encode(ids, mask), UNITS, stream()).words
    for row in (0, 5):
        one = slice(row, row + 1)
        source = model.generator.encode(ids[one], mask[one])
        noise = RandomStream.of(torch.tensor([row]), 3)
        # A batch has room for its longest row; alone, the row's noise is cut, not changed.
        alone = model.generator.bottleneck.sample(source, UNITS[one], noise.fork("words"))
        length = int(ended_mask(alone, tokenizer.eos_token_id).sum())
        assert torch.equal(alone[0, :length], together[row, :length])


def test_the_code_has_the_documented_shapes(tokenizer, documents, tiny_model, encode):
    model = tiny_model(tokenizer)
    source = encoded(model, tokenizer, documents[:8], encode)
    code = model.generator.draw(source, UNITS, stream())
    length = code.words.shape[1]
    assert code.vectors.shape == (8, length, 32)
    assert code.mask.shape == (8, length)
    assert code.one_hot.shape == (8, length, len(tokenizer))
    assert code.log_probs is None
    ends = (code.words == tokenizer.eos_token_id).int().argmax(1)
    assert torch.equal(code.mask.sum(1), ends + 1)
    assert torch.allclose(code.vectors, model.embedding.weight[code.words], atol=1e-5)


def test_reconstruction_reaches_encoder_and_pointer_through_the_words(
    tokenizer, documents, tiny_model, encode
):
    model = tiny_model(tokenizer)
    ids, mask = encode(tokenizer, documents[:8])
    for estimator in ("straight-through", "soft-gumbel", "gumbel-rao"):
        model.zero_grad()
        source = model.generator.encode(ids, mask)
        code = model.generator.draw(source, UNITS, stream(), estimator)
        model.reconstructor(code, ids, mask).mean().backward()
        assert model.generator.bottleneck.pointer.query.weight.grad.abs().sum() > 0
        weight = next(model.generator.encoder.stack.parameters())
        assert weight.grad.abs().sum() > 0


def test_reinforce_gives_gradient_through_the_log_probs_only(tokenizer, documents, tiny_model, encode):
    model = tiny_model(tokenizer)
    source = encoded(model, tokenizer, documents[:8], encode)
    code = model.generator.draw(source, UNITS, stream(), "reinforce")
    assert not code.one_hot.requires_grad
    assert code.log_probs.shape == code.words.shape and (code.log_probs <= 0).all()
    (code.log_probs * code.mask).sum().backward()
    assert model.generator.bottleneck.pointer.query.weight.grad.abs().sum() > 0
    assert next(model.generator.encoder.stack.parameters()).grad.abs().sum() > 0


def test_words_follow_from_the_stream_alone(tokenizer, documents, tiny_model, encode):
    model = tiny_model(tokenizer)
    source = encoded(model, tokenizer, documents[:8], encode)
    first, again = (model.generator.draw(source, UNITS, stream()) for _ in range(2))
    assert torch.equal(first.words, again.words)
    other = model.generator.draw(source, UNITS, stream(8, "other")).words
    assert first.words.shape != other.shape or not torch.equal(first.words, other)
    # The estimator determines the gradient, not what is drawn.
    for estimator in ("soft-gumbel", "gumbel-rao", "reinforce"):
        assert torch.equal(model.generator.draw(source, UNITS, stream(), estimator).words, first.words)


def test_a_row_has_the_same_gradient_noise_alone_and_in_a_batch(tokenizer, documents, tiny_model, encode):
    model = tiny_model(tokenizer)
    ids, mask = encode(tokenizer, documents[:8])

    def soft(rows):
        noise = RandomStream.of(torch.arange(8)[rows], 3)
        source = model.generator.encode(ids[rows], mask[rows])
        code = model.generator.draw(source, UNITS[rows], noise, "soft-gumbel")
        return code.one_hot[0], int(code.mask[0].sum())

    alone, length = soft(slice(2, 3))
    together, same_length = soft(slice(2, 8))
    assert length == same_length
    assert torch.allclose(alone[:length], together[:length], atol=1e-5)


def test_without_copying_there_is_no_pointer(tokenizer, documents, tiny_model, encode):
    model = tiny_model(tokenizer, copy="no")
    assert model.generator.bottleneck.pointer is None and model.reconstructor.pointer is None
    ids, mask = encode(tokenizer, documents[:8])
    code = model.generator.draw(model.generator.encode(ids, mask), UNITS, stream())
    model.reconstructor(code, ids, mask).mean().backward()


def test_the_end_is_found():
    words = torch.tensor([[5, 3, 3], [5, 6, 3], [5, 6, 7]])
    assert ended_mask(words, 3).tolist() == [[1, 1, 0], [1, 1, 1], [1, 1, 1]]


def test_words_of_the_document_are_never_broken(tokenizer, tiny_model, documents, encode):
    bottleneck = tiny_model(tokenizer).generator.bottleneck
    within = bottleneck.glues.nonzero().flatten()
    starts = (bottleneck.writable & ~bottleneck.continues).nonzero().flatten()
    head, tail, other = int(starts[0]), int(within[0]), int(within[1])
    source = torch.tensor([[head, tail, int(starts[1]), int(starts[2])]])
    previous = torch.tensor([[head, tail, int(starts[1]), int(starts[5])]])
    whole = bottleneck.whole_words(torch.stack([previous, previous], 2), source)[0]
    # After its first piece, the word must continue as in the document.
    assert whole[0].nonzero().flatten().tolist() == [tail]
    # After its last piece, or a word of one piece, no letters may follow; a new word may begin.
    for step in (1, 2):
        assert not whole[step, within].any() and whole[step, starts].all()
    # Words that are not in the document are not restricted.
    assert whole[3, other] and whole[3, starts].all()


def test_salience_depends_on_where_a_piece_stands_first(tokenizer, tiny_model):
    bottleneck = tiny_model(tokenizer).generator.bottleneck
    bottleneck.salience.piece.fill_(1.0)
    bottleneck.salience.position.copy_(-torch.arange(POSITION_BINS))
    source = torch.full((1, 2 * POSITION_BIN + 1), 5)
    source[0, POSITION_BIN], source[0, -1] = 7, 9
    there = bottleneck.salience(source)[0]
    assert there[0] == 1.0 and there[POSITION_BIN] == 0.0 and there[-1] == -1.0
    longer = bottleneck.salience(torch.full((1, POSITION_BIN * (POSITION_BINS + 3)), 5))[0]
    assert longer[-1] == 1.0 - (POSITION_BINS - 1)


def test_letters_in_no_piece_are_written_where_the_document_goes_on_with_them(tokenizer, tiny_model):
    bottleneck = tiny_model(tokenizer).generator.bottleneck
    ids = tokenizer("Anna Erdo\u011fan opens", add_special_tokens=False).input_ids
    source = torch.tensor([[*ids, tokenizer.eos_token_id]])
    places = [place for place, piece in enumerate(ids) if bottleneck.bytes[piece]]
    assert len(places) == 2 and not bottleneck.writable[torch.tensor(ids)[places]].any()
    for place in range(places[0] - 1, places[-1] + 1):
        columns = (torch.tensor([[value]]) for value in (2, True, 9, [ids[place - 1], ids[place]]))
        allowed = bottleneck.allowed(*columns, source)[0, 0]
        # The word continues as in the document, byte by byte, to its end.
        assert allowed.nonzero().flatten().tolist() == [ids[place + 1]]
    columns = (torch.tensor([[value]]) for value in (2, True, 9, [ids[0], ids[0]]))
    elsewhere = bottleneck.allowed(*columns, source)
    assert not elsewhere[0, 0][bottleneck.bytes].any()


def test_double_names_are_neither_cut_nor_mixed(tiny_model):
    tokenizer = Vocabulary.train(["Kim Su-yeol met Lee Mu-bak and Su-bak, then Mu."] * 20, 330).tokenizer
    bottleneck = tiny_model(tokenizer).generator.bottleneck
    text = "Kim Su-yeol met Lee Mu-bak"
    source = torch.tensor([[*tokenizer(text, add_special_tokens=False).input_ids, tokenizer.eos_token_id]])

    def after(begun):
        ids = tokenizer(begun, add_special_tokens=False).input_ids
        columns = (torch.tensor([[value]]) for value in (2, True, 9, ids[-2:]))
        allowed = bottleneck.allowed(*columns, source)[0, 0].nonzero().flatten().tolist()
        return {tokenizer.convert_ids_to_tokens(piece)[:1] for piece in allowed}

    assert after("Kim Su") == after("Lee Mu") == {"-"}
    assert after("Kim Su-") == {"y"} and after("Lee Mu-") == {"b"}


def test_words_of_another_script_are_not_spelled_in_bytes(tokenizer, tiny_model):
    bottleneck = tiny_model(tokenizer).generator.bottleneck
    ids = tokenizer("Anna \u0438\u0432\u0430\u043d \u011f\u011f", add_special_tokens=False).input_ids
    source = torch.tensor([ids])
    few = bottleneck._few_bytes(source)[0].tolist()
    runs = "".join("b" if bottleneck.bytes[piece] else "." for piece in ids)
    assert runs.count("b") == 12 and runs.endswith("bbbb")
    assert [place for place, flag in enumerate(few) if flag] == list(range(len(ids) - 4, len(ids)))
