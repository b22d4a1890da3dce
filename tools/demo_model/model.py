"""model.py: the Qwen3 architecture in plain PyTorch, for training and for checking.

Per layer: RMSNorm, attention (grouped queries, RMSNorm on each head of q and k, rotary positions,
causal), RMSNorm, SwiGLU; a final RMSNorm; the output matrix is the embedding. No biases.
Shapes: tokens [batch, length]; q [batch, heads, length, head_dim]; logits [.., vocab].
Parameter names equal those of Qwen3ForCausalLM, so export.py only writes them down.
"""
import dataclasses
import math

import torch
from torch import nn
from torch.nn import functional as F


@dataclasses.dataclass
class Config:
    vocab_size: int = 2048
    hidden_size: int = 256
    intermediate_size: int = 768
    num_hidden_layers: int = 6
    num_attention_heads: int = 4
    num_key_value_heads: int = 2
    head_dim: int = 64
    rms_norm_eps: float = 1e-6
    rope_theta: float = 10000.0
    max_position_embeddings: int = 4096


class RMSNorm(nn.Module):
    def __init__(self, size, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x):
        scale = torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps)
        return x * scale * self.weight


def rotary_tables(config, length):
    """(cos, sin), each [length, head_dim]; the two halves of a head rotate together."""
    half = torch.arange(0, config.head_dim, 2, dtype=torch.float32) / config.head_dim
    angles = torch.outer(torch.arange(length, dtype=torch.float32), config.rope_theta**-half)
    angles = torch.cat([angles, angles], -1)
    return angles.cos(), angles.sin()


def rotate(x, cos, sin):
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat([-second, first], -1) * sin


class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        size, dim = config.hidden_size, config.head_dim
        self.q_proj = nn.Linear(size, config.num_attention_heads * dim, bias=False)
        self.k_proj = nn.Linear(size, config.num_key_value_heads * dim, bias=False)
        self.v_proj = nn.Linear(size, config.num_key_value_heads * dim, bias=False)
        self.o_proj = nn.Linear(config.num_attention_heads * dim, size, bias=False)
        self.q_norm = RMSNorm(dim, config.rms_norm_eps)
        self.k_norm = RMSNorm(dim, config.rms_norm_eps)

    def forward(self, x, cos, sin, mask, past=None):
        """`past` is None or a list that holds this layer's earlier k and v and is extended."""
        batch, length, _ = x.shape
        c = self.config
        groups = c.num_attention_heads // c.num_key_value_heads
        q = self.q_norm(self.q_proj(x).view(batch, length, -1, c.head_dim)).transpose(1, 2)
        k = self.k_norm(self.k_proj(x).view(batch, length, -1, c.head_dim)).transpose(1, 2)
        v = self.v_proj(x).view(batch, length, -1, c.head_dim).transpose(1, 2)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        if past is not None:
            if past:
                k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
            past[:] = [k, v]
        # The query heads of one group share a k/v head: fold them into the length axis.
        q = q.reshape(batch, c.num_key_value_heads, groups * length, c.head_dim)
        scores = q @ k.transpose(-1, -2) * (1.0 / math.sqrt(c.head_dim))
        if mask is not None:
            scores = scores + mask.repeat(groups, 1)
        out = torch.softmax(scores, -1) @ v
        out = out.view(batch, c.num_attention_heads, length, c.head_dim).transpose(1, 2)
        return self.o_proj(out.reshape(batch, length, -1))


class Mlp(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.self_attn = Attention(config)
        self.mlp = Mlp(config)
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)

    def forward(self, x, cos, sin, mask, past=None):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, mask, past)
        return x + self.mlp(self.post_attention_layernorm(x))


class Body(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList([Layer(config) for _ in range(config.num_hidden_layers)])
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)


class Qwen3(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.model = Body(config)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                residual = name.endswith(("o_proj.weight", "down_proj.weight"))
                scale = 1 / math.sqrt(2 * config.num_hidden_layers) if residual else 1.0
                nn.init.normal_(weight, std=0.03 * scale)
        cos, sin = rotary_tables(config, config.max_position_embeddings)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def hidden(self, tokens, past=None):
        """Final hidden states [batch, length, hidden]. `past`: one list per layer, or None."""
        length = tokens.shape[1]
        begin = past[0][0].shape[2] if past and past[0] else 0
        cos, sin = self.cos[begin : begin + length], self.sin[begin : begin + length]
        mask = None
        if length > 1:
            mask = torch.full((length, begin + length), float("-inf")).triu(begin + 1)
        x = self.model.embed_tokens(tokens)
        for i, layer in enumerate(self.model.layers):
            x = layer(x, cos, sin, mask, past[i] if past else None)
        return self.model.norm(x)

    def logits(self, hidden):
        return F.linear(hidden, self.model.embed_tokens.weight)

    @torch.no_grad()
    def greedy(self, prompt, stop_ids, max_tokens):
        """Token ids after `prompt` (a list), up to but without the first stop id."""
        past = [[] for _ in self.model.layers]
        out, fed = [], torch.tensor([prompt])
        while len(out) < max_tokens:
            token = int(self.logits(self.hidden(fed, past)[0, -1]).argmax())
            if token in stop_ids:
                break
            out.append(token)
            fed = torch.tensor([[token]])
        return out
