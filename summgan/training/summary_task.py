"""What summgan learns with a decoder: the file that tells that algorithm.

    document -> generator -> words -> reconstructor -> document
                               |
                         discriminator  <- human sentences

In the *warm start* each network learns alone: the generator finds human sentences in longer texts, the
reconstructor writes documents from some of their words, the discriminator finds damaged human sentences. In
the *adversarial* stage they play together. The formulas of the terms are in `losses.py`, the loop is in
`trainer.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from summgan.data.batches import Batch, Stage, SummaryBatches
from summgan.data.corpora import Corpora, measure_lengths, prepare_corpora
from summgan.data.order import Share
from summgan.evaluation.report import write_report
from summgan.networks.code import Code
from summgan.networks.estimators import REWARDED, leave_one_out
from summgan.networks.modeling import SummGAN
from summgan.options.configuration import Options
from summgan.randomness import RandomStream
from summgan.training import losses
from summgan.training.checkpoint import TrainerState
from summgan.training.losses import means, weigh
from summgan.training.model_card import model_card
from summgan.training.schedules import learning_rate_factor, temperature
from summgan.training.task import ForwardPass, Objective, Task
from summgan.training.validation import Validator


@dataclass(frozen=True)
class SummaryObjective(Objective):
    """The objective of generator and reconstructor.

    Attributes:
        summaries: Words ``[batch, length]`` that were drawn, and their mask; None in the warm start.
    """

    summaries: tuple[Tensor, Tensor] | None = None


class SummaryTask(Task):
    """Learns to summarize from documents and from human sentences that have nothing to do with them.

    A subclass adds a loss by an entry of `weights` and of what `summary_terms` or `sentence_terms` returns.

    Args:
        options: All options of the run.
        model: From `SummGAN.from_options`.
        corpora: From `prepare_corpora`.

    Attributes:
        model_class: What `prepare` makes a new model of; a subclass may have a generator of its own.
        weights: Weight of each term of the adversarial stage, by name.
        warm_start_weights: Weight of each term of the warm start, by name.
        estimator: How the gradient passes through the words, a name in `ESTIMATORS`.
        plays: Whether the discriminator takes part.
    """

    model: SummGAN
    model_class: ClassVar[type[SummGAN]] = SummGAN

    def __init__(self, options: Options, model: SummGAN, corpora: Corpora):
        networks = {
            "generator": model.generator,
            "reconstructor": model.reconstructor,
            "discriminator": model.discriminator,
        }
        super().__init__(options, model, networks, corpora.fingerprint)
        self.training, self.corpora = options.training, corpora
        self.estimator: str = options.training.estimator
        self.weights: dict[str, float] = asdict(options.training.loss_weights)
        self.warm_start_weights = dict.fromkeys(("denoising", "extraction", "reconstruction"), 1.0)
        self.plays = model.config.has_discriminator = self.weights["adversarial"] > 0
        model.set_counts(corpora.word_weights, corpora.salience)
        self.passes = {
            "autoencoder": ForwardPass(self.autoencode, model.generator, model.reconstructor),
            "discriminator": ForwardPass(self.discriminate, model.discriminator),
        }
        self.validator = Validator(model, corpora)

    @classmethod
    def prepare(cls, options: Options, say: Callable[[str], None], checkpoint: Path | None) -> SummaryTask:
        """Read both piles, learn a vocabulary, and build a new model."""
        corpora = prepare_corpora(options, say, checkpoint)
        torch.manual_seed(options.training.seed)
        longest = options.data.max_document_length
        tokenizer = corpora.vocabulary.tokenizer
        model = cls.model_class.from_options(options.model, tokenizer, max_document_length=longest)
        model.set_human_lengths(measure_lengths(corpora.sentences, corpora.vocabulary))
        return cls(options, model, corpora)

    # The algorithm -------------------------------------------------------------------------------

    def losses(self, batch: Batch, step: int) -> Iterator[Objective]:
        """The objective of generator and reconstructor, then that of the discriminator."""
        stream = RandomStream.of(batch.rows, self.training.seed, "step", step)
        learned = self.passes["autoencoder"](batch, stream, self.temperature_at(step))
        yield learned
        if self.plays:
            yield self.passes["discriminator"](batch, learned.summaries)

    def autoencode(self, batch: Batch, stream: RandomStream, temperature: float | None) -> SummaryObjective:
        """The warm start when there is no ``temperature``, else the adversarial stage."""
        if temperature is None:
            return self.warm_start(batch, stream)
        return self.adversarial(batch, stream, temperature)

    def warm_start(self, batch: Batch, stream: RandomStream) -> SummaryObjective:
        """Each network learns alone what can be learned without the other.

        The generator finds human sentences in longer texts (or picks content words, where no human sentence
        may be seen), the reconstructor writes documents from some of their words.
        """
        if self.training.warm_start == "sentences":
            terms = {"denoising": self.denoising(batch)}
        else:
            terms = {"extraction": losses.extraction(self.model.generator, batch)}
        code = self.model.reconstructor.code_of(batch["content"].ids, batch["content"].mask)
        terms["reconstruction"] = self.reconstruction(code, batch, stream)
        averages = {name: values.mean() for name, values in terms.items()}
        return SummaryObjective(weigh(averages, self.warm_start_weights), means(terms))

    def adversarial(self, batch: Batch, stream: RandomStream, temperature: float) -> SummaryObjective:
        """Document to words to document, with every other term that has a weight."""
        samples = self.training.samples_per_document if self.estimator in REWARDED else 1
        code = self.draw(batch, stream, temperature, samples)
        terms = self.summary_terms(code, batch, stream, samples)
        total = weigh(terms, self.weights).mean()
        if self.estimator in REWARDED:
            costs = {name: values for name, values in terms.items() if self.is_rewarded(name)}
            advantage = leave_one_out(weigh(costs, self.weights).view(-1, samples)).flatten()
            total = total + (advantage * (code.given("log_probs") * code.mask).sum(1)).mean()
        others = self.sentence_terms(batch, stream)
        total = weigh({name: values.mean() for name, values in others.items()}, self.weights, total)
        first = slice(None, None, samples)
        figures = means(terms | others) | code.metrics
        return SummaryObjective(total, figures, (code.given("words")[first], code.mask[first]))

    def draw(self, batch: Batch, stream: RandomStream, temperature: float, samples: int) -> Code:
        """Summaries ``[batch * samples, length]`` of the documents, ``samples`` of each in a row."""
        generator = self.model.generator
        source = generator.encode(batch["documents"].ids, batch["documents"].mask)
        units = generator.draw_units(source, stream.fork("units")).repeat_interleave(samples)
        draws = stream.fork("draw").repeat(samples)
        return generator.draw(source.repeat(samples), units, draws, self.estimator, temperature)

    def summary_terms(
        self, code: Code, batch: Batch, stream: RandomStream, samples: int
    ) -> dict[str, Tensor]:
        """Terms ``[batch * samples]`` of the summaries.

        Args:
            code: Summaries from `draw`.
            batch: The documents that they are of, and human sentences.
            stream: Noise of the rows of the batch.
            samples: Number of summaries of each document.
        """
        terms = {"reconstruction": self.reconstruction(code, batch, stream, samples)}
        if self.plays:
            words = code.given("one_hot")
            words = words.detach() if self.is_rewarded("adversarial") else words
            judge, hard = losses.make_judge(self.model.discriminator), self.estimator != "soft-gumbel"
            terms["adversarial"] = losses.adversarial(judge, words, code, batch, samples, hard)
        if self.weights["content"]:
            terms["content"] = losses.content(self.model.generator.salience, code, batch, samples)
        return terms

    def is_rewarded(self, name: str) -> bool:
        """Whether a term reaches the generator as a cost of the words drawn, and not through them."""
        names = REWARDED.get(self.estimator, ())
        return names is None or name in names

    def sentence_terms(self, batch: Batch, stream: RandomStream) -> dict[str, Tensor]:
        """Terms ``[batch]`` of the human sentences, which no summary has a part in."""
        terms = {}
        if self.weights["back_cycle"]:
            networks = self.model.generator, self.model.reconstructor
            terms["back_cycle"] = losses.back_cycle(*networks, batch, stream.fork("back"))
        if self.weights["denoising"]:
            terms["denoising"] = self.denoising(batch)
        return terms

    def denoising(self, batch: Batch) -> Tensor:
        """``[batch]``: see `losses.denoising`."""
        return losses.denoising(self.model.generator, batch)

    def reconstruction(self, code: Code, batch: Batch, stream: RandomStream, samples: int = 1) -> Tensor:
        """``[batch * samples]``: cross-entropy per piece of the documents, written from the code."""
        inputs = losses.reconstruction_inputs(batch, stream, samples)
        dropout, stride = self.training.word_dropout, self.training.reconstruction_stride
        return self.model.reconstructor(code, *inputs, dropout, stride)

    def discriminate(self, batch: Batch, summaries: tuple[Tensor, Tensor] | None) -> Objective:
        """The objective of the discriminator; see `losses.discriminator_terms`."""
        penalty = self.training.gradient_penalty
        weights = {"discriminator": 1.0, "discriminator_words": 1.0, "gradient_penalty": penalty / 2}
        terms, accuracies = losses.discriminator_terms(
            self.model.discriminator, batch, summaries, penalty > 0
        )
        return Objective(weigh(terms, weights), means(terms) | accuracies)

    # Schedules -----------------------------------------------------------------------------------

    def temperature_at(self, step: int) -> float | None:
        """Temperature of the Gumbel-softmax; None in the warm start."""
        step -= self.training.warm_start_steps
        if step < 0:
            return None
        start, end = self.training.temperature_start, self.training.temperature_end
        return temperature(step, self.training.adversarial_steps, start, end)

    def learning_rates(self, step: int) -> dict[str, float]:
        """A rise and a fall in each stage, from the peaks in the options."""
        training, warm = self.training, self.training.warm_start_steps
        in_warm_start = step < warm
        steps = warm if in_warm_start else training.adversarial_steps
        factor = learning_rate_factor(
            step if in_warm_start else step - warm,
            steps,
            min(training.warmup_steps, steps // 10),
            training.lr_scheduler_type,
        )
        peak = training.learning_rate if in_warm_start else training.adversarial_learning_rate
        peaks = dict.fromkeys(self.networks, peak) | {"discriminator": training.discriminator_learning_rate}
        return {name: peak * factor for name, peak in peaks.items()}

    # Data and results ----------------------------------------------------------------------------

    def batches(self, share: Share) -> SummaryBatches:
        """Documents and human sentences, and what is made of them to learn from."""
        return SummaryBatches(
            self.corpora,
            share,
            self.training.seed,
            self.stages(),
            self.training.neighbour_share,
        )

    def stages(self) -> tuple[Stage, Stage]:
        """The texts that the losses of each stage read."""
        training, taught = self.training, {"noised", "targets"}
        both = {"documents"} | ({"sentences", "damaged"} if self.plays else set())
        warm_start = both | {"content"} | (taught if training.warm_start == "sentences" else set())
        game = both | (taught if self.weights["denoising"] else set())
        game |= {"sentences"} if self.weights["back_cycle"] else set()
        return (
            Stage(training.warm_start_steps, frozenset(warm_start)),
            Stage(training.adversarial_steps, frozenset(game)),
        )

    def validate(self) -> dict[str, float]:
        """See `Validator.evaluate`."""
        return self.validator.evaluate()

    def sample(self, step: int) -> str:
        """A document with its summary and reconstruction."""
        return self.validator.sample_text(step)

    def save(self, folder: Path) -> None:
        """Write model and vocabulary."""
        self.model.save_pretrained(folder)
        self.corpora.vocabulary.save_pretrained(folder)

    def describe(self, state: TrainerState) -> str:
        """See `model_card`."""
        return model_card(self.model, self.options, state)

    def write_report(self, file: Path, state: TrainerState) -> None:
        """The curves, and the samples of the last evaluation."""
        title = f"summgan, step {state.step}"
        write_report(file, title=title, curves=state.curves(), samples=self.validator.samples)
