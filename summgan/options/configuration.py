"""Everything that a YAML file or the command line can set, as plain dataclasses.

An option is one field: its type is its range, and the text after it is its help. `Options` is the whole
file; each of its fields is a block. Names follow transformers where it has the option. These options say how
a model is trained; `SummGANConfig` is what is saved with the weights.
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
"""Languages for which nltk has a Snowball stemmer."""
DEFAULT_MODEL = "news-en"
"""Name of the model in the package: English news, made by ``configs/news-en-fluent.yaml``."""

_NO_TERM = "left out: a code has no words, so a discriminator has nothing to judge"
_SHORT_PATHS_ESTIMATORS = ("straight-through", "reinforce", "log-variance")
_CODE_ESTIMATORS = {
    "one-hot": ("straight-through", "soft-gumbel", "gumbel-rao", "reinmax"),
    "binary": ("straight-through", "reinforce"),
    "vq": ("straight-through",),
    "tree": ("straight-through", "soft-gumbel", "gumbel-rao", "reinmax"),
}


@dataclass
class DataOptions:
    """Where the text is: a pile of documents and a pile of human sentences, which need not be related."""

    documents: list[str] | str = field(default_factory=list)
    """Unlabelled texts to learn to summarize: files, folders or glob patterns."""
    sentences: list[str] | str = field(default_factory=list)
    """Short texts as people write them, such as headlines, titles or subject lines."""
    validation: list[str] | str = field(default_factory=list)
    """Documents for evaluation during training, with or without summaries; if none are given, some training
    documents are held out."""
    document_column: str | None = None
    """Name of the column with the document; usual names are found without it."""
    sentence_column: str | None = None
    """Name of the column with the sentence; usual names are found without it."""
    summary_column: str | None = None
    """Name of the column with the summary in the validation files."""
    skip_bad_rows: bool = False
    """Skip, count and report rows that cannot be used, instead of stopping at the first one."""
    max_document_length: PositiveInt = 192
    """Largest number of pieces (words for paths) that training reads of a document; longer documents are cut
    and counted."""
    max_sentence_length: PositiveInt = 40
    """Largest number of pieces of a human sentence; longer ones are left out and counted."""
    stemming: Stemmer | None = None
    """Language of the Snowball stemmer that makes word forms count as one, such as "kills" and "killed"."""
    cache_dir: str | None = None
    """Folder for the memory-mapped copy of the text; by default the cache of `datasets`."""


@dataclass
class TokenizerOptions:
    """The vocabulary, learned from both piles unless a path names one."""

    path: str | None = None
    """Folder or hub name of a tokenizer to use instead of learning one."""
    model_type: Literal["unigram", "char"] = "unigram"
    """Kind of pieces: unigram for parts of words, char for single characters (very short texts)."""
    vocabulary_size: PositiveInt = 8000
    """Largest number of pieces to learn."""
    byte_fallback: bool = True
    """Split unseen characters into bytes, so that no text is unknown."""
    do_lower_case: bool = False
    """Lower-case all input and restore case in the output, so that a word is the same at the beginning of a
    sentence as elsewhere."""


@dataclass
class ModelOptions:
    """Kind of generator, and sizes of the three networks."""

    generator: Literal["paths", "short-paths", "decoder"] = "paths"
    """Kind of generator: paths through the words of a document, short-paths of learned length through names
    and the like, or a decoder that writes any words."""
    backbone: str | None = None
    """Folder or hub name of a pretrained model to start from: for paths a sentence encoder, which also judges
    content; for a decoder BART or T5."""
    language_model: str | None = None
    """Folder or hub name of a causal language model that judges paths, given the document, and teaches the
    choice of their length; training is several times slower."""
    start_from: str | None = None
    """Folder of a trained path model to start from, to go on with other texts or critics."""
    forms: NonNegativeInt = 3
    """Largest number of other forms that a word of a path may take, if data.stemming names a language."""
    inserted_words: NonNegativeInt = 12
    """Number of different words that a path may insert: those that join most different words in sentences."""
    hidden_size: PositiveInt = 256
    """Width of the generator and the reconstructor."""
    encoder_layers: PositiveInt = 3
    """Number of layers of the generator's encoder; of a backbone for paths, the number of layers to keep."""
    decoder_layers: PositiveInt = 2
    """Number of layers of the generator's decoder."""
    attention_heads: PositiveInt = 4
    """Number of attention heads of the generator and the reconstructor."""
    reconstructor_layers: PositiveInt = 1
    """Number of layers of the reconstructor's encoder and of its decoder; few make it need the words."""
    discriminator_hidden_size: PositiveInt = 128
    """Width of the discriminator."""
    dropout: UnitIntervalBelowOne = 0.1
    """Dropout rate of the generator and the reconstructor."""
    copy: Literal["words", "pieces", "no"] = "words"
    """What a decoder's pointer copies from the document: whole words, single pieces (for a vocabulary of
    characters), or nothing (no)."""
    channel_weight: NonNegativeFloat = 0.0
    """Weight of the reconstruction in a decoder's choice among candidates; 0 writes twice as fast."""


@dataclass
class LossWeights:
    """Weight of each loss term of a decoder's adversarial stage; 0 switches a term off."""

    reconstruction: NonNegativeFloat = 0.1
    """Weight of the loss of rebuilding the document; a high one can turn the words into a private code."""
    adversarial: NonNegativeFloat = 1.0
    """Weight of the discriminator's judgement of the generated words."""
    back_cycle: NonNegativeFloat = 1.0
    """Weight of the loss of recovering a human sentence from the document that the reconstructor makes of
    it."""
    content: NonNegativeFloat = 0.0
    """Weight of the salience of the generated words."""
    denoising: NonNegativeFloat = 0.5
    """Weight of the warm start's loss, which goes on as an anchor."""


@dataclass
class CriticWeights:
    """Weight of each critic of paths; 0 switches a critic off."""

    discriminator: NonNegativeFloat = 2.0
    """Weight of the discriminator's log-probability, in nats, that a gap between words is human."""
    likeness: NonNegativeFloat = 10.0
    """Weight of the similarity of summary and document in the embeddings of model.backbone."""
    hidden_sentences: NonNegativeFloat = 1.0
    """Weight of the likelihood of human sentences as paths through texts made up around them, for
    short-paths only."""
    fluency: NonNegativeFloat = 0.5
    """Weight of the log-probability of each word under model.language_model, in nats."""
    reconstruction: NonNegativeFloat = 0.1
    """Weight of the document's log-likelihood given the summary, in nats; it replaces the similarity where
    there is no model.backbone."""


@dataclass
class TrainingOptions:
    """The two stages of training, and how they run."""

    output_dir: str = "runs/model"
    """Folder for checkpoints, log, report and final model."""
    seed: int = 0
    """Seed of all random numbers."""
    warm_start: Literal["sentences", "content"] = "sentences"
    """What a decoder learns in the warm start: sentences, to find human sentences in a text; content, to pick
    content words of a document without any human sentence."""
    neighbour_share: ClosedUnitInterval = 0.75
    """Share of the human sentences that a decoder learns from a document that nearly says them, instead of
    from a made-up text."""
    warm_start_steps: NonNegativeInt = 2000
    """Number of optimizer steps of the warm start, in which each network learns alone; of paths, only the
    critics."""
    adversarial_steps: NonNegativeInt = 3000
    """Number of optimizer steps of the adversarial stage, in which all networks learn together."""
    per_device_train_batch_size: PositiveInt = 32
    """Number of documents in a forward pass of each process, beside as many human sentences (for paths twice
    as many)."""
    gradient_accumulation_steps: PositiveInt = 1
    """Number of forward passes for each optimizer step."""
    learning_rate: NonNegativeFloat = 1.0e-3
    """Peak learning rate of a decoder and its reconstructor in the warm start, of the reconstructor of paths,
    or of a code."""
    adversarial_learning_rate: NonNegativeFloat = 3.0e-4
    """Peak learning rate of the generator (and of a decoder's reconstructor) in the adversarial stage."""
    discriminator_learning_rate: NonNegativeFloat = 3.0e-4
    """Peak learning rate of the discriminator in both stages."""
    warmup_steps: NonNegativeInt = 100
    """Number of steps in which the learning rates rise, at most a tenth of a stage; paths have their own."""
    lr_scheduler_type: Literal["linear", "cosine", "constant"] = "linear"
    """Schedule of the learning rates after their rise in each stage: linear and cosine fall to a tenth; paths
    have their own."""
    backbone_learning_rate: NonNegativeFloat = 6.0e-5
    """Peak learning rate of encoders that start from a backbone, for paths only."""
    weight_decay: NonNegativeFloat = 0.01
    """Weight decay of AdamW, for matrices only."""
    max_grad_norm: PositiveFloat = 1.0
    """Largest norm of the gradient of each network, to which it is clipped."""
    mixed_precision: Literal["no", "bf16", "fp16"] = "no"
    """Precision of the forward passes; no is float32."""
    estimator: (
        Literal[
            "straight-through", "soft-gumbel", "gumbel-rao", "reinmax", "reinforce", "hybrid", "log-variance"
        ]
        | None
    ) = None
    """Estimator of the gradient through words or a code: by default log-variance for short-paths, otherwise
    straight-through."""
    samples_per_document: AtLeastTwo = 4
    """Number of summaries that paths, reinforce and hybrid draw of a document; other estimators draw one."""
    temperature_start: PositiveFloat = 1.0
    """Temperature of the Gumbel-softmax at the beginning of the adversarial stage."""
    temperature_end: PositiveFloat = 0.5
    """Temperature of the Gumbel-softmax at the end of the adversarial stage, approached exponentially."""
    word_dropout: ClosedUnitInterval = 0.0
    """Share of the document's pieces that are hidden from the reconstructor's decoder."""
    reconstruction_stride: PositiveInt = 1
    """Distance between the pieces that the reconstructor predicts, different ones in each step; 3 makes
    training on long documents faster."""
    gradient_penalty: NonNegativeFloat = 0.1
    """Weight of the discriminator's gradient penalties on human and generated words (R1 and R2)."""
    loss_weights: LossWeights = field(default_factory=LossWeights)
    """Weights of the loss terms of a decoder's adversarial stage; a code has none of them."""
    critics: CriticWeights = field(default_factory=CriticWeights)
    """Weights of the critics of paths."""
    logging_steps: PositiveInt = 20
    """Number of steps between two rows of the log."""
    sample_steps: NonNegativeInt = 500
    """Number of steps between two samples printed on the screen; 0 prints none."""
    eval_steps: NonNegativeInt = 500
    """Number of steps between two evaluations; 0 evaluates only at the end."""
    eval_documents: PositiveInt = 200
    """Largest number of documents in an evaluation."""
    save_steps: NonNegativeInt = 500
    """Number of steps between two checkpoints; the first one is saved after 50 steps at the latest."""
    save_total_limit: PositiveInt = 3
    """Number of checkpoints to keep."""
    load_best_model_at_end: bool = True
    """Whether the final model is the one with the best validation score instead of the last one."""
    report_to: Literal["none", "tensorboard", "wandb", "trackio"] = "none"
    """Experiment tracker that receives all logged figures."""
    dataloader_num_workers: NonNegativeInt = 0
    """Number of worker processes that prepare batches ahead; 0 prepares them in the main process."""
    use_cpu: bool = False
    """Use the CPU even if there is a GPU."""


@dataclass
class CodeOptions:
    """A code that is learned instead of words, and that people cannot read."""

    kind: Literal["words", "one-hot", "binary", "vq", "tree"] = "words"
    """What a document becomes: words (a summary), one-hot (a cluster), binary (bits), vq (codebook entries)
    or tree (a path from root to leaf)."""
    size: AtLeastTwo = 32
    """Number of classes (one-hot), bits (binary), entries of each codebook (vq), or branches of each node
    (tree)."""
    length: PositiveInt = 8
    """Number of positions (vq), or of branchings from root to leaf (tree)."""
    steps: PositiveInt = 600
    """Number of optimizer steps of a code, in place of warm_start_steps and adversarial_steps."""
    vocabulary_size: PositiveInt = 10000
    """Largest number of different words in the bag of words."""
    max_document_frequency: UnitIntervalAboveZero = 0.1
    """Largest share of the documents that may contain a word; more frequent words are left out as function
    words."""
    similar_documents: PositiveInt = 15
    """Number of most similar documents (TF-IDF, truncated SVD) from which the one to rebuild is drawn."""
    hidden_size: PositiveInt = 128
    """Width of the encoder, and of the code vectors of binary and vq."""
    agreement: NonNegativeFloat = 1.0
    """Weight of the agreement of the bits of similar documents, for binary only."""
    commitment: NonNegativeFloat = 0.25
    """Weight of the commitment to codebook entries, for vq only."""

    @property
    def least_documents(self) -> int:
        """Smallest number of documents that this code needs: one for each class, entry or leaf."""
        return {"binary": 1, "tree": self.size**self.length}.get(self.kind, self.size)


@dataclass
class Options:
    """A whole training run; the blocks of a YAML file."""

    data: DataOptions = field(default_factory=DataOptions)
    tokenizer: TokenizerOptions = field(default_factory=TokenizerOptions)
    model: ModelOptions = field(default_factory=ModelOptions)
    training: TrainingOptions = field(default_factory=TrainingOptions)
    code: CodeOptions = field(default_factory=CodeOptions)

    @property
    def estimator(self) -> str:
        """The estimator of `TrainingOptions`, or its default for this generator or code."""
        short = self.code.kind == "words" and self.model.generator == "short-paths"
        return self.training.estimator or ("log-variance" if short else "straight-through")


def check_options(options: Options) -> Options:
    """Check all options of a run.

    Returns:
        A copy in which every number is a plain Python number.

    Raises:
        SummGANError: A value is out of the range of its field, or conflicts with another value; the message
            names the option, its value and what it must be.
    """
    options = checked(options, "--")
    width, heads = options.model.hidden_size, options.model.attention_heads
    _require(width % heads == 0, "model.attention_heads", heads, f"a divisor of hidden_size ({width})")
    if options.code.kind == "words":
        _check_words(options)
    else:
        _check_code(options)
    return options


def _check_words(options: Options) -> None:
    """Check that the options of words do not conflict."""
    training, estimator, generator = options.training, options.estimator, options.model.generator
    weight = training.loss_weights.adversarial
    if generator == "short-paths":
        what = f"one of {', '.join(_SHORT_PATHS_ESTIMATORS)} for short-paths"
        _require(estimator in _SHORT_PATHS_ESTIMATORS, "training.estimator", estimator, what)
    if generator == "decoder":
        what = "another one for a decoder"
        _require(estimator != "log-variance", "training.estimator", estimator, what)
    if estimator == "hybrid":
        _require(weight > 0, "training.loss_weights.adversarial", weight, "more than 0 for hybrid")
    steps = training.warm_start_steps
    enough = steps + training.adversarial_steps > 0
    _require(enough, "training.warm_start_steps", steps, "more than 0 if adversarial_steps is 0")


def _check_code(options: Options) -> None:
    """Check that the options of a code do not conflict, and that no weight is set that it does not use."""
    code, training = options.code, options.training
    whole_bytes = code.kind != "binary" or code.size % 8 == 0
    _require(whole_bytes, "code.size", code.size, "a multiple of 8, since bits are packed into bytes")
    if code.kind == "tree":
        few = f"lower, since a tree of {code.size} branches may have at most {MOST_LEAVES} leaves"
        leaves = code.size ** min(code.length, 17)  # 2 ** 17 leaves are too many already
        _require(leaves <= MOST_LEAVES, "code.length", code.length, few)
    default, weights = vars(LossWeights()), vars(training.loss_weights)
    refuse_weights({name: weight for name, weight in weights.items() if weight != default[name]})
    estimators = _CODE_ESTIMATORS[code.kind]
    what = f"one of {', '.join(estimators)} for {code.kind}"
    _require(options.estimator in estimators, "training.estimator", options.estimator, what)


def refuse_weights(given: Mapping[str, float]) -> None:
    """Check that no weight but 0 is given for a loss term of words in the training of a code.

    Raises:
        SummGANError: A weight is not 0; the message names the first one.
    """
    for name, weight in given.items():
        _require(not weight, f"training.loss_weights.{name}", weight, _NO_TERM)


def _require(condition: bool, name: str, value: object, what: str) -> None:
    if not condition:
        raise SummGANError(f"--{name} is {value}; it must be {what}.")
