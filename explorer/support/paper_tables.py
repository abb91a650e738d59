"""Results of the DDIM paper (Song, Meng & Ermon 2020, arXiv 2010.02502), shown beside measurements of a checkpoint.

Only the trends can be compared: networks, data sets and features differ.
"""

from __future__ import annotations

from typing import Literal

Eta = float | Literal["large"]  # "large" is sigma-hat

# Table 1: FID on CIFAR10 (32x32) and CelebA (64x64) by eta, one value per entry of TABLE_1_STEPS.
TABLE_1_STEPS = (10, 20, 50, 100, 1000)
TABLE_1: dict[str, dict[Eta, tuple[float, ...]]] = {
    "CIFAR10": {
        0.0: (13.36, 6.84, 4.67, 4.16, 4.04),
        0.2: (14.04, 7.11, 4.77, 4.25, 4.09),
        0.5: (16.66, 8.35, 5.25, 4.46, 4.29),
        1.0: (41.07, 18.36, 8.01, 5.78, 4.73),
        "large": (367.43, 133.37, 32.72, 9.99, 3.17),
    },
    "CelebA": {
        0.0: (17.33, 13.73, 9.17, 6.53, 3.51),
        0.2: (17.66, 14.11, 9.51, 6.79, 3.64),
        0.5: (19.86, 16.06, 11.01, 8.09, 4.28),
        1.0: (33.12, 26.03, 18.48, 13.93, 5.98),
        "large": (299.71, 183.83, 71.71, 45.20, 3.26),
    },
}

# Table 2: reconstruction error on the CIFAR10 test set, S steps in each direction: mean squared error per dimension,
# for pictures in [0, 1].
TABLE_2_STEPS = (10, 20, 50, 100, 200, 500, 1000)
TABLE_2 = (0.014, 0.0065, 0.0023, 0.0009, 0.0004, 0.0001, 0.0001)
