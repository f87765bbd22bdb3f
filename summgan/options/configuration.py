"""Everything that a YAML file or the command line can set, as plain dataclasses.

An option is one field: its type is its range, the text after it is its help. `Options` is the whole file, and
each of its parts is a block. Names follow transformers where it has one. `SummGANConfig` is what is saved
with the weights; this here is how they are made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from summgan.errors import SummGANError
from summgan.options.ranges import (
    MOST_LEAVES,
    AtLeastTwo,
    ClosedUnitInterval,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    UnitIntervalAboveZero,
    UnitIntervalBelowOne,
    checked,
)

Stemmer = Literal[
    "arabic",
    "danish",
    "dutch",
    "english",
    "finnish",
    "french",
    "german",
    "hungarian",
    "italian",
    "norwegian",
    "portuguese",
    "romanian",
    "russian",
    "spanish",
    "swedish",
]
"""Languages that have a Snowball stemmer in nltk."""
DEFAULT_MODEL = "news-en"
"""Name of the model in the package: English news, made by ``configs/news-en.yaml``."""

_NO_TERM = "left out: it belongs to words. Nobody can read a code, so a discriminator has nothing to judge"
_CODE_ESTIMATORS = {
    "one-hot": ("straight-through", "soft-gumbel", "gumbel-rao", "reinmax"),
    "binary": ("straight-through", "reinforce"),
    "vq": ("straight-through",),
    "tree": ("straight-through", "soft-gumbel", "gumbel-rao", "reinmax"),
}


@dataclass
class DataOptions:
    """Where the text is: two piles that need not have anything to do with each other."""

    documents: list[str] | str = field(default_factory=list)
    """Unlabelled texts to learn to summarize: files, folders or glob patterns."""
    sentences: list[str] | str = field(default_factory=list)
    """Short texts as people write them, such as headlines, titles or subject lines."""
    validation: list[str] | str = field(default_factory=list)
    """Documents for the evaluations during training, with or without summaries; some of the training
    documents are held out if none are given."""
    document_column: str | None = None
    """Name of the column with the document; a usual name is found without it."""
    sentence_column: str | None = None
    """Name of the column with the sentence; a usual name is found without it."""
    summary_column: str | None = None
    """Name of the column with the summary in the validation files."""
    skip_bad_rows: bool = False
    """Count and report rows that cannot be used, instead of stopping at the first one."""
    max_document_length: PositiveInt = 192
    """Number of pieces (for paths of words) of a document that training reads; longer documents are cut there
    and counted."""
    max_sentence_length: PositiveInt = 40
    """Largest number of pieces of a human sentence; longer ones are left out and counted."""
    stemming: Stemmer | None = None
    """Language whose Snowball stemmer makes word forms equal, so that "kills" counts as "killed"."""
    cache_dir: str | None = None
    """Folder of the memory-mapped copy of the text; the cache of `datasets` if none is given."""


@dataclass
class TokenizerOptions:
    """The vocabulary, learned from both piles unless a path names one."""

    path: str | None = None
    """Folder or hub name of a tokenizer to use instead of learning one."""
    model_type: Literal["unigram", "char"] = "unigram"
    """Kind of pieces: parts of words, or single characters for very short texts."""
    vocabulary_size: PositiveInt = 8000
    """Number of pieces to learn."""
    byte_fallback: bool = True
    """Write unseen characters as bytes, so that no text is unknown."""
    do_lower_case: bool = False
    """Drop case in reading and restore it in writing, so that a word at the beginning of a sentence is the
    same as elsewhere."""


@dataclass
class ModelOptions:
    """Sizes of the three networks, and how a summary is written."""

    generator: Literal["paths", "short-paths", "decoder"] = "paths"
    """How a summary is written: as a path through the document, a path of a learned length through a name or
    the like, or any words by a decoder."""
    backbone: str | None = None
    """Folder or hub name of a pretrained model to start from: for paths a sentence encoder, which judges
    content too; for the decoder BART or T5."""
    language_model: str | None = None
    """Folder or hub name of a pretrained causal language model that has read the document and judges paths;
    training is several times slower."""
    start_from: str | None = None
    """Folder of a trained path model to start from, for other texts or other critics."""
    forms: NonNegativeInt = 3
    """Number of other forms that a word of a path may take, if data.stemming names a language."""
    inserted_words: NonNegativeInt = 12
    """Number of words that a path may insert: those that join the most different words in sentences."""
    hidden_size: PositiveInt = 256
    """Width of the generator and the reconstructor."""
    encoder_layers: PositiveInt = 3
    """Number of layers of the generator's encoder; of a backbone for paths so many are kept."""
    decoder_layers: PositiveInt = 2
    """Number of layers of the generator's decoder."""
    attention_heads: PositiveInt = 4
    """Number of attention heads of the generator and the reconstructor."""
    reconstructor_layers: PositiveInt = 1
    """Number of layers of the reconstructor's encoder and of its decoder; few, so that it needs the words."""
    discriminator_hidden_size: PositiveInt = 128
    """Width of the discriminator."""
    dropout: UnitIntervalBelowOne = 0.1
    """Dropout rate of the generator and the reconstructor."""
    copy: Literal["words", "pieces", "no"] = "words"
    """What the generator copies from the document with a pointer: whole words, single pieces (for a
    vocabulary of characters), or nothing."""
    channel_weight: NonNegativeFloat = 0.0
    """Weight of the reconstruction in the choice of a candidate; 0 writes summaries twice as fast."""


@dataclass
class LossWeights:
    """Weight of each named term of the adversarial stage; 0 switches a term off."""

    reconstruction: NonNegativeFloat = 0.1
    """Weight of rebuilding the document from the words; a high one can make the words a code of their own."""
    adversarial: NonNegativeFloat = 1.0
    """Weight of the discriminator's judgement of the words."""
    back_cycle: NonNegativeFloat = 1.0
    """Weight of summarizing what the reconstructor makes of a human sentence to that sentence."""
    content: NonNegativeFloat = 0.0
    """Weight of the salience of the words."""
    denoising: NonNegativeFloat = 0.5
    """Weight of the warm start's task, which goes on as an anchor."""


@dataclass
class CriticWeights:
    """Weight of each critic of paths; 0 leaves it out."""

    discriminator: NonNegativeFloat = 2.0
    """Weight of the discriminator's reward of each gap between words."""
    likeness: NonNegativeFloat = 10.0
    """Weight of the similarity to the document, in the embeddings of model.backbone."""
    hidden_sentences: NonNegativeFloat = 1.0
    """Weight of the likelihood of human sentences as summaries of texts that are made up around them, for
    short-paths."""
    fluency: NonNegativeFloat = 0.5
    """Weight of the log-probability of each word under model.language_model, in nats."""
    reconstruction: NonNegativeFloat = 0.1
    """Weight of the document's log-likelihood given the summary, in nats; it stands for the similarity where
    there is no model.backbone."""


@dataclass
class TrainingOptions:
    """The two stages of training and how they are run."""

    output_dir: str = "runs/model"
    """Folder of checkpoints, log, report and final model."""
    seed: int = 0
    """Seed of everything random."""
    warm_start: Literal["sentences", "content"] = "sentences"
    """What the generator learns in the warm start: to find human sentences in a text, or to pick content
    words of a document without seeing any human sentence."""
    neighbour_share: ClosedUnitInterval = 0.75
    """How often a human sentence is learned from the document that nearly says it, instead of from a made-up
    text."""
    warm_start_steps: NonNegativeInt = 2000
    """Number of optimizer steps of the warm start; for paths the discriminator learns alone in it."""
    adversarial_steps: NonNegativeInt = 3000
    """Number of optimizer steps of the adversarial stage."""
    per_device_train_batch_size: PositiveInt = 32
    """Number of documents, and of human sentences, in a forward pass of each process."""
    gradient_accumulation_steps: PositiveInt = 1
    """Number of forward passes before an optimizer step."""
    learning_rate: NonNegativeFloat = 1.0e-3
    """Highest learning rate of the generator and the reconstructor in the warm start, of the reconstructor of
    paths, or of a code."""
    adversarial_learning_rate: NonNegativeFloat = 3.0e-4
    """Highest learning rate of the generator, and with a decoder of the reconstructor, in the adversarial
    stage."""
    discriminator_learning_rate: NonNegativeFloat = 3.0e-4
    """Highest learning rate of the discriminator in both stages."""
    warmup_steps: NonNegativeInt = 100
    """Number of steps in which the learning rates rise from zero, in each stage; paths have their own."""
    lr_scheduler_type: Literal["linear", "cosine", "constant"] = "linear"
    """Curve by which the learning rates fall after they have risen, in each stage; paths have their own."""
    backbone_learning_rate: NonNegativeFloat = 6.0e-5
    """Highest learning rate of encoders that start from a backbone, for paths."""
    weight_decay: NonNegativeFloat = 0.01
    """Weight decay of AdamW for all matrices."""
    max_grad_norm: PositiveFloat = 1.0
    """Norm to which the gradient of each network is clipped."""
    mixed_precision: Literal["no", "bf16", "fp16"] = "no"
    """Precision of the forward passes."""
    estimator: Literal["straight-through", "soft-gumbel", "gumbel-rao", "reinmax", "reinforce", "hybrid"] = (
        "straight-through"
    )
    """How the gradient passes through the words or the code."""
    samples_per_document: AtLeastTwo = 4
    """Number of summaries of a document that paths, reinforce and hybrid draw; other estimators draw one."""
    temperature_start: PositiveFloat = 1.0
    """Temperature of the Gumbel-softmax at the beginning of the adversarial stage."""
    temperature_end: PositiveFloat = 0.5
    """Temperature of the Gumbel-softmax at the end, to which it falls exponentially."""
    word_dropout: ClosedUnitInterval = 0.0
    """Share of the document's pieces that are hidden from the reconstructor's decoder."""
    reconstruction_stride: PositiveInt = 1
    """Distance of the pieces that the reconstructor is asked for, others in each step; 3 makes long documents
    faster."""
    gradient_penalty: NonNegativeFloat = 0.1
    """Weight of the discriminator's gradient penalties on human and generated words (R1 and R2)."""
    loss_weights: LossWeights = field(default_factory=LossWeights)
    """Weights of the terms of the adversarial stage of a decoder; a code has none of them."""
    critics: CriticWeights = field(default_factory=CriticWeights)
    """Weights of the critics of paths."""
    logging_steps: PositiveInt = 20
    """Number of steps between two rows of the log."""
    sample_steps: NonNegativeInt = 500
    """Number of steps between two samples on the screen; 0 for none."""
    eval_steps: NonNegativeInt = 500
    """Number of steps between two evaluations; 0 for one at the end."""
    eval_documents: PositiveInt = 200
    """Largest number of documents that are evaluated."""
    save_steps: NonNegativeInt = 500
    """Number of steps between two checkpoints; the first one is saved after 50 steps at the latest."""
    save_total_limit: PositiveInt = 3
    """Number of checkpoints that are kept."""
    load_best_model_at_end: bool = True
    """Whether the final model is the one with the best validation score, and not the last one."""
    report_to: Literal["none", "tensorboard", "wandb", "trackio"] = "none"
    """Tracker that gets all figures."""
    dataloader_num_workers: NonNegativeInt = 0
    """Number of processes that prepare batches ahead."""
    use_cpu: bool = False
    """Use the CPU even if there is a GPU."""


@dataclass
class CodeOptions:
    """A code instead of words, which nobody can read."""

    kind: Literal["words", "one-hot", "binary", "vq", "tree"] = "words"
    """What is learned: words (a summary), one-hot (a cluster), binary (bits), vq (entries of codebooks) or
    tree (a path from its root to a leaf)."""
    size: AtLeastTwo = 32
    """Number of classes of one-hot, of bits of binary, of entries of each codebook of vq, or of branches of
    each node of a tree."""
    length: PositiveInt = 8
    """Number of positions of vq, or of branchings on the way from the root of a tree to a leaf."""
    steps: PositiveInt = 600
    """Number of optimizer steps; warm_start_steps and adversarial_steps are for words only."""
    vocabulary_size: PositiveInt = 10000
    """Largest number of words that are counted."""
    max_document_frequency: UnitIntervalAboveZero = 0.1
    """Largest share of the documents that a word may stand in; the others are left out as function words."""
    similar_documents: PositiveInt = 15
    """Number of most similar documents (TF-IDF, truncated SVD), one of which a document's code rebuilds."""
    hidden_size: PositiveInt = 128
    """Width of the encoder and the code vectors of binary and vq."""
    agreement: NonNegativeFloat = 1.0
    """Weight of the agreement of the bits of similar documents, for binary only."""
    commitment: NonNegativeFloat = 0.25
    """Weight of the commitment to codebook entries, for vq only."""

    @property
    def least_documents(self) -> int:
        """Number of documents that a code of this size needs: one for each class, entry or leaf."""
        return {"binary": 1, "tree": self.size**self.length}.get(self.kind, self.size)


@dataclass
class Options:
    """A whole training run; the blocks of a YAML file."""

    data: DataOptions = field(default_factory=DataOptions)
    tokenizer: TokenizerOptions = field(default_factory=TokenizerOptions)
    model: ModelOptions = field(default_factory=ModelOptions)
    training: TrainingOptions = field(default_factory=TrainingOptions)
    code: CodeOptions = field(default_factory=CodeOptions)


def check_options(options: Options) -> Options:
    """The same options as plain numbers, if they can be meant.

    Raises:
        SummGANError: A value is not of the type of its field, or does not go with another one; it names the
            option, its value and what it must be.
    """
    options = checked(options, "--")
    width, heads = options.model.hidden_size, options.model.attention_heads
    _require(width % heads == 0, "model.attention_heads", heads, f"a divisor of hidden_size ({width})")
    if options.code.kind == "words":
        _check_words(options.training)
    else:
        _check_code(options.code, options.training)
    return options


def _check_words(training: TrainingOptions) -> None:
    """Refuse options of words that do not go together."""
    weight = training.loss_weights.adversarial
    if training.estimator == "hybrid":
        _require(weight > 0, "training.loss_weights.adversarial", weight, "more than 0 for hybrid")
    steps = training.warm_start_steps
    enough = steps + training.adversarial_steps > 0
    _require(enough, "training.warm_start_steps", steps, "more than 0 if adversarial_steps is 0")


def _check_code(code: CodeOptions, training: TrainingOptions) -> None:
    """Refuse options of a code that do not go together, and weights of terms that it does not have."""
    whole_bytes = code.kind != "binary" or code.size % 8 == 0
    _require(whole_bytes, "code.size", code.size, "a multiple of 8, since bits are packed into bytes")
    if code.kind == "tree":
        few = f"lower, since a tree of {code.size} branches may have at most {MOST_LEAVES} leaves"
        leaves = code.size ** min(code.length, 17)  # which is too many of 2 branches
        _require(leaves <= MOST_LEAVES, "code.length", code.length, few)
    default, weights = vars(LossWeights()), vars(training.loss_weights)
    refuse_weights({name: weight for name, weight in weights.items() if weight != default[name]})
    estimators = _CODE_ESTIMATORS[code.kind]
    known = training.estimator in estimators
    what = f"one of {', '.join(estimators)} for {code.kind}"
    _require(known, "training.estimator", training.estimator, what)


def refuse_weights(given: Mapping[str, float]) -> None:
    """Refuse weights, other than 0, for the training of a code, which has none of the terms of words.

    Raises:
        SummGANError: Naming the first one.
    """
    for name, weight in given.items():
        _require(not weight, f"training.loss_weights.{name}", weight, _NO_TERM)


def _require(condition: bool, name: str, value: object, what: str) -> None:
    if not condition:
        raise SummGANError(f"--{name} is {value}; it must be {what}.")
