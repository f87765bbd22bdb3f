"""Training of the codes that are not words: the loop of `trainer.py` with another objective.

    document -> encoder -> class, bits or codebook entries -> reconstructor -> words of a neighbour

Checkpoints, resuming to the same numbers, learning rates, logs and interruption are those of `Trainer`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor
from torch.utils.data import DataLoader

from summgan.codes.bags import BagOfWords
from summgan.codes.corpus import CodeBatch, CodeBatches, CodeCorpus, prepare_code_corpus
from summgan.codes.meaning import meaning_table, meanings
from summgan.codes.model import CodeAutoencoder, CodeConfig
from summgan.errors import SummGANError
from summgan.evaluation.report import write_report
from summgan.options.configuration import Options, check_options
from summgan.randomness import RandomStream
from summgan.training.checkpoint import TrainerState, find_checkpoint
from summgan.training.model_card import write_code_card
from summgan.training.optimizers import make_optimizer
from summgan.training.run import Run, say_nothing
from summgan.training.run_folder import REPORT, RunFolder
from summgan.training.run_log import curves_of
from summgan.training.runtime import make_accelerator, trackers
from summgan.training.schedules import learning_rate_factor, temperature
from summgan.training.trainer import Trainer

logger = logging.getLogger(__name__)

_DESCRIBED = 5000


class CodeValidator:
    """Watches the reconstruction of held-out documents.

    Args:
        model: In training.
        corpus: With the documents to watch.
    """

    def __init__(self, model: CodeAutoencoder, corpus: CodeCorpus):
        self.model, self.corpus = model, corpus
        self.samples: list = []

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """``eval_reconstruction`` in nats per word, and its negative as ``eval_score``."""
        self.model.eval()
        bags = self.corpus.bag_of_words.dense(self.corpus.validation).to(self.model.device)
        loss = float(self.model.rebuild(self.model.encode(bags), bags).mean())
        return {"eval_score": -loss, "eval_reconstruction": loss}

    def sample_text(self, step: int) -> str:
        """One document and its code."""
        row = step % len(self.corpus.texts)
        bag = self.corpus.bag_of_words.dense([self.corpus.rows[row]]).to(self.model.device)
        self.model.eval()
        with torch.no_grad():
            code = self.model.encode(bag).codes[0].tolist()
        return f"[{step}] {self.corpus.texts[row][:200]}\n   code: {code}"


class CodeTrainer(Trainer):
    """Trains a `CodeAutoencoder`; everything but the objective is `Trainer`'s.

    Args:
        model: To be trained.
        corpus: From `prepare_code_corpus`.
        options: Of the run.
        accelerator: Of the run.
        say: Where sentences for the user go.
        folder: The output folder, opened.
    """

    def __init__(
        self,
        model: CodeAutoencoder,
        corpus: CodeCorpus,
        options: Options,
        accelerator: Accelerator,
        say: Callable[[str], None],
        folder: RunFolder,
    ):
        Run.__init__(self, model, corpus, options, accelerator, say, folder, options.code.steps)
        self.networks = {"autoencoder": model}
        self.parameters = {"autoencoder": list(model.parameters())}
        optimizer = make_optimizer(self.parameters["autoencoder"], self.training.weight_decay)
        self.optimizers = {"autoencoder": accelerator.prepare(optimizer)}
        self.autoencoder = accelerator.prepare(model)
        self.objectives = (self.autoencoder,)
        self.validator = CodeValidator(model, corpus)

    def _forward_and_backward(self, batch: CodeBatch, step: int) -> dict[str, Tensor]:
        stream = RandomStream.of(batch.rows, self.training.seed, "step", step)
        heat = temperature(step, self.steps, self.training.temperature_start, self.training.temperature_end)
        terms = self.autoencoder(batch.bags, batch.similar, stream, heat)
        self.accelerator.backward(terms.pop("total"))
        return {name: value.detach() for name, value in terms.items()}

    def _trained(self) -> tuple[str, ...]:
        return tuple(self.networks)

    def _set_learning_rates(self, step: int) -> None:
        training = self.training
        warmup = min(training.warmup_steps, self.steps // 10)
        factor = learning_rate_factor(step, self.steps, warmup, training.lr_scheduler_type)
        for group in self.optimizers["autoencoder"].param_groups:
            group["lr"] = training.learning_rate * factor

    def _batches(self) -> DataLoader:
        training, accelerator = self.training, self.accelerator
        accumulation = training.gradient_accumulation_steps
        batches = CodeBatches(
            self.corpora,
            training.seed,
            training.per_device_train_batch_size,
            accelerator.process_index,
            accelerator.num_processes,
        )
        numbers = range(self.state.step * accumulation, self.steps * accumulation)
        workers = training.dataloader_num_workers
        return DataLoader(batches, batch_size=None, sampler=numbers, num_workers=workers)

    def _save_model(self, folder: Path) -> None:
        self.model.save_pretrained(folder)
        self.corpora.bag_of_words.save(folder)
        write_code_card(folder, self.model.config.to_dict(), self.options, self.state)

    def _resume(self) -> None:
        path = find_checkpoint(self.output_dir)
        try:
            kept = BagOfWords.load(path)
        except SummGANError as error:
            raise SummGANError(f"{error} Or delete that checkpoint to resume from the one before.") from error
        if kept != self.corpora.bag_of_words:
            raise SummGANError(
                f"{path} counts other words than the documents have now: resume with the text and options "
                "that it was made with, or train into another --training.output_dir."
            )
        super()._resume()

    @torch.no_grad()
    def write_report(self) -> None:
        """The curves, and what the codes mean."""
        self.model.eval()
        corpus = self.corpora
        bags = corpus.bag_of_words.dense(corpus.rows[:_DESCRIBED])
        codes = self.model.encode(bags.to(self.model.device)).codes.cpu()
        kind = self.model.config.kind
        found = meanings(kind, codes, bags, corpus.bag_of_words.words, corpus.texts)
        note = "The words tell most (mutual information) about whether a document has the code."
        write_report(
            self.output_dir / REPORT,
            title=f"summgan {kind} code: what each part means",
            curves=curves_of(self.state),
            table=meaning_table(found),
            notes=[note],
        )


def train_codes(
    options: Options, resume: bool = False, say: Callable[[str], None] = logger.info
) -> TrainerState:
    """Read the documents and train a code: ``summgan train`` with a ``code.kind`` other than words.

    Raises:
        SummGANError: Something in the options or the text is wrong.
        TrainingInterrupted: The user stopped it, after saving.
    """
    options = check_options(options)
    accelerator = make_accelerator(options)
    if not accelerator.is_main_process:
        say = say_nothing
    training, code = options.training, options.code
    folder = RunFolder(training.output_dir, accelerator.is_main_process)
    with folder.opened(resume, code.steps), trackers(accelerator, options):
        with accelerator.main_process_first():
            corpus = prepare_code_corpus(options, say)
        torch.manual_seed(training.seed)
        config = CodeConfig(
            code.kind,
            code.size,
            code.length,
            code.hidden_size,
            len(corpus.bag_of_words.words),
            corpus.projection.shape[1],
            training.estimator,
            code.agreement,
            code.commitment,
        )
        model = CodeAutoencoder(config)
        model.projection.copy_(corpus.projection)
        model.start(corpus.bag_of_words.dense(corpus.rows), training.seed)
        return CodeTrainer(model, corpus, options, accelerator, say, folder).train(resume)
