"""What can be done to the panes of a session, as functions from a session to a session."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from vitviz.errors import VitvizError
from vitviz.methods import METHODS
from vitviz.probing.ablation import Registers
from vitviz.session.queries import points_of
from vitviz.session.state import MOST_PANES, Pane, PhotoRef, Query, Session, View, with_panes


def add_pane(session: Session, pane: Pane | None = None, at: int | None = None) -> Session:
    """One more pane, which becomes the current one, in the Compare view.

    Args:
        session: With a photo.
        pane: Its photo is one of the session's; by default a copy of the current pane.
        at: Its place, 0..number of panes; by default after the current one.

    Raises:
        VitvizError: There is no photo yet, or no room for one more.
    """
    panes = session.panes
    if session.photo is None:
        raise VitvizError("There is nothing to compare yet.", "Open a photo first.")
    if len(panes) == MOST_PANES:
        raise VitvizError(
            f"{MOST_PANES} panes are the most that can be read side by side.",
            "Remove one first, or change one of those that are there.",
        )
    at = session.compare.focus + 1 if at is None else at
    order: list[int | None] = [*range(len(panes))]
    order.insert(at, None)
    return _ordered(replace(session, tab="compare"), order, at, pane or session.pane)


def remove_pane(session: Session, index: int) -> Session:
    """One pane less; the session as it is where it is the only one.

    Args:
        session: Any.
        index: Which pane; where it is the current one, the next one becomes so.
    """
    left = [i for i in range(len(session.panes)) if i != index]
    if not left:
        return session
    focus = session.compare.focus
    return _ordered(session, left, min(focus - (index < focus), len(left) - 1))


def move_pane(session: Session, index: int, to: int) -> Session:
    """A pane at another place; the current pane stays the current one.

    Args:
        session: Any.
        index: Which pane.
        to: Its place among them all, once it is there.
    """
    order = list(range(len(session.panes)))
    order.insert(to, order.pop(index))
    return _ordered(session, order, order.index(session.compare.focus))


def focus_pane(session: Session, index: int) -> Session:
    """Makes another pane the current one."""
    return with_panes(session, session.panes, index)


def replace_pane(session: Session, index: int, pane: Pane) -> Session:
    """Another choice in one pane; its photo is one of the session's."""
    panes = session.panes
    return with_panes(session, (*panes[:index], pane, *panes[index + 1 :]), session.compare.focus)


def pair_of(session: Session) -> tuple[int, int]:
    """The two panes that are compared; both are the first where there is only one."""
    last = len(session.panes) - 1
    first, second = (min(index, last) for index in session.compare.pair)
    if first == second and last > 0:
        return (first, second + 1) if second < last else (first - 1, second)
    return first, second


def without_photos(session: Session, gone: Collection[PhotoRef]) -> Session:
    """Closes photos, and the panes that show them.

    In the Compare view a pane beside the current one becomes current in its place. Elsewhere, and
    where none is left, the current pane stays what it is, and shows the photo beside the one that
    it showed.
    """
    closed = frozenset(gone)  # of thousands: every question about one of them has to be quick
    left = tuple(ref for ref in session.photos if ref not in closed)
    stays = session.photo is not None and session.photo not in closed
    focus, panes = session.compare.focus, session.panes
    kept = [
        i for i, pane in enumerate(panes)
        if (stays or i != focus) and pane.photo is not None and pane.photo not in closed
    ]  # fmt: skip
    if stays:
        ordered = _ordered(session, kept, kept.index(focus))
        return replace(ordered, photos=left, selected=left.index(session.photo))
    if kept and session.tab == "compare":
        before = sum(i < focus for i in kept)
        ordered = _ordered(session, kept, min(before, len(kept) - 1))
        photo = ordered.pane.photo
        return replace(ordered, photos=left, selected=left.index(photo) if photo in left else 0)
    selected = sum(ref not in closed for ref in session.photos[: session.selected])
    others = tuple(panes[i] for i in kept)
    compare = replace(session.compare, others=others, focus=sum(i < focus for i in kept))
    return replace(
        session, photos=left, selected=max(0, min(selected, len(left) - 1)),
        view=without_point(session.view), compare=compare,
    )  # fmt: skip


def references(session: Session) -> tuple[PhotoRef, ...]:
    """The photos that maps of the session refer to."""
    return tuple(dict.fromkeys(ref for pane in session.panes for ref in pane.view.reference))


def without_references(session: Session, gone: Collection[PhotoRef]) -> Session:
    """The session whose maps refer to none of some photos; a query on one of them is none."""
    closed = frozenset(gone)
    if not closed.intersection(references(session)):
        return session

    def changed(pane: Pane) -> Pane:
        left = tuple(ref for ref in pane.view.reference if ref not in closed)
        if left == pane.view.reference:
            return pane
        is_query = METHODS[pane.view.method].refers == "photo"
        view = without_point(pane.view) if is_query else replace(pane.view, reference=left)
        return replace(pane, view=view)

    return with_panes(session, tuple(map(changed, session.panes)), session.compare.focus)


def with_frame(session: Session, frame: int) -> Session:
    """Another frame of the current photo; the frame before stays open where a pane shows it."""
    photo = session.photo
    if photo is None or photo.frame == frame:
        return session
    other = replace(photo, frame=frame)
    photos = [ref for ref in session.photos if ref != other]
    at = photos.index(photo)
    if any(pane.photo == photo for pane in session.compare.others):
        photos.insert(at + 1, other)
    else:
        photos[at] = other
    return replace(session, photos=tuple(photos), selected=photos.index(other))


def view_on_another(view: View, before: PhotoRef | None) -> View:
    """The view for another photo.

    A method whose query may lie on another photo goes on with the patch of the photo that it lies
    on; for others patches of the last photo mean nothing.

    Args:
        view: Of the last photo.
        before: Which that was.
    """
    points = not isinstance(view.query, str)
    if METHODS[view.method].refers != "photo" or not points or before is None:
        return without_point(view)
    plain = replace(view, ablation=replace(view.ablation, places=()))
    return replace(plain, reference=view.reference or (before,))


def without_point(view: View) -> View:
    """The view for another photo: patches of the last photo mean nothing on it."""
    if METHODS[view.method].refers == "photo":
        view = replace(view, reference=())
    if view.ablation.places:
        view = replace(view, ablation=replace(view.ablation, places=()))
    return view if isinstance(view.query, str) else replace(view, query="auto")


def for_model(view: View, *, same_classes: bool = False) -> View:
    """The view for another model: numbers of classes and of neurons mean nothing there.

    Args:
        view: Any.
        same_classes: Both tell the same classes apart.
    """
    if view.ablation.registers:
        view = replace(view, ablation=replace(view.ablation, registers=Registers()))
    return view if same_classes else replace(view, target=None, contrast=None)


def with_query(
    panes: Sequence[Pane],
    index: int,
    query: Query,
    sizes: Mapping[PhotoRef, tuple[int, int]],
    linked: bool,
) -> tuple[Pane, ...]:
    """The panes with another query in one of them, and at the same place in those linked to it.

    Args:
        panes: Any.
        index: Where the query was chosen.
        query: A token, or a point of that pane's photo. On other photos it is the point as far
            along their width and height.
        sizes: Height and width of the photos; a pane whose photo is not among them keeps its
            query, unless the new one is a token.
        linked: Whether the other panes go with it.
    """
    return tuple(
        _asking(pane, query, panes[index].photo, sizes) if i == index or linked else pane
        for i, pane in enumerate(panes)
    )


def _asking(
    pane: Pane, query: Query, photo: PhotoRef | None, sizes: Mapping[PhotoRef, tuple[int, int]]
) -> Pane:
    """The pane with a query of some photo: that very patch, where its method can look for it on
    another photo; else the patch at the same place.
    """
    if METHODS[pane.view.method].refers == "photo":
        points = photo is not None and not isinstance(query, str)
        reference = (photo,) if points and photo is not None else ()
        return replace(pane, view=replace(pane.view, query=query, reference=reference))
    there = same_place(query, photo, pane.photo, sizes)
    return pane if there is None else replace(pane, view=replace(pane.view, query=there))


def same_place(
    query: Query,
    photo: PhotoRef | None,
    other: PhotoRef | None,
    sizes: Mapping[PhotoRef, tuple[int, int]],
) -> Query | None:
    """The query of one photo on another one; None where their sizes are not known."""
    if isinstance(query, str) or photo == other:
        return query
    if photo is None or other is None or photo not in sizes or other not in sizes:
        return None
    (height, width), (other_height, other_width) = sizes[photo], sizes[other]
    points = tuple(
        (x * other_width / width, y * other_height / height) for x, y in points_of(query)
    )
    return points if isinstance(query[0], tuple) else points[0]


def _ordered(
    session: Session, order: Sequence[int | None], focus: int, new: Pane | None = None
) -> Session:
    """The session's panes in this order, None being the new one; the pair stays the same two."""
    panes = session.panes
    chosen = tuple(panes[i] if i is not None else new or session.pane for i in order)
    arranged = with_panes(session, chosen, focus)
    if len(order) > 1:
        first, second = (
            order.index(i) if i in order else min(i, len(order) - 1) for i in pair_of(session)
        )
        pair = replace(arranged.compare, pair=(first, second))
        # Two that became one, because the other is gone, are two neighbours again.
        return replace(
            arranged, compare=replace(pair, pair=pair_of(replace(arranged, compare=pair)))
        )
    return arranged
