"""Options for tiny training runs of codes."""

from dataclasses import replace
from pathlib import Path

from summgan.options.parsing import load_options

CONFIGS = Path(__file__).parents[1] / "configs"
SIZES = {"onehot": 4, "binary": 16, "vq": 4, "tree": 2}
DEPTH = 3


def code_options(name, documents, folder, **changes):
    """Load the options of a configuration, changed to a few steps at a small size."""
    options, _ = load_options([str(CONFIGS / f"{name}.yaml")])
    training = {
        "output_dir": str(folder),
        "per_device_train_batch_size": 16,
        "save_steps": 4,
        "eval_steps": 4,
        "logging_steps": 1,
        "use_cpu": True,
    }
    training |= {k: v for k, v in changes.items() if k in ("estimator", "loss_weights")}
    code = {"steps": 8, "size": SIZES[name], "hidden_size": 16, "max_document_frequency": 0.5}
    if name == "tree":
        code["length"] = DEPTH
    code |= {k: v for k, v in changes.items() if k in ("size", "length", "kind", "similar_documents")}
    data = replace(options.data, documents=documents, cache_dir=str(folder.with_name("cache")))
    return replace(
        options,
        data=data,
        training=replace(options.training, **training),
        code=replace(options.code, **code),
    )
