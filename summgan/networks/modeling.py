"""`SummGAN`: generator, reconstructor and discriminator as one transformers model.

Generator and reconstructor share one table of word embeddings; the discriminator has its own.
`SummGAN.forward` and `SummGAN.generate` are those of the generator: a sequence-to-sequence model from
document to summary, of exact length.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForSeq2SeqLM,
    GenerationMixin,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.modeling_outputs import BaseModelOutput, Seq2SeqLMOutput

from summgan.errors import SummGANError
from summgan.model_folder import CheckedModel
from summgan.networks.architecture import (
    HumanLengths,
    SummGANConfig,
    is_tied,
    load_backbone,
    new_backbone,
    new_stack_config,
)
from summgan.networks.backbone import build_stacks
from summgan.networks.code import Code, Source
from summgan.networks.decoder_generator import DecoderGenerator
from summgan.networks.decoding import vectors_after
from summgan.networks.discriminator import Discriminator
from summgan.networks.generator import Generator, Writing
from summgan.networks.reconstructor import Reconstructor, weighted_loss
from summgan.networks.salience import Salience
from summgan.networks.words import WordsBottleneck
from summgan.options.configuration import ModelOptions
from summgan.text.pieces import length_table


class SummGAN(CheckedModel, GenerationMixin):
    """Generator, reconstructor and discriminator.

    Args:
        config: Configuration of the networks.
    """

    config: SummGANConfig
    config_class = SummGANConfig
    noun = "summgan model"
    advice = "Give the output_dir of a finished training, or one of its checkpoints."
    former_names = {"succession.": "generator.succession."}
    optional_tables = ("generator.succession.",)  # older models have them; they are not used
    base_model_prefix = "summgan"
    main_input_name = "input_ids"
    _supports_sdpa = True

    def __init__(self, config: SummGANConfig):
        super().__init__(config)
        hidden, vocabulary = config.generator.d_model, config.vocab_size
        ends = {"start_id": config.decoder_start_token_id, "end_id": config.eos_token_id}
        sizes = {"hidden_size": hidden, "vocabulary_size": vocabulary, "copy": config.copy}
        self.embedding = nn.Embedding(vocabulary, hidden)
        self.generator = self.new_generator()
        encoder, decoder = build_stacks(new_backbone(config.reconstructor), self.embedding)
        self.reconstructor = Reconstructor(encoder, decoder, **sizes, **ends)
        self.discriminator = Discriminator(vocabulary, config.discriminator_hidden_size)
        shared = self.embedding.weight
        names = [n for n, p in self.named_parameters(remove_duplicate=False) if p is shared]
        self._tied_weights_keys = dict.fromkeys(names[1:], names[0])
        self.post_init()

    def new_generator(self) -> Generator:
        """Build the generator; a subclass may override this."""
        return DecoderGenerator(self.config, self.embedding)

    @property
    def tables(self) -> dict[str, int]:
        """Smallest valid value of each buffer that holds ids or counts; see `CheckedModel`."""
        return {f"generator.{name}": least for name, least in self.generator.tables.items()}

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        std = 0.02
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=std)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.LayerNorm):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Conv1d):
            nn.init.kaiming_normal_(module.weight, a=0.2)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        if isinstance(module, Discriminator):
            # The convolutions that read these vectors expect unit scale.
            nn.init.normal_(module.embedding.weight, std=1.0)
        elif isinstance(module, WordsBottleneck):
            # With a zero countdown, a pretrained decoder starts unchanged.
            nn.init.zeros_(module.countdown.weight)

    @classmethod
    def from_options(
        cls,
        options: ModelOptions,
        tokenizer: PreTrainedTokenizerBase,
        **fields,
    ) -> SummGAN:
        """Build a new model for a tokenizer, from scratch or from a pretrained backbone.

        Args:
            options: The ``model`` block of a configuration.
            tokenizer: Tokenizer whose vocabulary sets the size of the embeddings.
            **fields: Further fields of `SummGANConfig`.

        Raises:
            SummGANError: The backbone cannot be used.
        """
        backbone = None if options.backbone is None else load_backbone(options.backbone)
        generator = new_stack_config(options, tokenizer) if backbone is None else backbone.config
        if len(tokenizer) > generator.vocab_size:
            raise SummGANError(
                f"The tokenizer has {len(tokenizer)} pieces but the backbone {options.backbone!r} has only "
                f"{generator.vocab_size}: use the tokenizer in the backbone's folder."
            )
        reconstructor = type(generator).from_dict(generator.to_dict())
        for name in ("encoder_layers", "decoder_layers", "num_layers", "num_decoder_layers"):
            if name in generator.to_dict():
                setattr(reconstructor, name, options.reconstructor_layers)
        config = SummGANConfig(
            generator,
            reconstructor,
            discriminator_hidden_size=options.discriminator_hidden_size,
            copy=options.copy,
            tied_head=backbone is None or is_tied(backbone),
            channel_weight=options.channel_weight,
            **fields,
        )
        model = cls(config)
        if backbone is not None:
            model.take_weights(backbone)
        model.generator.set_lengths(length_table(tokenizer, config.vocab_size))
        return model

    def take_weights(self, backbone: PreTrainedModel) -> None:
        """Copy the weights of a pretrained sequence-to-sequence model into embeddings and generator."""
        with torch.no_grad():
            self.embedding.weight.copy_(backbone.get_input_embeddings().get_parameter("weight"))
        self.generator.take_weights(backbone)

    def set_human_lengths(self, lengths: HumanLengths) -> None:
        """Store the lengths of human sentences in the configuration and the generator."""
        for name, value in asdict(lengths).items():
            setattr(self.config, name, value)
        self.generator.set_human_lengths(lengths)

    def set_counts(self, word_weights: Tensor, salience: Salience) -> None:
        """Store the statistics of the training text.

        A backbone may have more entries than its tokenizer has pieces; the extra ones keep their values.

        Args:
            word_weights: ``[pieces]`` weight of each piece in the reconstruction loss.
            salience: Salience of each place of a document.
        """
        self.reconstructor.word_weights[: len(word_weights)].copy_(word_weights)
        self.generator.set_salience(salience)

    def get_input_embeddings(self) -> nn.Embedding:
        """The table shared by generator and reconstructor."""
        return self.embedding

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        decoder_input_ids: Tensor | None = None,
        labels: Tensor | None = None,
        num_units: Tensor | None = None,
        encoder_outputs: BaseModelOutput | None = None,
        **kwargs: Any,
    ) -> Seq2SeqLMOutput:
        """Run the generator's decoder as a sequence-to-sequence language model.

        Args:
            input_ids: Documents ``[batch, source]``.
            attention_mask: ``[batch, source]``.
            decoder_input_ids: Summaries so far ``[batch, length]``, the start token included; required
                without ``labels``.
            labels: Summaries ``[batch, length]``, padded with -100; they are needed for ``loss``.
            num_units: ``[batch]`` wanted lengths in units; by default those of the labels, or the mean length
                of human sentences.
            encoder_outputs: Encoder outputs of an earlier call for the same documents.
            **kwargs: Ignored; transformers passes options of its own.

        Returns:
            ``loss`` (per piece), ``logits`` (log-probabilities ``[batch, length, vocabulary]``) and
            ``encoder_last_hidden_state``.

        Raises:
            SummGANError: The generator has no decoder, or ``labels`` and ``decoder_input_ids`` are both None.
        """
        if not isinstance(self.generator, DecoderGenerator):
            raise SummGANError(
                f"A {type(self.generator).__name__} has no decoder: call its draw, write or log_likelihood."
            )
        if attention_mask is None:
            attention_mask = torch.ones_like(input_ids)
        if encoder_outputs is None:
            source = self.generator.encode(input_ids, attention_mask)
        else:
            source = Source(encoder_outputs[0], attention_mask, input_ids)
        bottleneck = self.generator.bottleneck
        if labels is not None:
            mask = (labels != -100).long()
            words = labels.masked_fill(mask == 0, self.config.eos_token_id)
            units = bottleneck.length_of(words, mask) if num_units is None else num_units
            vectors, decoder_input_ids = bottleneck.inputs(words, units)[0], bottleneck.fed(words)
        elif decoder_input_ids is None:
            raise SummGANError("Call a SummGAN with labels or with decoder_input_ids; neither is given.")
        else:
            if num_units is None:
                num_units = torch.full_like(input_ids[:, 0], self.config.summary_length)
            vectors = vectors_after(bottleneck, decoder_input_ids, num_units)
        hidden = bottleneck.decoder(vectors, source.states, source.mask)
        logits = bottleneck.log_probs(hidden, bottleneck.keys(source), source, decoder_input_ids)
        loss = None
        if labels is not None:
            loss = nn.functional.nll_loss(logits.flatten(0, 1), labels.flatten(), ignore_index=-100)
        return Seq2SeqLMOutput(loss=loss, logits=logits, encoder_last_hidden_state=source.states)

    @torch.no_grad()
    def generate(  # type: ignore[override]  # returns only pieces, and takes lengths
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        num_units: Tensor | int | None = None,
        num_beams: int = 1,
        num_return_sequences: int = 1,
        no_repeat_bigrams: bool = False,
        **decoding: Any,
    ) -> Tensor:
        """Write summaries of exactly ``num_units`` units: `Generator.write` with transformers' arguments.

        Args:
            input_ids: Documents ``[batch, source]``.
            attention_mask: ``[batch, source]``.
            num_units: Wanted lengths in units, one number or ``[batch]``; by default the mean length of human
                sentences.
            num_beams: Number of beams.
            num_return_sequences: Number of summaries of each document, best first.
            no_repeat_bigrams: Whether to forbid repeating a pair of consecutive pieces.
            **decoding: Further options of transformers' ``generate``.

        Returns:
            ``[batch * num_return_sequences, length]`` pieces, without the start token.

        Raises:
            SummGANError: The generator writes fewer summaries of one length than wanted.
        """
        if attention_mask is None:
            attention_mask = torch.ones_like(input_ids)
        if num_units is None:
            num_units = self.config.summary_length
        units = torch.as_tensor(num_units).expand(len(input_ids)).tolist()
        writing = Writing(num_beams, num_return_sequences, no_repeat_bigrams, decoding=decoding)
        source = self.encode(input_ids, attention_mask)
        words = self.generator.write(source, [[length] for length in units], writing).words
        if len(words) != len(units) * num_return_sequences:
            raise SummGANError(
                f"A {type(self.generator).__name__} writes one summary of each length: "
                "set num_return_sequences to 1."
            )
        return words

    def encode(self, input_ids: Tensor, attention_mask: Tensor) -> Source:
        """Encode documents, window by window; both arguments are ``[batch, source]``."""
        windows = self._windows(input_ids, attention_mask)
        states = [self.generator.encode(*window).states for window in windows]
        return Source(torch.cat(states, dim=1), attention_mask, input_ids)

    def reconstruction_loss(self, code: Code, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Cross-entropy per piece ``[batch]`` of documents ``[batch, source]`` given codes, in nats.

        Long documents are rebuilt window by window.
        """
        windows = self._windows(input_ids, attention_mask)
        parts = [self.reconstructor.scores(code, *window) for window in windows]
        return weighted_loss(*(torch.cat(columns, dim=1) for columns in zip(*parts, strict=True)))

    def _windows(self, input_ids: Tensor, attention_mask: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Cut documents and their mask, both ``[batch, source]``, into windows that the networks can read."""
        longest = self.config.window
        return [*zip(input_ids.split(longest, dim=1), attention_mask.split(longest, dim=1), strict=True)]


AutoConfig.register(SummGANConfig.model_type, SummGANConfig, exist_ok=True)
AutoModel.register(SummGANConfig, SummGAN, exist_ok=True)
AutoModelForSeq2SeqLM.register(SummGANConfig, SummGAN, exist_ok=True)
