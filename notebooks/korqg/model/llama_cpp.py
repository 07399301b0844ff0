"""A merged model for llama.cpp: the tokenizer that its converter reads, and one GGUF file made without it."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from korqg.files import cannot_write, read_json, write_json
from korqg.prompts import END_OF_TURN_ID

UNKNOWN, CONTROL, AS_IT_STANDS, BYTE, NORMAL = 2, 3, 4, 6, 1  # Kinds of pieces, as SentencePiece and GGUF number them


def pieces_of(tokenizer) -> Iterator[tuple[str, float, int]]:
    """Each token with its score and kind. Gemma's ids follow the order of its merges, so an id tells the score."""
    added = {one.content: one.special for one in tokenizer.added_tokens_decoder.values()}
    for piece, number in sorted(tokenizer.get_vocab().items(), key=lambda entry: entry[1]):
        kind = BYTE if re.fullmatch("<0x[0-9A-F]{2}>", piece) else NORMAL
        if piece in added:
            kind = CONTROL if added[piece] else AS_IT_STANDS
        yield piece, -float(number), UNKNOWN if piece == tokenizer.unk_token else kind


def save_for_converter(tokenizer, folder: Path) -> None:
    """Save Gemma's tokenizer as llama.cpp's converter reads it; from tokenizer.json it would take another one's rules.

    That is tokenizer.model, SentencePiece's own file, and added_tokens.json, for the texts that are tokens as they
    stand.
    """
    from transformers.convert_slow_tokenizer import import_protobuf

    file = import_protobuf().ModelProto()
    words = {}
    for number, (piece, score, kind) in enumerate(pieces_of(tokenizer)):
        file.pieces.add(piece=piece, score=score, type=kind)
        if kind == AS_IT_STANDS:
            words[piece] = number
    file.trainer_spec.model_type = file.trainer_spec.BPE
    file.trainer_spec.byte_fallback = True
    for name in ("unk", "bos", "eos", "pad"):
        setattr(file.trainer_spec, f"{name}_id", getattr(tokenizer, f"{name}_token_id"))
    file.normalizer_spec.name = "identity"
    file.normalizer_spec.add_dummy_prefix = False
    file.normalizer_spec.remove_extra_whitespaces = False
    (folder / "tokenizer.model").write_bytes(file.SerializeToString())
    write_json(folder / "added_tokens.json", words)


def write_gguf(merged: Path, file: Path) -> None:
    """Write a folder of export_merged as one GGUF file in bfloat16, as llama.cpp's converter would.

    Names and values: gguf's constants and conversion/gemma.py of llama.cpp. Gemma 3's norms multiply by one more than
    their weights, llama.cpp's by the weights. Raises KorqgError when the disk is full.
    """
    import gguf
    import numpy
    from safetensors import safe_open
    from transformers import AutoTokenizer

    config, tokenizer = read_json(merged / "config.json"), AutoTokenizer.from_pretrained(merged)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.GEMMA3, config["num_hidden_layers"])
    temporary = file.with_name(f"{file.name}.tmp-{os.getpid()}")
    out = gguf.GGUFWriter(temporary, "gemma3")
    out.add_type(gguf.GGUFType.MODEL)
    out.add_name(file.stem)
    out.add_file_type(gguf.LlamaFileType.MOSTLY_BF16)
    out.add_quantization_version(gguf.GGML_QUANT_VERSION)
    out.add_block_count(config["num_hidden_layers"])
    out.add_context_length(config["max_position_embeddings"])
    out.add_embedding_length(config["hidden_size"])
    out.add_feed_forward_length(config["intermediate_size"])
    out.add_head_count(config["num_attention_heads"])
    out.add_head_count_kv(config["num_key_value_heads"])
    out.add_key_length(config["head_dim"])
    out.add_value_length(config["head_dim"])
    out.add_layer_norm_rms_eps(config["rms_norm_eps"])
    out.add_sliding_window(config["sliding_window"])
    rope = config["rope_parameters"]["full_attention"]
    out.add_rope_freq_base(rope["rope_theta"])
    out.add_float32("gemma3.rope.freq_base_swa", config["rope_parameters"]["sliding_attention"]["rope_theta"])
    if "factor" in rope:
        out.add_rope_scaling_type(gguf.RopeScalingType(rope["rope_type"]))
        out.add_rope_scaling_factor(rope["factor"])
    pieces, scores, kinds = zip(*pieces_of(tokenizer), strict=True)
    out.add_tokenizer_model("llama")
    out.add_tokenizer_pre("default")
    out.add_token_list(pieces)
    out.add_token_scores(scores)
    out.add_token_types(kinds)
    gguf.SpecialVocab(merged).add_to_gguf(out, quiet=True)  # bos, eos, unk and pad, and the chat template
    out.add_eot_token_id(END_OF_TURN_ID)
    out.add_add_space_prefix(False)
    try:
        for part in sorted(merged.glob("*.safetensors")):
            with safe_open(part, "pt") as weights:
                for name in weights.keys():  # noqa: SIM118
                    values = weights.get_tensor(name).float().numpy()
                    kind = gguf.GGMLQuantizationType.F32 if values.ndim == 1 else gguf.GGMLQuantizationType.BF16
                    if name.endswith("norm.weight"):
                        values = values + numpy.float32(1)
                    name = names.get_name(name, try_suffixes=(".weight",))
                    out.add_tensor(name, gguf.quantize(values, kind), raw_dtype=kind)
        out.write_header_to_file()
        out.write_kv_data_to_file()
        out.write_tensors_to_file()
        out.close()
        os.replace(temporary, file)
    except OSError as error:
        raise cannot_write(file, error) from None
    finally:
        temporary.unlink(missing_ok=True)
