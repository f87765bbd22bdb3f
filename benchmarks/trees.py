"""Metrics and baselines of document trees, for the rows of `codes.py`.

A tree is an array of paths ``[documents, depth]``: branches from the root.
"""

from __future__ import annotations

import numpy as np
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.metrics import normalized_mutual_info_score


def dendrogram_purity(paths: np.ndarray, labels: np.ndarray) -> float:
    """Dendrogram purity in per cent (Heller & Ghahramani 2005, section 4.2), computed exactly.

    It is the mean, over all pairs of documents of a class, of the share of that class among the documents
    below the pair's lowest common node. Documents on one leaf have that leaf as their lowest common node.
    """
    classes = int(labels.max()) + 1
    total = np.zeros(classes)

    def visit(rows: np.ndarray, depth: int) -> np.ndarray:
        """Count the pairs of each class below this node, and add those that share no lower node."""
        counts = np.bincount(labels[rows], minlength=classes)
        pairs = own = counts * (counts - 1) / 2
        if depth < paths.shape[1]:
            taken = paths[rows, depth]
            own = pairs - sum(visit(rows[taken == branch], depth + 1) for branch in np.unique(taken))
        total[:] += own * counts / len(rows)
        return pairs

    pairs = visit(np.arange(len(labels)), 0).sum()
    return 100 * total.sum() / pairs


def shared(queries: np.ndarray, stored: np.ndarray) -> np.ndarray:
    """Number ``[queries, stored]`` of branches from the root that two paths share."""
    return np.logical_and.accumulate(queries[:, None] == stored[None], axis=-1).sum(-1)


def depths(paths: np.ndarray, labels: np.ndarray) -> dict[str, list[float]]:
    """Normalized mutual information and purity of the nodes at every depth, in per cent."""
    found: dict[str, list[float]] = {"nmi_by_depth": [], "purity_by_depth": []}
    for depth in range(1, paths.shape[1] + 1):
        nodes = np.unique(paths[:, :depth], axis=0, return_inverse=True)[1].ravel()
        pure = sum(np.bincount(labels[nodes == node]).max() for node in np.unique(nodes))
        found["nmi_by_depth"].append(100 * normalized_mutual_info_score(labels, nodes))
        found["purity_by_depth"].append(100 * pure / len(labels))
    return found


def hierarchical_kmeans(
    train: np.ndarray, test: np.ndarray, branching: int, depth: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Paths of train and test: k-means splits the training documents of every node, from the root down."""
    paths = [np.zeros((len(part), depth), int) for part in (train, test)]

    def split(rows: list[np.ndarray], level: int) -> None:
        if level == depth or len(np.unique(train[rows[0]], axis=0)) < branching:
            return
        model = KMeans(branching, n_init=10, random_state=seed).fit(train[rows[0]])
        paths[0][rows[0], level] = model.labels_
        if len(rows[1]):
            paths[1][rows[1], level] = model.predict(test[rows[1]])
        for branch in range(branching):
            split(
                [mine[path[mine, level] == branch] for path, mine in zip(paths, rows, strict=True)], level + 1
            )

    split([np.arange(len(part)) for part in (train, test)], 0)
    return paths[0], paths[1]


def agglomerative(vectors: np.ndarray) -> np.ndarray:
    """Paths in Ward's dendrogram of the documents, whose leaves are single documents."""
    merges = AgglomerativeClustering(n_clusters=1, compute_full_tree=True).fit(vectors).children_
    count = len(vectors)
    steps: list[list[int]] = [[] for _ in range(count)]
    pending: list[tuple[int, tuple[int, ...]]] = [(count + len(merges) - 1, ())]
    while pending:
        node, path = pending.pop()
        if node < count:
            steps[node] = list(path)
            continue
        pending += [(int(child), (*path, branch)) for branch, child in enumerate(merges[node - count])]
    depth = max(map(len, steps))
    return np.array([path + [0] * (depth - len(path)) for path in steps])
