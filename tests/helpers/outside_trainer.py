"""A program of its own that trains a model linear in functions of distances, for tests of outside trainers.

    python outside_trainer.py train TRAIN.xyz VALID.xyz MODEL [START]
    python outside_trainer.py predict MODEL FRAMES.xyz PREDICTIONS.xyz [FAULT]

It knows methanol only, and shares no code with the packages.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np

CENTRES, WIDTH, RIDGE = np.linspace(0.7, 3.9, 17), 0.3, 0.03
FIRST, SECOND = np.triu_indices(6, 1)


def read(path: str) -> tuple[list[str], list[str], np.ndarray]:
    """Comment lines, symbols and numbers [N, 6, columns] of the frames."""
    lines = Path(path).read_text().splitlines()
    frames = [lines[start : start + 8] for start in range(0, len(lines), 8)]
    atoms = [[line.split() for line in frame[2:]] for frame in frames]
    values = np.array([[[float(word) for word in atom[1:]] for atom in frame] for frame in atoms])
    return [frame[1] for frame in frames], [atom[0] for atom in atoms[0]], values


def features(symbols: list[str], positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Functions [N, K] of the distances by pair of elements, and minus their gradients [N, K, 18]."""
    pairs = ["".join(sorted((symbols[i], symbols[j]))) for i, j in zip(FIRST, SECOND, strict=True)]
    kinds = sorted(set(pairs))
    vector = positions[:, FIRST] - positions[:, SECOND]
    r = np.linalg.norm(vector, axis=-1)
    bump = np.exp(-(((r[..., None] - CENTRES) / WIDTH) ** 2))
    push = (2 * (r[..., None] - CENTRES) / WIDTH**2 * bump)[..., None] * (vector / r[..., None])[:, :, None]
    value = np.zeros((len(r), len(kinds), len(CENTRES)))
    slope = np.zeros((*value.shape, 6, 3))
    for pair, (i, j) in enumerate(zip(FIRST, SECOND, strict=True)):
        kind = kinds.index(pairs[pair])
        value[:, kind] += bump[:, pair]
        slope[:, kind, :, i] += push[:, pair]
        slope[:, kind, :, j] -= push[:, pair]
    return value.reshape(len(r), -1), slope.reshape(len(r), -1, 18)


def train(train_file: str, valid_file: str, model: str, start: str = "") -> None:
    read(valid_file)
    comments, symbols, columns = read(train_file)
    value, slope = features(symbols, columns[..., :3])
    energy = np.array([float(re.search(r"REF_energy=(\S+)", line)[1]) for line in comments])
    weight = [re.search(r"config_weight=(\S+)", line) for line in comments]
    root = np.array([float(found[1]) if found else 1.0 for found in weight])[:, None] ** 0.5
    matrix = np.concatenate([5 * root * value, *(root[..., None] * slope.transpose(0, 2, 1))])
    target = np.concatenate([5 * root[:, 0] * energy, (root * columns[..., 3:].reshape(len(root), -1)).ravel()])
    known = np.load(start) if start else np.zeros(matrix.shape[1])
    square = matrix.T @ matrix + RIDGE * (1000 if start else 1) * np.eye(matrix.shape[1])
    with Path(model).open("wb") as file:
        np.save(file, known + np.linalg.solve(square, matrix.T @ (target - matrix @ known)))


def predict(model: str, frames_file: str, predictions: str, fault: str = "") -> None:
    weights = np.load(model)
    comments, symbols, positions = read(frames_file)
    assert not any("energy" in line or "forces" in line for line in comments), "labels"
    value, slope = features(symbols, positions)
    energy, forces = value @ weights, (slope.transpose(0, 2, 1) @ weights).reshape(positions.shape)
    if fault == "nan":
        forces[1, 0, 0] = np.nan
    if fault == "moved":
        positions[2] += 0.1
    if fault == "shape":
        forces = forces[..., :2]
    with Path(predictions).open("w") as file:
        for e, x, f in zip(energy, positions, forces, strict=True):
            columns = f"Properties=species:S:1:pos:R:3:my_forces:R:{f.shape[1]}"
            print(f'6\n{columns} my_energy={e!r} pbc="F F F"'.replace("np.float64(", "").replace(")", ""), file=file)
            for symbol, row in zip(symbols, np.hstack([x, f]), strict=True):
                print(symbol, *map(float, row), file=file)


if __name__ == "__main__":
    {"train": train, "predict": predict}[sys.argv[1]](*sys.argv[2:])
