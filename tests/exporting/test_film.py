"""Frames as files, decoded again and compared as arrays."""

from __future__ import annotations

import builtins
import io

import numpy as np
import pytest
from PIL import Image

from vitviz.errors import Cancelled, VitvizError
from vitviz.exporting import film
from vitviz.exporting.film import Film, encode, even
from vitviz.exporting.formats import suffixes
from vitviz.progress import Stage

FRAMES = [
    np.asarray(
        Image.fromarray(np.random.default_rng(seed).integers(0, 256, (3, 5, 3), np.uint8)).resize(
            (47, 31), Image.Resampling.BICUBIC
        )
    )
    for seed in range(4)
]
"""Four smooth frames of 31 x 47 pixels, both odd."""


def opened(content: bytes) -> tuple[list[np.ndarray], list[int], Image.Image]:
    image = Image.open(io.BytesIO(content))
    frames, durations = [], []
    for number in range(image.n_frames):  # type: ignore[attr-defined]
        image.seek(number)
        frames.append(np.asarray(image.convert("RGB")))
        durations.append(round(image.info["duration"]))
    return frames, durations, image


@pytest.mark.parametrize("suffix", [".apng", ".png"])
def test_an_apng_has_the_frames_as_they_are(suffix: str) -> None:
    frames, durations, image = opened(encode(suffix, FRAMES, Film(4, hold_s=2)))
    np.testing.assert_array_equal(frames, FRAMES)
    assert durations == [250, 250, 250, 2000]
    assert image.info["loop"] == 0
    assert opened(encode(suffix, FRAMES, Film(loop=False)))[2].info["loop"] == 1


def test_a_gif_has_them_in_256_colours() -> None:
    content = encode(".gif", FRAMES, Film(3, hold_s=0))
    frames, durations, image = opened(content)
    assert len(frames) == 4
    # Dithered: right on average over a few pixels.
    for frame, expected in zip(frames, FRAMES, strict=True):
        few = [np.asarray(Image.fromarray(f).reduce(4), int) for f in (frame, expected)]
        assert np.abs(few[0] - few[1]).mean() < 4
    colours = {tuple(colour) for frame in frames for colour in frame.reshape(-1, 3)}
    assert len(colours) <= 256
    assert durations == [330, 330, 330, 330]
    assert image.info["loop"] == 0
    assert "loop" not in opened(encode(".gif", FRAMES, Film(loop=False)))[2].info


def test_what_does_not_move_does_not_flicker_in_a_gif() -> None:
    still = np.concatenate([FRAMES[0]] * 2)
    moving = [np.concatenate([FRAMES[0], frame]) for frame in FRAMES]
    frames, _, _ = opened(encode(".gif", [still, *moving[1:]], Film()))
    for frame in frames[1:]:
        np.testing.assert_array_equal(frame[:31], frames[0][:31])


def test_an_mp4_plays_everywhere() -> None:
    av = pytest.importorskip("av")
    content = encode(".mp4", FRAMES, Film(5, hold_s=1), "a comment")
    with av.open(io.BytesIO(content)) as container:
        (stream,) = container.streams
        context = stream.codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        assert (context.width, context.height) == (48, 32)
        assert (stream.average_rate, context.colorspace) == (30, 1)
        assert container.metadata["comment"] == "a comment"
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
    assert len(frames) == 3 * 6 + 30
    for number, expected in enumerate(FRAMES):
        shown = frames[6 * number + 3].astype(int)
        assert np.abs(shown - even(expected)).mean() < 6, "within what 4:2:0 leaves"


def test_the_comment_of_an_mp4_is_found_without_av(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    pytest.importorskip("av")
    from vitviz.exporting.provenance import Provenance, to_json
    from vitviz.exporting.stamp import read

    made = Provenance("animation", "0.1.0", {}, (), {"words": "x" * 40_000})
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    path.write_bytes(encode(".mp4", FRAMES, Film(), to_json(made)))
    assert read(path) == made
    path.write_bytes(encode(".mp4", FRAMES, Film(), ""))
    with pytest.raises(VitvizError, match="no provenance"):
        read(path)


def test_without_av_the_way_to_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: object, **more: object) -> object:
        if name == "av":
            raise ModuleNotFoundError("No module named 'av'")
        return real(name, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(VitvizError, match="PyAV") as caught:
        encode(".mp4", FRAMES, Film())
    assert "pip install av" in caught.value.hint


@pytest.mark.parametrize("suffix", suffixes("animation"))
def test_cancelled_between_any_two_frames(suffix: str) -> None:
    if suffix == ".mp4":
        pytest.importorskip("av")
    calls = 0

    def progress(stage: Stage, fraction: float) -> None:
        nonlocal calls
        assert 0 <= fraction <= 1
        calls += 1
        if calls == stop:
            raise Cancelled

    for stop in (1, 2, len(FRAMES)):
        calls = 0
        with pytest.raises(Cancelled):
            encode(suffix, FRAMES, Film(), progress=progress)
        assert calls == stop


@pytest.mark.parametrize("rate", [0.0, -1.0, 0.05, 31.0, float("nan")])
def test_speeds_that_cannot_be(rate: float) -> None:
    with pytest.raises(VitvizError, match="frames a second"):
        encode(".gif", FRAMES, Film(rate))


def test_one_frame_is_a_film_too() -> None:
    for suffix in (".gif", ".apng"):
        with Image.open(io.BytesIO(encode(suffix, FRAMES[:1], Film()))) as image:
            assert image.size == (47, 31)


def test_even_repeats_the_last_row_and_column() -> None:
    frame = even(FRAMES[0])
    assert frame.shape == (32, 48, 3)
    np.testing.assert_array_equal(frame[:31, :47], FRAMES[0])
    np.testing.assert_array_equal(frame[31, :47], FRAMES[0][30])
    assert even(frame) is not None
    np.testing.assert_array_equal(even(frame), frame)


def test_another_encoder_where_there_is_no_x264(monkeypatch: pytest.MonkeyPatch) -> None:
    av = pytest.importorskip("av")
    monkeypatch.setattr(film, "CODECS", ("libnothing", "mpeg4"))
    with av.open(io.BytesIO(encode(".mp4", FRAMES, Film()))) as container:
        assert container.streams.video[0].codec_context.name == "mpeg4"
        assert sum(1 for _ in container.decode(video=0)) > 0
