"""Floats in, whole numbers of 4 or 8 bits and a scale for every 32 of them out, as ONNX Runtime's
MatMulNBits and GatherBlockQuantized read them.

Every step is one operation on single numbers, no sums, so that any machine gets the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BLOCK = 32
_TWO_IN_A_BYTE = 4  # bits


@dataclass(frozen=True, slots=True)
class Blocks:
    """Of a matrix: value = (whole - 2 ** (bits - 1)) * scale."""

    wholes: npt.NDArray[np.uint8]  # rows x blocks x bytes; of 4 bits two in one, the lower first
    scales: npt.NDArray[np.floating]  # rows x blocks


def in_blocks(matrix: npt.NDArray[np.float32], bits: int, dtype: str) -> Blocks:
    """``dtype`` is of the scales, whose own rounding is taken into account.

    The number furthest from zero becomes the lowest whole: there is one more below the middle than
    above.
    """
    middle = 2 ** (bits - 1)
    blocks = matrix.reshape(len(matrix), -1, BLOCK)
    furthest = np.abs(blocks).argmax(axis=2)[..., None]
    scales = (np.take_along_axis(blocks, furthest, axis=2) / np.float32(-middle)).astype(dtype)
    scales[scales == 0] = 1
    wholes = np.rint(blocks / scales.astype(np.float32)) + middle
    whole_bytes = wholes.clip(0, 2 * middle - 1).astype(np.uint8)
    if bits == _TWO_IN_A_BYTE:
        whole_bytes = whole_bytes[..., 0::2] | whole_bytes[..., 1::2] << 4
    return Blocks(whole_bytes, scales[..., 0])
