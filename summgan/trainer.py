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
from dataclasses import asdict
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor
from torch.utils.data import DataLoader
from tqdm.auto import tqdm

from summgan import checkpoint
from summgan.batches import Batch, BatchStream
from summgan.checkpoint import TrainerState
from summgan.compression import Compressor
from summgan.configuration import Options, check_options
from summgan.corpora import Corpora, measure_lengths, prepare_corpora
from summgan.errors import SummGANError
from summgan.files import write_folder
from summgan.losses import AutoencoderObjective, DiscriminatorObjective, make_judge
from summgan.model_card import write_model_card
from summgan.modeling import SummGAN
from summgan.noise import UnitBoundaries
from summgan.randomness import RandomStream, derive_seed
from summgan.run_log import RunLog
from summgan.runtime import StopSignal, TrainingInterrupted, changes_between, make_accelerator
from summgan.schedules import learning_rate_factor, temperature
from summgan.tokenization import save_tokenizer
from summgan.validation import Validator

logger = logging.getLogger(__name__)

_FIRST_SAVE = 50
_MOST_SKIPPED = 20
_BETAS = (0.9, 0.98)


class Trainer:
    """Trains a `SummGAN` on two piles of text.

    Args:
        model: From `SummGAN.from_options`.
        corpora: From `prepare_corpora`.
        options: Of the run.
        accelerator: Made by `make_accelerator` when not given.
        say: Where sentences for the user go.
    """

    def __init__(
        self,
        model: SummGAN,
        corpora: Corpora,
        options: Options,
        accelerator: Accelerator | None = None,
        say: Callable[[str], None] = logger.info,
    ):
        self.options, self.training = options, options.training
        self.accelerator = accelerator or make_accelerator(options)
        self.model, self.corpora = model, corpora
        self.say = say if self.accelerator.is_main_process else silent
        self.output_dir = Path(self.training.output_dir)
        self.state = TrainerState(options=asdict(options), fingerprint=corpora.fingerprint)
        self.steps = self.training.warm_start_steps + self.training.adversarial_steps
        self.plays = model.config.has_discriminator = self.training.loss_weights.adversarial > 0
        model.to(self.accelerator.device)
        model.set_counts(corpora.word_weights, corpora.salience, corpora.succession)
        self.networks = {
            "generator": model.generator,
            "reconstructor": model.reconstructor,
            "discriminator": model.discriminator,
        }
        self.parameters = _own_parameters(self.networks)
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
        self.log = RunLog(self.accelerator, self.output_dir)

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
        if resume:
            self._resume()
        elif checkpoint.checkpoints(self.output_dir):
            raise SummGANError(
                f"{self.output_dir} already holds checkpoints: go on with --resume, delete the folder, "
                "or name another --training.output_dir."
            )
        self.log.start(self.state)
        batches = iter(self._batches())
        with StopSignal() as stop, self._progress() as bar:
            while self.state.step < self.steps:
                figures = self._step(batches)
                self.state.step += 1
                self._log(figures, bar)
                if self._due(self.training.sample_steps):
                    self._show_sample(bar)
                if self._due(self.training.eval_steps) or self.state.step == self.steps:
                    self._evaluate(bar)
                stopping = self._anyone(stop.requested) and self.state.step < self.steps
                if self._due(self.training.save_steps) or self.state.step == _FIRST_SAVE or stopping:
                    self._save()
                if stopping:
                    raise TrainingInterrupted(
                        f"Stopped at step {self.state.step} of {self.steps}; all is saved in "
                        f"{self.output_dir}/checkpoint-{self.state.step}. Go on with --resume."
                    )
        self._finish()
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
        return {name: float(value) / count for name, value in sums.items()} | norms

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
            raise SummGANError(
                f"The gradients were not finite in {_MOST_SKIPPED} steps in a row, up to step "
                f"{self.state.step}. Lower --training.learning_rate, raise "
                "--training.temperature_end, or use --training.mixed_precision no; then go on from "
                "the last checkpoint with --resume."
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

    # Around it -----------------------------------------------------------------------------------

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

    def _due(self, every: int) -> bool:
        return every > 0 and self.state.step % every == 0

    def _anyone(self, flag: bool) -> bool:
        """Whether the flag is set on any process."""
        if self.accelerator.num_processes == 1:
            return flag
        flags = torch.tensor([int(flag)], device=self.accelerator.device)
        return bool(self.accelerator.reduce(flags, "sum") > 0)

    def _progress(self) -> tqdm:
        hidden = None if self.accelerator.is_main_process else True
        return tqdm(total=self.steps, initial=self.state.step, disable=hidden, unit="step")

    def _log(self, figures: dict[str, float], bar: tqdm) -> None:
        bar.update()
        # Without a bar, ten lines and an early one say how it goes.
        if bar.disable and (self.state.step in (1, 20) or self.state.step % max(1, self.steps // 10) == 0):
            self.say(self.log.time_left(self.state.step, self.steps))
        if not self._due(self.training.logging_steps) and self.state.step != 1:
            return
        if self.accelerator.num_processes > 1:
            values = torch.tensor(list(figures.values()), device=self.accelerator.device)
            means = self.accelerator.reduce(values, "mean").tolist()
            figures = dict(zip(figures, means, strict=True))
        self.log.record(self.state, figures)
        shown = ("reconstruction", "denoising", "adversarial", "back_cycle", "accuracy")
        bar.set_postfix({name: f"{figures[name]:.2f}" for name in shown if name in figures})

    def _show_sample(self, bar: tqdm) -> None:
        if self.accelerator.is_main_process and not bar.disable:
            bar.write(self.validator.sample_text(self.state.step))

    def _evaluate(self, bar: tqdm) -> None:
        """Score the validation documents, and keep the model when it is the best so far."""
        figures = self.validator.evaluate() if self.accelerator.is_main_process else {}
        self.accelerator.wait_for_everyone()
        if not figures:
            return
        self.log.record(self.state, figures)
        shown = ", ".join(f"{name} {value:.3f}" for name, value in figures.items())
        self.say(f"Step {self.state.step}: {shown}")
        if self.state.best_score is None or figures["eval_score"] > self.state.best_score:
            self.state.best_score, self.state.best_step = figures["eval_score"], self.state.step
            write_folder(self.output_dir / "best", self._save_model)
        self.log.write_report(self.state, self.validator.samples)

    def _save_model(self, folder: Path) -> None:
        self.model.save_pretrained(folder)
        save_tokenizer(self.corpora.tokenizer, folder)
        write_model_card(folder, self.model.config, self.options, self.state)

    def _save(self) -> None:
        if self.accelerator.scaler is not None:
            self.state.scaler = self.accelerator.scaler.state_dict()
        if self.accelerator.is_main_process:
            checkpoint.save_checkpoint(
                self.output_dir,
                self.state,
                self._save_model,
                {name: optimizer.optimizer for name, optimizer in self.optimizers.items()},
                self.training.save_total_limit,
            )
        self.accelerator.wait_for_everyone()

    def _resume(self) -> None:
        path = checkpoint.find_checkpoint(self.output_dir)
        kept = checkpoint.load_state(path)
        for change in changes_between(kept.options, self.state.options):
            self.say(f"Changed since the checkpoint: {change}")
        if kept.fingerprint != self.state.fingerprint:
            self.say("The text has changed since the checkpoint; the run will not repeat exactly.")
        inner = {name: optimizer.optimizer for name, optimizer in self.optimizers.items()}
        checkpoint.load_tensors(path, self.model, inner)
        kept.options, kept.fingerprint = self.state.options, self.state.fingerprint
        self.state = kept
        if self.accelerator.scaler is not None and kept.scaler:
            self.accelerator.scaler.load_state_dict(kept.scaler)
        self.say(f"Resumed from {path}.")

    def _finish(self) -> None:
        """Write the chosen model into the output folder itself, with the report."""
        self._save()
        best = self.output_dir / "best"
        if self.accelerator.is_main_process:
            use_best = self.training.load_best_model_at_end and best.is_dir()
            source = best if use_best else self.output_dir / f"checkpoint-{self.steps}"
            checkpoint.publish_model(source, self.output_dir)
            self.log.write_report(self.state, self.validator.samples)
        if self.state.skipped_steps:
            self.say(f"{self.state.skipped_steps} steps were skipped: gradients were not finite.")
        self.accelerator.end_training()


def _own_parameters(networks: dict[str, torch.nn.Module]) -> dict[str, list[Tensor]]:
    """Parameters by network, each once: the table of embeddings goes with the generator."""
    seen: set[int] = set()
    own: dict[str, list[Tensor]] = {}
    for name, network in networks.items():
        own[name] = [p for p in network.parameters() if id(p) not in seen]
        seen |= {id(p) for p in own[name]}
    return own


def make_optimizer(parameters: list[Tensor], weight_decay: float) -> torch.optim.AdamW:
    """AdamW at learning rate 0, which the trainer sets; biases and scales do not decay."""
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=0.0, betas=_BETAS)


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
    check_options(options)
    accelerator = make_accelerator(options)
    if not accelerator.is_main_process:
        say = silent
    with accelerator.main_process_first():
        corpora = prepare_corpora(options, say, resume)
    torch.manual_seed(options.training.seed)
    sizes = corpora.succession.sizes if corpora.succession else {}
    longest = options.data.max_document_length
    model = SummGAN.from_options(options.model, corpora.tokenizer, max_document_length=longest, **sizes)
    model.set_human_lengths(measure_lengths(corpora.sentences, model.generator.bottleneck))
    return Trainer(model, corpora, options, accelerator, say).train(resume)


def silent(sentence: str) -> None:
    """What other processes than the first have to say."""
