"""Critics of drawn summaries: nets that score words, given as rows of a word table (`spelling.py`).

`GapDiscriminator` answers for every gap between two words "was something struck out here?": gaps of human
sentences say no, leaps of the generator's paths yes, their other gaps no. One logit per gap is one reward per
edge. `Reconstruction` rebuilds the document from the summary alone; it learns from the drawn summaries, needs
nothing pretrained, and its log-likelihood is a reward of the whole. `Likeness` is the similarity of a summary
to its document under a frozen sentence encoder. `Fluency` is how likely a frozen causal language model finds
each word of the summary, and its end, when it has read the document.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import DynamicCache, PreTrainedModel

from summgan.networks.backbone import build_stacks
from summgan.networks.reconstructor import Reconstructor
from summgan.networks.spelling import Speller, states_at


class GapDiscriminator(nn.Module):
    """One logit per gap.

    Args:
        encoder: Any encoder of transformers, new or pretrained.
        speller: Pieces of its words.
    """

    def __init__(self, encoder: PreTrainedModel, speller: Speller):
        super().__init__()
        width = encoder.config.hidden_size
        self.encoder, self.speller = encoder, speller
        self.head = nn.Sequential(
            nn.Linear(2 * width, width), nn.GELU(), nn.Dropout(0.1), nn.Linear(width, 1)
        )

    def forward(self, words: Tensor) -> tuple[Tensor, Tensor]:
        """Judge sentences ``[batch, words]``, -1 beyond the last.

        Returns:
            ``[batch, words + 1]`` logits that something was struck out before each word, or before the end;
            and which of them are gaps.
        """
        spelled = self.speller(words)
        encoded = self.encoder(input_ids=spelled.input_ids, attention_mask=spelled.attention_mask)
        states = encoded.last_hidden_state
        sides = [states_at(states, spelled.last[:, :-1]), states_at(states, spelled.first[:, 1:])]
        logits = self.head(torch.cat(sides, 2)).squeeze(2).float()
        gaps = torch.arange(words.shape[1] + 1, device=words.device) <= (words >= 0).sum(1)[:, None]
        return logits, gaps


def gap_rewards(logits: Tensor, gaps: Tensor, weight: float) -> Tensor:
    """``[batch, gaps]`` reward of each gap: `-weight · softplus(logit)`, 0 where there is none."""
    return -weight * F.softplus(logits) * gaps


class Reconstruction(nn.Module):
    """Log-probability of documents, piece by piece, given summaries alone.

    Args:
        network: A BART- or T5-like encoder-decoder, whose tables have the speller's pieces.
        speller: Pieces of the words.
    """

    def __init__(self, network: PreTrainedModel, speller: Speller):
        super().__init__()
        width, pieces = network.config.hidden_size, network.config.vocab_size
        embedding = network.get_input_embeddings()
        assert isinstance(embedding, nn.Embedding)
        stacks = build_stacks(network, embedding)
        self.reconstructor = Reconstructor(*stacks, width, pieces, "pieces", speller.begin, speller.end)
        self.speller = speller

    def forward(self, words: Tensor, documents: Tensor) -> tuple[Tensor, Tensor]:
        """Rebuild documents ``[batch, document words]`` from summaries ``[batch, words]``.

        Returns:
            ``[batch, pieces]`` log-probability of each piece of the document and of its end, 0 beyond; and
            which are pieces.
        """
        said, wanted = self.speller(words), self.speller(documents)
        code = self.reconstructor.code_of(said.input_ids, said.attention_mask)
        pieces, mask = wanted.input_ids[:, 1:], wanted.attention_mask[:, 1:]
        scores, _ = self.reconstructor.scores(code, pieces, mask)
        return scores * mask, mask.bool()


class FrozenCritic(nn.Module):
    """A critic that is not trained, and so has no dropout."""

    def train(self, mode: bool = True) -> FrozenCritic:
        """Stay in evaluation."""
        return super().train(False)


class Likeness(FrozenCritic):
    """Cosine of sentence embeddings; not trained.

    Args:
        encoder: A sentence encoder whose embedding is the mean of its states.
        speller: Pieces of its words.
    """

    def __init__(self, encoder: PreTrainedModel, speller: Speller):
        super().__init__()
        self.encoder, self.speller = encoder.requires_grad_(False).eval(), speller

    @torch.no_grad()
    def forward(self, words: Tensor, after: Tensor | None = None) -> Tensor:
        """``[batch, width]`` unit vectors of rows ``[batch, words]``, with punctuation if given."""
        spelled = self.speller(words, after)
        encoded = self.encoder(input_ids=spelled.input_ids, attention_mask=spelled.attention_mask)
        mask = spelled.attention_mask[..., None].float()
        mean = (encoded.last_hidden_state.float() * mask).sum(1) / mask.sum(1)
        return F.normalize(mean, dim=1)


class Fluency(FrozenCritic):
    """Log-probability of each word of summaries, given their documents; not trained.

    The model reads the document, an empty line, and the summary up to a full stop. A word is likely where the
    summary goes on as the document does or says it in fewer words, the full stop where nothing is missing.

    Args:
        network: A causal language model.
        speller: Pieces of the words in running text, from `speller_of_running_text`.
    """

    least: ClassVar[float] = -10.0  # nats; what is less likely is as bad

    def __init__(self, network: PreTrainedModel, speller: Speller):
        super().__init__()
        self.network, self.speller = network.requires_grad_(False).eval(), speller

    @torch.no_grad()
    def forward(self, words: Tensor, documents: Tensor, after: Tensor) -> Tensor:
        """Score the words of some summaries of each document, which is read once for all of them.

        Args:
            words: ``[batch * samples, words]``, -1 beyond the last.
            documents: ``[batch, document words]``.
            after: ``[batch, document words]`` punctuation after each word, by kind.

        Returns:
            ``[batch * samples, words + 1]`` nats of each word, and after the last one of the end; 0 beyond.
        """
        read, said = self.speller(documents, after), self.speller(words)
        samples = len(words) // len(documents)
        end = read.first[:, -1:]
        seen = read.attention_mask.scatter(1, end, 0)  # the empty line comes next, not a full stop
        cache = DynamicCache(config=self.network.config)
        self.network(input_ids=read.input_ids, attention_mask=seen, past_key_values=cache, logits_to_keep=1)
        cache.batch_repeat_interleave(samples)
        seen, end = seen.repeat_interleave(samples, 0), end.repeat_interleave(samples, 0)
        logits = self.network(
            input_ids=said.input_ids,
            attention_mask=torch.cat([seen, said.attention_mask], 1),
            position_ids=end + torch.arange(said.input_ids.shape[1], device=words.device),
            past_key_values=cache,
        ).logits[:, :-1]
        ids = said.input_ids[:, 1:]
        nats = logits.gather(2, ids[..., None]).squeeze(2).float() - logits.float().logsumexp(2)
        sums = F.pad(nats.cumsum(1), (1, 0))
        scores = sums.gather(1, said.last[:, 1:]) - sums.gather(1, said.first[:, 1:] - 1)
        places = torch.arange(scores.shape[1], device=words.device)
        return scores.clamp_min(self.least) * (places <= (words >= 0).sum(1)[:, None])
