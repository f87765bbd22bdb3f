"""Fluency of texts under a pretrained causal language model of transformers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from summgan.errors import SummGANError
from summgan.model_folder import first_line
from summgan.text.script import count_units

_BATCH = 32


@torch.inference_mode()
def log_prob_per_word(texts: Sequence[str], name: str) -> list[float]:
    """Compute the log-probability per word of each text, as a line of its own, in nats.

    For a fair comparison, use a model that was not a critic in the training of a system.

    Args:
        texts: Sentences.
        name: Folder or hub name of a causal language model; its own code is not run.

    Returns:
        One figure per text, which includes the line break at its end.

    Raises:
        SummGANError: The model cannot be loaded.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(name)
        model = AutoModelForCausalLM.from_pretrained(name, use_safetensors=True).eval()
    except (OSError, ValueError) as error:
        raise SummGANError(f"No language model can be loaded from {name!r}: {first_line(error)}") from error
    # In vocabularies without a line break, the end of a text replaces it.
    end = [tokenizer.eos_token_id]
    before = tokenizer("\n").input_ids or end
    after = tokenizer("\n", add_special_tokens=False).input_ids or end
    rows = [[*before, *tokenizer(text, add_special_tokens=False).input_ids, *after] for text in texts]
    scores = [0.0] * len(rows)
    order = sorted(range(len(rows)), key=lambda index: len(rows[index]))
    for start in range(0, len(order), _BATCH):
        part = order[start : start + _BATCH]
        width = max(len(rows[index]) for index in part)
        ids = torch.tensor([rows[index] + end * (width - len(rows[index])) for index in part])
        mask = torch.tensor([[1] * len(rows[i]) + [0] * (width - len(rows[i])) for i in part])
        logits = model(input_ids=ids, attention_mask=mask).logits[:, len(before) - 1 : -1].float()
        given = torch.log_softmax(logits, -1).gather(2, ids[:, len(before) :, None]).squeeze(2)
        sums = (given * mask[:, len(before) :]).sum(1).tolist()
        for index, total in zip(part, sums, strict=True):
            scores[index] = total / max(1, count_units(texts[index]))
    return scores
