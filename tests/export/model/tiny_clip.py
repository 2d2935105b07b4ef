"""Tiny CLIP and SigLIP checkpoints that have learned colors: a text and the photos it names share a direction."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from export.model.quiet import quiet
from export.model.text_tower import TEMPLATE

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 32
COLORS: dict[str, tuple[int, int, int]] = {
    "black": (20, 20, 20),
    "white": (235, 235, 235),
    "red": (210, 30, 30),
    "green": (30, 160, 40),
    "blue": (40, 50, 200),
    "yellow": (230, 220, 40),
    "purple": (140, 30, 160),
    "brown": (130, 80, 30),
}
TOKENS = 12
_STEPS = 150
_DIM = 24
_GAP = 4
_WORDS = (*TEMPLATE.replace("{}", "").split(), *COLORS, "dress", "vase")
_SPECIAL = ("[PAD]", "[UNK]", "[BOS]", "[EOS]")
_TEXT = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
_VISION = _TEXT | {"image_size": SIDE, "patch_size": 8}


def write_clip(kind: str, out: Path) -> Path:
    """Train a "clip" or a "siglip" and write it to `out` as `save_pretrained` does."""
    import torch
    import transformers as tf

    torch.manual_seed(0)
    text = _TEXT | {
        "vocab_size": len(_SPECIAL) + len(_WORDS),
        "max_position_embeddings": TOKENS,
        "pad_token_id": 0,
        "bos_token_id": 2,
        "eos_token_id": 3,
    }
    pixels: Any
    with quiet():
        if kind == "clip":
            projected = {"projection_dim": _DIM}
            config = tf.CLIPConfig(text_config=text | projected, vision_config=_VISION | projected, projection_dim=_DIM)
            model: Any = tf.CLIPModel(config)
            pixels = tf.CLIPImageProcessor(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})
        else:
            text |= {"projection_size": 32}
            model = tf.SiglipModel(tf.SiglipConfig(text_config=text, vision_config=_VISION))
            pixels = tf.SiglipImageProcessor(size={"height": SIDE, "width": SIDE}, resample=3)
        tokenizer = _tokenizer()
        _train(model, tokenizer, pixels)
        for part in (model, pixels, tokenizer):
            part.save_pretrained(out)
    return out


def move_texts_away(clip: Path, out: Path) -> Path:
    """Write to `out` what `write_clip` wrote to `clip`, with all texts far from all photos, as CLIP's are.

    The mean text and the mean photo lie 0.87 apart; CLIP's 0.82 (Liang et al. 2022).
    """
    import torch
    import transformers as tf

    shutil.copytree(clip, out)
    torch.manual_seed(1)
    with quiet(), torch.no_grad():
        model: Any = tf.CLIPModel.from_pretrained(clip)
        model.text_model.final_layer_norm.bias += _GAP * torch.randn(32)
        model.save_pretrained(out)
    return out


def write_colored_photos(folder: Path, count: int) -> Path:
    """`count` photos named by number; photo n has the color n % len(COLORS), in a shade of its own, and noise."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(1)
    for number in range(count):
        Image.fromarray(_picture(number % len(COLORS), rng)).save(folder / f"{number:03}.png")
    return folder


def _picture(color: int, rng: np.random.Generator) -> Any:
    base = np.asarray(list(COLORS.values())[color]) + rng.normal(0, 8, 3)
    return (base + rng.normal(0, 12, (SIDE, SIDE, 3))).clip(0, 255).astype(np.uint8)


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: number for number, word in enumerate((*_SPECIAL, *dict.fromkeys(_WORDS)))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[BOS] $A [EOS]", special_tokens=[("[BOS]", 2), ("[EOS]", 3)]
    )
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "bos_token": "[BOS]", "eos_token": "[EOS]"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=TOKENS, **names)


def _train(model: Any, tokenizer: Any, pixels: Any) -> None:
    """The symmetric contrastive loss of CLIP, on a photo of each color a step."""
    import torch

    rng = np.random.default_rng(0)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(_STEPS):
        texts = [TEMPLATE.format(f"{color} {rng.choice(['', 'dress', 'vase'])}".strip()) for color in COLORS]
        read = tokenizer(texts, padding="max_length", max_length=TOKENS, truncation=True, return_tensors="pt")
        photos = [Image.fromarray(_picture(color, rng)) for color in range(len(COLORS))]
        seen = pixels(images=photos, return_tensors="pt")
        unit = torch.nn.functional.normalize
        texts_at = unit(model.get_text_features(input_ids=read["input_ids"]), dim=-1)
        photos_at = unit(model.get_image_features(**seen), dim=-1)
        scores = texts_at @ photos_at.T / 0.1
        right = torch.arange(len(COLORS))
        loss = torch.nn.functional.cross_entropy(scores, right) + torch.nn.functional.cross_entropy(scores.T, right)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
