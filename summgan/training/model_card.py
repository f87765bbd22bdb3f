"""Model cards, written beside every saved model: what it is, how it was trained, how to use it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from summgan.data.readers.values import shown
from summgan.networks.modeling import SummGAN
from summgan.options.configuration import Options
from summgan.training.checkpoint import TrainerState

_CARD = """---
library_name: summgan
pipeline_tag: summarization
tags:
- summarization
- unsupervised
- gumbel-softmax
---

# {title}

A summarizer trained by summgan on unlabelled documents and unpaired human sentences: it never saw a document
with its summary.

```python
from summgan import Summarizer

summarizer = Summarizer.from_pretrained("path/to/this/folder")
print(summarizer("A long text ...").summary_text)
```

- Summaries have {length} units (words, or characters in scripts without spaces) unless you ask for another
  length.
- Documents of up to {pieces} pieces are summarized at once, longer ones in windows.
- Step {step} of the training{best}.

## Training

Documents: {documents}. Human sentences: {sentences}. The weights inherit the licence terms of these texts.

```json
{options}
```

## Figures

{figures}

## Limits

The model learned what to keep from its training texts: expect poor summaries of other kinds of text. It can
join facts that do not belong together: do not publish its output unread.
"""


def model_card(model: SummGAN, options: Options, state: TrainerState) -> str:
    """Write the model card of a summarizer, in Markdown.

    Args:
        model: The model.
        options: Options of its training.
        state: State of its training, with the history of scores.
    """
    scored = [row for row in state.history if "eval_score" in row]
    figures = "No evaluation yet."
    if scored:
        rows = [f"| {k} | {v:.4g} |" for k, v in scored[-1].items() if k != "step"]
        figures = "\n".join(["| validation figure | value |", "|---|---:|", *rows])
    best = "" if state.best_step is None else f" (best validation score at step {state.best_step})"
    return _CARD.format(
        title=shown(Path(options.training.output_dir).name) or "summgan model",
        length=model.config.summary_length,
        pieces=model.generator.longest_document,
        step=state.step,
        best=best,
        documents=_names(options.data.documents),
        sentences=_names(options.data.sentences),
        options=json.dumps(_training(options), indent=1),
        figures=figures,
    )


_CODE_CARD = """---
library_name: summgan
tags:
- unsupervised
- {kind}
---

# {title}

A {kind} code of documents, learned by summgan from unlabelled text: {size}.

```python
from summgan import Encoder

codes = Encoder.from_pretrained("path/to/this/folder").encode(["A long text ..."])
```

Step {step} of the training. Documents: {documents}. The weights inherit the licence terms of these texts.

```json
{options}
```

## Limits

The code counts words: it ignores their order, and words that were rare in the training documents.
"""


def code_card(config: dict, options: Options, state: TrainerState) -> str:
    """Write the model card of a code that is not made of words, in Markdown.

    Args:
        config: Configuration of the model.
        options: Options of its training.
        state: State of its training.
    """
    sizes = {
        "one-hot": "{size} classes",
        "binary": "{size} bits",
        "tree": "a path through {length} levels with {size} branches per node",
    }
    size = sizes.get(config["kind"], "{length} positions of {size} entries").format(**config)
    return _CODE_CARD.format(
        title=shown(Path(options.training.output_dir).name) or "summgan code",
        kind=config["kind"],
        size=size,
        step=state.step,
        documents=_names(options.data.documents),
        options=json.dumps(_training(options), indent=1),
    )


_PATH_CARD = """# {title}

A summarizer trained by summgan on unlabelled documents and unpaired human sentences. It writes a path through
the words of the document. Step {step} of the training.

```json
{options}
```

The model can join words into statements that the document does not make: do not publish its output unread.
"""


def path_card(options: Options, state: TrainerState) -> str:
    """Write the model card of a path generator, in Markdown.

    Args:
        options: Options of its training.
        state: State of its training.
    """
    title = shown(Path(options.training.output_dir).name) or "summgan paths"
    return _PATH_CARD.format(title=title, step=state.step, options=json.dumps(_training(options), indent=1))


def _training(options: Options) -> dict:
    """Return the block ``training`` of the options, without the output folder."""
    return {name: value for name, value in asdict(options.training).items() if name != "output_dir"}


def _names(paths: list[str] | str) -> str:
    """List file names without their folders, which may be private."""
    paths = [paths] if isinstance(paths, str) else paths
    return ", ".join(f"`{shown(Path(path).name)}`" for path in paths) or "not given"
