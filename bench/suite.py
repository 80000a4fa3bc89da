#!/usr/bin/env python3
"""The study over data sets as plain NumPy, the way one would write it in an afternoon: the baseline of
scripts/bench suite, and a second implementation of the protocol.

    suite.py DIR [--max-rows N] [--out FILE] [--sets A,B,..]

Gram matrices by array operations on all rows, once for each kernel and parameter; one eigendecomposition of each
training block, all ridges from it. Writes a line "set kernel params ridge train test" for each data set and kernel to
FILE, and prints the seconds it took."""
import os
import sys
import time

import numpy as np

DEPTHS = [1, 2, 3]
BANDWIDTHS = [0.25, 0.5, 1, 2, 4]  # times the median distance
RIDGES = [10.0**k for k in range(-6, 3)]  # times trace(K)/n of the training block
KERNELS = ["qntk", "ntk", "gauss", "laplace"]


def read(folder):
    name = os.path.basename(folder)
    facts = dict(line.split("=", 1) for line in open(f"{folder}/{name}.txt") if "=" in line)
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    if facts.get("n_arquivos", "1") != "1":
        return None  # has a test set of its own
    table = np.loadtxt(f"{folder}/{name}_R.dat", skiprows=1, ndmin=2)
    lists = [np.array(line.split(), dtype=int) for f in ("conxuntos.dat", "conxuntos_kfold.dat")
             for line in open(f"{folder}/{f}") if line.strip()]
    splits = list(zip(lists[0::2], lists[1::2]))
    return table[:, 1:-1], table[:, -1].astype(int), int(facts["n_clases"]), splits


def network(X, depth, binary):
    """The tangent kernel of `depth` ReLU layers of binary or real weights and a real readout."""
    V, tau = (1 / 3, 2 / 3) if binary else (1.0, 0.0)
    g = 2 / (V + tau)
    inner = X @ X.T / X.shape[1]
    Sigma, T = g * V * inner, g * inner
    D, S = g * V * inner.diagonal(), g * tau * inner.diagonal()
    for layer in range(1, depth + 1):
        if layer == depth:
            g, V, tau = 1.0, 1.0, 0.0  # the readout
        A = D + S
        P = np.sqrt(np.outer(A, A))
        rho = np.divide(Sigma, P, out=np.zeros_like(P), where=P > 0)
        np.fill_diagonal(rho, np.divide(D, A, out=np.zeros_like(A), where=A > 0))
        rho = np.clip(rho, -1, 1)
        angle = np.pi - np.arccos(rho)
        M = P * (np.sqrt(1 - rho**2) + rho * angle) / (2 * np.pi)
        T = g * M + g * V * angle / (2 * np.pi) * T
        Sigma = g * V * M
        D, S = Sigma.diagonal(), g * ((V + tau) * A / 2 - V * M.diagonal())
    return T


def squared_distances(X):
    X = X - X.mean(axis=0)
    square = (X**2).sum(axis=1)
    return np.maximum(square[:, None] + square[None, :] - 2 * X @ X.T, 0)


def candidates(X, kernel):
    """(parameter, Gram matrix of all rows) in the order of the grid."""
    if kernel in ("qntk", "ntk"):
        for depth in DEPTHS:
            yield f"depth={depth}", network(X, depth, kernel == "qntk")
    else:
        D2 = squared_distances(X)
        distance = np.sqrt(D2)
        median = np.median(distance[np.triu_indices(len(X), 1)])
        for factor in BANDWIDTHS:
            l = factor * median
            yield f"bandwidth={l!r}", np.exp(-D2 / (2 * l * l)) if kernel == "gauss" else np.exp(-distance / l)


def scores(K, Y, train, test, factors):
    """For each ridge the scores of the rows `train` and `test`."""
    block = K[np.ix_(train, train)]
    value, vector = np.linalg.eigh(block)
    target, cross = vector.T @ Y[train], K[np.ix_(test, train)]
    for factor in factors:
        ridge = factor * np.trace(block) / len(train)
        alpha = vector @ (target / (value + ridge)[:, None])
        yield block @ alpha, cross @ alpha


def study(X, y, classes, splits, kernel):
    Y = np.eye(classes)[y] - 1 / classes
    train, test = splits[0]
    best = (-1.0,)
    for params, K in candidates(X, kernel):
        for ridge, (_, S) in zip(RIDGES, scores(K, Y, train, test, RIDGES)):
            accuracy = (S.argmax(axis=1) == y[test]).mean()
            if accuracy > best[0]:
                best = (accuracy, params, ridge, K)
    _, params, ridge, K = best
    accuracy = []
    for train, test in splits[1:]:
        F, S = next(scores(K, Y, train, test, [ridge]))
        accuracy.append([(F.argmax(axis=1) == y[train]).mean(), (S.argmax(axis=1) == y[test]).mean()])
    return params, ridge, *np.mean(accuracy, axis=0)


def main(arguments):
    option = {arguments[i]: arguments[i + 1] for i in range(1, len(arguments), 2)}
    names = option["--sets"].split(",") if "--sets" in option else sorted(os.listdir(arguments[0]))
    out = open(option.get("--out", os.devnull), "w")
    start = time.perf_counter()
    for name in names:
        data = read(os.path.join(arguments[0], name))
        if data is None or len(data[0]) > int(option.get("--max-rows", 5000)):
            continue
        for kernel in KERNELS:
            params, ridge, train, test = study(*data, kernel)
            out.write(f"{name}\t{kernel}\t{params}\t{ridge:.0e}\t{train!r}\t{test!r}\n")
    out.close()
    return time.perf_counter() - start


if __name__ == "__main__":
    print(main(sys.argv[1:]))
