"""``vitviz trust``: whether maps are better than chance, on one photo or on many."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from vitviz.cli.choices import add_choices, chosen
from vitviz.cli.interrupts import interrupts
from vitviz.cli.options import failed, photos_at, whole
from vitviz.cli.registers import with_registers
from vitviz.cli.terminal import say, warn, write_over
from vitviz.engine.answers import Ranking, Sanity, Trust
from vitviz.engine.engine import Engine
from vitviz.engine.plan import plan
from vitviz.engine.requests import ExplainRequest, RankRequest, SanityRequest, Test, TrustRequest
from vitviz.errors import Cancelled, VitvizError
from vitviz.methods import METHODS
from vitviz.paths import absolute, is_folder
from vitviz.plain_text import cell_text
from vitviz.probing.removal import Removal
from vitviz.progress import Control, Progress, throttled
from vitviz.session.state import PhotoRef, Session
from vitviz.session.strict import check_map, check_query
from vitviz.trust.judgement import require_judgeable
from vitviz.trust.many import Mean, mean_of, ratio_of
from vitviz.wording.caption import caption
from vitviz.wording.description import describe_map
from vitviz.wording.trust import trust_caption, trust_line, trust_numbers
from vitviz.writing import write_whole

if TYPE_CHECKING:
    from vitviz.cli.options import Subparsers
    from vitviz.trust.judgement import Judgement
    from vitviz.trust.localisation import Localisation
    from vitviz.trust.ranking import Ranked

COLUMNS = ("photo", "class", "method", "gain", "of_leave_one_out", "beaten", "orders", "saco",
           "rank", "pointing", "energy", "overlap", "precision", "seconds")  # fmt: skip

TESTS: dict[str, Test] = {
    "class": "class", "weights-down": "weights down", "weights-up": "weights up", "photo": "photo"
}  # fmt: skip


def add(commands: Subparsers) -> None:
    """``vitviz trust PHOTO``."""
    parser = commands.add_parser(
        "trust",
        usage="vitviz trust PHOTO... [--method NAME] [--mask FILE] ... (see --help)",
        help="whether a map is better than chance; ranks methods over many photos",
        description="Of one photo: tells what the answer loses without the patches that the map "
        "marks, beside what it loses without patches at random. Of a folder or several photos: "
        "ranks methods by that, each number with its 95 %% interval over the photos.",
    )
    option = parser.add_argument
    option("photos", nargs="+", type=Path, metavar="PHOTO", help="a photo, or a folder of photos")
    add_choices(parser)
    option("--methods", metavar="NAME,NAME", type=some_methods, default=(),
        help="to be ranked over many photos (default: all that the model fits)")  # fmt: skip
    option("--mask", type=Path, metavar="FILE",
        help="of the thing on the photo: a picture, black outside, or COCO polygons as .json; for "
        "many photos a folder of such files with the photos' names")  # fmt: skip
    option("--removal", choices=get_args(Removal), help="how patches are removed (default: drop "
        "where the model can, else mean)")  # fmt: skip
    option("--steps", type=whole(2, 100), default=6, metavar="N", help="of each curve (default: 6)")
    option("--orders", type=whole(2, 10_000), default=100, metavar="N",
        help="drawn at random to compare with; an even number (default: 100)")  # fmt: skip
    option("--seed", type=whole(0, 1 << 31), default=0, metavar="N", help="of them (default: 0)")
    option("--test", action="append", choices=tuple(TESTS), default=[],
        help="also a test of sanity; may be repeated")  # fmt: skip
    option("--csv", type=Path, metavar="FILE", help="write every number of every photo as a table")


def run(options: argparse.Namespace) -> int:
    """Judges the map of one photo, or ranks methods over several."""
    if options.orders % 2:
        raise VitvizError("--orders must be an even number.", "Half are the others' reverses.")
    choices = chosen(options)
    several = len(options.photos) > 1 or is_folder(options.photos[0])
    photos = [photo for path in options.photos for photo in photos_at(path)]
    engine, refs = Engine(), [PhotoRef(str(absolute(photo))) for photo in photos]
    choices = with_registers(choices, refs, engine, options)
    if several or options.methods:
        if options.test:
            raise VitvizError("--test is of one photo's map.", "Name one photo.")
        return rank_all(engine, photos, choices, options)
    return judge_one(engine, photos[0], choices, options)


def judge_one(engine: Engine, path: Path, choices: Session, options: argparse.Namespace) -> int:
    """Prints what the window says under the map, and the numbers behind it."""
    session = replace(choices, photos=(PhotoRef(str(absolute(path))),))
    view = session.view
    (request,) = plan(session, options.device)
    cell = engine.answer(request)
    check_query(METHODS[view.method], view.query, cell.layout.prefix, cell.geometry)
    check_map(view, cell.explanation, cell.outline)
    require_judgeable(cell.heat_map(view))
    say(f"{path}: {caption(describe_map(cell, view))}")
    asked = TrustRequest(
        request, view.layer, view.head, options.removal, options.steps, options.orders, options.seed
    )
    with told("Testing the map") as progress:
        trust = engine.answer(asked, progress)
    say(trust_line(trust))
    for title, value, _ in trust_numbers(trust):
        say(f"  {value:>12}  {title}")
    if options.mask is not None:
        say_place(place_of(trust, options.mask, path))
    for name in options.test:
        with told("Testing the map") as progress:
            sanity = engine.answer(
                SanityRequest(request, TESTS[name], view.layer, view.head), progress
            )
        say_test(sanity)
    say(f"  {trust_caption(trust)}")
    if options.csv is not None:
        write_table(options.csv, [trust_row(path, trust)])
    return 0


@contextmanager
def told(words: str) -> Iterator[Progress]:
    """Says how far work is, on one line of a terminal that is gone afterwards."""
    watched = sys.stderr.isatty()
    width = len(words) + 8

    def tell(line: str) -> None:
        if watched:
            write_over(line, width)

    with throttled(tell) as throttle:
        yield lambda stage, fraction: throttle(f"{words}: {100 * fraction:.0f} %")  # noqa: ARG005
    tell("")


def place_of(trust: Trust, mask: Path, photo: Path) -> Localisation:
    """The map beside a mask of its photo."""
    from vitviz.trust.localisation import localisation
    from vitviz.trust.masks import read_mask

    heat_map = trust.heat_map
    inside = read_mask(mask, heat_map.geometry.photo_size, photo.name)
    return localisation(heat_map.values, heat_map.geometry, inside)


def say_place(place: Localisation) -> None:
    """Prints how a map lies to a mask."""
    say(f"  Beside the mask, which is {100 * place.share:.0f} % of what the model saw:")
    say(f"  {'inside' if place.pointing else 'outside':>12}  greatest value (pointing game)")
    say(f"  {percent(place.energy):>12}  energy inside")
    say(f"  {place.overlap:>12.2f}  intersection over union, above the map's mean")
    say(f"  {place.precision:>12.2f}  average precision")


def say_test(sanity: Sanity) -> None:
    """Prints the correlations of a test."""
    titles = {
        "class": "Rank correlation with its maps for other classes (near 1: it is about none)",
        "weights down": "With shuffled weights, from the last block down (near 1: it has learned "
        "nothing)",
        "weights up": "With shuffled weights, from the first block up (near 1: it has learned "
        "nothing)",
        "photo": "With the photo hardly changed (should be near 1)",
    }
    say(f"  {titles[sanity.request.test]}:")
    for check in sanity.checks:
        say(f"  {number(check.rank):>12}  {check.what}")


def rank_all(
    engine: Engine, photos: Sequence[Path], choices: Session, options: argparse.Namespace
) -> int:
    """Prints a table of methods over photos; goes on after a failure, and says so at the end."""
    model = engine.model(choices.model, options.device)
    methods = options.methods or [m for m in METHODS if METHODS[m].fits(model.card.outline)]
    rankings: list[tuple[Path, Ranking]] = []
    control, code = Control(), 0
    try:
        with interrupts(control.cancel):
            for number_, path in enumerate(photos, 1):
                try:
                    asked = rank_request(path, methods, choices, options)
                    rankings.append((path, engine.answer(asked, control.progress)))
                    warn(f"photo {number_:,} of {len(photos):,}: {path}")
                except VitvizError as error:
                    code = failed(VitvizError(f"{path}: {error.message}", error.hint))
    except (Cancelled, KeyboardInterrupt):
        warn(f"Stopped after {len(rankings):,} photos.")
        code = 130
    if rankings:
        say_ranking(rankings)
    if options.csv is not None:
        rows = [row(path, one, ranked) for path, one in rankings for ranked in one.rows]
        write_table(options.csv, rows)
    return code


def rank_request(
    path: Path, methods: Sequence[str], choices: Session, options: argparse.Namespace
) -> RankRequest:
    """All methods on one photo, each with its own settings."""
    ref = PhotoRef(str(absolute(path)))
    explains: list[ExplainRequest] = []
    for method in methods:
        own = choices.view.params if method == choices.view.method else ()
        view = replace(choices.view, method=method, params=own, layer=-1, head="mean",
                       direction="of")  # fmt: skip
        (request,) = plan(replace(choices, photos=(ref,), view=view), options.device)
        explains.append(request)
    return RankRequest(
        tuple(explains), mask_of(path, options.mask), options.removal, options.steps,
        options.orders, options.seed,
    )  # fmt: skip


def mask_of(photo: Path, mask: Path | None) -> str:
    """The mask of a photo: the file, or the one of the photo's name in the folder.

    Raises:
        VitvizError: There is none in the folder.
    """
    if mask is None:
        return ""
    if not is_folder(mask):
        return str(mask)
    for suffix in (".png", ".json", ".tif", ".tiff", ".bmp"):
        if (file := mask / f"{photo.stem}{suffix}").is_file():
            return str(file)
    raise VitvizError(f"There is no mask of {photo.name} in {mask}.", f"Name it {photo.stem}.png.")


def say_ranking(rankings: Sequence[tuple[Path, Ranking]]) -> None:
    """Prints the table: a line a method, the greatest gain first."""
    names = [one.name for one in rankings[0][1].rows]
    rows = {name: [r for _, of in rankings for r in of.rows if r.name == name] for name in names}
    gains = {name: mean_of([r.judgement.gain for r in found]) for name, found in rows.items()}
    say(f"{len(rankings):,} photos; mean (95 % interval)")
    say(f"{'':18}{'gain':>24}{'of leave-one-out':>26}{'SaCo':>24}")
    for name in sorted(names, key=lambda name: -gains[name].value):
        judgements = [r.judgement for r in rows[name]]
        reached = of_leave_one_out(judgements)
        saco = mean_of([j.saco for j in judgements if j.saco is not None])
        say(f"{name:18}{interval(gains[name]):>24}{reached:>26}{interval(saco):>24}")
        places = [r.place for r in rows[name] if r.place is not None]
        if places:
            hits = mean_of([float(p.pointing) for p in places])
            energy = mean_of([p.energy for p in places if p.energy is not None])
            say(f"{'':18}pointing {interval(hits)}, energy inside {interval(energy)}")


def of_leave_one_out(found: Sequence[Judgement]) -> str:
    """The mean gain over leave-one-out's."""
    best = [one.references.best.gain for one in found]
    return interval(ratio_of([one.gain for one in found], best))


def interval(mean: Mean) -> str:
    """ "+0.32 (0.24 to 0.40)"."""
    return f"{mean.value:+.2f} ({mean.low:+.2f} to {mean.high:+.2f})"


def trust_row(path: Path, trust: Trust) -> dict[str, object]:
    """A line of the table, of one map."""
    found = trust.judgement
    return {
        "photo": cell_text(str(path)), "class": cell_text(trust.target_name),
        "method": trust.request.explain.method, "gain": found.gain,
        "of_leave_one_out": found.normalised_gain, "beaten": found.beaten, "orders": found.orders,
        "saco": found.saco, "rank": found.rank,
    }  # fmt: skip


def row(path: Path, ranking: Ranking, ranked: Ranked) -> dict[str, object]:
    """A line of the table, of one of several maps."""
    found, place = ranked.judgement, ranked.place
    names = [request.method for request in ranking.request.explains]
    seconds = ranking.method_s[names.index(ranked.name)] if ranked.name in names else None
    return {
        "photo": cell_text(str(path)), "class": cell_text(ranking.target_name),
        "method": ranked.name, "gain": found.gain, "of_leave_one_out": found.normalised_gain,
        "beaten": found.beaten, "orders": found.orders, "saco": found.saco, "rank": found.rank,
        "pointing": None if place is None else int(place.pointing),
        "energy": None if place is None else place.energy,
        "overlap": None if place is None else place.overlap,
        "precision": None if place is None else place.precision, "seconds": seconds,
    }  # fmt: skip


def write_table(path: Path, rows: Sequence[dict[str, object]]) -> None:
    """Writes a CSV; what is not known is empty.

    Raises:
        VitvizError: It cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, restval="")
    writer.writeheader()
    writer.writerows(rows)
    write_whole(path, text.getvalue().encode("utf-8"))
    say(f"  wrote {path}")


def percent(value: float | None) -> str:
    """In words for a column."""
    return "–" if value is None else f"{100 * value:.0f} %"


def number(value: float | None) -> str:
    """A correlation."""
    return "–" if value is None else f"{value:+.2f}"


def some_methods(text: str) -> tuple[str, ...]:
    """Names of methods, separated by commas."""
    names = tuple(dict.fromkeys(text.split(",")))
    for name in names:
        if name not in METHODS:
            raise argparse.ArgumentTypeError(f"“{name}” is no method; there are: "
                                             f"{', '.join(METHODS)}")  # fmt: skip
    return names
