"""Metrics of codes: clustering, retrieval, speed, codebook usage, and the value of prefixes."""

from __future__ import annotations

import time

import numpy as np
import torch
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from summgan import Encoder
from summgan.codes.codebook import perplexity
from summgan.networks.code import Code


def clustering(labels: np.ndarray, clusters: np.ndarray) -> dict:
    """Agreement of clusters with labels ``[documents]``, in per cent."""
    purity = sum(np.bincount(labels[clusters == c]).max() for c in np.unique(clusters)) / len(labels)
    return {
        "nmi": 100 * normalized_mutual_info_score(labels, clusters),
        "purity": 100 * purity,
        "ari": 100 * adjusted_rand_score(labels, clusters),
    }


def retrieval(distances: np.ndarray, queries: np.ndarray, stored: np.ndarray, k: int = 100) -> dict:
    """Precision at k (ties by expectation) and mean average precision (ties broken at random), in per cent.

    Args:
        distances: ``[queries, stored]``.
        queries: Labels ``[queries]`` of the queries.
        stored: Labels ``[stored]`` of the documents.
        k: Number of nearest documents.
    """
    k, order = min(k, distances.shape[1]), np.random.default_rng(0).permutation(distances.shape[1])
    precisions, averages = [], []
    for row, label in zip(distances, queries, strict=True):
        relevant = stored == label
        edge = np.partition(row, k - 1)[k - 1]
        below, tied = row < edge, row == edge
        hits = relevant[below].sum() + (k - below.sum()) * relevant[tied].mean()
        precisions.append(hits / k)
        ranked = relevant[order][np.argsort(row[order], kind="stable")]
        found = np.cumsum(ranked) / np.arange(1, len(ranked) + 1)
        averages.append(found[ranked].mean() if ranked.any() else 0.0)
    return {"precision_at_100": 100 * np.mean(precisions), "map": 100 * np.mean(averages)}


def hamming(queries: np.ndarray, stored: np.ndarray) -> np.ndarray:
    """Hamming distances ``[queries, stored]`` of 0/1 codes ``[documents, bits]``."""
    a, b = queries.astype(np.float32), stored.astype(np.float32)
    return a @ (1 - b).T + (1 - a) @ b.T


def speed(queries: np.ndarray, stored: np.ndarray) -> float:
    """Speed of faiss's exact search with 0/1 codes relative to 128 floats: one thread, best of five."""
    import faiss

    faiss.omp_set_num_threads(1)
    rng = np.random.default_rng(0)
    floats = [rng.normal(size=(len(part), 128)).astype(np.float32) for part in (queries, stored)]
    codes = [np.packbits(part, axis=1) for part in (queries, stored)]
    exact, binary = faiss.IndexFlatIP(128), faiss.IndexBinaryFlat(8 * codes[1].shape[1])
    best = []
    for index, (queries, rows) in ((exact, floats), (binary, codes)):
        index.add(rows)
        times = []
        for _ in range(5):
            began = time.perf_counter()
            index.search(queries, min(100, len(rows)))
            times.append(time.perf_counter() - began)
        best.append(min(times))
    return best[0] / best[1]


def usage(codes: np.ndarray, size: int) -> dict:
    """Perplexity of the codebooks and share of entries used, averaged over positions."""
    counts = np.stack([np.bincount(column, minlength=size) for column in codes.T])
    used = perplexity(torch.tensor(counts, dtype=torch.float))
    return {"perplexity": float(used.mean()), "usage": 100 * float((counts > 0).mean())}


@torch.inference_mode()
def beginnings(
    encoder: Encoder, texts: tuple[list[str], list[str]], labels: tuple[np.ndarray, np.ndarray]
) -> dict[str, list[float]]:
    """Precision and reconstruction loss by the first positions of a binary or VQ code, for every prefix.

    Documents are compared by the number of these positions that differ. For the loss, the other positions are
    replaced by their mean over the training texts.

    Args:
        encoder: A binary or VQ code.
        texts: Training and test texts.
        labels: Training and test labels.
    """
    model, figures = encoder.model, {"precision_by_depth": [], "reconstruction_by_depth": []}
    bags = [encoder.bag_of_words.vectors(part) for part in texts]
    codes = [model.encode(part) for part in bags]
    ids = [code.given("codes").numpy() for code in codes]
    parts = [code.vectors for code in codes]
    if encoder.kind == "binary":
        parts = [(2 * code.given("codes") - 1)[..., None] * model.bottleneck.table.weight.T for code in codes]
    means = parts[0].mean(0)
    differing = np.zeros((len(ids[1]), len(ids[0])), dtype=np.int16)
    for depth in range(1, ids[0].shape[1] + 1):
        differing += ids[1][:, depth - 1, None] != ids[0][None, :, depth - 1]
        found = retrieval(differing, labels[1], labels[0])["precision_at_100"]
        figures["precision_by_depth"].append(found)
        known = torch.cat([parts[1][:, :depth], means[depth:].expand(len(ids[1]), -1, -1)], 1)
        code = Code(vectors=known, mask=torch.ones(known.shape[:2]))
        figures["reconstruction_by_depth"].append(float(model.rebuild(code, bags[1]).mean()))
    return figures
