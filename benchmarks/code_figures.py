"""Draws the figures of docs/codes.md from the results of `codes.py`: precision and loss by prefix of a code.

    python benchmarks/code_figures.py results.json [more.json ...] --output docs

The results must have the rows SET/tree, SET/binary-8, SET/vq-8 and SET/units-onehot-2 to -256; rows of
several seeds or files are averaged. One-hot codes have no prefixes: each number of bits is another model.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from summgan.files import write_text

SETS = ("bbc", "agnews")
BITS = range(1, 9)
COLOURS = {"tree": "#1f6f4a", "one-hot": "#8a5a00", "binary": "#2f6fdf", "VQ": "#b3416b"}
ROWS = {"tree": "tree", "binary": "binary-8", "VQ": "vq-8"}
FIGURES = {
    "precision": ("precision_by_depth", "precision_at_100", "precision at 100, per cent"),
    "loss": ("reconstruction_by_depth", "reconstruction", "reconstruction loss, nats per word"),
}
WIDTH, HEIGHT, LEFT, TOP, BOTTOM, GAP = 340, 250, 52, 66, 40, 40

Curve = list[tuple[int, float]]


def curves_of(results: Sequence[Mapping], name: str, column: str, whole: str) -> dict[str, Curve]:
    """Points (bits, mean over seeds) of every code on one set.

    Args:
        results: Results of `codes.py`.
        name: Name of the set.
        column: Figure of the prefixes of a code.
        whole: Corresponding figure of a whole code.
    """
    curves: dict[str, Curve] = {}
    for code, row in ROWS.items():
        runs = [result[column] for result in results if result["row"] == f"{name}/{row}"]
        curves[code] = list(enumerate(map(statistics.mean, zip(*runs, strict=True)), 1))
    flat = [
        (bits, [r[whole] for r in results if r["row"] == f"{name}/units-onehot-{2**bits}"]) for bits in BITS
    ]
    curves["one-hot"] = [(bits, statistics.mean(values)) for bits, values in flat if values]
    return {code: curves[code] for code in COLOURS if curves[code]}


def panel(curves: Mapping[str, Curve], title: str, left: float) -> str:
    """Draw the axes, lines and points of one set as SVG."""
    values = [value for curve in curves.values() for _, value in curve]
    low, high = min(values), max(values)
    low, high = low - 0.06 * (high - low), high + 0.06 * (high - low)
    ground, right = TOP + HEIGHT, left + WIDTH

    def place(bits: int, value: float) -> tuple[float, float]:
        return left + 14 + (bits - 1) / 7 * (WIDTH - 28), ground - (value - low) / (high - low) * HEIGHT

    parts = [
        f'<text x="{left}" y="{TOP - 12}" font-weight="600">{title}</text>',
        f'<path d="M{left},{TOP}V{ground}H{right}" fill="none" stroke="#9aa2af"/>',
    ]
    step = 10 if high - low > 5 else 0.1
    mark = step * (int(low / step) + 1)
    while mark < high:
        y = place(1, mark)[1]
        parts.append(f'<path d="M{left},{y:.1f}H{right}" stroke="#e3e6ec"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{mark:.3g}</text>')
        mark += step
    for bits in BITS:
        parts.append(
            f'<text x="{place(bits, low)[0]:.1f}" y="{ground + 17}" text-anchor="middle">{bits}</text>'
        )
    parts.append(f'<text x="{right}" y="{ground + 33}" text-anchor="end">bits read</text>')
    for code, curve in curves.items():
        places = [place(*point) for point in curve]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        dashes = ' stroke-dasharray="2 5"' if code == "one-hot" else ""
        parts.append(
            f'<polyline points="{line}" fill="none" stroke="{COLOURS[code]}" stroke-width="2.2"{dashes}/>'
        )
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.4" fill="{COLOURS[code]}"/>' for x, y in places]
    return "".join(parts)


def draw(results: Sequence[Mapping], figure: str) -> str:
    """Draw one figure as SVG, a panel for each set that has rows."""
    column, whole, unit = FIGURES[figure]
    panels = {name: curves_of(results, name, column, whole) for name in SETS}
    panels = {name: curves for name, curves in panels.items() if curves}
    width = LEFT + len(panels) * (WIDTH + GAP)
    body = "".join(
        panel(curves, f"{name}: {unit}", LEFT + index * (WIDTH + GAP))
        for index, (name, curves) in enumerate(panels.items())
    )
    names = {"one-hot": "one-hot (a model for each point)"}
    legend, left = "", float(LEFT)
    for code in COLOURS:
        label = names.get(code, code)
        legend += (
            f'<circle cx="{left}" cy="24" r="4.5" fill="{COLOURS[code]}"/>'
            f'<text x="{left + 10}" y="28">{label}</text>'
        )
        left += 40 + 7.2 * len(label)
    height = TOP + HEIGHT + BOTTOM
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="#3a404a" '
        f'aria-label="{unit}, by bits read">'
        f'<rect width="{width}" height="{height}" rx="14" fill="#fbfbfd"/>{legend}{body}</svg>\n'
    )


def main() -> None:
    """Draw all figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("results", nargs="+", type=Path, help="result files of codes.py")
    parser.add_argument("--output", type=Path, default=Path("docs"), help="folder for the figures")
    arguments = parser.parse_args()
    results = [row for file in arguments.results for row in json.loads(file.read_text(encoding="utf-8"))]
    for figure in FIGURES:
        write_text(arguments.output / f"codes-{figure}.svg", draw(results, figure))


if __name__ == "__main__":
    main()
