"""Batches: pure functions of seed and step, and what mixing does to pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vitviz.training.batches import draw, generator, jittered, mixed, random_crop, unit
from vitviz.training.photos import PhotoFile, TrainingPhoto
from vitviz.training.recipes import Variety

PLAIN = Variety(least_area=1, most_aspect=1, jitter=0, mixed=0)


def kept(value: int, height: int, width: int) -> TrainingPhoto:
    pixels = np.full((height, width, 3), value, np.uint8)
    return TrainingPhoto(PhotoFile(f"{value}.png", lambda: b""), f"{value:064x}", pixels)


def test_the_same_step_gives_the_same_photos_and_another_gives_others() -> None:
    photos = [kept(value, 30, 20 + value) for value in range(50)]
    one, again, other = (
        draw(photos, (12, 20), 8, Variety(mosaic=0.5), generator(3, step, 0)) for step in (5, 5, 6)
    )
    assert one.shape == (8, 3, 12, 20)
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_photos_that_must_be_enlarged_are_drawn_less_often() -> None:
    photos = [kept(0, 5, 90), kept(255, 40, 20)]  # a quarter of the input's side, and all of it
    images = draw(photos, (20, 28), 2000, PLAIN, generator(0, 0, 0))
    assert float((images[:, 0, 0, 0] == 1).float().mean()) == pytest.approx(0.8, abs=0.03)


def test_a_mosaic_has_four_photos_that_meet_in_the_middle() -> None:
    photos = [kept(value, 40, 40) for value in range(1, 200)]
    image = draw(photos, (12, 20), 1, Variety(mosaic=1), generator(1, 0, 0))[0, 0]
    quarters = [image[:6, :10], image[:6, 10:], image[6:, :10], image[6:, 10:]]
    assert all(len(quarter.unique()) == 1 for quarter in quarters)
    assert len({float(quarter[0, 0]) for quarter in quarters}) == 4


def test_a_crop_of_all_of_a_photo_is_the_photo_perhaps_flipped() -> None:
    pixels = np.arange(6 * 6 * 3, dtype=np.uint8).reshape(6, 6, 3)
    found = {random_crop(pixels, (6, 6), PLAIN, generator(0, s, 0)).tobytes() for s in range(20)}
    assert found == {pixels.tobytes(), pixels[:, ::-1].tobytes()}


def test_a_crop_has_the_aspect_of_its_input() -> None:
    wide = np.zeros((100, 200, 3), np.uint8)
    wide[:, ::2] = 255  # stripes, which a crop twice as wide as high keeps as they are
    crop = random_crop(wide, (100, 200), PLAIN, generator(0, 0, 0))
    assert set(np.unique(crop)) == {0, 255}


@pytest.mark.parametrize("step", range(8))
def test_crops_stay_inside(step: int) -> None:
    pixels = np.full((9, 31, 3), 200, np.uint8)
    variety = Variety(least_area=0.05, most_aspect=4)
    assert (random_crop(pixels, (12, 20), variety, generator(0, step, 0)) == 200).all()


def test_no_jitter_changes_nothing() -> None:
    images = torch.rand(3, 3, 4, 6)
    torch.testing.assert_close(jittered(images, 0.0, generator(0, 0, 0)), images)


def test_jitter_keeps_grey_grey_and_stays_in_range() -> None:
    grey = torch.rand(20, 1, 4, 6).expand(-1, 3, -1, -1)
    varied = jittered(grey, 0.9, generator(0, 0, 0))
    torch.testing.assert_close(varied[:, 0], varied[:, 2])
    assert 0 <= float(varied.min()) <= float(varied.max()) <= 1
    assert not torch.allclose(varied, grey)


def test_what_is_left_of_an_image_is_what_mixing_says() -> None:
    # Each image has its own number, so that a mean tells how much of it is there.
    images = torch.arange(6.0).view(6, 1, 1, 1).expand(6, 3, 12, 20)
    kinds = set()
    for step in range(40):
        result, mix = mixed(images, generator(0, step, 0))
        means = result.mean(dim=(1, 2, 3))
        wanted = mix.own * torch.arange(6.0) + (1 - mix.own) * mix.partner
        torch.testing.assert_close(means, wanted, rtol=1e-4, atol=1e-4)
        kinds.add(bool((result == result.round()).all()))
    assert kinds == {True, False}  # pasted, and blended


def test_pixels_become_units() -> None:
    pixels = np.zeros((1, 2, 3, 3), np.uint8)
    pixels[0, 1, 2] = (255, 0, 51)
    images = unit(pixels)
    assert images.shape == (1, 3, 2, 3)
    torch.testing.assert_close(images[0, :, 1, 2], torch.tensor([1.0, 0.0, 0.2]))


def test_uses_of_random_numbers_are_apart() -> None:
    assert generator(0, 1, 2).random() != generator(0, 2, 1).random()
    assert generator(0, 1, 2).random() == generator(0, 1, 2).random()
