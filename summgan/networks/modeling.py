"""The three networks together, saved and loaded in the form of transformers.

`SummGAN` holds generator, reconstructor and discriminator around one table of word embeddings (the
discriminator has its own). Called or asked to ``generate`` it behaves as the generator: a
sequence-to-sequence model from document to summary, with beams, and always of the wanted length.
"""

from __future__ import annotations

from dataclasses import asdict

import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForSeq2SeqLM,
    GenerationMixin,
    LogitsProcessorList,
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
from summgan.networks.compression import Compressor, Succession
from summgan.networks.decoding import ExactLength
from summgan.networks.discriminator import Discriminator
from summgan.networks.generator import Generator
from summgan.networks.reconstructor import Reconstructor, weighted_loss
from summgan.networks.salience import Salience
from summgan.networks.words import WordsBottleneck
from summgan.options.configuration import ModelOptions
from summgan.text.boundaries import UnitBoundaries
from summgan.text.pieces import length_table

_SEARCHED_AT_ONCE = 2**23  # pairs of pieces


class SummGAN(CheckedModel, GenerationMixin):
    """Generator, reconstructor and discriminator."""

    config_class = SummGANConfig
    noun = "summgan model"
    advice = "Give the output_dir of a finished training, or one of its checkpoints."
    tables = {"generator.bottleneck.units": 0, "succession.spelling": 0, "succession.ending": -1}
    base_model_prefix = "summgan"
    main_input_name = "input_ids"
    _supports_sdpa = True
    _tied_weights_keys = {
        "generator.encoder.embedding.weight": "embedding.weight",
        "generator.bottleneck.decoder.embedding.weight": "embedding.weight",
        "reconstructor.encoder.embedding.weight": "embedding.weight",
        "reconstructor.decoder.embedding.weight": "embedding.weight",
    }

    def __init__(self, config: SummGANConfig):
        super().__init__(config)
        hidden, vocabulary = config.generator.d_model, config.vocab_size
        ends = {"start_id": config.decoder_start_token_id, "end_id": config.eos_token_id}
        sizes = {"hidden_size": hidden, "vocabulary_size": vocabulary, "copy": config.copy}
        self.embedding = nn.Embedding(vocabulary, hidden)
        encoder, decoder = build_stacks(new_backbone(config.generator), self.embedding, config.tied_head)
        room = {"pieces_per_unit": config.pieces_per_unit, "most_pieces": config.most_pieces}
        bottleneck = WordsBottleneck(decoder, **room, **sizes, **ends)
        self.generator = Generator(encoder, bottleneck, hidden)
        encoder, decoder = build_stacks(new_backbone(config.reconstructor), self.embedding)
        self.reconstructor = Reconstructor(encoder, decoder, **sizes, **ends)
        self.succession = Succession(vocabulary, config.succession_words, config.succession_pairs)
        self.discriminator = Discriminator(vocabulary, config.discriminator_hidden_size)
        self.post_init()

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
            nn.init.zeros_(module.bias)
        if isinstance(module, Discriminator):
            # Judged through convolutions of fan-in hidden x width, so of unit scale.
            nn.init.normal_(module.embedding.weight, std=1.0)

    @classmethod
    def from_options(
        cls,
        options: ModelOptions,
        tokenizer: PreTrainedTokenizerBase,
        **fields,
    ) -> SummGAN:
        """A new model for a tokenizer: of the sizes wanted, or around a pretrained backbone.

        Args:
            options: The ``model`` block of a configuration.
            tokenizer: Its vocabulary gives the size of the tables.
            **fields: Further fields of `SummGANConfig`.

        Raises:
            SummGANError: The backbone cannot be used.
        """
        backbone = None
        if options.backbone is None:
            generator = new_stack_config(options, tokenizer)
        else:
            backbone = load_backbone(options.backbone)
            generator = backbone.config
            if len(tokenizer) > generator.vocab_size:
                raise SummGANError(
                    f"The tokenizer has {len(tokenizer)} pieces but the backbone {options.backbone!r} only "
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
            salience_weight=options.salience_weight,
            writer=options.writer,
            succession_weight=options.succession_weight,
            **fields,
        )
        model = cls(config)
        if backbone is not None:
            model.take_weights(backbone)
        model.generator.bottleneck.set_lengths(length_table(tokenizer, config.vocab_size))
        # A countdown of zeros leaves a pretrained decoder as it was, and a new one undisturbed.
        nn.init.zeros_(model.generator.bottleneck.countdown.weight)
        return model

    def take_weights(self, backbone: PreTrainedModel) -> None:
        """Copy the weights of a pretrained sequence-to-sequence model into the generator."""
        with torch.no_grad():
            self.embedding.weight.copy_(backbone.get_input_embeddings().weight)
        bottleneck = self.generator.bottleneck
        stacks = (
            (self.generator.encoder, backbone.get_encoder()),
            (bottleneck.decoder, backbone.get_decoder()),
        )
        for ours, theirs in stacks:
            ours.stack.load_state_dict(
                {k: v for k, v in theirs.state_dict().items() if not k.startswith("embed_tokens.")}
            )
        if bottleneck.decoder.head is not None:
            bottleneck.decoder.head.load_state_dict(backbone.lm_head.state_dict())

    def set_human_lengths(self, lengths: HumanLengths) -> None:
        """Tell a new model how long human sentences are."""
        for name, value in asdict(lengths).items():
            setattr(self.config, name, value)
        self.generator.bottleneck.pieces_per_unit = lengths.pieces_per_unit

    def set_counts(self, word_weights: Tensor, salience: Salience, succession: Succession | None) -> None:
        """Take over what was counted in the two piles; the attributes of these names in `Corpora`.

        A backbone may have more entries than its tokenizer has pieces; nothing is counted of those.
        """
        tables = [(self.reconstructor.word_weights, word_weights)]
        for own, counted in ((self.generator.bottleneck.salience, salience), (self.succession, succession)):
            if counted is not None:
                tables += [(own.get_buffer(name), values) for name, values in counted.named_buffers()]
        for own, counted in tables:
            own[: len(counted)].copy_(counted)

    def get_input_embeddings(self) -> nn.Embedding:
        """The table shared by generator and reconstructor."""
        return self.embedding

    def get_encoder(self) -> nn.Module:
        """The generator's encoder as transformers' ``generate`` calls it."""
        return _DocumentEncoder(self.generator)

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        decoder_input_ids: Tensor | None = None,
        labels: Tensor | None = None,
        num_units: Tensor | None = None,
        encoder_outputs: BaseModelOutput | None = None,
        past_key_values=None,
        decoder_vectors: Tensor | None = None,
        source_ids: Tensor | None = None,
        use_cache: bool | None = None,
        **kwargs,
    ) -> Seq2SeqLMOutput:
        """The generator as a sequence-to-sequence language model.

        Args:
            input_ids: Documents ``[batch, source]``.
            attention_mask: ``[batch, source]``.
            decoder_input_ids: Summaries so far ``[batch, length]``, from the start token.
            labels: Summaries ``[batch, length]``, -100 where there is none; gives ``loss``.
            num_units: ``[batch]`` wanted lengths; by default that of the labels, or the human mean.
            encoder_outputs: Of an earlier call.
            past_key_values: Cache; then only the last decoder input is read.
            decoder_vectors: Embedded decoder inputs, prepared by ``generate``.
            source_ids: The documents again, when ``encoder_outputs`` stands for ``input_ids``.
            use_cache: Ignored; a cache is used when one is given.
            **kwargs: Ignored, as transformers passes options of its own.

        Returns:
            ``loss`` (per piece), ``logits`` (log-probabilities ``[batch, length, vocabulary]``),
            ``past_key_values`` and ``encoder_last_hidden_state``.
        """
        source_ids = input_ids if source_ids is None else source_ids
        if attention_mask is None:
            attention_mask = torch.ones_like(source_ids)
        if encoder_outputs is None:
            source = self.generator.encode(source_ids, attention_mask)
        else:
            source = Source(source_ids, attention_mask, encoder_outputs[0])
        bottleneck = self.generator.bottleneck
        loss = None
        if labels is not None:
            mask = (labels != -100).long()
            words = labels.masked_fill(mask == 0, self.config.eos_token_id)
            units = bottleneck.length_of(words, mask) if num_units is None else num_units
            decoder_vectors, _, _ = bottleneck.inputs(words, units)
            decoder_input_ids = bottleneck.fed(words)
        elif decoder_vectors is None:
            decoder_vectors = self._decoder_vectors(decoder_input_ids, num_units)
        hidden = bottleneck.decoder(decoder_vectors, source.states, source.mask, past_key_values)
        logits = bottleneck.log_probs(hidden, bottleneck.keys(source), source, decoder_input_ids)
        if labels is not None:
            loss = nn.functional.nll_loss(logits.flatten(0, 1), labels.flatten(), ignore_index=-100)
        return Seq2SeqLMOutput(
            loss=loss,
            logits=logits,
            past_key_values=past_key_values,
            encoder_last_hidden_state=source.states,
        )

    def _decoder_vectors(self, decoder_input_ids: Tensor, num_units: Tensor | None) -> Tensor:
        """Embedded inputs, for the next word after each of ``decoder_input_ids``."""
        if num_units is None:
            num_units = torch.full_like(decoder_input_ids[:, 0], self.config.summary_length)
        # A last word that does not matter stands for the one that is to be written.
        padded = torch.cat([decoder_input_ids[:, 1:], decoder_input_ids[:, :1]], dim=1)
        return self.generator.bottleneck.inputs(padded, num_units)[0]

    def prepare_inputs_for_generation(
        self,
        input_ids: Tensor,
        past_key_values=None,
        attention_mask: Tensor | None = None,
        encoder_outputs: BaseModelOutput | None = None,
        num_units: Tensor | None = None,
        source_ids: Tensor | None = None,
        **kwargs,
    ) -> dict:
        """The inputs of one step of ``generate``; ``input_ids`` are the words written so far."""
        vectors = self._decoder_vectors(input_ids, num_units)
        if past_key_values is not None and past_key_values.get_seq_length() > 0:
            vectors = vectors[:, past_key_values.get_seq_length() :]
        return {
            "decoder_input_ids": input_ids,
            "decoder_vectors": vectors,
            "attention_mask": attention_mask,
            "encoder_outputs": encoder_outputs,
            "source_ids": source_ids,
            "past_key_values": past_key_values,
        }

    @torch.no_grad()
    def generate(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        num_units: Tensor | int | None = None,
        num_beams: int = 1,
        num_return_sequences: int = 1,
        no_repeat_bigrams: bool = False,
        source: Source | None = None,
        **kwargs,
    ) -> Tensor:
        """Write summaries of exactly ``num_units`` units with greedy or beam search; with ``writer: search``
        the best words of the document by exact search, which looks at no other option.

        Args:
            input_ids: Documents ``[batch, source]``.
            attention_mask: ``[batch, source]``.
            num_units: Lengths wanted, one number or ``[batch]``; the human mean by default.
            num_beams: Width of the search.
            num_return_sequences: Best beams returned of each document.
            no_repeat_bigrams: Whether no two pieces may stand in a row twice.
            source: The same documents, where they are encoded already.
            **kwargs: Further options of transformers' ``generate``.

        Returns:
            ``[batch * num_return_sequences, length]`` pieces after the start token.

        Raises:
            SummGANError: More than one is wanted of an exact search.
        """
        if attention_mask is None:
            attention_mask = torch.ones_like(input_ids)
        if num_units is None:
            num_units = self.config.summary_length
        units = torch.as_tensor(num_units, device=input_ids.device).expand(len(input_ids))
        source = source or self.encode(input_ids, attention_mask)
        if self.config.writer == "search":
            if num_return_sequences > 1:
                raise SummGANError("An exact search finds one summary: num_return_sequences must be 1.")
            return self._search(source, units)
        beams = max(num_beams, num_return_sequences)
        processor = ExactLength(
            self.generator.bottleneck,
            units.repeat_interleave(beams),
            source.repeat(beams),
            self.config.salience_weight,
            no_repeat_bigrams,
        )
        sequences = super().generate(
            input_ids=input_ids,
            attention_mask=attention_mask,
            num_units=units,
            source_ids=input_ids,
            encoder_outputs=BaseModelOutput(source.states),
            num_beams=num_beams,
            num_return_sequences=num_return_sequences,
            max_new_tokens=int(self.generator.bottleneck.max_pieces(units).max()),
            logits_processor=LogitsProcessorList([processor]),
            **{"do_sample": False, "length_penalty": 1.0} | kwargs,
        )
        return sequences[:, 1:]

    def encode(self, input_ids: Tensor, attention_mask: Tensor) -> Source:
        """States of documents ``[batch, source]``, read in windows of ``max_document_length`` pieces."""
        windows = self._windows(input_ids, attention_mask)
        states = [self.generator.encode(*window).states for window in windows]
        return Source(input_ids, attention_mask, torch.cat(states, dim=1))

    def reconstruction_loss(self, code: Code, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Cross-entropy per piece ``[batch]`` of documents ``[batch, source]``, window by window."""
        windows = self._windows(input_ids, attention_mask)
        parts = [self.reconstructor.scores(code, *window) for window in windows]
        return weighted_loss(*(torch.cat(columns, dim=1) for columns in zip(*parts, strict=True)))

    def _windows(self, *tensors: Tensor) -> list[tuple[Tensor, ...]]:
        """Tensors ``[batch, source]`` cut where the networks have read enough at once."""
        return [*zip(*(tensor.split(self.config.window, dim=1) for tensor in tensors), strict=True)]

    def _search(self, source: Source, units: Tensor) -> Tensor:
        """The best words of documents in their order ``[batch, length]``, ended and filled up with ends."""
        bottleneck, weight = self.generator.bottleneck, self.config.succession_weight
        compressor = Compressor(UnitBoundaries(bottleneck), self.succession, weight)
        lengths, worth, wanted = source.mask.sum(1).tolist(), bottleneck.preference(source), units.tolist()
        room = bottleneck.searched_pieces(units).tolist()
        ids = [row[:n] for row, n in zip(source.input_ids.tolist(), lengths, strict=True)]
        found, rows = [], max(1, _SEARCHED_AT_ONCE // worth.shape[1] ** 2)
        for start in range(0, len(ids), rows):
            part = slice(start, start + rows)
            found += compressor.fitting(ids[part], worth[part], wanted[part], room[part])
        longest, end = max(map(len, found)) + 1, self.config.eos_token_id
        rows = [[*words, *[end] * (longest - len(words))] for words in found]
        return torch.tensor(rows, device=source.input_ids.device)


class _DocumentEncoder(nn.Module):
    """Ids to ``BaseModelOutput``, the form in which ``generate`` wants an encoder."""

    main_input_name = "input_ids"

    def __init__(self, generator: Generator):
        super().__init__()
        self.generator = generator

    def forward(self, input_ids: Tensor, attention_mask: Tensor, **kwargs) -> BaseModelOutput:
        return BaseModelOutput(self.generator.encode(input_ids, attention_mask).states)


AutoConfig.register(SummGANConfig.model_type, SummGANConfig, exist_ok=True)
AutoModel.register(SummGANConfig, SummGAN, exist_ok=True)
AutoModelForSeq2SeqLM.register(SummGANConfig, SummGAN, exist_ok=True)
