"""FLOPs of products by operation and number format, counted while a model runs, on real or on fake tensors."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry, sdpa_backward_flop_count, sdpa_flop_count


def grouped_mm_flops(first: torch.Size, second: torch.Size) -> int:
    """FLOPs of `torch._grouped_mm`: each row of `first` [rows, inner] meets one group of `second` [group, inner, out].

    In the gradient of the weights both are matrices, [inner, rows] and [rows, out], whose rows are split into groups.
    """
    return 2 * first[0] * first[1] * second[-1]


def attention_flops(name: str, args: Sequence[Any]) -> int | None:
    """FLOPs of PyTorch's fused attention on a CPU, half of them if it is causal; None for any other operation."""
    if name == "_scaled_dot_product_flash_attention_for_cpu":
        causal = args[4] if len(args) > 4 else False
        return sdpa_flop_count(*(each.shape for each in args[:3])) // (2 if causal else 1)
    if name == "_scaled_dot_product_flash_attention_for_cpu_backward":
        return sdpa_backward_flop_count(*(each.shape for each in args[:4])) // (2 if args[7] else 1)
    return None


class FlopsByFormat(TorchDispatchMode):
    """Count while it is entered; `counts` has FLOPs by (operation, dtype of its first tensor).

    Formulas are PyTorch's own (`torch.utils.flop_counter`), but for grouped products, which it lacks.
    """

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[tuple[str, torch.dtype]] = Counter()

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        out = function(*args, **(kwargs or {}))
        packet = function._overloadpacket
        name = packet.__name__
        if name == "_grouped_mm":
            flops = grouped_mm_flops(args[0].shape, args[1].shape)
        elif (attention := attention_flops(name, args)) is not None:
            flops = attention
        elif packet in flop_registry:
            flops = flop_registry[packet](*args, **(kwargs or {}), out_val=out)
        else:
            return out
        first = next(each for each in args if isinstance(each, torch.Tensor))
        self.counts[name, first.dtype] += flops
        return out

    def share(self, dtype: torch.dtype) -> float:
        """Share of all FLOPs that are in a format."""
        return sum(flops for (_, each), flops in self.counts.items() if each == dtype) / self.counts.total()
