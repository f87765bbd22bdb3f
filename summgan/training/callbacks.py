"""`TrainerCallback`: runs a user's code after steps, evaluations and checkpoints of a training."""

from __future__ import annotations

from pathlib import Path


class TrainerCallback:
    """Base class of callbacks, with empty methods. Only the first process calls them.

    An exception raised by a method ends the run; the last checkpoint stays.
    """

    def on_step(self, step: int, figures: dict[str, float]) -> None:
        """Called after every optimizer step, with its losses and gradient norms by name.

        Args:
            step: Number of steps done.
            figures: Scalars of this process's batch, by name.
        """

    def on_evaluate(self, step: int, figures: dict[str, float]) -> None:
        """Called after every evaluation.

        Args:
            step: Number of steps done.
            figures: Scalars named ``eval_...``.
        """

    def on_save(self, step: int, folder: Path) -> None:
        """Called after a checkpoint is complete.

        Args:
            step: Number of steps done.
            folder: Folder of the checkpoint, which `from_pretrained` can load.
        """
