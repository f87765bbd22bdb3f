"""Critics of sampled summaries: networks that score words, given as rows of a word table (`spelling.py`).

`GapDiscriminator` classifies each gap, before a word or the end, by whether something was struck out there:
the target is yes for leaps of the generator's paths, no for their other gaps and those of human sentences.
Its logit of a gap becomes the reward of an edge. `Reconstruction` predicts the document from the summary
alone; it learns from the sampled summaries, needs nothing pretrained, and its log-likelihood is a reward of
the whole summary. `Likeness` is the similarity of a summary to its document under a frozen sentence encoder.
`Fluency` is the log-probability of each word of the summary, and of its end, under a frozen causal language
model that has read the document.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import DynamicCache, PreTrainedModel

from summgan.networks.backbone import build_stacks
from summgan.networks.reconstructor import Reconstructor
from summgan.networks.spelling import Speller, at_pieces, states_at


class GapDiscriminator(nn.Module):
    """Computes one logit for each gap.

    Args:
        encoder: An encoder of transformers, new or pretrained.
        speller: Spells words as pieces of the encoder.
    """

    def __init__(self, encoder: PreTrainedModel, speller: Speller):
        super().__init__()
        width = encoder.config.hidden_size
        self.encoder, self.speller = encoder, speller
        self.head = nn.Sequential(
            nn.Linear(2 * width, width), nn.GELU(), nn.Dropout(0.1), nn.Linear(width, 1)
        )

    def embed(self, words: Tensor) -> Tensor:
        """Embed words ``[...]`` as `forward` reads them, ``[..., width]``."""
        return self.speller.mean_embedding(words, self.encoder.get_input_embeddings())

    def forward(self, words: Tensor, more: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Judge sentences.

        Args:
            words: ``[batch, words]`` rows of the word table, padded with -1.
            more: ``[batch, words, width]`` vectors that are added to the words' embeddings; None for none.

        Returns:
            Two tensors ``[batch, words + 1]``: the logit that something was struck out before each word, or
            before the end; and whether there is such a gap.
        """
        spelled = self.speller(words)
        read = {"input_ids": spelled.input_ids}
        if more is not None:
            embedded = self.encoder.get_input_embeddings()(spelled.input_ids)
            read = {"inputs_embeds": embedded + at_pieces(spelled, more)}
        states = self.encoder(**read, attention_mask=spelled.attention_mask).last_hidden_state
        sides = [states_at(states, spelled.last[:, :-1]), states_at(states, spelled.first[:, 1:])]
        logits = self.head(torch.cat(sides, 2)).squeeze(2).float()
        gaps = torch.arange(words.shape[1] + 1, device=words.device) <= (words >= 0).sum(1)[:, None]
        return logits, gaps


def gap_rewards(logits: Tensor, gaps: Tensor, weight: float) -> Tensor:
    """Return the reward of each gap ``[batch, gaps]``: `-weight · softplus(logit)`, and 0 for padding."""
    return -weight * F.softplus(logits) * gaps


class Reconstruction(nn.Module):
    """Computes the log-probability of each piece of documents, given summaries alone.

    Args:
        network: A BART- or T5-like encoder-decoder with the vocabulary of the speller.
        speller: Spells words as pieces of the network.
    """

    def __init__(self, network: PreTrainedModel, speller: Speller):
        super().__init__()
        width, pieces = network.config.hidden_size, network.config.vocab_size
        embedding = network.get_input_embeddings()
        assert isinstance(embedding, nn.Embedding)
        stacks = build_stacks(network, embedding)
        self.reconstructor = Reconstructor(*stacks, width, pieces, "pieces", speller.begin, speller.end)
        self.speller = speller

    def embed(self, words: Tensor) -> Tensor:
        """Embed words ``[...]`` as `forward` reads them, ``[..., width]``."""
        return self.speller.mean_embedding(words, self.reconstructor.encoder.embed)

    def forward(self, words: Tensor, documents: Tensor, more: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Score documents given summaries.

        Args:
            words: ``[batch, words]`` summaries as rows of the word table, padded with -1.
            documents: ``[batch, document words]`` documents, likewise.
            more: ``[batch, words, width]`` vectors that are added to the embeddings of the summaries' words;
                None for none. What is copied is the words all the same.

        Returns:
            Two tensors ``[batch, pieces]``: log-probability, in nats, of each piece of the document and of
            its end, padded with 0; and whether there is such a piece.
        """
        spelled, wanted = self.speller(words), self.speller(documents)
        code = self.reconstructor.code_of(spelled.input_ids, spelled.attention_mask)
        if more is not None:
            code = replace(code, vectors=code.vectors + at_pieces(spelled, more))
        pieces, mask = wanted.input_ids[:, 1:], wanted.attention_mask[:, 1:]
        scores, _ = self.reconstructor.scores(code, pieces, mask)
        return scores * mask, mask.bool()


class FrozenCritic(nn.Module):
    """A critic that is not trained and always in evaluation mode, without dropout."""

    def train(self, mode: bool = True) -> FrozenCritic:
        """Stay in evaluation mode."""
        return super().train(False)


class Likeness(FrozenCritic):
    """Computes sentence embeddings, whose cosine is the similarity of two texts; not trained.

    Args:
        encoder: A sentence encoder whose embedding of a text is the mean of its states.
        speller: Spells words as pieces of the encoder.
    """

    def __init__(self, encoder: PreTrainedModel, speller: Speller):
        super().__init__()
        self.encoder, self.speller = encoder.requires_grad_(False).eval(), speller

    @torch.no_grad()
    def forward(self, words: Tensor, after: Tensor | None = None) -> Tensor:
        """Embed texts.

        Args:
            words: ``[batch, words]`` rows of the word table, padded with -1.
            after: ``[batch, words]`` kind of the punctuation after each word; none by default.

        Returns:
            ``[batch, width]`` vectors of length 1.
        """
        spelled = self.speller(words, after)
        encoded = self.encoder(input_ids=spelled.input_ids, attention_mask=spelled.attention_mask)
        mask = spelled.attention_mask[..., None].float()
        mean = (encoded.last_hidden_state.float() * mask).sum(1) / mask.sum(1)
        return F.normalize(mean, dim=1)


class Fluency(FrozenCritic):
    """Computes the log-probability of each word of summaries, given their documents; not trained.

    The model reads the document, a blank line, and the summary with a full stop. A word is likely where the
    summary continues like the document or says the same more briefly, the full stop where nothing is missing.

    Args:
        network: A causal language model.
        speller: Spells words in running text; see `speller_of_running_text`.
    """

    least: ClassVar[float] = -10.0  # smallest log-probability of a word, in nats: no word counts less

    def __init__(self, network: PreTrainedModel, speller: Speller):
        super().__init__()
        self.network, self.speller = network.requires_grad_(False).eval(), speller

    @torch.no_grad()
    def forward(self, words: Tensor, documents: Tensor, after: Tensor) -> Tensor:
        """Score the summaries of each document, which is read once for all of them.

        Args:
            words: ``[batch * samples, words]`` summaries as rows of the word table, padded with -1.
            documents: ``[batch, document words]`` documents, likewise.
            after: ``[batch, document words]`` kind of the punctuation after each word of the documents.

        Returns:
            ``[batch * samples, words + 1]`` log-probability, in nats, of each word and then of the end;
            padded with 0.
        """
        read, spelled = self.speller(documents, after), self.speller(words)
        samples = len(words) // len(documents)
        end = read.first[:, -1:]
        seen = read.attention_mask.scatter(1, end, 0)  # the blank line follows, not a full stop
        cache = DynamicCache(config=self.network.config)
        self.network(input_ids=read.input_ids, attention_mask=seen, past_key_values=cache, logits_to_keep=1)
        cache.batch_repeat_interleave(samples)
        seen, end = seen.repeat_interleave(samples, 0), end.repeat_interleave(samples, 0)
        logits = self.network(
            input_ids=spelled.input_ids,
            attention_mask=torch.cat([seen, spelled.attention_mask], 1),
            position_ids=end + torch.arange(spelled.input_ids.shape[1], device=words.device),
            past_key_values=cache,
        ).logits[:, :-1]
        ids = spelled.input_ids[:, 1:]
        nats = logits.gather(2, ids[..., None]).squeeze(2).float() - logits.float().logsumexp(2)
        sums = F.pad(nats.cumsum(1), (1, 0))
        scores = sums.gather(1, spelled.last[:, 1:]) - sums.gather(1, spelled.first[:, 1:] - 1)
        places = torch.arange(scores.shape[1], device=words.device)
        return scores.clamp_min(self.least) * (places <= (words >= 0).sum(1)[:, None])
