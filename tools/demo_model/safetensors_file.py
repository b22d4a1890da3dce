"""safetensors_file.py: writes bf16 tensors as a .safetensors file.

Layout: 8 bytes little-endian header length, a JSON header {name: {dtype, shape, data_offsets}},
padded with spaces to a multiple of 8, then the data in the header's order.
"""
import json
import struct


def write_bf16(path, tensors):
    """`tensors`: {name: float tensor}; rounded to bf16, to nearest even."""
    import torch

    header, chunks, end = {"__metadata__": {"format": "pt"}}, [], 0
    for name in sorted(tensors):
        bits = tensors[name].detach().to(torch.bfloat16).contiguous().view(torch.int16)
        data = struct.pack("<%dh" % bits.numel(), *bits.reshape(-1).tolist())
        header[name] = {
            "dtype": "BF16",
            "shape": list(bits.shape),
            "data_offsets": [end, end + len(data)],
        }
        end += len(data)
        chunks.append(data)
    text = json.dumps(header).encode("utf-8")
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)))
        f.write(text)
        for data in chunks:
            f.write(data)
    return end
