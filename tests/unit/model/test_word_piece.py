"""BERT's WordPiece, as Chinese GPT-2s have it: text there and back, and through model files."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.models import ModelShape
from bot.core.sampling import SamplingParams
from bot.engine.select import ENGINE_FILE_FORMAT, open_engine
from bot.errors import ModelFileError
from bot.model.importing import import_checkpoint
from bot.model.store import open_model
from bot.model.tokenizers.api import read_tokenizer, read_tokenizer_folder
from bot.model.tokenizers.byte_pair import BytePairTokenizer
from bot.model.tokenizers.word_piece import WordPieceTokenizer
from tests.model_files import make_huggingface_folder

_CHINESE = "今天气很好我们去公园看花，。！？“”《》…—"
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,!?'\"()-:"
TOKENS = [
    "[PAD]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "[MASK]",
    *_CHINESE, *_LETTERS, *(f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz0123456789"),
    "fox", "the", "home", "##ing", "▁", "##▁", "##▁▁", "##", "###",
]  # fmt: skip
SHAPE = ModelShape(n_vocab=len(TOKENS), n_ctx=32, n_embd=32, n_head=2, n_layer=1)
CHINESE = WordPieceTokenizer(TOKENS)


def chinese_folder(folder: Path, **settings: object) -> Path:
    """A folder like uer/gpt2-chinese-cluecorpussmall: vocab.txt instead of merges."""
    make_huggingface_folder(folder, SHAPE, save_tokenizer=False)
    (folder / "vocab.txt").write_text("\n".join(TOKENS) + "\n", encoding="utf-8")
    if settings:
        (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


@given(st.text(alphabet=_CHINESE))
def test_chinese_text_comes_back_whole(text: str):
    """No space appears in it, and none is lost."""
    assert text == CHINESE.decode(CHINESE.encode(text))


@pytest.mark.parametrize(
    "text",
    [
        "the fox, the home.",
        "the foxing (home) isn't!",
        'the fox: "go home, the fox!" the home.',
        "今天 the fox 很好".replace(" ", ""),
        "said 3.14".replace("3.14", "well-known"),
    ],
)
def test_spaces_follow_rules(text: str):
    """English among it reads as English is written."""
    assert text == CHINESE.decode(CHINESE.encode(text))


@given(st.text())
def test_any_text_has_ids_and_none_is_special_but_unknown(text: str):
    """Nobody can type an end mark, and no text is refused."""
    known = {*range(6, len(TOKENS)), TOKENS.index("[UNK]")}

    assert known >= set(CHINESE.encode(text))


@given(st.text(alphabet=_CHINESE + _LETTERS + " "))
def test_streaming_gives_what_decoding_gives(text: str):
    """Token by token or at once."""
    ids = CHINESE.encode(text)
    decoder = CHINESE.stream_decoder()

    assert CHINESE.decode(ids) == "".join(decoder.feed(one) for one in ids) + decoder.flush()


@pytest.mark.parametrize(
    ("prompt", "token", "shown"),
    [
        ("the", "fox", " fox"),
        ("the ", "fox", "fox"),
        ("the fox", "##ing", "ing"),
        ("今天", "天", "天"),
        ("今天", "fox", "fox"),
        ("", "fox", "fox"),
        ("the fox", ".", "."),
        ("the (", "fox", "fox"),
        ('the "fox', '"', '"'),
        ("the", '"', ' "'),
        ("the", "[SEP]", ""),
    ],
)
def test_text_joins_its_prompt(prompt: str, token: str, shown: str):
    """A reply shows the prompt as it was typed, and the text right behind it."""
    assert shown == CHINESE.stream_decoder(after=prompt).feed(TOKENS.index(token))


def test_only_the_end_mark_may_be_drawn():
    """[CLS], [UNK] and the like are no text."""
    assert TOKENS.index("[SEP]") == CHINESE.end_of_text_id
    assert (0, 1, 2, 3, 5) == CHINESE.suppressed_ids


@pytest.mark.parametrize("is_cased", [False, True])
def test_settings_of_a_folder_are_kept(tmp_path: Path, is_cased: bool):
    """From tokenizer_config.json through both forms of a model file."""
    folder = chinese_folder(tmp_path / "in", do_lower_case=not is_cased)
    for suffix in ("gguf", "ggml"):
        target = tmp_path / f"m.{suffix}"
        import_checkpoint(folder, target, "m", "f32")
        tokenizer = open_model(str(target), "ggml", tmp_path).tokenizer
        assert isinstance(tokenizer, WordPieceTokenizer)
        assert CHINESE.tokens == tokenizer.tokens
        unknown = TOKENS.index("[UNK]") in tokenizer.encode("FOX")
        assert is_cased == unknown


def test_tokenizer_json_of_bert_is_read(tmp_path: Path):
    """Where a folder has the newer form."""
    folder = chinese_folder(tmp_path)
    (folder / "vocab.txt").unlink()
    (folder / "tokenizer.json").write_text(CHINESE.to_json(), encoding="utf-8")

    found = read_tokenizer_folder(folder)

    assert isinstance(found, WordPieceTokenizer)
    assert CHINESE.encode("今天the foxing") == found.encode("今天the foxing")


@pytest.mark.parametrize("engine_name", ["llama_cpp", "ctransformers"])
def test_model_writes_with_it_on_both_engines(tmp_path: Path, engine_name: str):
    """And draws nothing that is no text, however likely the model finds it."""
    if engine_name == "llama_cpp":
        pytest.importorskip("llama_cpp", reason="llama_cpp is not installed (make llama)")
    import_checkpoint(chinese_folder(tmp_path / "in"), tmp_path / "m.gguf", "m", "q8_0")
    opened = open_model(str(tmp_path / "m.gguf"), ENGINE_FILE_FORMAT[engine_name], tmp_path)
    engine = open_engine(engine_name, opened.info, slots=1, n_threads=1)
    try:
        prompt = opened.tokenizer.encode("今天天气")
        engine.add(0, prompt, SamplingParams(temperature=2.0, top_k=0, top_p=1.0, seed=1))
        engine.step({0: min(len(prompt), engine.info.max_chunk_tokens)})
        drawn = [engine.step({0: 1})[0].token for _ in range(SHAPE.n_ctx - len(prompt) - 1)]
    finally:
        engine.close()

    assert not set(drawn) & set(CHINESE.suppressed_ids)
    assert opened.tokenizer.decode([one for one in drawn if one is not None])


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("the\nfox\n", r"no \[UNK\]"),
        ("[UNK]\nfox\nfox\n", "there twice"),
        ("[UNK]\n\nfox\n", "is empty"),
    ],
)
def test_vocabulary_that_is_none_is_named(tmp_path: Path, text: str, named: str):
    """One sentence each."""
    folder = chinese_folder(tmp_path / "in")
    (folder / "vocab.txt").write_text(text)

    with pytest.raises(ModelFileError, match=named):
        import_checkpoint(folder, tmp_path / "m.gguf", "m", "f32")


@pytest.mark.parametrize("settings", [{"tokenize_chinese_chars": False}, {"do_lower_case": 3}])
def test_settings_that_bert_has_not_are_refused(tmp_path: Path, settings: dict[str, object]):
    """Rather than read every text wrongly."""
    folder = chinese_folder(tmp_path / "in", **settings)

    with pytest.raises(ModelFileError, match="tokenizer can't be read"):
        import_checkpoint(folder, tmp_path / "m.gguf", "m", "f32")


def test_model_with_more_rows_than_tokens_never_draws_them(tmp_path: Path):
    """Models are padded to round numbers; what the last rows say means nothing."""
    wider = ModelShape(n_vocab=320, n_ctx=64, n_embd=64, n_head=4, n_layer=2)
    folder = make_huggingface_folder(tmp_path / "in", wider, n_tokens=300)
    for suffix in ("gguf", "ggml"):
        target = tmp_path / f"m.{suffix}"
        import_checkpoint(folder, target, "m", "q8_0")
        opened = open_model(str(target), suffix, tmp_path)
        assert isinstance(opened.tokenizer, BytePairTokenizer)
        assert tuple(range(300, 320)) == opened.info.suppressed_ids
        assert 299 == opened.info.end_of_text_id


def test_another_models_tokenizer_is_refused(tmp_path: Path):
    """Padding is at most a thousand or so."""
    wide = ModelShape(n_vocab=2000, n_ctx=64, n_embd=64, n_head=4, n_layer=1)
    folder = make_huggingface_folder(tmp_path / "in", wide, n_tokens=300)

    with pytest.raises(ModelFileError, match="tokenizer has 300 tokens, its model 2000"):
        import_checkpoint(folder, tmp_path / "m.gguf", "m", "f32")


def test_own_form_is_read_again():
    """What is kept beside a legacy file."""
    padded = CHINESE.padded(len(TOKENS) + 4)

    again = read_tokenizer(padded.to_json())

    assert (padded.tokens, padded.suppressed_ids) == (again.tokens, again.suppressed_ids)
