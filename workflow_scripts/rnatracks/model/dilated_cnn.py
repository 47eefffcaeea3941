"""A small Basenji-like network in place of a language model."""

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_outputs import BaseModelOutput

from .layers import STEM_KERNEL_SIZE, Convolution, Dropout, one_hot


class DilatedCNNConfig(PreTrainedConfig):
    """Shape of the network, with the parameter names of Transformers' language models.

    Parameters
    ----------
    vocab_size
        Number of tokens; the first four are the bases, any other one is an unknown base.
    hidden_size
        Channels per layer.
    num_hidden_layers
        Number of residual blocks; block i, counted from 0, has dilation 2**i.
    kernel_size
        Kernel size of the dilated convolutions in bases; odd.
    dropout
        Dropout rate after each block during training.
    """

    model_type = "dilated_cnn"

    def __init__(
        self,
        vocab_size: int = 5,
        hidden_size: int = 64,
        num_hidden_layers: int = 10,
        kernel_size: int = 3,
        dropout: float = 0.1,
        **kwargs,
    ) -> None:
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.num_hidden_layers = num_hidden_layers
        self.kernel_size = kernel_size
        self.dropout = dropout
        # It always sees both sides, whatever `attention` says.
        super().__init__(**kwargs | {"is_causal": False})


class DilatedBlock(GradientCheckpointingLayer):
    """Norm over channels, dilated convolution, GELU, convolution of width 1, dropout; added to the input."""

    def __init__(self, config: DilatedCNNConfig, dilation: int) -> None:
        super().__init__()
        width = config.hidden_size
        self.norm = nn.LayerNorm(width)
        self.dilated = Convolution(width, width, config.kernel_size, dilation=dilation)
        self.mix = Convolution(width, width, 1)
        self.dropout = Dropout(config.dropout)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        update = self.mix(nn.functional.gelu(self.dilated(self.norm(states))))
        return states + self.dropout(update)


class DilatedCNN(PreTrainedModel):
    """Token ids `[batch, length]` to states `[batch, length, hidden]`, through one-hot bases (none for N)."""

    config_class = DilatedCNNConfig
    base_model_prefix = "dilated_cnn"
    main_input_name = "input_ids"
    supports_gradient_checkpointing = True

    def __init__(self, config: DilatedCNNConfig) -> None:
        super().__init__(config)
        self.stem = Convolution(4, config.hidden_size, STEM_KERNEL_SIZE)
        self.blocks = nn.ModuleList(DilatedBlock(config, 2**layer) for layer in range(config.num_hidden_layers))
        self.norm = nn.LayerNorm(config.hidden_size)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Keep PyTorch's initial values."""

    def forward(self, input_ids: torch.Tensor) -> BaseModelOutput:
        states = self.stem(one_hot(input_ids, self.config.vocab_size, self.stem.weight.dtype))
        for block in self.blocks:
            states = block(states)
        return BaseModelOutput(last_hidden_state=self.norm(states))


# A model folder that is loaded with its own code registers these classes a second time.
AutoConfig.register(DilatedCNNConfig.model_type, DilatedCNNConfig, exist_ok=True)
AutoModel.register(DilatedCNNConfig, DilatedCNN, exist_ok=True)
