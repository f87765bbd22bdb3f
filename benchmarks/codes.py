"""Compares one-hot, binary, VQ and tree codes with usual methods of clustering, hashing and compression.

    python benchmarks/codes.py DATA --seeds 3 --output results.json

DATA is a folder with {bbc,agnews}.{train,test}.jsonl.gz and rows {"text", "label"}. All methods learn from
the texts of train; labels are used only for scores. Clustering is scored on test. In retrieval, every
document of test is a query for documents of train; ties of the distance count by expectation. Scikit-learn's
methods read sublinear TF-IDF without English stop words; rows with "same" read the features of our codes
instead.
"""

from __future__ import annotations

import json
import shutil
import statistics
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import trees
from code_metrics import beginnings, clustering, hamming, retrieval, speed, usage
from rows import mean_table, measure, new_parser, read_rows, say
from sklearn.cluster import KMeans
from sklearn.decomposition import LatentDirichletAllocation, TruncatedSVD
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, CountVectorizer, TfidfVectorizer
from sklearn.preprocessing import normalize
from sklearn.random_projection import GaussianRandomProjection

from summgan import Encoder, train
from summgan.codes.bags import BagOfWords, principal_directions
from summgan.codes.task import CodeTask
from summgan.files import write_text
from summgan.options.parsing import load_options
from summgan.text.script import split_sentences

CONFIGS = Path(__file__).parents[1] / "configs"
BITS = (8, 16, 32, 64, 128)
BRANCHING, DEPTH = 2, 8
METHODS = (
    "onehot kmeans kmeans-same lda cosine".split()
    + [f"{m}-{b}" for b in BITS for m in ("binary", "svd-sign", "lsh")]
    + [f"units-onehot-{size}" for size in (2, 4, 8, 16, 32, 64, 128, 256, 512)]
    + "svd-sign-same-32 reinforce-32 vq vq-8 pq pq-same leave-out-binary leave-out-onehot".split()
    + "tree hierarchical-kmeans hierarchical-kmeans-same agglomerative agglomerative-same".split()
)
ALL = tuple(f"{name}/{method}" for name in ("bbc", "agnews") for method in METHODS)
COLUMNS = (
    "nmi purity ari dendrogram_purity precision_at_100 map bytes speed_ratio perplexity usage "
    "reconstruction parameters bare_code bare_vector halves_code halves_vector"
).split()
CHIEF = ("nmi", "dendrogram_purity", "precision_at_100", "reconstruction")
VQ_SIZE, VQ_LENGTH = 32, 8


class Topics:
    """One set: texts and labels of train and test, and the features of scikit-learn's methods."""

    def __init__(self, data: Path, name: str):
        self.name, self.train_file = name, data / f"{name}.train.jsonl.gz"
        parts = [read_rows(data / f"{name}.{part}.jsonl.gz") for part in ("train", "test")]
        labels = sorted({row["label"] for row in parts[0]})
        self.texts, self.test_texts = ([row["text"] for row in part] for part in parts)
        self.labels, self.test_labels = (
            np.array([labels.index(row["label"]) for row in part]) for part in parts
        )
        self.classes = len(labels)
        tfidf = TfidfVectorizer(sublinear_tf=True, min_df=2, stop_words="english")
        self.tfidf, self.test_tfidf = tfidf.fit_transform(self.texts), tfidf.transform(self.test_texts)

    @property
    def parts(self) -> tuple[tuple[list[str], list[str]], tuple[np.ndarray, np.ndarray]]:
        """Texts and labels, each of train and test."""
        return (self.texts, self.test_texts), (self.labels, self.test_labels)

    def same(self, width: int, most: float) -> tuple[np.ndarray, np.ndarray]:
        """Unit vectors that our codes read, without words of higher document frequency than ``most``."""
        words = BagOfWords.fit(self.texts, 10000, most)
        train, test = words.vectors(self.texts), words.vectors(self.test_texts)
        directions = principal_directions(train, 100)
        vectors = [torch.nn.functional.normalize(part @ directions, dim=-1).numpy() for part in (train, test)]
        return vectors[0][:, :width], vectors[1][:, :width]

    def svd(self, width: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Vectors of train and test by truncated SVD."""
        model = TruncatedSVD(min(width, min(self.tfidf.shape) - 1), random_state=seed)
        return model.fit_transform(self.tfidf), model.transform(self.test_tfidf)


def train_row(
    topics: Topics, work: Path, seed: int, config: str, file: Path, **changes
) -> tuple[Encoder, dict]:
    """Train a configuration with changed options; return the encoder and the figures of the training."""
    options, _ = load_options([str(CONFIGS / f"{config}.yaml")])
    shutil.rmtree(work, ignore_errors=True)
    estimator = changes.pop("estimator", options.training.estimator)
    training = replace(
        options.training, output_dir=str(work), seed=seed, use_cpu=True, eval_steps=0, estimator=estimator
    )
    training = replace(training, learning_rate=changes.pop("lr", training.learning_rate))
    data = replace(
        options.data, documents=[str(file)], document_column="text", cache_dir=str(work) + "-cache"
    )
    began = time.perf_counter()
    state = train(
        replace(options, data=data, training=training, code=replace(options.code, **changes)),
        say=lambda s: None,
        task=CodeTask,
    )
    curve = [(row["step"], row["reconstruction"]) for row in state.history if "reconstruction" in row]
    encoder = Encoder.from_pretrained(work, device="cpu")
    bottleneck = sum(p.numel() for p in encoder.model.bottleneck.parameters())
    seconds = time.perf_counter() - began
    return encoder, {"seconds": seconds, "parameters": bottleneck, "curve": curve} | rebuilt(encoder, topics)


@torch.inference_mode()
def rebuilt(encoder: Encoder, topics: Topics) -> dict:
    bags = encoder.bag_of_words.vectors(topics.test_texts)
    return {"reconstruction": float(encoder.model.rebuild(encoder.model.encode(bags), bags).mean())}


def bits_of(encoder: Encoder, texts: list[str]) -> np.ndarray:
    return np.unpackbits(encoder.encode(texts).bits, axis=1).astype(bool)


def hashed(topics: Topics, test: np.ndarray, train: np.ndarray) -> dict:
    figures = retrieval(hamming(test, train), topics.test_labels, topics.labels)
    return figures | {"bytes": train.shape[1] / 8, "speed_ratio": speed(test, train)}


def leave_out(topics: Topics, work: Path, seed: int, config: str) -> dict:
    """Train without a topic and retrieve in it; the mean of the first two topics."""
    scores = []
    for topic in range(min(2, topics.classes)):
        texts = [t for t, label in zip(topics.texts, topics.labels, strict=True) if label != topic]
        file = work.with_name(f"{work.name}-{topic}.jsonl")
        write_text(file, "".join(json.dumps({"text": text}) + "\n" for text in texts))
        size = topics.classes - 1 if config == "onehot" else 32
        encoder, _ = train_row(topics, work, seed, config, file, size=size)
        if config == "onehot":
            codes, test = (encoder.encode(t).ids for t in (topics.texts, topics.test_texts))
            distances = (test[:, None] != codes[None]).astype(np.float32)
        else:
            distances = hamming(bits_of(encoder, topics.test_texts), bits_of(encoder, topics.texts))
        queries = topics.test_labels == topic
        scores.append(retrieval(distances[queries], topics.test_labels[queries], topics.labels))
    return {name: statistics.mean(score[name] for score in scores) for name in scores[0]}


def run(topics: Topics, method: str, work: Path, seed: int) -> dict:
    """Figures of one row."""
    kind, _, size = method.rpartition("-")
    if method in ("onehot", "kmeans", "kmeans-same", "lda"):
        return cluster_row(topics, method, work, seed)
    if kind == "units-onehot":  # with the vocabulary and learning rate of binary codes
        changes = {"size": int(size), "max_document_frequency": 0.1, "lr": 2e-3}
        encoder, cost = train_row(topics, work, seed, "onehot", topics.train_file, **changes)
        train, test = (encoder.encode(texts).ids for texts in (topics.texts, topics.test_texts))
        return cost | retrieval(test[:, None] != train[None], topics.test_labels, topics.labels)
    if kind == "leave-out":
        return leave_out(topics, work, seed, size)
    if method == "tree" or method.startswith(("hierarchical", "agglomerative")):
        return tree_row(topics, method, work, seed)
    if method in ("vq", "vq-8", "pq", "pq-same"):
        return codebook_row(topics, method, work, seed)
    return retrieval_row(topics, kind, size, work, seed)


def cluster_row(topics: Topics, method: str, work: Path, seed: int) -> dict:
    """Figures of one-hot codes or another clustering method."""
    if method == "onehot":
        encoder, cost = train_row(topics, work, seed, "onehot", topics.train_file, size=topics.classes)
        return cost | clustering(topics.test_labels, encoder.encode(topics.test_texts).ids)
    if method == "lda":
        counts = CountVectorizer(min_df=2, stop_words="english")
        model = LatentDirichletAllocation(topics.classes, random_state=seed, max_iter=20)
        model.fit(counts.fit_transform(topics.texts))
        found = model.transform(counts.transform(topics.test_texts)).argmax(1)
        return clustering(topics.test_labels, found)
    vectors = topics.same(100, 0.03) if method == "kmeans-same" else topics.svd(100, seed)
    train, test = map(normalize, vectors)
    model = KMeans(topics.classes, n_init=10, random_state=seed).fit(train)
    return clustering(topics.test_labels, model.predict(test))


def retrieval_row(topics: Topics, kind: str, size: str, work: Path, seed: int) -> dict:
    """Figures of binary codes or another hashing method."""
    if size == "cosine":
        train, test = (normalize(part).astype(np.float32) for part in topics.svd(128, seed))
        figures = retrieval(-test @ train.T, topics.test_labels, topics.labels)
        return figures | {"bytes": 4 * train.shape[1], "speed_ratio": 1.0}
    bits = int(size)
    if kind in ("binary", "reinforce"):
        how = "reinforce" if kind == "reinforce" else "straight-through"
        changes = {"size": bits, "estimator": how}
        encoder, cost = train_row(topics, work, seed, "binary", topics.train_file, **changes)
        if bits <= 16:  # every prefix takes a search
            cost |= beginnings(encoder, *topics.parts)
        return cost | hashed(topics, bits_of(encoder, topics.test_texts), bits_of(encoder, topics.texts))
    if kind == "lsh":
        planes = GaussianRandomProjection(bits, random_state=seed).fit(topics.tfidf)
        train, test = planes.transform(topics.tfidf), planes.transform(topics.test_tfidf)
        return hashed(topics, test > 0, train > 0)
    train, test = topics.same(bits, 0.1) if kind == "svd-sign-same" else topics.svd(bits, seed)
    return hashed(topics, test > train.mean(0), train > train.mean(0))


def codebook_row(topics: Topics, method: str, work: Path, seed: int) -> dict:
    """Figures of VQ codes, with their share of style, or of product quantization."""
    entries = 2 if method == "vq-8" else VQ_SIZE
    size = {"bytes": VQ_LENGTH * int(np.log2(entries)) / 8}
    if method in ("vq", "vq-8"):
        changes = {"size": entries, "length": VQ_LENGTH}
        encoder, cost = train_row(topics, work, seed, "vq", topics.train_file, **changes)
        train, test = (encoder.encode(t).ids for t in (topics.texts, topics.test_texts))
        figures = retrieval((test[:, None] != train[None]).sum(-1), topics.test_labels, topics.labels)
        cost |= beginnings(encoder, *topics.parts) | style(topics, encoder, seed)
        return cost | figures | usage(train, entries) | size
    import faiss

    vectors = topics.same(96, 0.1) if method == "pq-same" else topics.svd(96, seed)
    train, test = (np.ascontiguousarray(normalize(part), np.float32) for part in vectors)
    whole = train.shape[1] // VQ_LENGTH * VQ_LENGTH  # every position has the same number of dimensions
    train, test = (np.ascontiguousarray(part[:, :whole]) for part in (train, test))
    quantizer = faiss.ProductQuantizer(train.shape[1], VQ_LENGTH, int(np.log2(VQ_SIZE)))
    quantizer.cp.seed = seed
    quantizer.train(train)
    near = quantizer.decode(quantizer.compute_codes(train))
    return retrieval(-test @ near.T, topics.test_labels, topics.labels) | size


def tree_row(topics: Topics, method: str, work: Path, seed: int) -> dict:
    """Figures of tree codes or another tree: hierarchical k-means of the same depth, or Ward's dendrogram."""
    cost: dict = {}
    if method == "tree":
        changes = {"size": BRANCHING, "length": DEPTH}
        encoder, cost = train_row(topics, work, seed, "tree", topics.train_file, **changes)
        train, test = (encoder.encode(texts).ids for texts in (topics.texts, topics.test_texts))
        with torch.inference_mode():
            bags = encoder.bag_of_words.vectors(topics.test_texts)
            costs = encoder.model.rebuild_prefixes(encoder.model.encode(bags), bags).mean(0)
            vectors = [encoder.model.path_vectors(torch.from_numpy(paths)).numpy() for paths in (train, test)]
        ours, theirs = map(normalize, vectors)
        # As in `HashIndex`: the cosine breaks ties of the prefix, scaled here to less than one level.
        distances = -trees.shared(test, train) - 0.4 * (theirs @ ours.T).round(5)
        searched = retrieval(distances, topics.test_labels, topics.labels)["precision_at_100"]
        cost |= {"reconstruction_by_depth": costs.tolist(), "precision_searched": searched}
    else:
        features = topics.same(100, 0.1) if method.endswith("same") else topics.svd(100, seed)
        parts = [normalize(part) for part in features]
        if method.startswith("agglomerative"):
            paths = trees.agglomerative(parts[1])
            return {"dendrogram_purity": trees.dendrogram_purity(paths, topics.test_labels)}
        train, test = trees.hierarchical_kmeans(*parts, BRANCHING, DEPTH, seed)
    purity = {"dendrogram_purity": trees.dendrogram_purity(test, topics.test_labels), "bytes": DEPTH / 8}
    common, labels = trees.shared(test, train).astype(np.int8), (topics.test_labels, topics.labels)
    found = [retrieval(-np.minimum(common, depth), *labels) for depth in range(1, DEPTH + 1)]
    precisions = {"precision_by_depth": [figures["precision_at_100"] for figures in found]}
    return cost | purity | found[-1] | precisions | trees.depths(test, topics.test_labels)


def style(topics: Topics, encoder: Encoder, seed: int) -> dict:
    """Distance between two forms of a document, relative to two documents of a topic, for code and vector.

    The forms are the text with and without function words (bare), and its odd and even sentences (halves).
    Order and case are unchanged, since a bag of words does not depend on them.
    """
    rng = np.random.default_rng(seed)
    long = [i for i, text in enumerate(topics.test_texts) if len(split_sentences(text)) > 1]
    alike = [np.flatnonzero(topics.test_labels == topics.test_labels[i]) for i in long]
    others = [
        int(rng.choice(rows[rows != i])) if len(rows) > 1 else i for rows, i in zip(alike, long, strict=True)
    ]
    texts = [topics.test_texts[i] for i in long]
    bare = [" ".join(w for w in text.split() if w.lower() not in ENGLISH_STOP_WORDS) for text in texts]
    halves = [[" ".join(split_sentences(text)[first::2]) for text in texts] for first in (0, 1)]
    pairs = {
        "bare": (texts, [b or t for b, t in zip(bare, texts, strict=True)]),
        "halves": halves,
        "topic": (texts, [topics.test_texts[i] for i in others]),
    }
    figures: dict[str, dict[str, float]] = {"code": {}, "vector": {}}
    for name, (first, second) in pairs.items():
        one, two = encoder.encode(first).ids, encoder.encode(second).ids
        figures["code"][name] = float((one != two).mean())
        with torch.inference_mode():
            vectors = [encoder.model.embed(encoder.bag_of_words.vectors(part)) for part in (first, second)]
        figures["vector"][name] = float((vectors[0] - vectors[1]).norm(dim=-1).mean())
    return {
        f"{form}_{where}": mine[form] / max(mine["topic"], 1e-9)
        for where, mine in figures.items()
        for form in ("bare", "halves")
    }


def main() -> None:
    """Train and score all rows."""
    parser = new_parser(__doc__, ALL, "runs/codes", work=True)
    parser.add_argument("data", type=Path, help="folder with bbc and agnews, train and test")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    sets = {}
    for name in dict.fromkeys(row.split("/")[0] for row in arguments.rows):
        if not (arguments.data / f"{name}.train.jsonl.gz").is_file():
            parser.error(f"{arguments.data} has no {name}.train.jsonl.gz; give the folder of the sets")
        sets[name] = Topics(arguments.data, name)

    def figures_of(row: str, seed: int) -> dict:
        name, method = row.split("/")
        return run(sets[name], method, arguments.work / row.replace("/", "-"), seed)

    results = measure(arguments.rows, range(arguments.seeds), arguments.output, figures_of, COLUMNS)
    counts = ", ".join(f"{n}: {len(t.texts)} train, {len(t.test_texts)} test" for n, t in sets.items())
    say(f"\n{mean_table(results, COLUMNS, CHIEF)}\n{arguments.seeds} seeds; {counts}")


if __name__ == "__main__":
    main()
