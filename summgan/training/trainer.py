"""The training loop: the file that tells the algorithm.

    document -> generator -> words -> reconstructor -> document
                               |
                         discriminator  <- human sentences

In the *warm start* each network learns alone: the generator finds human sentences among foreign words,
the reconstructor writes documents from some of their words, the discriminator finds damaged human
sentences. In the *adversarial* stage they play together; the terms are in `losses.py`. Every step is one
update of each network from gradients at the same point, and a pure function of weights, seed and step.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor
from torch.utils.data import DataLoader

from summgan.data.batches import Batch, BatchStream
from summgan.data.corpora import Corpora, measure_lengths, prepare_corpora
from summgan.networks.compression import Compressor
from summgan.networks.modeling import SummGAN
from summgan.options.configuration import Options, check_options
from summgan.randomness import RandomStream, derive_seed
from summgan.text.boundaries import UnitBoundaries
from summgan.training.checkpoint import TrainerState, find_checkpoint
from summgan.training.losses import AutoencoderObjective, DiscriminatorObjective, make_judge
from summgan.training.model_card import write_model_card
from summgan.training.optimizers import make_optimizer, own_parameters
from summgan.training.run import Run, say_nothing
from summgan.training.run_folder import RunFolder
from summgan.training.runtime import make_accelerator, trackers
from summgan.training.schedules import learning_rate_factor, temperature
from summgan.training.validation import Validator

logger = logging.getLogger(__name__)

_MOST_SKIPPED = 20


class Trainer(Run):
    """Trains a `SummGAN` on two piles of text.

    Args:
        model: From `SummGAN.from_options`.
        corpora: From `prepare_corpora`.
        options: Of the run.
        accelerator: Made by `make_accelerator` when not given.
        say: Where sentences for the user go.
        folder: The output folder, opened; `train` opens it when not given.
    """

    def __init__(
        self,
        model: SummGAN,
        corpora: Corpora,
        options: Options,
        accelerator: Accelerator | None = None,
        say: Callable[[str], None] = logger.info,
        folder: RunFolder | None = None,
    ):
        steps = options.training.warm_start_steps + options.training.adversarial_steps
        super().__init__(
            model, corpora, options, accelerator or make_accelerator(options), say, folder, steps
        )
        self.plays = model.config.has_discriminator = self.training.loss_weights.adversarial > 0
        model.set_counts(corpora.word_weights, corpora.salience, corpora.succession)
        self.networks = {
            "generator": model.generator,
            "reconstructor": model.reconstructor,
            "discriminator": model.discriminator,
        }
        self.parameters = own_parameters(self.networks)
        self.optimizers = {
            name: self.accelerator.prepare(make_optimizer(parameters, self.training.weight_decay))
            for name, parameters in self.parameters.items()
        }
        self.autoencoder = self.accelerator.prepare(AutoencoderObjective(model, self.training))
        self.critic = self.accelerator.prepare(
            DiscriminatorObjective(model.discriminator, self.training.gradient_penalty)
        )
        self.objectives = (self.autoencoder, self.critic)
        self.validator = Validator(model, corpora)

    # The algorithm -------------------------------------------------------------------------------

    def train(self, resume: bool = False) -> TrainerState:
        """Run both stages to the end.

        Args:
            resume: Go on from the newest checkpoint in the output folder.

        Returns:
            The state at the end; the model is in ``output_dir``.

        Raises:
            SummGANError: Losses stay non-finite, there is nothing to resume, or something to be lost.
            TrainingInterrupted: On Ctrl-C or SIGTERM, after saving.
        """
        with self.begun(resume) as stop:
            batches = iter(self._batches())
            with self.progress() as bar:
                while self.state.step < self.steps:
                    figures = self._step(batches)
                    self.state.step += 1
                    self.tell(figures, bar)
                    if self.due(self.training.sample_steps):
                        self.show_sample(bar)
                    if self.due(self.training.eval_steps) or self.state.step == self.steps:
                        self.evaluate()
                    self.save_if_due(self.anyone(stop.requested) and self.state.step < self.steps)
            self.finish(stop)
        return self.state

    def _step(self, batches) -> dict[str, float]:
        """One update of every network from ``gradient_accumulation_steps`` micro-batches."""
        step = self.state.step
        self._set_learning_rates(step)
        self.model.train()
        # Dropout follows the step and the process; all other noise follows the row.
        torch.manual_seed(derive_seed(self.training.seed, step, self.accelerator.process_index))
        sums: dict[str, Tensor] = {}
        for _ in range(self.training.gradient_accumulation_steps):
            with self.accelerator.accumulate(*self.objectives):
                terms = self._forward_and_backward(next(batches).to(self.accelerator.device), step)
                for name, value in terms.items():
                    sums[name] = sums.get(name, 0.0) + value
        norms = self._update()
        count = self.training.gradient_accumulation_steps
        figures = {name: float(value) / count for name, value in sums.items()} | norms
        self.judge(step, figures)
        return figures

    def _forward_and_backward(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Losses of one micro-batch, with their gradients; both objectives see the same weights."""
        stream = RandomStream.of(batch.rows, self.training.seed, "step", step)
        judge = make_judge(self.model.discriminator) if self.plays else None
        objective = self.autoencoder(batch, stream, self._temperature(step), judge)
        self.accelerator.backward(objective.total)
        if not self.plays:
            return objective.terms
        verdict = self.critic(batch, objective.words, objective.words_mask)
        self.accelerator.backward(verdict.total)
        return objective.terms | verdict.terms

    def _temperature(self, step: int) -> float | None:
        """None in the warm start."""
        step -= self.training.warm_start_steps
        if step < 0:
            return None
        start, end = self.training.temperature_start, self.training.temperature_end
        return temperature(step, self.training.adversarial_steps, start, end)

    def _update(self) -> dict[str, float]:
        """Clip, step and clear every network; a step with a non-finite gradient changes nothing."""
        self.accelerator.unscale_gradients()
        norms = {
            f"{name}_grad_norm": float(
                torch.nn.utils.clip_grad_norm_(self.parameters[name], self.training.max_grad_norm)
            )
            for name in self._trained()
        }
        finite = all(value < float("inf") for value in norms.values())  # False for NaN
        for name in self._trained():
            # In fp16 the scaler skips by itself, and lowers its scale because it was asked.
            if finite or self.accelerator.scaler is not None:
                self.optimizers[name].step()
        for optimizer in self.optimizers.values():
            optimizer.zero_grad()
        self._count_skipped(finite)
        return norms

    def _trained(self) -> tuple[str, ...]:
        """Names of the networks that take part; without its term the discriminator does not."""
        return tuple(self.networks) if self.plays else ("generator", "reconstructor")

    def _count_skipped(self, finite: bool) -> None:
        if finite:
            self.state.skipped_in_a_row = 0
            return
        self.state.skipped_steps += 1
        self.state.skipped_in_a_row += 1
        if self.state.skipped_in_a_row >= _MOST_SKIPPED:
            raise self.diverged(
                f"The gradients were not finite in {_MOST_SKIPPED} steps in a row, up to step "
                f"{self.state.step}"
            )

    def _set_learning_rates(self, step: int) -> None:
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
        for name, optimizer in self.optimizers.items():
            rate = training.discriminator_learning_rate if name == "discriminator" else peak
            for group in optimizer.param_groups:
                group["lr"] = rate * factor

    def _batches(self) -> DataLoader:
        """Micro-batches of this process, from the present step on."""
        accumulation = self.training.gradient_accumulation_steps
        boundaries, succession = UnitBoundaries(self.model.generator.bottleneck), self.corpora.succession
        stream = BatchStream(
            self.corpora.documents,
            self.corpora.sentences,
            boundaries,
            self.corpora.word_weights,
            self.training.seed,
            self.training.per_device_train_batch_size,
            self.accelerator.process_index,
            self.accelerator.num_processes,
            accumulation,
            self.steps,
            self.training.neighbour_share,
            self.corpora.salience,
            succession and Compressor(boundaries, succession, self.options.model.succession_weight),
        )
        return DataLoader(
            stream,
            batch_size=None,
            sampler=range(self.state.step * accumulation, self.steps * accumulation),
            num_workers=self.training.dataloader_num_workers,
        )

    def _save_model(self, folder: Path) -> None:
        self.model.save_pretrained(folder)
        self.corpora.vocabulary.save_pretrained(folder)
        write_model_card(folder, self.model.config, self.options, self.state)


def train(options: Options, resume: bool = False, say: Callable[[str], None] = logger.info) -> TrainerState:
    """Read the text, build the model, and train it: all of ``summgan train``.

    Args:
        options: Of the run.
        resume: Go on from the newest checkpoint in ``training.output_dir``.
        say: Told what happens, in sentences.

    Raises:
        SummGANError: Something in the options or the text is wrong.
        TrainingInterrupted: The user stopped it, after saving.
    """
    options = check_options(options)
    accelerator = make_accelerator(options)
    if not accelerator.is_main_process:
        say = say_nothing
    training = options.training
    steps = training.warm_start_steps + training.adversarial_steps
    folder = RunFolder(training.output_dir, accelerator.is_main_process)
    with folder.opened(resume, steps), trackers(accelerator, options):
        with accelerator.main_process_first():
            corpora = prepare_corpora(options, say, find_checkpoint(folder.path) if resume else None)
        torch.manual_seed(training.seed)
        sizes = corpora.succession.sizes if corpora.succession else {}
        longest = options.data.max_document_length
        model = SummGAN.from_options(
            options.model, corpora.vocabulary.tokenizer, max_document_length=longest, **sizes
        )
        model.set_human_lengths(measure_lengths(corpora.sentences, model.generator.bottleneck))
        return Trainer(model, corpora, options, accelerator, say, folder).train(resume)
