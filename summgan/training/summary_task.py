"""`SummaryTask`: the algorithm by which a decoder learns to summarize.

    document -> generator -> words -> reconstructor -> document
                               |
                         discriminator  <- human sentences

In the *warm start* each network learns alone: the generator finds human sentences in longer texts, the
reconstructor writes documents from some of their words, the discriminator detects damaged human sentences. In
the *adversarial stage* they learn together. The loss terms are in `losses.py`, the loop is in `trainer.py`.
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
        summaries: Drawn words and their mask, both ``[batch, length]``; None in the warm start.
    """

    summaries: tuple[Tensor, Tensor] | None = None


class SummaryTask(Task):
    """Trains a decoder to summarize, on documents and unpaired human sentences.

    A subclass adds a loss as an entry of `weights` and of the result of `summary_terms` or `sentence_terms`.

    Args:
        options: All options of the run.
        model: Model from `SummGAN.from_options`.
        corpora: Text from `prepare_corpora`.

    Attributes:
        model_class: Class of the model that `prepare` builds; a subclass may have its own generator.
        weights: Weight of each term of the adversarial stage, by name.
        warm_start_weights: Weight of each term of the warm start, by name.
        estimator: Estimator of the gradient through the words, a key of `ESTIMATORS`.
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
        self.estimator = options.estimator
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
        """Read documents and sentences, learn a vocabulary, and build a new model; see `Task.prepare`."""
        corpora = prepare_corpora(options, say, checkpoint)
        torch.manual_seed(options.training.seed)
        longest = options.data.max_document_length
        tokenizer = corpora.vocabulary.tokenizer
        model = cls.model_class.from_options(options.model, tokenizer, max_document_length=longest)
        model.set_human_lengths(measure_lengths(corpora.sentences, corpora.vocabulary))
        return cls(options, model, corpora)

    # The algorithm -------------------------------------------------------------------------------

    def losses(self, batch: Batch, step: int) -> Iterator[Objective]:
        """Yield the objective of generator and reconstructor, then that of the discriminator."""
        stream = RandomStream.of(batch.rows, self.training.seed, "step", step)
        learned = self.passes["autoencoder"](batch, stream, self.temperature_at(step))
        yield learned
        if self.plays:
            yield self.passes["discriminator"](batch, learned.summaries)

    def autoencode(self, batch: Batch, stream: RandomStream, temperature: float | None) -> SummaryObjective:
        """Objective of the warm start if ``temperature`` is None, else of the adversarial stage."""
        if temperature is None:
            return self.warm_start(batch, stream)
        return self.adversarial(batch, stream, temperature)

    def warm_start(self, batch: Batch, stream: RandomStream) -> SummaryObjective:
        """Objective of the warm start, in which generator and reconstructor learn separately.

        The generator finds human sentences in longer texts or, with ``training.warm_start`` ``content``,
        extracts content words. The reconstructor writes documents from some of their words.
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
        """Objective of the adversarial stage: summaries are drawn, rebuilt and judged."""
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
        """Draw summaries ``[batch * samples, length]``, ``samples`` consecutive ones of each document."""
        generator = self.model.generator
        source = generator.encode(batch["documents"].ids, batch["documents"].mask)
        units = generator.draw_units(source, stream.fork("units")).repeat_interleave(samples)
        draws = stream.fork("draw").repeat(samples)
        return generator.draw(source.repeat(samples), units, draws, self.estimator, temperature)

    def summary_terms(
        self, code: Code, batch: Batch, stream: RandomStream, samples: int
    ) -> dict[str, Tensor]:
        """Compute the loss terms of summaries, ``[batch * samples]`` each.

        Args:
            code: Summaries from `draw`.
            batch: Their documents, and human sentences.
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
        """Whether a term's gradient is that of REINFORCE instead of passing through the words."""
        names = REWARDED.get(self.estimator, ())
        return names is None or name in names

    def sentence_terms(self, batch: Batch, stream: RandomStream) -> dict[str, Tensor]:
        """Compute the loss terms of human sentences, which need no summary, ``[batch]`` each."""
        terms = {}
        if self.weights["back_cycle"]:
            networks = self.model.generator, self.model.reconstructor
            terms["back_cycle"] = losses.back_cycle(*networks, batch, stream.fork("back"))
        if self.weights["denoising"]:
            terms["denoising"] = self.denoising(batch)
        return terms

    def denoising(self, batch: Batch) -> Tensor:
        """Loss ``[batch]``; see `losses.denoising`."""
        return losses.denoising(self.model.generator, batch)

    def reconstruction(self, code: Code, batch: Batch, stream: RandomStream, samples: int = 1) -> Tensor:
        """Cross-entropy per piece ``[batch * samples]`` of rebuilding documents from summaries, in nats."""
        inputs = losses.reconstruction_inputs(batch, stream, samples)
        dropout, stride = self.training.word_dropout, self.training.reconstruction_stride
        return self.model.reconstructor(code, *inputs, dropout, stride)

    def discriminate(self, batch: Batch, summaries: tuple[Tensor, Tensor] | None) -> Objective:
        """Objective of the discriminator; see `losses.discriminator_terms`."""
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
        """A rise and a fall in each stage, with the peaks in the options."""
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
        """Micro-batches of documents, human sentences, and the training texts made of them."""
        return SummaryBatches(
            self.corpora,
            share,
            self.training.seed,
            self.stages(),
            self.training.neighbour_share,
        )

    def stages(self) -> tuple[Stage, Stage]:
        """Return the names of the texts that the losses of each stage read."""
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
        """Score the validation documents; see `Validator.evaluate`."""
        return self.validator.evaluate()

    def sample(self, step: int) -> str:
        """Return a document with its summary and reconstruction as text."""
        return self.validator.sample_text(step)

    def save(self, folder: Path) -> None:
        """Write model and vocabulary."""
        self.model.save_pretrained(folder)
        self.corpora.vocabulary.save_pretrained(folder)

    def describe(self, state: TrainerState) -> str:
        """Write the model card; see `model_card`."""
        return model_card(self.model, self.options, state)

    def write_report(self, file: Path, state: TrainerState) -> None:
        """Write the curves and the samples of the last evaluation."""
        title = f"summgan, step {state.step}"
        write_report(file, title=title, curves=state.curves(), samples=self.validator.samples)
