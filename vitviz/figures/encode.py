"""A figure as the bytes of a file: PNG, TIFF, SVG, PDF. The same figure gives the same bytes."""

from __future__ import annotations

import base64
import io
import re
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from vitviz.errors import VitvizError
from vitviz.figures.draw import Drawing, matplotlib_settings
from vitviz.figures.fonts import has
from vitviz.figures.panel import Grid
from vitviz.figures.spec import FigureSpec
from vitviz.figures.typesetting import MOST_LETTERS
from vitviz.plain_text import shown_text
from vitviz.progress import Progress, Stage, silent

MOST_PIXELS = 200_000_000
"""Of a file of pixels: 800 MB while it is drawn."""

PROGRAM = "vitviz"


def encode(
    grid: Grid, spec: FigureSpec, suffix: str, progress: Progress = silent, provenance: str = ""
) -> bytes:
    """The figure as a file.

    SVG: text is text, in the chosen family with others named behind it, and the letters used are
    embedded; programs that ignore embedded fonts take an installed one, and stay editable. PDF:
    fonts are embedded as they are. Nothing says when it was made.

    Args:
        grid: What is in it.
        spec: Its size and its looks.
        suffix: ".svg", ".pdf", ".png"; else it is a TIFF.
        progress: Called between steps.
        provenance: JSON, a text of a PNG; other kinds have room for it later.

    Raises:
        VitvizError: It does not fit its size, or would be too large.
        Cancelled: ``progress`` said so.
    """
    progress(Stage("arranging_figure"), 0.0)
    drawing = Drawing(grid, spec)
    progress(Stage("drawing_figure"), 0.2)
    said = shown_text(grid.title or spec.title)
    if suffix == ".svg":
        content = _svg(drawing, said, progress)
    elif suffix == ".pdf":
        content = _pdf(drawing, said)
    else:
        image = _image(drawing)
        progress(Stage("writing_figure"), 0.7)
        dpi = (spec.dpi, spec.dpi)
        if suffix == ".png":
            content = png(image, dpi, provenance)
        else:
            content = _tiff(image, dpi, shown_text(grid.caption, MOST_LETTERS))
    progress(Stage("drawing_figure"), 1.0)
    return content


def _image(drawing: Drawing) -> Image.Image:
    height, width = drawing.pixel_size(drawing.spec.dpi)
    if height * width > MOST_PIXELS:
        raise VitvizError(
            f"The figure would have {width:,} x {height:,} pixels.",
            "Choose fewer dots per inch, a smaller size, or SVG or PDF.",
        )
    pixels = drawing.pixels()
    solid = drawing.spec.ground != "transparent"
    return Image.fromarray(np.ascontiguousarray(pixels[..., :3]) if solid else pixels)


def png(image: Image.Image, dpi: tuple[int, int], provenance: str) -> bytes:
    """A picture with its size in print, and its provenance as a text."""
    out, info = io.BytesIO(), PngInfo()
    if provenance:
        info.add_itxt(PROGRAM, provenance)
    image.save(out, "PNG", dpi=dpi, compress_level=6, pnginfo=info)
    return out.getvalue()


def _tiff(image: Image.Image, dpi: tuple[int, int], words: str) -> bytes:
    out = io.BytesIO()
    image.save(out, "TIFF", dpi=dpi, compression="tiff_deflate", software=PROGRAM,
               description=words.encode("ascii", "replace").decode())  # fmt: skip
    return out.getvalue()


def _pdf(drawing: Drawing, title: str) -> bytes:
    said: dict[str, Any] = {"Creator": PROGRAM, "CreationDate": None}
    with matplotlib_settings():
        from matplotlib.backends.backend_pdf import FigureCanvasPdf

        out = io.BytesIO()
        canvas = FigureCanvasPdf(drawing.vector_figure())
        named = said | ({"Title": title} if title else {})
        canvas.print_pdf(out, metadata=named)  # type: ignore[no-untyped-call]
    return out.getvalue()


def _svg(drawing: Drawing, title: str, progress: Progress) -> bytes:
    said: dict[str, Any] = {"Creator": PROGRAM, "Date": None}
    with matplotlib_settings():
        from matplotlib.backends.backend_svg import FigureCanvasSVG

        out = io.BytesIO()
        canvas = FigureCanvasSVG(drawing.vector_figure())
        named = said | ({"Title": title} if title else {})
        canvas.print_svg(out, metadata=named)  # type: ignore[no-untyped-call]
    progress(Stage("embedding_fonts"), 0.8)
    text = _in_millimetres(out.getvalue().decode(), drawing.layout.width, drawing.layout.height)
    style = f'<style type="text/css">{_font_faces(drawing)}</style>'
    return text.replace("<defs>", f"<defs>\n  {style}", 1).encode()


def _in_millimetres(svg: str, width: float, height: float) -> str:
    sized = re.sub(r'width="[\d.]+pt"', f'width="{width:.6g}mm"', svg, count=1)
    return re.sub(r'height="[\d.]+pt"', f'height="{height:.6g}mm"', sized, count=1)


def _font_faces(drawing: Drawing) -> str:
    """CSS with the fonts of all words, cut down to the letters in them."""
    with matplotlib_settings():
        from matplotlib.font_manager import FontProperties, findfont

        faces = []
        for bold in (False, True):
            left = {c for word in drawing.layout.words if word.bold is bold for c in word.text}
            for family in drawing.layout.families:
                letters = {letter for letter in left if has(family, letter)}
                left -= letters
                if letters:
                    weight = "bold" if bold else "normal"
                    font = findfont(FontProperties(family=[family], weight=weight))
                    data = base64.b64encode(_cut_down(Path(font), letters)).decode()
                    name = escape(family).replace("'", "")
                    faces.append(
                        f"@font-face{{font-family:'{name}';font-weight:{weight};"
                        f"src:url(data:font/ttf;base64,{data})}}"
                    )
    return "".join(faces)


def _cut_down(font: Path, letters: set[str]) -> bytes:
    """A font file with these letters only."""
    from fontTools import subset

    options = subset.Options(
        layout_features=["kern", "liga"],
        hinting=False,
        recalc_timestamp=False,
        notdef_outline=True,
        font_number=0,
    )
    options.drop_tables += ["FFTM"]  # of the program that drew the font
    loaded = subset.load_font(str(font), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=sorted(map(ord, letters)))
    subsetter.subset(loaded)
    out = io.BytesIO()
    loaded.save(out)
    loaded.close()
    return out.getvalue()


def size_text(drawing: Drawing) -> str:
    """ "89 × 61 mm, 1051 × 720 pixels"."""
    height, width = drawing.pixel_size(drawing.spec.dpi)
    layout = drawing.layout
    return f"{layout.width:.4g} × {layout.height:.3g} mm, {width} × {height} pixels"
