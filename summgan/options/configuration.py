"""Everything that a YAML file or the command line can set, as plain dataclasses.

`Options` is the whole file; each of its parts is a block. Names follow transformers where it has one.
`SummGANConfig` (in `modeling.py`) is what is saved with the weights; this here is how they are made.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from summgan.errors import SummGANError

STEMMERS = (
    "arabic danish dutch english finnish french german hungarian italian norwegian portuguese romanian "
    "russian spanish swedish"
).split()
"""Languages that have a Snowball stemmer in nltk."""
DEFAULT_MODEL = "news-en"
"""Name of the model in the package: English news, made by ``configs/news-en.yaml``."""


@dataclass
class DataOptions:
    """Where the text is: two piles that need not have anything to do with each other."""

    documents: list[str] | str = field(default_factory=list)
    """Unlabelled texts to learn to summarize: files, folders or glob patterns."""
    sentences: list[str] | str = field(default_factory=list)
    """Short texts as people write them (headlines, titles, subject lines)."""
    validation: list[str] | str = field(default_factory=list)
    """Documents to watch while training, with summaries if there are any; a few training documents
    are held out when it is empty."""
    document_column: str | None = None
    """Column of the document; found by itself when it has a usual name."""
    sentence_column: str | None = None
    """Column of the sentence; found by itself when it has a usual name."""
    summary_column: str | None = None
    """Column of the summary in the validation files."""
    skip_bad_rows: bool = False
    """Count and report rows that cannot be used instead of stopping at the first."""
    max_document_length: int = 192
    """Pieces of a document that are read in training; longer ones are cut there, and counted."""
    max_sentence_length: int = 40
    """Pieces of a human sentence; longer ones are left out, and counted."""
    omitted_words: list[str] = field(default_factory=list)
    """Words that summaries do without where they can, as headlines do without articles, even if the human
    sentences are full ones."""
    stemming: str | None = None
    """Language (``english``, ``german``, ...) whose word endings make no difference to what is salient and
    what may follow what: "kills" is as "killed". By its Snowball stemmer."""
    cache_dir: str | None = None
    """Where the memory-mapped copy of the text is kept; the `datasets` cache when empty."""


@dataclass
class TokenizerOptions:
    """The vocabulary, learned from both piles unless `path` names one."""

    path: str | None = None
    """Folder or hub name of a tokenizer to use instead of learning one."""
    model_type: Literal["unigram", "char"] = "unigram"
    """Pieces of words, or single characters (for very short texts)."""
    vocabulary_size: int = 8000
    """Pieces to learn."""
    byte_fallback: bool = True
    """Write unseen characters as bytes, so that no text is unknown."""
    do_lower_case: bool = False
    """Drop case in reading and put it back in writing; words at the beginning of sentences are then the
    same as elsewhere, which a small corpus needs."""


@dataclass
class ModelOptions:
    """Sizes of the three networks."""

    backbone: str | None = None
    """Folder or hub name of a BART- or T5-style model to start the generator from; its tokenizer
    is used too. Empty: a new network of the sizes below."""
    hidden_size: int = 256
    """Width of generator and reconstructor."""
    encoder_layers: int = 3
    """Layers of the generator's encoder."""
    decoder_layers: int = 2
    """Layers of the generator's decoder."""
    attention_heads: int = 4
    """Attention heads of both."""
    reconstructor_layers: int = 1
    """Layers of the reconstructor's encoder and of its decoder: weak, so that it needs the words."""
    discriminator_hidden_size: int = 128
    """Width of the discriminator."""
    dropout: float = 0.1
    """Of generator and reconstructor."""
    copy: Literal["words", "pieces", "no"] = "words"
    """Whether the generator may copy from the document with a pointer: whole words, single pieces (for
    vocabularies of characters), or not at all."""
    channel_weight: float = 0.2
    """How much the reconstruction counts in the choice of a candidate; without it, summaries are also
    written twice as fast."""
    salience_weight: float = 0.0
    """How much salient words of the document (`summgan/networks/salience.py`), and those that the generator
    selects, are preferred in writing a summary."""
    writer: Literal["decoder", "search"] = "decoder"
    """Who writes: the decoder, free in its words, or an exact search for the best words of the document, in
    their order (`summgan/networks/compression.py`). With ``search`` the generator learns from such sentences
    too."""
    succession_weight: float = 0.25
    """In the search, how much it counts that words follow each other as in the human sentences, beside what
    they say."""


@dataclass
class LossWeights:
    """Weight of each named term of the adversarial stage; 0 switches a term off."""

    reconstruction: float = 0.1
    """The reconstructor rebuilds the document from the words. Kept low: where it wins, the words become a
    code of their own."""
    adversarial: float = 1.0
    """The discriminator takes the words for a human sentence."""
    back_cycle: float = 1.0
    """A human sentence, written out by the reconstructor, is summarized to itself."""
    content: float = 0.0
    """The words are salient ones of the document."""
    denoising: float = 0.5
    """The anchor: a human sentence is found again among foreign words."""


@dataclass
class TrainingOptions:
    """The two stages and how they are run."""

    output_dir: str = "runs/model"
    """Folder of checkpoints, log, report and final model."""
    seed: int = 0
    """Everything random follows from it."""
    warm_start: Literal["sentences", "content"] = "sentences"
    """What the generator learns first: to find human sentences among foreign words, or (without any
    human sentence) to pick content words of a document."""
    neighbour_share: float = 0.75
    """How often a human sentence that some document nearly says is learned from that document instead of
    being buried in foreign words; see `summgan/data/neighbours.py`."""
    warm_start_steps: int = 2000
    """Steps of the first stage, without any game between the networks."""
    adversarial_steps: int = 3000
    """Steps of the second stage."""
    per_device_train_batch_size: int = 32
    """Documents (and human sentences) per process and forward pass."""
    gradient_accumulation_steps: int = 1
    """Forward passes per optimizer step."""
    learning_rate: float = 1.0e-3
    """Of generator and reconstructor at its highest."""
    adversarial_learning_rate: float = 3.0e-4
    """The same in the adversarial stage."""
    discriminator_learning_rate: float = 3.0e-4
    """Of the discriminator, in both stages."""
    warmup_steps: int = 100
    """Steps in which the learning rates rise from zero, in each stage."""
    lr_scheduler_type: Literal["linear", "cosine", "constant"] = "linear"
    """How the learning rates fall after that, in each stage."""
    weight_decay: float = 0.01
    """Of AdamW, for all matrices."""
    max_grad_norm: float = 1.0
    """Gradients of each network are clipped to this norm."""
    mixed_precision: Literal["no", "bf16", "fp16"] = "no"
    """Precision of the forward passes."""
    estimator: Literal["straight-through", "soft-gumbel", "gumbel-rao", "reinmax", "reinforce", "hybrid"] = (
        "straight-through"
    )
    """How the gradient passes through the words; see `summgan/networks/estimators.py`."""
    samples_per_document: int = 4
    """Summaries drawn of each document by `reinforce` and `hybrid`; the others draw one."""
    temperature_start: float = 1.0
    """Gumbel-softmax temperature at the beginning of the adversarial stage."""
    temperature_end: float = 0.5
    """The same at its end; it falls exponentially."""
    word_dropout: float = 0.0
    """Share of the document's words hidden from the reconstructor's decoder. What it writes for the back
    cycle is better when it sees all of them."""
    reconstruction_stride: int = 1
    """The reconstructor is asked for every so many-th piece of a document, other ones each time. Long
    documents are learned faster with 3 (on a CPU a third of a step's time)."""
    idf_weighting: bool = True
    """Whether rare words count more in the reconstruction."""
    gradient_penalty: float = 0.1
    """Of the discriminator on real and generated words (R1 and R2)."""
    loss_weights: LossWeights = field(default_factory=LossWeights)
    """Terms of the adversarial stage."""
    logging_steps: int = 20
    """Steps between two lines of the log."""
    sample_steps: int = 500
    """Steps between two samples on the screen; 0 for none."""
    eval_steps: int = 500
    """Steps between two evaluations; 0 for none."""
    eval_documents: int = 200
    """Most documents evaluated."""
    save_steps: int = 500
    """Steps between two checkpoints; the first one comes after 50 steps at the latest."""
    save_total_limit: int = 3
    """Checkpoints kept."""
    load_best_model_at_end: bool = True
    """Whether the final model is the one of the best validation score; else the last."""
    report_to: Literal["none", "tensorboard", "wandb", "trackio"] = "none"
    """A tracker, through accelerate."""
    dataloader_num_workers: int = 0
    """Processes that prepare batches ahead."""
    use_cpu: bool = False
    """Leave a GPU alone."""


@dataclass
class CodeOptions:
    """Another code than words, which nobody can read; see `code_model.py`."""

    kind: Literal["words", "one-hot", "binary", "vq"] = "words"
    """Words are a summary; the others are clusters, bits, and entries of a codebook."""
    size: int = 32
    """Classes of one-hot, bits of binary, entries of each codebook of VQ."""
    length: int = 8
    """Positions of VQ."""
    steps: int = 600
    """Optimizer steps; warm_start_steps and adversarial_steps are those of words."""
    vocabulary_size: int = 10000
    """Most words that are counted."""
    max_document_frequency: float = 0.1
    """Words in a larger share of the documents are function words, and are left out."""
    similar_documents: int = 15
    """Number of most similar documents (TF-IDF, truncated SVD), one of which a document's code rebuilds."""
    hidden_size: int = 128
    """Width of encoder and code vectors, not of one-hot."""
    agreement: float = 1.0
    """Weight of the agreement of the codes of similar documents; not for VQ."""
    balance: float = 5.0
    """Weight of an even use of the classes in the agreement of one-hot."""
    commitment: float = 0.25
    """Weight of VQ's commitment."""


@dataclass
class Options:
    """A whole training run; the blocks of a YAML file."""

    data: DataOptions = field(default_factory=DataOptions)
    tokenizer: TokenizerOptions = field(default_factory=TokenizerOptions)
    model: ModelOptions = field(default_factory=ModelOptions)
    training: TrainingOptions = field(default_factory=TrainingOptions)
    code: CodeOptions = field(default_factory=CodeOptions)


_AT_LEAST_ONE = (
    "data.max_document_length data.max_sentence_length tokenizer.vocabulary_size model.hidden_size "
    "model.encoder_layers model.decoder_layers model.attention_heads model.reconstructor_layers "
    "model.discriminator_hidden_size training.per_device_train_batch_size "
    "training.gradient_accumulation_steps training.logging_steps training.eval_documents "
    "training.save_total_limit training.reconstruction_stride"
).split()
_NOT_NEGATIVE = (
    "training.warm_start_steps training.adversarial_steps training.learning_rate "
    "training.adversarial_learning_rate training.discriminator_learning_rate training.warmup_steps "
    "training.weight_decay training.gradient_penalty training.sample_steps training.eval_steps "
    "training.save_steps training.dataloader_num_workers training.loss_weights.reconstruction "
    "training.loss_weights.adversarial training.loss_weights.back_cycle "
    "training.loss_weights.content training.loss_weights.denoising model.channel_weight "
    "model.salience_weight model.succession_weight"
).split()
_POSITIVE = "training.max_grad_norm training.temperature_start training.temperature_end".split()


def check_options(options: Options) -> None:
    """Refuse values that cannot be meant.

    Raises:
        SummGANError: Naming the option, its value and what it must be.
    """
    for names, smallest, words in ((_AT_LEAST_ONE, 1, "at least 1"), (_NOT_NEGATIVE, 0, "0 or more")):
        for name in names:
            _require(_value(options, name) >= smallest, options, name, words)
    for name in _POSITIVE:
        _require(_value(options, name) > 0, options, name, "more than 0")
    training, model = options.training, options.model
    known = options.data.stemming in (None, *STEMMERS)
    _require(known, options, "data.stemming", f"null or one of {', '.join(STEMMERS)}")
    for name in ("word_dropout", "neighbour_share"):
        _require(0 <= getattr(training, name) <= 1, options, f"training.{name}", "from 0 to 1")
    _require(0 <= model.dropout < 1, options, "model.dropout", "from 0 to less than 1")
    even = model.hidden_size % model.attention_heads == 0
    _require(even, options, "model.attention_heads", f"a divisor of hidden_size ({model.hidden_size})")
    if training.estimator in ("reinforce", "hybrid"):
        enough = training.samples_per_document >= 2
        what = f"at least 2 for {training.estimator}"
        _require(enough, options, "training.samples_per_document", what)
    if training.estimator == "hybrid":
        judged = training.loss_weights.adversarial > 0
        _require(judged, options, "training.loss_weights.adversarial", "more than 0 for hybrid")
    steps = training.warm_start_steps + training.adversarial_steps
    _require(steps > 0, options, "training.warm_start_steps", "more than 0 if adversarial_steps is 0")


def check_code_options(options: Options) -> None:
    """The same for a code that is not made of words, on top of `check_options`.

    Raises:
        SummGANError: Naming the option, its value and what it must be.
    """
    code, training = options.code, options.training
    for name in "length steps vocabulary_size similar_documents hidden_size".split():
        _require(getattr(code, name) >= 1, options, f"code.{name}", "at least 1")
    for name in "agreement balance commitment".split():
        _require(getattr(code, name) >= 0, options, f"code.{name}", "0 or more")
    _require(code.size >= 2, options, "code.size", "at least 2")
    whole_bytes = code.kind != "binary" or code.size % 8 == 0
    _require(whole_bytes, options, "code.size", "a multiple of 8, since bits are packed into bytes")
    share = 0 < code.max_document_frequency <= 1
    _require(share, options, "code.max_document_frequency", "more than 0 and at most 1")
    nothing = f"0: a {code.kind} code cannot be read, so a discriminator has nothing to judge"
    for name in ("adversarial", "back_cycle", "denoising"):
        weight = getattr(training.loss_weights, name)
        _require(weight == 0, options, f"training.loss_weights.{name}", nothing)
    allowed = {"binary": ("straight-through", "reinforce"), "vq": ("straight-through",)}
    one_hot = ("straight-through", "soft-gumbel", "gumbel-rao", "reinmax")
    estimators = allowed.get(code.kind, one_hot)
    what = f"one of {', '.join(estimators)} for {code.kind}"
    _require(training.estimator in estimators, options, "training.estimator", what)


def _value(options: Options, name: str) -> float:
    value = options
    for part in name.split("."):
        value = getattr(value, part)
    return value


def _require(condition: bool, options: Options, name: str, what: str) -> None:
    if not condition:
        raise SummGANError(f"--{name} is {_value(options, name)}; it must be {what}.")
