"""What a tree of documents is worth: purity and mutual information at every depth, and search by prefixes.

Trees are paths ``[documents, depth]``, branches from the root. `codes.py` has the rows that are made of this.
"""

from __future__ import annotations

import numpy as np
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.metrics import normalized_mutual_info_score


def dendrogram_purity(paths: np.ndarray, labels: np.ndarray) -> float:
    """Per cent of the documents below the lowest node that two of a class share that are of that class.

    The mean over all pairs of a class, exactly (Heller & Ghahramani 2005, section 4.2); documents on one leaf
    share that leaf.
    """
    classes = int(labels.max()) + 1
    total = np.zeros(classes)

    def visit(rows: np.ndarray, depth: int) -> np.ndarray:
        """Pairs of each class that share this node; those that share no lower one count."""
        counts = np.bincount(labels[rows], minlength=classes)
        pairs = own = counts * (counts - 1) / 2
        if depth < paths.shape[1]:
            taken = paths[rows, depth]
            own = pairs - sum(visit(rows[taken == branch], depth + 1) for branch in np.unique(taken))
        total[:] += own * counts / len(rows)
        return pairs

    pairs = visit(np.arange(len(labels)), 0).sum()
    return 100 * total.sum() / pairs


def shared(asked: np.ndarray, stored: np.ndarray) -> np.ndarray:
    """How many branches from the root two paths have in common, ``[asked, stored]``."""
    return np.logical_and.accumulate(asked[:, None] == stored[None], axis=-1).sum(-1)


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
    """Paths of both parts: every node's documents of train are split by k-means, from the root down."""
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
    """Paths in Ward's dendrogram of the documents themselves, as deep as it is; a leaf is a document."""
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
