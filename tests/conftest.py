import os
import tempfile

# Set before any library of Hugging Face is imported: no network, no files outside a temporary folder.
_CACHE = tempfile.mkdtemp(prefix="summgan-tests-")
os.environ |= {
    "HF_HUB_OFFLINE": "1",
    "HF_HOME": _CACHE,
    "HF_DATASETS_CACHE": f"{_CACHE}/datasets",
    "TOKENIZERS_PARALLELISM": "false",
    "OMP_NUM_THREADS": "1",  # threads of the processes that tests start would compete
}

import logging  # noqa: E402
import random  # noqa: E402
import re  # noqa: E402
import shutil  # noqa: E402

import pytest  # noqa: E402
import torch  # noqa: E402
from accelerate.state import AcceleratorState  # noqa: E402
from codes_support import code_options  # noqa: E402

from summgan.networks.modeling import SummGAN  # noqa: E402
from summgan.options.configuration import (  # noqa: E402
    DataOptions,
    ModelOptions,
    Options,
    TokenizerOptions,
    TrainingOptions,
)
from summgan.text.vocabulary import Vocabulary  # noqa: E402

torch.set_num_threads(1)


class _Announcements(logging.Handler):
    """Fails a test in which a library logs a deprecation."""

    def emit(self, record):
        if re.search("deprecated|will be removed", record.getMessage()):
            raise AssertionError(f"{record.name} announces a removal: {record.getMessage()}")


for library in ("transformers", "accelerate", "datasets", "evaluate"):
    logging.getLogger(library).addHandler(_Announcements())

NAMES = "Anna Boris Carla Daniel Elena Felix Greta Hugo".split()
PLACES = "Porto Lyon Bergen Gdansk Turin Malmo Leeds Graz".split()
THINGS = "bridge library market tunnel theatre factory school hall".split()
VERBS = "opens closes paints sells repairs visits".split()

ZH_PLACES = "北京 上海 广州 成都 杭州 西安 台湾 厦门".split()
ZH_THINGS = "大学 图书馆 博物馆 工厂 医院 车站".split()
ZH_VERBS = "开放 关闭 扩建 参观 维修".split()


def pytest_sessionfinish():
    shutil.rmtree(_CACHE, ignore_errors=True)


def _english(count, rng):
    for _ in range(count):
        name, place, thing, verb = map(rng.choice, (NAMES, PLACES, THINGS, VERBS))
        yield (
            f"On Monday {name} said that the old {thing} in {place} would be {verb[:-1]}ed. "
            f"It was built {rng.randint(2, 99)} years ago, and many people like it."
        )


def _headlines(count, rng):
    for _ in range(count):
        name, place, thing, verb = map(rng.choice, (NAMES, PLACES, THINGS, VERBS))
        yield f"{name} {verb} {thing} in {place}{rng.choice(('', ' again', ' for good'))}"


def _chinese(count, rng):
    for _ in range(count):
        place, thing, verb = map(rng.choice, (ZH_PLACES, ZH_THINGS, ZH_VERBS))
        yield f"本报讯，{place}{thing}今天宣布，将于{rng.randint(1, 12)}月{verb}，市民表示欢迎。"


@pytest.fixture(autouse=True)
def no_accelerator():
    """Reset accelerate, which keeps the device and precision of the first `Accelerator` of a process."""
    AcceleratorState._reset_state(True)


@pytest.fixture(scope="session")
def documents():
    return list(_english(300, random.Random(0)))


@pytest.fixture(scope="session")
def sentences():
    return list(_headlines(300, random.Random(1)))


@pytest.fixture(scope="session")
def chinese_documents():
    return list(_chinese(300, random.Random(2)))


@pytest.fixture(scope="session")
def chinese_sentences():
    rng = random.Random(3)
    parts = (ZH_PLACES, ZH_THINGS, ZH_VERBS)
    return ["".join(map(rng.choice, parts)) for _ in range(200)]


@pytest.fixture(scope="session")
def vocabulary(documents, sentences):
    return Vocabulary.train(documents + sentences, 500)


@pytest.fixture(scope="session")
def chinese_vocabulary(chinese_documents, chinese_sentences):
    return Vocabulary.train(chinese_documents + chinese_sentences, 600)


@pytest.fixture(scope="session")
def tokenizer(vocabulary):
    return vocabulary.tokenizer


@pytest.fixture(scope="session")
def chinese_tokenizer(chinese_vocabulary):
    return chinese_vocabulary.tokenizer


@pytest.fixture
def tiny_model():
    """A factory of decoder models of the smallest useful size."""

    def make(tokenizer, **options):
        torch.manual_seed(0)
        sizes = {
            "hidden_size": 32,
            "encoder_layers": 1,
            "decoder_layers": 1,
            "attention_heads": 2,
            "discriminator_hidden_size": 16,
            "dropout": 0.0,
        }
        model = SummGAN.from_options(ModelOptions(**sizes | options), tokenizer, max_document_length=64)
        return model.eval()

    return make


@pytest.fixture(scope="session")
def tiny_paths(tokenizer, documents, sentences):
    """A path model with the words of both piles, a random encoder and a counted prior."""
    from transformers import BertConfig

    from summgan.data.word_counts import count_words
    from summgan.networks.path_model import PathConfig, PathModel
    from summgan.text.words import words_of

    written, said = ([words_of(text) for text in pile] for pile in (documents, sentences))
    table = count_words(written, said, None, forms=0, inserted=3)
    encoder = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
    )
    torch.manual_seed(0)
    config = PathConfig(encoder.to_dict(), insertable=3, shortest=3, longest=8)
    model = PathModel(config, table, tokenizer).eval()
    for layer in (model.generator.node, model.generator.edge):
        torch.nn.init.normal_(layer.weight)
    return model


@pytest.fixture
def small_run(write, documents, sentences, tmp_path):
    """A factory of options for a training on the first texts of both piles."""

    def make(model, vocabulary_size=400, texts=60, **training):
        return Options(
            data=DataOptions(
                documents=write("documents.txt", documents[:texts]),
                sentences=write("sentences.txt", sentences[:texts]),
                cache_dir=str(tmp_path / "cache"),
            ),
            tokenizer=TokenizerOptions(vocabulary_size=vocabulary_size),
            model=model,
            training=TrainingOptions(output_dir=str(tmp_path / "run"), use_cpu=True, **training),
        )

    return make


@pytest.fixture
def encode():
    """A function that turns texts into padded ids and a mask, with an end piece after each text."""
    from summgan.data.padding import pad

    def run(tokenizer, texts):
        ids = tokenizer(texts, add_special_tokens=False).input_ids
        return pad([[*row, tokenizer.eos_token_id] for row in ids])

    return run


@pytest.fixture
def write(tmp_path):
    """A function that writes lines to a file in the test's folder and returns its path as a string."""

    def run(name, lines):
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return str(path)

    return run


@pytest.fixture
def code_run(write, documents, tmp_path):
    """A factory that trains a code for a few steps and returns its folder."""
    from summgan.codes.task import CodeTask
    from summgan.training.trainer import train

    def make(name, folder="run", resume=False, **changes):
        AcceleratorState._reset_state(True)
        file = write("texts.txt", changes.pop("documents", documents))
        options = code_options(name, file, tmp_path / folder, **changes)
        train(options, resume=resume, task=CodeTask)
        return tmp_path / folder

    return make


def pytest_collection_modifyitems(items):
    """Start the longest tests first, so that none of them runs alone at the end."""
    long = ("test_notebooks", "test_benchmarks", "two_processes", "sigterm")
    items.sort(key=lambda item: not any(name in item.nodeid for name in long))
