"""`TrainerCallback`: a user's own code at the steps, evaluations and checkpoints of a training."""

from __future__ import annotations

from pathlib import Path


class TrainerCallback:
    """Base class with empty methods; the first process calls them.

    An exception raised by a method ends the run; the last checkpoint stays.
    """

    def on_step(self, step: int, figures: dict[str, float]) -> None:
        """Called after every optimizer step, with its losses and gradient norms by name.

        Args:
            step: Number of steps done.
            figures: Scalars of this process's batch.
        """

    def on_evaluate(self, step: int, figures: dict[str, float]) -> None:
        """Called after every evaluation.

        Args:
            step: Number of steps done.
            figures: Scalars named ``eval_...``.
        """

    def on_save(self, step: int, folder: Path) -> None:
        """Called after a checkpoint is written whole.

        Args:
            step: Number of steps done.
            folder: The checkpoint, which `from_pretrained` can load.
        """
