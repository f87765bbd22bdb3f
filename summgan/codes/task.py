"""`CodeTask`: trains a code that is not made of words.

document -> encoder -> class, bits, codebook entries or path -> reconstructor -> words of a similar document
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch.utils.data import Dataset

from summgan.codes.bags import BagOfWords
from summgan.codes.corpus import CodeBatch, CodeBatches, CodeCorpus, prepare_code_corpus
from summgan.codes.meaning import meaning_table, meanings, tree_meanings
from summgan.codes.model import CodeAutoencoder, CodeConfig
from summgan.data.order import Share
from summgan.errors import SummGANError
from summgan.evaluation.report import write_report
from summgan.options.configuration import Options
from summgan.randomness import RandomStream
from summgan.training.checkpoint import TrainerState
from summgan.training.losses import means
from summgan.training.model_card import code_card
from summgan.training.schedules import learning_rate_factor, temperature
from summgan.training.task import ForwardPass, Objective, Task

_DESCRIBED = 5000  # most documents that the report's descriptions count


class CodeTask(Task):
    """Trains one-hot, binary, VQ or tree codes of documents.

    Args:
        options: All options of the run.
        model: The auto-encoder.
        corpus: Documents from `prepare_code_corpus`.
    """

    model: CodeAutoencoder

    def __init__(self, options: Options, model: CodeAutoencoder, corpus: CodeCorpus):
        super().__init__(options, model, {"autoencoder": model}, corpus.fingerprint)
        self.training, self.corpus = options.training, corpus
        self.passes = {"autoencoder": ForwardPass(self.autoencode, model)}

    @classmethod
    def prepare(cls, options: Options, say: Callable[[str], None], checkpoint: Path | None) -> CodeTask:
        """Read the documents, count their words, and build a new model; see `Task.prepare`."""
        training, code = options.training, options.code
        corpus = prepare_code_corpus(options, say)
        if checkpoint:
            _check_words(corpus.bag_of_words, checkpoint)
        torch.manual_seed(training.seed)
        config = CodeConfig(
            code.kind,
            code.size,
            code.length,
            code.hidden_size,
            len(corpus.bag_of_words.words),
            corpus.projection.shape[1],
            options.estimator,
            code.agreement,
            code.commitment,
        )
        model = CodeAutoencoder(config)
        model.projection.copy_(corpus.projection)
        model.start(corpus.bag_of_words.dense(corpus.rows), training.seed)
        return cls(options, model, corpus)

    @classmethod
    def count_steps(cls, options: Options) -> int:
        """Return the option ``code.steps``."""
        return options.code.steps

    def batches(self, share: Share) -> Dataset:
        """Bags of documents, each with the bag of a similar document."""
        return CodeBatches(self.corpus, self.training.seed, share)

    def losses(self, batch: CodeBatch, step: int) -> Iterator[Objective]:
        """Yield the single objective, that of the auto-encoder."""
        stream = RandomStream.of(batch.rows, self.training.seed, "step", step)
        heat = temperature(step, self.steps, self.training.temperature_start, self.training.temperature_end)
        yield self.passes["autoencoder"](batch, stream, heat)

    def autoencode(self, batch: CodeBatch, stream: RandomStream, temperature: float) -> Objective:
        """Encode documents and rebuild the words of similar ones; see `CodeAutoencoder.forward`."""
        terms = self.model(batch.bags, batch.similar, stream, temperature)
        return Objective(terms.pop("total"), means(terms))

    def learning_rates(self, step: int) -> dict[str, float]:
        """A linear rise and one fall over the whole run; see `learning_rate_factor`."""
        training = self.training
        warmup = min(training.warmup_steps, self.steps // 10)
        factor = learning_rate_factor(step, self.steps, warmup, training.lr_scheduler_type)
        return {"autoencoder": training.learning_rate * factor}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """``eval_reconstruction`` in nats per word, and its negative as ``eval_score``."""
        self.model.eval()
        bags = self.corpus.bag_of_words.dense(self.corpus.validation).to(self.model.device)
        loss = float(self.model.rebuild(self.model.encode(bags), bags).mean())
        return {"eval_score": -loss, "eval_reconstruction": loss}

    @torch.no_grad()
    def sample(self, step: int) -> str:
        """Return a document and its code as text."""
        row = step % len(self.corpus.texts)
        bag = self.corpus.bag_of_words.dense([self.corpus.rows[row]]).to(self.model.device)
        self.model.eval()
        code = self.model.encode(bag).given("codes")[0].tolist()
        return f"[{step}] {self.corpus.texts[row][:200]}\n   code: {code}"

    def save(self, folder: Path) -> None:
        """Write model and vocabulary."""
        self.model.save_pretrained(folder)
        self.corpus.bag_of_words.save(folder)

    def describe(self, state: TrainerState) -> str:
        """Write the model card; see `code_card`."""
        return code_card(self.model.config.to_dict(), self.options, state)

    @torch.no_grad()
    def write_report(self, file: Path, state: TrainerState) -> None:
        """Write the curves and, at the end of the run, a description of the codes, which takes a while."""
        if state.step < self.steps:
            super().write_report(file, state)
            return
        self.model.eval()
        corpus, kind = self.corpus, self.model.config.kind
        bags = corpus.bag_of_words.dense(corpus.rows[:_DESCRIBED])
        codes = self.model.encode(bags.to(self.model.device)).given("codes").cpu()
        words, texts, curves = corpus.bag_of_words.words, corpus.texts, state.curves()
        title = f"summgan {kind} code: what each part means"
        if kind == "tree":
            note = (
                "Words and documents distinguish a node from its siblings; the number counts its documents."
            )
            write_report(
                file, title, curves=curves, tree=tree_meanings(codes, bags, words, texts), notes=[note]
            )
            return
        note = "The words have the highest mutual information with having the code."
        table = meaning_table(meanings(kind, codes, bags, words, texts))
        write_report(file, title, curves=curves, table=table, notes=[note])


def _check_words(words: BagOfWords, checkpoint: Path) -> None:
    """Check that the checkpoint has the vocabulary of the documents; raises SummGANError otherwise."""
    try:
        kept = BagOfWords.load(checkpoint)
    except SummGANError as error:
        raise SummGANError(f"{error} Or delete that checkpoint to resume from the one before it.") from error
    if kept != words:
        raise SummGANError(
            f"{checkpoint} has a vocabulary that differs from that of the documents; resume with the text "
            "and options that it was made with, or train into another --training.output_dir."
        )
