"""`Task`: the contract between the training loop and what it trains.

`Trainer` handles steps, gradients, checkpoints and the log; a `Task` has networks, text and losses.
`SummaryTask` trains decoders, `PathTask` path generators, and `summgan.codes.task.CodeTask` codes that are
not made of words. Pass your own task, or a subclass of one of these, to `train`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.utils.data import Dataset
from transformers import PreTrainedModel

from summgan.data.order import Share
from summgan.evaluation.report import write_report
from summgan.options.configuration import Options
from summgan.training.checkpoint import TrainerState


@dataclass(frozen=True)
class Objective:
    """Result of one forward pass.

    Attributes:
        total: Scalar that the loop differentiates.
        figures: Detached, unweighted scalars for the log, by name.
    """

    total: Tensor
    figures: dict[str, Tensor]


class ForwardPass(nn.Module):
    """A method of a task as a module, so that several processes exchange its gradients once.

    Args:
        run: The method.
        *networks: The networks whose parameters get gradients from it.
    """

    def __init__(self, run: Callable[..., Objective], *networks: nn.Module):
        super().__init__()
        self.run, self.networks = run, nn.ModuleList(networks)

    def forward(self, *inputs: Any) -> Objective:
        """Call the method."""
        return self.run(*inputs)


class Task(ABC):
    """Abstract base of what a training learns.

    Args:
        options: All options of the run.
        model: The model that is trained and saved.
        networks: Parts of the model by name. Each has its own optimizer; a parameter that two of them share
            belongs to the first.
        fingerprint: Hash of the text; a resumed run reports when it has changed.

    Attributes:
        passes: The modules that `losses` calls, by name. The trainer prepares them for devices and processes,
            so `losses` must call these instead of the networks.
        steps: Number of optimizer steps.
    """

    passes: dict[str, nn.Module]

    def __init__(
        self, options: Options, model: PreTrainedModel, networks: dict[str, nn.Module], fingerprint: str
    ):
        self.options, self.model, self.networks = options, model, networks
        self.fingerprint, self.steps = fingerprint, self.count_steps(options)

    @classmethod
    @abstractmethod
    def prepare(cls, options: Options, say: Callable[[str], None], checkpoint: Path | None) -> Task:
        """Read the text and build the model, deterministically from the options.

        Args:
            options: All options of the run.
            say: Receives sentences for the user.
            checkpoint: Checkpoint from which the run resumes, to read a vocabulary or the like; None for a
                new run.

        Raises:
            SummGANError: An option or a text cannot be used.
        """

    @classmethod
    def count_steps(cls, options: Options) -> int:
        """Number of optimizer steps of a run; by default those of warm start and adversarial stage."""
        return options.training.warm_start_steps + options.training.adversarial_steps

    @abstractmethod
    def batches(self, share: Share) -> Dataset:
        """Micro-batches of one process by number; number ``step * accumulation + part`` belongs to ``step``.

        A micro-batch has a method ``to(device)`` and is a pure function of the seed and its number.
        """

    @abstractmethod
    def losses(self, batch: Any, step: int) -> Iterator[Objective]:
        """Yield the objectives of one micro-batch, one after the other.

        The loop differentiates each total before it asks for the next one, so that the memory of one graph is
        free before the next is built. The weights change after all micro-batches of the step; a network
        without gradients keeps its weights. The loop reads a figure named ``reconstruction``, in nats per
        piece, to detect divergence.
        """

    @abstractmethod
    def learning_rates(self, step: int) -> dict[str, float]:
        """Learning rate of every network at a step, by name."""

    @abstractmethod
    def validate(self) -> dict[str, float]:
        """Figures on held-out text: ``eval_score`` (higher is better) and others named ``eval_...``."""

    @abstractmethod
    def sample(self, step: int) -> str:
        """One example of the model's output, as text for the screen."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write weights, configuration and vocabulary into a folder."""

    @abstractmethod
    def describe(self, state: TrainerState) -> str:
        """Model card of the model at a state of the training, in Markdown."""

    def write_report(self, file: Path, state: TrainerState) -> None:
        """Write an HTML page with a curve of every figure; called at every evaluation and at the end."""
        write_report(file, title=f"summgan, step {state.step}", curves=state.curves())
